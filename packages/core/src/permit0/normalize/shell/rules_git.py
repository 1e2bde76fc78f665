"""Rules for version control: git and the command lines of its hosts.

Guarantees: the subcommand is found behind global options; an unknown one is never read_only; what
discards work or history that git does not keep is destructive.
Does not: read the commands that git runs itself (peel_nested.git_commands).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from permit0.normalize.shell.parts import DYNAMIC, Draft, flags_of
from permit0.normalize.shell.rules_files import note_write
from permit0.normalize.shell.subcommands import option_names, subcommand_words
from permit0.normalize.shell.targets import is_credential

__all__ = ["GIT_RULES"]

_GIT_READ: Final = frozenset(
    {
        "blame", "cat-file", "count-objects", "describe", "diff", "grep", "help", "log", "ls-files",
        "ls-tree", "merge-base", "name-rev", "rev-list", "rev-parse", "shortlog", "show", "status",
        "show-ref", "version", "whatchanged", "var", "for-each-ref", "check-ignore", "diff-tree",
        "show-branch", "cherry", "range-diff",
    }
)  # fmt: skip
_GIT_SHOWS: Final = frozenset({"blame", "cat-file", "diff", "show"})
_GIT_VALUED: Final = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace"})


def _git(draft: Draft) -> bool:
    argv = draft.argv
    index = 0
    configured = False
    while index < len(argv) and argv[index].startswith("-"):
        configured = configured or argv[index] in ("-c", "--config-env", "--exec-path")
        index += 2 if argv[index] in _GIT_VALUED else 1
    verb = argv[index] if index < len(argv) else "help"
    rest = argv[index + 1 :]
    options = option_names(rest)
    if verb in _GIT_READ:
        return _inspects(draft, verb, rest, options) and not configured
    operands = [word for word in rest if not word.startswith("-")]
    add = draft.features.add
    if verb == "push":
        draft.features.update(("egress", "upload"))
        if options & {
            "-f",
            "--force",
            "--force-with-lease",
            "--mirror",
            "--delete",
            "-d",
            "--prune",
        } or any(w.startswith(("+", ":")) for w in operands):
            add("destructive")
        draft.urls += [w for w in operands if "://" in w]
    elif verb in ("fetch", "pull", "clone", "ls-remote"):
        draft.features.update(("egress", "download"))
        draft.urls += [w for w in operands if "://" in w]
        if any(flags_of(w) & DYNAMIC for w in rest):
            add("upload")
    elif verb == "remote":
        if operands[:1] and operands[0] in ("add", "set-url"):
            add("egress")
            draft.urls += [w for w in operands if "://" in w]
        return not operands or operands[0] in ("show", "get-url")
    elif verb in ("send-email", "svn", "p4", "request-pull"):
        draft.features.update(("egress", "upload"))
    elif (verb == "clean" and not options & {"-n", "--dry-run"}) or (
        verb == "reset" and options & {"--hard", "--merge"}
    ):
        add("destructive")
    elif verb in ("checkout", "switch", "restore"):
        forced = options & {"-f", "--force", "--discard-changes"} or verb == "restore"
        unstages = verb == "restore" and options & {"--staged", "-S"} and "-W" not in options
        if forced and not unstages:
            add("destructive")
        if verb == "checkout" and (operands[:1] == ["."] or "--" in rest):
            add("destructive")
    elif verb == "branch":
        if "-D" in options or ({"-d", "--delete"} & options and {"-f", "--force"} & options):
            add("destructive")
        return not operands or (
            bool(options & {"-l", "--list", "--contains", "-a", "-r", "-v"})
            and (
                not options
                & {"-d", "-D", "-m", "-M", "-c", "-C", "-f", "-u", "--delete", "--force"}
            )
        )
    elif verb in ("filter-branch", "filter-repo", "replace", "gc") or (
        verb == "reflog" and operands[:1] in (["expire"], ["delete"])
    ):
        if verb != "gc" or "--prune" in options:
            add("destructive")
    elif verb == "stash":
        if operands[:1] in (["drop"], ["clear"]):
            add("destructive")
        return operands[:1] in (["list"], ["show"])
    elif verb in ("tag", "worktree", "config"):
        if verb == "tag" and {"-d", "--delete"} & options:
            add("destructive")
        if verb == "worktree" and operands[:1] == ["remove"] and options & {"-f", "--force"}:
            add("destructive")
        if verb == "config":
            if any("hookspath" in word.lower() for word in operands):
                add("persistence")
            if "--global" in options or "--system" in options:
                add("write")
            reading = options & {"-l", "--list", "--get", "--get-all", "--get-regexp"}
            return bool(reading) or operands[:1] in (["get"], ["list"])
        return (verb == "tag" and (not operands or "-l" in options)) or operands[:1] == ["list"]
    elif verb in ("rm", "update-ref"):
        draft.deletes += operands
        if (verb == "update-ref" and "-d" in options) or (
            options & {"-r", "-f"} and "--cached" not in options
        ):
            add("destructive")
    elif verb in ("apply", "am", "mv", "init", "submodule"):
        add("write")
        if verb == "submodule" and operands[:1] in (["add"], ["update"]):
            draft.features.update(("egress", "download"))
    if any(word.startswith("--output") for word in rest):
        add("write")
    return False


def _inspects(draft: Draft, verb: str, rest: list[str], options: set[str]) -> bool:
    """Whether a reading subcommand only reads: it may write a file, or start a program to show it."""
    if verb in _GIT_SHOWS:
        named = [word.rpartition(":")[2] for word in rest if not word.startswith("-")]
        draft.reads += [name for name in named if is_credential(name)]
    for k, word in enumerate(rest):
        if word.startswith("--output"):
            _, equals, value = word.partition("=")
            note_write(draft, value if equals else "".join(rest[k + 1 : k + 2]))
            return False
    if verb == "grep":
        return options.isdisjoint(("-O", "--open-files-in-pager"))
    return verb not in ("diff", "log", "show") or options.isdisjoint(("--ext-diff", "--textconv"))


def _gh(draft: Draft) -> bool:
    words = subcommand_words(
        draft.argv, frozenset({"-R", "--repo", "-F", "-f", "--json", "-q", "--jq"})
    )
    if words[1:2] == ["delete"] or "DELETE" in draft.argv:
        draft.features.add("destructive")
    if words[:2] == ["gist", "create"]:
        draft.reads += words[2:]
    read = words[1:2] and words[1] in ("list", "view", "status", "diff", "checks")
    draft.features.add("egress")
    draft.features.add("download" if read else "upload")
    if words[:1] in (["--version"], ["version"], []):
        draft.features.difference_update({"egress", "download", "upload"})
    return False


GIT_RULES: Final[dict[str, Callable[[Draft], bool]]] = {
    name: rule
    for rule, names in (
        (_git, "git"),
        (_gh, "gh glab"),
    )
    for name in names.split()
}  # fmt: skip
