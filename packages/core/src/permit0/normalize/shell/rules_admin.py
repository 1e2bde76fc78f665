"""Rules for tools with subcommands: version control, containers, clouds, packages, services.

Guarantees: the subcommand is found behind global options; an unknown one is never read_only.
Does not: read the commands that such a tool runs itself (peel).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from permit0.normalize.shell.parts import DYNAMIC, Draft, flags_of
from permit0.normalize.shell.rules_files import note_write

__all__ = ["ADMIN_RULES"]

_GIT_READ: Final = frozenset(
    {
        "blame", "cat-file", "count-objects", "describe", "diff", "grep", "help", "log", "ls-files",
        "ls-tree", "merge-base", "name-rev", "rev-list", "rev-parse", "shortlog", "show", "status",
        "show-ref", "version", "whatchanged", "var", "for-each-ref", "check-ignore", "diff-tree",
        "show-branch", "cherry", "range-diff",
    }
)  # fmt: skip
_GIT_VALUED: Final = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace"})


def _words(argv: list[str], valued: frozenset[str] = frozenset()) -> list[str]:
    """Subcommand words and operands, behind options."""
    out: list[str] = []
    skip = False
    for word in argv:
        if skip:
            skip = False
        elif word.startswith("-") and len(word) > 1:
            skip = word in valued
        else:
            out.append(word)
    return out


def _options(argv: list[str]) -> set[str]:
    found: set[str] = set()
    for word in argv:
        if word.startswith("--"):
            found.add(word.partition("=")[0])
        elif word.startswith("-"):
            found.update("-" + letter for letter in word[1:])
    return found


def _git(draft: Draft) -> bool:
    argv = draft.argv
    index = 0
    configured = False
    while index < len(argv) and argv[index].startswith("-"):
        configured = configured or argv[index] in ("-c", "--config-env", "--exec-path")
        index += 2 if argv[index] in _GIT_VALUED else 1
    verb = argv[index] if index < len(argv) else "help"
    rest = argv[index + 1 :]
    options = _options(rest)
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
    if verb == "grep" and options & {"-O", "--open-files-in-pager"}:
        return False
    if verb in ("diff", "log", "show") and options & {"--ext-diff", "--textconv"}:
        return False
    return verb in _GIT_READ and not configured


def _docker(draft: Draft) -> bool:
    argv = draft.argv
    options = _options(argv)
    words = _words(argv, frozenset({"-H", "--host", "--context", "-f", "--file", "-p"}))
    verb = words[0] if words else ""
    second = words[1] if len(words) > 1 else ""
    add = draft.features.add
    if verb in ("run", "create", "exec") or second in ("run", "exec", "create"):
        if "--privileged" in options or any(
            re.match(
                r"(?:--(?:cap-add|pid|ipc|userns|uts|network|net)[= ])?(?:host|ALL|SYS_ADMIN)$", w
            )
            for w in argv
        ):
            add("privilege")
        for k, word in enumerate(argv):
            value = argv[k + 1] if word in ("-v", "--volume", "--mount") and argv[k + 1 :] else ""
            value = value or (
                word.partition("=")[2]
                if word.startswith(("--volume=", "--mount="))
                else (word[2:] if re.match(r"-v[/~$]", word) else "")
            )
            source = re.search(r"(?:source|src)=([^,]*)", value)
            place = source.group(1) if source is not None else value.partition(":")[0]
            if re.fullmatch(
                r"/|/(?:etc|root|var|home|proc|sys|boot|usr|dev)/?|.*docker\.sock", place
            ):
                add("privilege")
        if "--device" in options or re.search(
            r"--cap-add|--security-opt[= ]\S*unconfined|"
            r"--(?:pid|userns|ipc)=host",
            " ".join(argv),
        ):
            add("privilege")
        if verb == "run":
            add("download")
    elif verb == "push" or second == "push":
        draft.features.update(("egress", "upload"))
    elif verb in ("pull", "login", "search") or second == "pull":
        draft.features.update(("egress", "download"))
    elif second == "prune" or verb in ("rm", "rmi") or second in ("rm", "remove"):
        if second == "prune" or options & {"-f", "--force", "-v", "--volumes"} or verb == "volume":
            add("destructive")
    elif verb == "compose" or draft.program == "docker-compose":
        if "down" in words and options & {"-v", "--volumes", "--rmi"}:
            add("destructive")
    elif verb == "swarm" and second == "leave":
        add("destructive")
    elif verb in ("cp", "save", "export", "build", "commit"):
        add("write")
    return verb in (
        "ps",
        "images",
        "logs",
        "inspect",
        "version",
        "info",
        "stats",
        "top",
        "port",
        "diff",
        "history",
    ) or second in ("ls", "ps", "inspect", "logs")


def _kubectl(draft: Draft) -> bool:
    argv = draft.argv
    options = _options(argv)
    words = _words(
        argv,
        frozenset(
            {
                "-n",
                "--namespace",
                "--context",
                "-l",
                "-f",
                "-o",
                "-c",
                "--kubeconfig",
                "--as",
                "--cluster",
                "--user",
            }
        ),
    )
    verb = words[0] if words else ""
    rest = words[1:]
    add = draft.features.add
    if verb == "delete" or verb == "drain" or (verb == "replace" and "--force" in options):
        add("destructive")
        wide = options & {"-A", "--all-namespaces"} and "--all" in options
        first = rest[0].partition("/")[0] if rest else ""
        if (
            wide
            or "kube-system" in " ".join(argv)
            or (
                "--all" in options
                and re.fullmatch(
                    r"(?:ns|namespaces?|nodes?|no|pvs?|persistentvolumes?|crds?|all)", first
                )
            )
        ):
            add("catastrophic")
    elif verb == "scale" and any(word == "--replicas=0" for word in argv):
        add("destructive")
    elif (
        verb in ("create", "edit", "patch", "apply")
        and re.search(r"\b(?:cluster)?role(?:binding)?s?\b", " ".join(rest[:2]))
    ) or (verb in ("certificate", "auth") and rest[:1] in (["approve"], ["reconcile"])):
        draft.features.update(("privilege", "iam_change"))
    elif verb == "cp" and rest:
        draft.features.add("upload" if ":" in rest[-1] else "download")
        add("egress")
    elif verb in ("apply", "create") and any("://" in word for word in argv):
        draft.features.update(("egress", "download"))
    elif verb == "rollout" and rest[:1] == ["restart"]:
        add("service")
    return verb in (
        "get",
        "describe",
        "logs",
        "top",
        "version",
        "explain",
        "cluster-info",
        "api-resources",
        "api-versions",
        "events",
    )


def _terraform(draft: Draft) -> bool:
    words = _words(draft.argv)
    verb = words[0] if words else ""
    auto = any(word.lstrip("-").startswith("auto-approve") for word in draft.argv) or any(
        word in ("-y", "--yes", "--terragrunt-non-interactive", "--skip-preview")
        for word in draft.argv
    )
    destroy = verb == "destroy" or any(w.lstrip("-") == "destroy" for w in draft.argv)
    if destroy:
        draft.features.add("destructive")
        if auto:
            draft.features.add("catastrophic")
    elif verb in ("state", "workspace") and words[1:2] and words[1] in ("rm", "delete", "push"):
        draft.features.add("destructive")
    elif verb in ("apply", "up") and auto:
        draft.features.add("write")
    return False


_IAM_VERB = re.compile(
    r"(?:attach|put|create|add|update|set|detach|delete|remove)-?.*(?:policy|role|user|group|"
    r"profile|access-key|binding|permission)"
)


def _cloud(draft: Draft) -> bool:
    argv = draft.argv
    words = _words(
        argv,
        frozenset(
            {
                "--profile",
                "--region",
                "--project",
                "--output",
                "--subscription",
                "-o",
                "--query",
                "-g",
            }
        ),
    )
    add = draft.features.add
    joined = " ".join(words[:4])
    if draft.program == "aws":
        if words[:1] == ["iam"] and words[1:2] and not words[1].startswith(("get", "list")):
            draft.features.update(("privilege", "iam_change"))
        if words[:1] == ["organizations"] and not joined.startswith(
            ("organizations list", "organizations describe")
        ):
            draft.features.update(("privilege", "iam_change"))
        _s3(draft, words)
    elif draft.program == "gcloud":
        if re.search(
            r"iam-policy-binding|set-iam-policy|iam roles (?:create|update)|"
            r"service-accounts (?:create|keys)",
            " ".join(words),
        ):
            draft.features.update(("privilege", "iam_change"))
        if words[:2] in (["storage", "cp"], ["storage", "rsync"]):
            add("egress")
            add("upload" if words[-1].startswith("gs://") else "download")
    else:
        if words[:2] in (["role", "assignment"], ["role", "definition"], ["ad", "sp"]) and not (
            words[2:3] == ["list"] or words[2:3] == ["show"]
        ):
            draft.features.update(("privilege", "iam_change"))
        if words[:1] == ["storage"] and any(w.startswith("upload") for w in words):
            draft.features.update(("egress", "upload"))
    if any(re.match(r"(?:delete|terminate|destroy|purge|remove)(?:-|$)", w) for w in words[1:5]):
        add("destructive")
    return (
        len(words) > 1
        and any(re.match(r"(?:list|describe|get|show)(?:-|$)", w) for w in words[1:3])
        and not draft.features
    )


def _s3(draft: Draft, words: list[str]) -> None:
    if words[:1] not in (["s3"], ["s3api"]):
        return
    verb = words[1] if len(words) > 1 else ""
    if verb in ("cp", "mv", "sync"):
        draft.features.add("egress")
        if words[-1].startswith("s3://"):
            draft.features.add("upload")
            draft.reads += [w for w in words[2:-1] if not w.startswith("s3://") and w != "-"]
        else:
            draft.features.add("download")
            note_write(draft, words[-1])
        if "--delete" in draft.argv:
            draft.features.add("destructive")
    elif verb in ("rm", "rb"):
        draft.features.add("destructive")
    elif verb == "put-object":
        draft.features.update(("egress", "upload"))
    elif verb in ("put-bucket-policy", "put-bucket-acl", "put-object-acl"):
        draft.features.update(("privilege", "iam_change"))


def _package(draft: Draft) -> bool:
    argv = draft.argv
    words = _words(argv)
    verb = words[0] if words else ""
    program = draft.program
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
    words = _words(draft.argv, frozenset({"-n", "-o", "-p", "-t", "-u"}))
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


def _crontab(draft: Draft) -> bool:
    options = _options(draft.argv)
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


def _gh(draft: Draft) -> bool:
    words = _words(draft.argv, frozenset({"-R", "--repo", "-F", "-f", "--json", "-q", "--jq"}))
    if words[1:2] == ["delete"] or "DELETE" in draft.argv:
        draft.features.add("destructive")
    read = words[1:2] and words[1] in ("list", "view", "status", "diff", "checks")
    draft.features.add("egress")
    draft.features.add("download" if read else "upload")
    if words[:1] in (["--version"], ["version"], []):
        draft.features.difference_update({"egress", "download", "upload"})
    return False


ADMIN_RULES: Final[dict[str, Callable[[Draft], bool]]] = {
    name: rule
    for rule, names in (
        (_git, "git"),
        (_docker, "docker podman nerdctl docker-compose"),
        (_kubectl, "kubectl oc"),
        (_terraform, "terraform tofu terragrunt pulumi cdk"),
        (_cloud, "aws gcloud az"),
        (_package, "npm pnpm yarn bun pip pip3 poetry cargo gem go apt apt-get yum dnf helm"
                   " composer uv flit hatch pdm brew"),
        (_service, "systemctl launchctl"),
        (_crontab, "crontab"),
        (_kill, "kill pkill killall killall5"),
        (_database, "psql mysql mariadb sqlite3 sqlite mongo mongosh redis-cli clickhouse-client"
                    " sqlcmd cqlsh duckdb bq"),
        (_history, "history fc"),
        (_variables, "export unset set declare typeset readonly local"),
        (_journal, "journalctl"),
        (_gh, "gh glab"),
    )
    for name in names.split()
}  # fmt: skip
