"""Rules for programs that work on files: what they read, write and delete, and how badly.

Guarantees: each rule only adds to its Draft; a rule that sees anything beyond inspection returns
False, and the command is then not read_only.
Does not: look at redirections or pipes (classify), or know programs that read text (rules_text).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from permit0.normalize.shell.arguments import Args, by_args
from permit0.normalize.shell.parts import GLOB, QUOTED, Draft, flags_of
from permit0.normalize.shell.peel_nested import find_starts
from permit0.normalize.shell.targets import (
    is_catastrophic,
    is_credential,
    is_device,
    is_log,
    is_sensitive,
)

__all__ = ["FILE_RULES", "note_write"]


def note_write(draft: Draft, word: str) -> None:
    """Record that a file is written."""
    if word in ("/dev/null", "-", "/dev/stdout", "/dev/stderr", "/dev/tty"):
        return
    draft.writes.append(word)
    draft.features.add("write")


def _is_wide(word: str) -> bool:
    """Catastrophic, unless quotes make the pattern an ordinary name."""
    flags = flags_of(word)
    if flags & QUOTED and not flags & GLOB and ("*" in word or word.startswith("~")):
        return False
    return is_catastrophic(word)


def _rm(draft: Draft, args: Args) -> bool:
    recursive = args.has("-r", "-R", "--recursive")
    force = args.has("-f", "--force")
    targets = args.operands
    draft.deletes += targets
    draft.features.add("write")
    if recursive or force or args.has("--no-preserve-root"):
        draft.features.add("destructive")
    if any(flags_of(word) & GLOB for word in targets):
        draft.features.add("destructive")
    wide = [word for word in targets if _is_wide(word)]
    if any(recursive or "*" in word for word in wide):
        draft.features.update(("destructive", "catastrophic"))
    if args.has("--no-preserve-root"):
        draft.features.add("catastrophic")
    for word in targets:
        if is_sensitive(word) or is_credential(word) or is_device(word):
            draft.features.update(("destructive", "sensitive_write"))
        if is_log(word):
            draft.features.add("history_tamper")
    return False


def _rmdir(draft: Draft, args: Args) -> bool:
    draft.deletes += args.operands
    if args.has("-p", "--parents"):
        draft.features.add("destructive")
    return False


def _overwrite(draft: Draft, args: Args) -> bool:
    """shred, truncate, wipefs, mkfs and kin."""
    for word in args.operands:
        note_write(draft, word)
        if is_device(word) or _is_wide(word):
            draft.features.add("catastrophic")
        if is_log(word):
            draft.features.add("history_tamper")
    if draft.program == "truncate":
        size = args.values("-s", "--size")
        if not size or size[0].lstrip("=") == "0" or size[0].startswith(("-", "<", "/")):
            draft.features.add("destructive")
    elif draft.program == "shred" and args.has("-u", "--remove"):
        draft.deletes += args.operands
    return False


def _dd(draft: Draft, args: Args) -> bool:
    for word in args.operands:
        key, _, value = word.partition("=")
        if key == "if" and not value.startswith(("/dev/zero", "/dev/urandom", "/dev/random")):
            draft.reads.append(value)
        elif key == "of" and value != "/dev/null":
            note_write(draft, value)
            draft.features.add("destructive")
            if is_device(value) or _is_wide(value):
                draft.features.add("catastrophic")
    return False


_OPEN_MODE = re.compile(
    r"[0-7]?[0-7]?[0-7][2367]|[ugoa]*[oa][ugoa]*[+=][rwxXst]*w[rwxXst]*|\+[rwxX]*w\w*"
)
_SET_ID = re.compile(r"[2467][0-7]{3}|0[2467][0-7]{3}|[ugoa]*[+=][rwxX]*s[rwxXst]*")


def _chmod(draft: Draft, args: Args) -> bool:
    operands = args.operands
    mode = operands[0] if operands else ""
    # `chmod -w f`: the mode looks like options.
    targets = operands[1:]
    draft.writes += targets
    for part in mode.split(","):
        if _SET_ID.fullmatch(part) or (_OPEN_MODE.fullmatch(part) and not part.startswith("+")):
            draft.features.add("privilege")
    if args.has("-R", "--recursive") and any(_is_wide(word) and word != "." for word in targets):
        draft.features.update(("destructive", "catastrophic"))
    if any(is_sensitive(word) and not re.match(r".*\.ssh", word) for word in targets):
        draft.features.update(("privilege", "sensitive_write"))
    return False


def _chown(draft: Draft, args: Args) -> bool:
    owner = args.operands[0] if args.operands else ""
    targets = args.operands[1:]
    draft.writes += targets
    if re.match(r"(?:root|0)(?::|$)|:(?:root|wheel|sudo|docker|0)$", owner):
        draft.features.add("privilege")
    if any(is_sensitive(word) for word in targets):
        draft.features.update(("privilege", "sensitive_write"))
    if args.has("-R", "--recursive") and any(_is_wide(word) and word != "." for word in targets):
        draft.features.update(("destructive", "catastrophic"))
    return False


def _copy(draft: Draft, args: Args) -> bool:
    """cp, mv, ln, install."""
    target = args.values("-t", "--target-directory")
    operands = args.operands
    if draft.program == "install" and args.has("-d", "--directory"):
        sources, targets = [], operands
    else:
        sources = operands if target else operands[:-1]
        targets = target or operands[-1:]
    for word in targets:
        if word == "/dev/null" and draft.program == "mv":
            draft.features.add("destructive")
        note_write(draft, word)
        if is_device(word):
            draft.features.update(("destructive", "catastrophic"))
        if is_log(word) and sources == ["/dev/null"]:
            draft.features.add("history_tamper")
    if draft.program == "mv":
        draft.deletes += sources
        if any(_is_wide(word) and ("*" not in word or word.startswith("/")) for word in sources):
            draft.features.update(("destructive", "catastrophic"))
    if draft.program == "ln":
        if any(is_log(word) for word in targets) and "/dev/null" in sources:
            draft.features.add("history_tamper")
    else:
        draft.reads += sources
    if draft.program == "install" and any(
        _SET_ID.fullmatch(mode) for mode in args.values("-m", "--mode")
    ):
        draft.features.add("privilege")
    return False


def _tee(draft: Draft, args: Args) -> bool:
    for word in args.operands:
        note_write(draft, word)
    return False


def _find(draft: Draft, args: Args) -> bool:
    argv = draft.argv
    starts, narrow = find_starts(argv)
    harmless = True
    if draft.program != "find":
        return not any(w in ("-x", "--exec", "-X", "--exec-batch") for w in argv)
    for index, word in enumerate(argv):
        if word == "-delete":
            draft.deletes += starts
            draft.features.update(("destructive", "write"))
            if not narrow and any(_is_wide(start) for start in starts):
                draft.features.add("catastrophic")
            if any(is_log(start) for start in starts):
                draft.features.add("history_tamper")
            harmless = False
        elif word in ("-fprint", "-fprintf", "-fls", "-fprint0") and index + 1 < len(argv):
            note_write(draft, argv[index + 1])
            harmless = False
        elif word in ("-exec", "-execdir", "-ok", "-okdir"):
            harmless = False
    return harmless


def _archive(draft: Draft, args: Args) -> bool:
    """tar: mode letters may come without a dash."""
    argv = draft.argv
    first = argv[0] if argv else ""
    letters = first.lstrip("-") if not first.startswith("--") else ""
    old_style = bool(argv) and not first.startswith("-")
    operands = list(args.operands[1:] if old_style else args.operands)
    archive = args.values("-f", "--file")
    if old_style and "f" in letters and operands:
        archive = [operands.pop(0)]
    if "x" in letters or args.has("-x", "--extract", "--get"):
        draft.reads += archive
        into = args.values("-C", "--directory")
        if into:
            for word in into:
                note_write(draft, word)
        draft.features.add("write")
        if args.has("-P", "--absolute-names"):
            draft.features.add("sensitive_write")
    elif "t" in letters or args.has("-t", "--list"):
        draft.reads += archive
    else:
        draft.reads += operands
        for word in archive:
            note_write(draft, word)
        if args.has("--remove-files"):
            draft.deletes += operands
            draft.features.add("destructive")
    return False


def _zip(draft: Draft, args: Args) -> bool:
    operands = args.operands
    if draft.program == "unzip":
        draft.reads += operands[:1]
        draft.writes += args.values("-d")
    elif draft.program in ("zip", "7z"):
        draft.writes += operands[:1]
        draft.reads += operands[1:]
        if draft.program == "zip" and args.has("-m"):
            draft.features.add("destructive")
    else:
        draft.reads += operands
    return False


def _touch(draft: Draft, args: Args) -> bool:
    for word in args.operands:
        note_write(draft, word)
    return False


FILE_RULES: Final[dict[str, Callable[[Draft], bool]]] = {
    name: by_args(rule)
    for rule, names in (
        (_rm, "rm unlink srm"),
        (_rmdir, "rmdir"),
        (_overwrite, "shred truncate wipefs blkdiscard mkswap fdisk sfdisk sgdisk parted mkfs mke2fs"
                     " mkfs.ext4 mkfs.ext3 mkfs.ext2 mkfs.xfs mkfs.btrfs mkfs.vfat mkfs.fat mkfs.ntfs"
                     " newfs hdparm wipe"),
        (_dd, "dd"),
        (_chmod, "chmod"),
        (_chown, "chown chgrp"),
        (_copy, "cp mv ln install"),
        (_tee, "tee"),
        (_find, "find fd fdfind"),
        (_archive, "tar bsdtar gtar"),
        (_zip, "zip unzip 7z gzip bzip2 xz gunzip bunzip2 unxz"),
        (_touch, "touch mkdir mkfifo mknod patch"),
    )
    for name in names.split()
}  # fmt: skip
