"""Decide the features of one simple command, from its program, words, redirections and pipes.

Guarantees:
  * features only add up, except read_only, which is decided last and only if nothing else speaks
    against it: a listed program, arguments its rule knows as inspection, no output redirection;
  * an unknown program is never read_only.
Does not: peel wrappers or look at other commands of the line than those that feed this one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from permit0.normalize.shell.commands import INSTALLERS, PROGRAM_FEATURES, READ_ONLY
from permit0.normalize.shell.parts import DYNAMIC, Draft, Redirect, flags_of
from permit0.normalize.shell.rules_admin import ADMIN_RULES
from permit0.normalize.shell.rules_cloud import CLOUD_RULES
from permit0.normalize.shell.rules_code import CODE_RULES
from permit0.normalize.shell.rules_files import FILE_RULES, note_write
from permit0.normalize.shell.rules_git import GIT_RULES
from permit0.normalize.shell.rules_net import NET_RULES, finish_egress
from permit0.normalize.shell.rules_text import TEXT_RULES
from permit0.normalize.shell.secret_words import find_secrets
from permit0.normalize.shell.targets import (
    is_credential,
    is_device,
    is_home,
    is_log,
    is_persistent,
    is_sensitive,
)

__all__ = ["classify"]

RULES: Final = (
    FILE_RULES | TEXT_RULES | NET_RULES | GIT_RULES | CLOUD_RULES | ADMIN_RULES | CODE_RULES
)
_NOTHING: Final[frozenset[str]] = frozenset()
_NETWORK_FILE = re.compile(r"/dev/(?:tcp|udp)/([^/]*)/?")
# What may stand beside read_only: reading is all the command does, whatever it reads.
_BESIDE_READ_ONLY: Final = frozenset({"secret", "privilege"})


def classify(draft: Draft, assigned: Sequence[str]) -> None:
    """Fill features, reads, writes, deletes, urls and hosts of `draft`."""
    program = draft.program
    features = draft.features
    features |= PROGRAM_FEATURES.get(program, _NOTHING)
    if program.startswith("mkfs"):
        features |= {"destructive", "write"}
    rule = RULES.get(program)
    inspects = rule is None or rule(draft)
    if program in INSTALLERS:
        _installs(draft)
    if draft.redirects:
        inspects = _redirections(draft.redirects, draft) and inspects
    if draft.writes:
        features.add("write")
        _written(draft)
    if "egress" in features:
        if draft.feed is not None and draft.feed.kind == "pipe" and _reads_input(draft):
            features.add("upload")
        finish_egress(draft)
        if "upload" in features and _carries_home(draft):
            features.add("secret")
    for text in assigned:
        if text.startswith(("HISTFILE=", "HISTSIZE=")) and text.partition("=")[2] in (
            "",
            "0",
            "/dev/null",
        ):
            features.add("history_tamper")
    if "secret" not in features and find_secrets(draft, assigned):
        features.add("secret")
    if inspects and program in READ_ONLY and features <= _BESIDE_READ_ONLY:
        features.add("read_only")


def _installs(draft: Draft) -> None:
    wanted = INSTALLERS[draft.program]
    for word in draft.argv:
        if word in wanted:
            draft.features.add("install")
            return
        if not word.startswith("-") and draft.program not in ("pacman", "rpm", "dpkg"):
            return


def _reads_input(draft: Draft) -> bool:
    """Whether piped input leaves: curl and wget read it only when told to."""
    if draft.program in ("curl", "wget"):
        return any(word in ("-", "@-", ".") or word.endswith(("@-", "=-")) for word in draft.argv)
    return draft.program not in ("git", "docker", "npm", "gh") or "-" in draft.argv


def _carries_home(draft: Draft) -> bool:
    """Whether a whole home or the root goes along: keys and tokens are in it."""
    words = list(draft.reads)
    feed = draft.feed
    while feed is not None and feed.drafts:
        words += [word for source in feed.drafts for word in source.reads]
        feed = feed.drafts[0].feed
    return any(is_home(word) for word in words)


def _redirections(redirects: tuple[Redirect, ...], draft: Draft) -> bool:
    """Apply redirections; returns whether none of them writes."""
    inspects = True
    for op, target in redirects:
        network = _NETWORK_FILE.match(target)
        if network is not None:
            draft.features.add("egress")
            draft.hosts.append(network.group(1))
            draft.features.add("upload")
            if draft.program in _SHELL_LIKE or op == "<>":
                draft.features.add("remote_shell")
            inspects = False
        elif op in ("<", "<>") and not target.startswith("<("):
            draft.reads.append(target)
        if op in ("<", "<&", "<<<"):
            continue
        if op == ">&" and (target.isdigit() or target in ("-", "")):
            continue
        if target == "/dev/null" or target.startswith((">(", "/dev/std")):
            continue
        if network is None:
            inspects = False
            note_write(draft, target)
            if is_device(target):
                draft.features.update(("destructive", "catastrophic"))
            elif (
                op in (">", ">|", "&>", ">&")
                and is_sensitive(target)
                and not re.match(r".*/?\.ssh/|~?/?\.\w", target)
            ):
                draft.features.add("destructive")
            if flags_of(target) & DYNAMIC:
                draft.features.add("write")
    return inspects


_SHELL_LIKE: Final = frozenset(
    {"bash", "sh", "zsh", "dash", "ksh", "exec", "python", "python3", "perl", "ruby", "php", ":"}
)


def _written(draft: Draft) -> None:
    for word in draft.writes:
        if is_sensitive(word):
            draft.features.add("sensitive_write")
            if re.match(r"/etc/(?:sudoers|passwd|group|shadow|pam\.d)", word):
                draft.features.add("privilege")
        if word.endswith(("authorized_keys", "authorized_keys2")):
            draft.features.update(("privilege", "sensitive_write"))
        if draft.program in ("chmod", "chown", "chgrp"):
            continue
        if is_persistent(word):
            draft.features.add("persistence")
            if "cron" in word:
                draft.features.add("schedule")
        if is_device(word):
            draft.features.update(("destructive", "catastrophic"))
        if is_log(word) and draft.program in (":", "cat", "echo", "cp", "truncate", "true", "ln"):
            draft.features.add("history_tamper")
        if is_credential(word) and draft.program == "mv":
            draft.features.add("secret")
