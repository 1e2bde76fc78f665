"""Recognise that a command handles a password, a token or a key.

Guarantees: judges where a word stands, not what it resembles. An option that carries a secret, a
variable whose name says so, an authorization header, a known token shape, a credential file that
is read, a command whose purpose is to show secrets.
Does not: flag names that merely contain such a word (test_token.py, `grep password src`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from permit0.normalize.shell.commands import NOT_READING
from permit0.normalize.shell.parts import Draft
from permit0.normalize.shell.targets import is_credential

__all__ = ["find_secrets"]

# One search over all words decides whether to look closer; most commands end here. It is asked
# about lower case, and every branch begins with a letter of its own: eight times faster than (?i).
_HINT = re.compile(
    r"p(?:ass|w|ypirc)|token|s(?:ecret|hadow|udoers|k-|3cfg)|key|c(?:red|ookie)|a(?:uth|kia)"
    r"|e(?:nviron|yj)|id_|n(?:etrc|pmrc)|\.(?:env|p(?:em|12|fx|pk)|jks|a(?:sc|ws|zure)|k(?:dbx|ube)"
    r"|ssh|gnupg|docker)|_history|://[^/\s]*@|g(?:h[pousr]_|cloud)|xox|b(?:egin|oto)|wallet"
    r"|my\.cnf|login|-[pua]"
)
_NAME = re.compile(
    r"(?i)(?:^|_|-)(?:\w*?)(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|PRIVATE_?KEY"
    r"|ACCESS_?KEY|CREDENTIALS?|AUTH_?KEY|ENCRYPTION_?KEY|SIGNING_?KEY|PGPASS|MYSQL_PWD)"
    r"(?:_\w+)?$"
)
_OPTION = re.compile(
    r"--?(?:[\w-]*-)?(?:password|passwd|passphrase|token|api-?key|apikey|secret|secret-?key"
    r"|access-?key|auth-?token|client-secret|private-key|oauth2-bearer|bearer|credentials?"
    r"|kubeconfig-token|secret-access-key|storepass|keypass|pass)(?:=.*)?",
    re.IGNORECASE | re.DOTALL,
)
_HEADER = re.compile(
    r"(?i)(?:proxy-)?authorization\s*:|x-[\w-]*(?:api-key|token|auth|secret)[\w-]*\s*:"
    r"|(?:api-key|private-token|job-token|apikey)\s*:|cookie\s*:"
)
_SHAPE = re.compile(
    r"\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bxox[abprs]-[\w-]{10,}"
    r"|\bsk-[A-Za-z0-9_-]{20,}|\bglpat-[\w-]{16,}|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}|-----BEGIN [A-Z ]*"
    r"PRIVATE KEY|\bAIza[\w-]{30,}|\bnpm_[A-Za-z0-9]{30,}|\bhvs\.\w{20,}"
)
_USERINFO = re.compile(r"\w+://[^/\s:@]*:[^/\s@]+@")
_ASSIGN = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)=(.*)", re.DOTALL)
_REFERENCE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_PASSWORD_P: Final = frozenset(
    {"mysql", "mysqldump", "mysqladmin", "mariadb", "sshpass", "mariadb-dump"}
)
_SPACED_P: Final = frozenset({"mongo", "mongosh", "docker", "podman", "sqlcmd", "smbclient", "zip"})
_USER_PASS: Final = frozenset({"curl", "wget", "http", "https", "xh", "ldapsearch"})
_DUMPS: Final = frozenset({"printenv", "history", "secretsdump", "mimikatz", "pass", "lpass", "bw"})
# Their words need not hint at what they show.
_VAULTS: Final = frozenset({"op", "vault", "security", "aws", "az", "gcloud"})
_FILE_OPTIONS: Final = frozenset(
    {"-i", "--identity", "--env-file", "--key", "--cert", "--private-key", "--kubeconfig", "-T"}
)
_DECLARING: Final = frozenset({"declare", "export", "local", "readonly", "set", "setx", "typeset"})
_SAYING: Final = frozenset({"echo", "printf", "print"})


def find_secrets(draft: Draft, assigned: Sequence[str]) -> bool:
    """Whether the command handles a secret."""
    program, argv = draft.program, draft.argv
    if program in _DUMPS and (program != "printenv" or not argv or _names(argv)):
        return not (program == "history" and "-c" in argv)
    if program in ("env", "set", "export", "declare") and _dumps_environment(program, argv):
        return True
    for word in draft.reads:
        if is_credential(word):
            return True
    if not argv and not assigned:
        return False
    if program in _VAULTS and _shows_secrets(program, argv):
        return True
    joined = " ".join([*argv, *assigned]) if assigned else " ".join(argv)
    if _HINT.search(joined.lower()) is None:
        return False
    if _SHAPE.search(joined) is not None or _USERINFO.search(joined) is not None:
        return True
    if any(_names_secret(text) for text in assigned):
        return True
    if _shows_secrets(program, argv):
        return True
    placed = {*draft.writes, *draft.deletes}
    return _in_words(program, argv, placed)


def _names(argv: list[str]) -> bool:
    return any(_NAME.search(word) for word in argv)


def _dumps_environment(program: str, argv: list[str]) -> bool:
    if program == "env":
        return all(word.startswith("-") for word in argv)
    if program == "set":
        return not argv
    return argv in (["-p"], ["-x"], ["-px"], ["-xp"])


def _names_secret(text: str) -> bool:
    match = _ASSIGN.fullmatch(text)
    return match is not None and match.group(2) != "" and _NAME.search(match.group(1)) is not None


def _in_words(program: str, argv: list[str], placed: set[str]) -> bool:
    """Look at each word. placed: words known to be written or deleted, hence not read."""
    for index, word in enumerate(argv):
        following = argv[index + 1] if index + 1 < len(argv) else ""
        if word.startswith("-"):
            if _option(program, word, following):
                return True
            continue
        if program in _DECLARING and _names_secret(word):
            return True
        if program in _SAYING or program == "git":
            if program in _SAYING and any(_NAME.search(n) for n in _REFERENCE.findall(word)):
                return True
            continue
        if _HEADER.match(word) is not None:
            return True
        if any(_NAME.search(name) for name in _REFERENCE.findall(word)):
            return True
        if program not in NOT_READING and word not in placed and is_credential(word):
            return not _is_pattern(program, argv, index)
    return False


def _is_pattern(program: str, argv: list[str], index: int) -> bool:
    """The first operand of a searching program is a pattern, not a file."""
    if program not in ("grep", "egrep", "fgrep", "rg", "ag", "ack", "sed", "awk", "jq", "yq"):
        return False
    return not any(not word.startswith("-") for word in argv[:index])


def _option(program: str, word: str, following: str) -> bool:
    if _OPTION.fullmatch(word) is not None:
        _, equals, value = word.partition("=")
        # A bare --password asks at a terminal; one with a file name is still about a secret.
        return bool(value) if equals else bool(following) and not following.startswith("-")
    if word.startswith("-p") and len(word) > 2 and program in _PASSWORD_P:
        return not word.startswith("--")
    if word == "-p" and program in (*_SPACED_P, "sshpass") and program not in ("docker", "podman"):
        return True
    if word in ("-u", "--user", "-U", "--proxy-user") and program in _USER_PASS:
        return ":" in following
    if re.match(r"-u.+:.", word) and program in _USER_PASS:
        return True
    if word in ("-H", "--header") and _HEADER.match(following) is not None:
        return True
    if re.match(r"(?:-H|--header=).", word) and _HEADER.match(re.sub("^-H|--header=", "", word)):
        return True
    if word == "-a" and program == "redis-cli":
        return True
    if word in ("-e", "--env", "--build-arg", "-E") and _names_secret(following):
        return True
    if word in _FILE_OPTIONS and is_credential(following):
        return program not in ("sed", "grep", "rg", "cp", "mv", "rm", "ls", "ln", "git")
    if word.startswith(("-e", "--env=")) and _names_secret(re.sub("^(?:--env=|-e)", "", word)):
        return program in ("docker", "podman")
    if any(_NAME.search(name) for name in _REFERENCE.findall(word)):
        return program != "git"
    name, equals, value = word.partition("=")
    return bool(equals) and name in ("--env-file", "--from-literal") and bool(value)


def _shows_secrets(program: str, argv: list[str]) -> bool:
    """Commands whose purpose is to show or make credentials."""
    words = [word for word in argv if not word.startswith("-")]
    if program == "security":
        return bool(words) and words[0].startswith(("find-", "dump-keychain", "export"))
    if program in ("gpg", "gpg2"):
        return any(word.startswith("--export-secret") for word in argv)
    if program == "aws":
        return (
            words[:1] in (["secretsmanager"], ["sts"]) and words[1:2] != ["get-caller-identity"]
        ) or (
            words[:2]
            in (
                ["iam", "create-access-key"],
                ["ecr", "get-login-password"],
                ["configure", "set"],
                ["configure", "export-credentials"],
            )
            or (words[:1] == ["ssm"] and "--with-decryption" in argv)
            or (words[:2] == ["kms", "decrypt"])
        )
    if program in ("kubectl", "oc"):
        verb = words[1:2]
        return (
            (
                words[:1] in (["get"], ["describe"], ["create"], ["edit"])
                and bool(verb)
                and (re.match(r"secrets?(?:/|$|,)", verb[0]) is not None)
            )
            or (words[:2] == ["config", "view"] and "--raw" in argv)
            or words[:2] == ["create", "token"]
        )
    if program == "vault":
        return words[:1] in (["read"], ["kv"], ["token"], ["login"], ["write"], ["unwrap"])
    if program == "gcloud":
        return (
            "print-access-token" in words
            or words[:1] == ["secrets"]
            or ("keys" in words and "create" in words)
        )
    if program == "az":
        return words[:1] == ["keyvault"] or "get-access-token" in words
    if program == "gh":
        return words[:2] in (["auth", "token"], ["secret", "set"], ["auth", "login"])
    if program == "op":
        return words[:1] in (["read"], ["item"], ["get"])
    if program == "git":
        return words[:2] == ["credential", "fill"] or (
            words[:1] == ["add"] and any(is_credential(word) for word in words[1:])
        )
    if program in ("ssh-keygen", "ssh-add"):
        return program == "ssh-add" and bool(words)
    if program in ("docker", "podman"):
        return words[:1] == ["login"] and ("-p" in argv or "--password-stdin" in argv)
    if program == "npm":
        return words[:2] == ["token", "create"] or (
            words[:2] == ["config", "set"] and "_auth" in " ".join(words)
        )
    if program == "terraform":
        return words[:1] == ["output"] and "-raw" in argv
    return False
