"""Rules for packages, services, schedules, processes, databases, shell history and variables.

Guarantees: the subcommand is found behind options; an unknown one is never read_only.
Does not: know version control (rules_git), or containers and clouds (rules_cloud).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from permit0.normalize.shell.database_clients import client_statements
from permit0.normalize.shell.parts import Draft
from permit0.normalize.shell.subcommands import option_names, subcommand_words

__all__ = ["ADMIN_RULES"]


_SOURCE = re.compile(r"(?:[\w.-]+\s*@\s*)?(?:git\+)?((?:https?|ssh)://\S+)")
_SOURCE_OPTIONS: Final = frozenset(
    {"-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--registry", "--index"}
)


def _sources(draft: Draft) -> None:
    """Addresses that packages come from, when the line names them."""
    found: list[str] = []
    for k, word in enumerate(draft.argv):
        option, equals, value = word.partition("=")
        if word.startswith("-"):
            given = value if equals else "".join(draft.argv[k + 1 : k + 2])
            if option not in _SOURCE_OPTIONS:
                continue
            word = given
        match = _SOURCE.match(word)
        if match is not None and match.group(1) not in found:
            found.append(match.group(1))
    if found:
        draft.urls += found
        draft.features.update(("egress", "download"))


def _package(draft: Draft) -> bool:
    argv = draft.argv
    words = subcommand_words(argv)
    verb = words[0] if words else ""
    program = draft.program
    _sources(draft)
    if verb in ("publish", "push", "upload") and program != "helm" and "--dry-run" not in argv:
        draft.features.update(("egress", "upload"))
    if verb in ("remove", "purge", "autoremove") and program in ("apt", "apt-get", "yum", "dnf"):
        draft.features.add("destructive")
    if verb in ("uninstall", "delete") and program == "helm":
        draft.features.add("destructive")
    if verb in (
        "run",
        "run-script",
        "test",
        "start",
        "build",
        "t",
        "dev",
        "lint",
        "check",
        "clippy",
        "bench",
        "generate",
    ):
        draft.features.add("script")
    if program in ("pip", "pip3", "npm", "yarn") and verb == "config":
        return False
    if program in ("yarn", "pnpm", "bun") and not verb:
        draft.features.add("install")
    return (
        (program in ("pip", "pip3") and verb in ("list", "show", "freeze", "check"))
        or (program in ("npm", "pnpm", "yarn") and verb in ("ls", "list", "outdated", "view"))
        or (program == "go" and verb in ("version", "list", "env", "doc"))
        or (program == "cargo" and verb in ("tree", "metadata", "search"))
    ) and "-w" not in argv


def _service(draft: Draft) -> bool:
    words = subcommand_words(draft.argv, frozenset({"-n", "-o", "-p", "-t", "-u"}))
    verb = words[0] if words else ""
    if draft.program == "systemctl":
        if verb in ("enable", "link", "add-wants"):
            draft.features.update(("schedule", "persistence"))
        if verb in (
            "start",
            "stop",
            "restart",
            "reload",
            "disable",
            "mask",
            "kill",
            "isolate",
            "reboot",
            "poweroff",
            "halt",
            "daemon-reload",
            "suspend",
            "rescue",
            "emergency",
            "try-restart",
            "reload-or-restart",
            "kexec",
            "hibernate",
        ):
            draft.features.add("service")
        if "--now" in draft.argv:
            draft.features.add("service")
        return verb in (
            "status",
            "list-units",
            "is-active",
            "show",
            "cat",
            "list-timers",
            "list-unit-files",
            "is-enabled",
            "list-sockets",
            "",
        )
    if draft.program == "launchctl":
        draft.features.add("persistence")
    return False


_FIREWALL_SHOWS: Final = frozenset(
    {"-L", "-S", "-V", "--list", "--list-all", "--list-rules", "--state", "--version", "-sr", "-s"}
)


def _firewall(draft: Draft) -> bool:
    """Packet filters: anything but showing the rules changes who may reach this machine."""
    words = subcommand_words(draft.argv)
    if not _FIREWALL_SHOWS.isdisjoint(draft.argv) or words[:1] in (["list"], ["status"], ["show"]):
        return False
    draft.features.add("privilege")
    if not {"-F", "-X", "--flush", "-d", "-Fa"}.isdisjoint(draft.argv) or words[:1] in (
        ["flush"],
        ["disable"],
        ["reset"],
    ):
        draft.features.add("destructive")
    return False


def _crontab(draft: Draft) -> bool:
    options = option_names(draft.argv)
    if "-l" in options:
        return True
    draft.features.update(("schedule", "persistence"))
    if "-r" in options:
        draft.features.add("destructive")
    return False


def _kill(draft: Draft) -> bool:
    argv = draft.argv
    if "-1" in argv[1:]:
        draft.features.update(("destructive", "catastrophic"))
    elif draft.program == "killall5" or argv[-1:] == ["1"]:
        draft.features.update(("destructive", "service"))
    return argv[:1] == ["-l"]


_SQL_DESTRUCTIVE = re.compile(
    r"(?is)\b(?:drop\s+(?:table|database|schema|view|index|user|role|column|function|owned|type)"
    r"|truncate(?:\s+table)?\s+\w|delete\s+from|alter\s+table\s+\S+\s+drop"
    r"|dropdatabase|\.drop\(|flushall|flushdb|deletemany\(\s*\{\s*\}|\.remove\(\s*\{\s*\})"
)
_SQL_IAM = re.compile(r"(?is)\b(?:grant\s.+\sto\s|create\s+(?:user|role)|alter\s+(?:user|role))")


def _database(draft: Draft) -> bool:
    draft.statements = client_statements(draft)
    texts = [*draft.argv, draft.feed.text or ""] if draft.feed is not None else draft.argv
    for text in texts:
        if _SQL_DESTRUCTIVE.search(text):
            draft.features.add("destructive")
        if _SQL_IAM.search(text):
            draft.features.add("privilege")
        if re.search(
            r"(?i)\\!|\.shell\b|\.system\b|copy\s.+\bprogram\b|xp_cmdshell|load_extension"
            r"|sys_exec",
            text,
        ):
            draft.features.add("interpreter_code")
    return False


def _mount(draft: Draft) -> bool:
    """Without operands it only lists what is mounted."""
    if subcommand_words(draft.argv, frozenset({"-t", "-l"})):
        draft.features.add("privilege")
    return False


def _volumes(draft: Draft) -> bool:
    words = subcommand_words(draft.argv)
    if not {"destroy", "delete", "rollback", "labelclear"}.isdisjoint(words[:2]):
        draft.features.add("destructive")
    return False


def _fetching_runner(draft: Draft) -> bool:
    _sources(draft)
    return False


def _history(draft: Draft) -> bool:
    if any(re.match(r"-[a-z]*[cdw]", word) for word in draft.argv):
        draft.features.add("history_tamper")
    return False


_HISTORY_VARIABLES: Final = frozenset(
    {"HISTCONTROL", "HISTFILE", "HISTFILESIZE", "HISTIGNORE", "HISTSIZE"}
)


def _variables(draft: Draft) -> bool:
    """export, unset, set: only history settings matter here."""
    for word in draft.argv:
        name, equals, value = word.partition("=")
        emptied = draft.program == "unset" or (equals and value in ("", "0", "/dev/null", "*"))
        if emptied and name in _HISTORY_VARIABLES:
            draft.features.add("history_tamper")
    if draft.program == "set" and draft.argv[:2] == ["+o", "history"]:
        draft.features.add("history_tamper")
    return False


def _journal(draft: Draft) -> bool:
    if any(word.startswith("--vacuum") or word == "--rotate" for word in draft.argv):
        draft.features.add("history_tamper")
        return False
    return False


ADMIN_RULES: Final[dict[str, Callable[[Draft], bool]]] = {
    name: rule
    for rule, names in (
        (_package, "npm pnpm yarn bun pip pip3 poetry cargo gem go apt apt-get yum dnf helm"
                   " composer uv flit hatch pdm brew"),
        (_service, "systemctl launchctl"),
        (_crontab, "crontab"),
        (_firewall, "iptables ip6tables nft ufw pfctl firewall-cmd ebtables arptables"),
        (_kill, "kill pkill killall killall5"),
        (_database, "psql mysql mariadb sqlite3 sqlite mongo mongosh redis-cli clickhouse-client"
                    " sqlcmd cqlsh duckdb bq snowsql usql pgcli mycli cockroach"),
        (_mount, "mount"),
        (_volumes, "zfs zpool btrfs"),
        (_fetching_runner, "npx bunx uvx pipx"),
        (_history, "history fc"),
        (_variables, "export unset set declare typeset readonly local"),
        (_journal, "journalctl"),
    )
    for name in names.split()
}  # fmt: skip
