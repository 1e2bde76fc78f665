"""Rules for programs that read, search or filter text: mostly inspection, with exceptions.

Guarantees: the files they read are listed, patterns are not; a script or option that writes a
file, or runs something, takes read_only away.
Does not: read the commands inside sed and awk programs (peel_nested.value_commands).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from permit0.normalize.shell.arguments import Args, by_args
from permit0.normalize.shell.commands import READERS
from permit0.normalize.shell.parts import Draft
from permit0.normalize.shell.peel_nested import value_commands
from permit0.normalize.shell.rules_files import note_write

__all__ = ["TEXT_RULES"]


def _sed(draft: Draft, args: Args) -> bool:
    in_place = any(name in ("-i", "--in-place") for name, _ in args.options)
    scripted = args.has("-e", "-f", "--expression", "--file")
    script = args.values("-e", "--expression") + ([] if scripted else args.operands[:1])
    files = args.operands if scripted else args.operands[1:]
    draft.reads += files
    for text in script:
        for name in re.findall(r"(?:^|[;\n}/gpI0-9])\s*[wW]\s+(\S+)", text):
            note_write(draft, name)
    if in_place:
        for word in files:
            note_write(draft, word)
    runs_input = any(
        re.search(r"(?:^|[;{}])\s*(?:\d+|\$)?e\b|s(.).*\1.*\1[gpI\d]*e[gpI\d]*\s*(?:;|$)", text)
        for text in script
    )
    executes = bool(value_commands("sed", draft.argv)) or runs_input
    if executes:
        draft.features.add("interpreter_code")
    if runs_input:  # what stands in the file is a command
        draft.features.add("dynamic")
    return not in_place and not executes and not draft.writes and not args.has("-f", "--file")


def _awk(draft: Draft, args: Args) -> bool:
    filed = args.has("-f", "--file")
    program = "" if filed else (args.operands[0] if args.operands else "")
    draft.reads += args.operands if filed else args.operands[1:]
    harmful = False
    if re.search(r"\bsystem\s*\(|\|\s*getline|\bprint[^;}|]*\|\s*[^|\s]|/inet/", program):
        draft.features.add("interpreter_code")
        harmful = True
    if "/inet/" in program:
        draft.features.add("egress")
    written = re.findall(r"print[^;}]*>>?\s*\"([^\"]+)\"", program)
    for name in written:
        note_write(draft, name)
    named = any(k in ("-i", "--in-place", "-e") for k, _ in args.options)
    if re.search(r"print[^;}]*>\s*\(?\s*[\w$]", program):
        draft.features.add("write")
        harmful = True
    return not (harmful or written or filed or named)


def _sort(draft: Draft, args: Args) -> bool:
    _read_operands(draft, args)
    if not args.options:
        return True
    outputs = args.values("-o", "--output")
    for word in outputs:
        note_write(draft, word)
    return not outputs and not args.has("--compress-program", "--output")


def _uniq(draft: Draft, args: Args) -> bool:
    draft.reads += args.operands[:1]
    for word in args.operands[1:2]:
        note_write(draft, word)
    return len(args.operands) < 2


def _xxd(draft: Draft, args: Args) -> bool:
    draft.reads += args.operands[:1]
    for word in args.operands[1:2]:
        note_write(draft, word)
    return len(args.operands) < 2


def _pager(draft: Draft, args: Args) -> bool:
    _read_operands(draft, args)
    return not any(
        name in ("-o", "-O", "--log-file", "-k", "--pre", "--pager", "-P", "--exec", "--html")
        or word.startswith("+")
        for name, word in args.options
    ) and not any(word.startswith("+") for word in args.operands)


def _date(draft: Draft, args: Args) -> bool:
    return not args.has("-s", "--set") and not any(w.isdigit() for w in args.operands)


def _hostname(draft: Draft, args: Args) -> bool:
    return not args.operands and not args.has("-F", "--file")


def _yq(draft: Draft, args: Args) -> bool:
    draft.reads += args.operands[1:]
    if args.has("-i", "--inplace", "--in-place"):
        for word in args.operands[1:]:
            note_write(draft, word)
        return False
    text = " ".join(args.operands[:1])
    if re.search(r"\$ENV\b|(?<![\w.$])env\b|\bstrenv\b", text):
        draft.features.add("secret")
    return True


def _file(draft: Draft, args: Args) -> bool:
    _read_operands(draft, args)
    return not args.has("-C", "--compile")


def _tree(draft: Draft, args: Args) -> bool:
    return not args.has("-o")


def _read_operands(draft: Draft, args: Args) -> None:
    """The operands of a reading program are files, after those that are patterns."""
    skip = READERS.get(draft.program, 0)
    if skip and args.has("-e", "-f", "--regexp", "--file"):
        skip = 0
        draft.reads += args.values("-f", "--file")
    draft.reads += [word for word in args.operands[skip:] if word != "-"]


def _reads(draft: Draft, args: Args) -> bool:
    _read_operands(draft, args)
    return True


TEXT_RULES: Final[dict[str, Callable[[Draft], bool]]] = {
    name: by_args(rule)
    for rule, names in (
        (_sed, "sed gsed"),
        (_awk, "awk gawk mawk nawk"),
        (_sort, "sort"),
        (_uniq, "uniq"),
        (_xxd, "xxd"),
        (_pager, "less more man rg bat view ag ack"),
        (_date, "date"),
        (_hostname, "hostname"),
        (_yq, "yq jq"),
        (_file, "file"),
        (_tree, "tree"),
        (_reads, "base64 base32 cat cksum cmp column comm cut diff egrep fgrep fold grep head hexdump"
                 " join md5sum nl od paste rev ripgrep sha1sum sha256sum sha512sum strings tac tail wc"
                 " zcat zgrep nano vim vi nvim emacs split iconv dos2unix"),
    )
    for name in names.split()
}  # fmt: skip
