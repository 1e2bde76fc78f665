"""Rules for containers, clusters, clouds and the tools that provision them.

Guarantees: the subcommand is found behind global options; an unknown one is never read_only.
Does not: read the commands that run inside a container or a pod (peel_nested.container_command).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from permit0.normalize.shell.parts import Draft
from permit0.normalize.shell.rules_files import note_write
from permit0.normalize.shell.subcommands import option_names, subcommand_words

__all__ = ["CLOUD_RULES"]


def _docker(draft: Draft) -> bool:
    argv = draft.argv
    options = option_names(argv)
    words = subcommand_words(argv, frozenset({"-H", "--host", "--context", "-f", "--file", "-p"}))
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
    elif verb == "cp" and len(words) > 2:
        draft.reads.append(words[1].rpartition(":")[2])
        note_write(draft, words[2].rpartition(":")[2])
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
    options = option_names(argv)
    words = subcommand_words(
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
    words = subcommand_words(draft.argv)
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
    words = subcommand_words(
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


CLOUD_RULES: Final[dict[str, Callable[[Draft], bool]]] = {
    name: rule
    for rule, names in (
        (_docker, "docker podman nerdctl docker-compose"),
        (_kubectl, "kubectl oc"),
        (_terraform, "terraform tofu terragrunt pulumi cdk"),
        (_cloud, "aws gcloud az"),
    )
    for name in names.split()
}  # fmt: skip
