"""Rules for programs that reach other hosts: whereto, and whether local data goes along.

Guarantees: urls and hosts are filled; `upload` whenever a file, a pipe or an expansion can leave;
only literal loopback addresses without a proxy are not egress.
Does not: resolve names or judge destinations (domains and packs do).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from permit0.normalize.shell.arguments import Args, parse_args
from permit0.normalize.shell.parts import DYNAMIC, Draft, flags_of
from permit0.normalize.shell.peel_nested import skip_options
from permit0.normalize.shell.rules_files import note_write
from permit0.normalize.url_payload import label_load

__all__ = ["CURL_DATA", "NET_RULES", "finish_egress"]

_URL = re.compile(r"(?i)(?:https?|ftps?|wss?|sftp|scp|tftp|ldap|gopher|dict|telnet)://\S+")
_LOOPBACK = re.compile(
    r"(?i)(?:https?://)?(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?(?:[/?#][^@]*)?"
)
_REMOTE = re.compile(r"(?:[\w.-]+@)?([\w.-]+|\[[0-9a-fA-F:]+\]):(?!//)(.*)", re.DOTALL)
CURL_DATA: Final = (
    "-d", "-F", "-T", "--data", "--data-ascii", "--data-binary", "--data-raw", "--data-urlencode",
    "--form", "--form-string", "--json", "--upload-file", "--url-query",
)  # fmt: skip
"""Options of curl that send something."""
_CURL_OTHER_WAY: Final = (
    "-x", "--proxy", "--resolve", "--connect-to", "-K", "--config", "--socks5", "--preproxy",
    "--socks5-hostname", "--interface", "--unix-socket", "-L", "--location", "--location-trusted",
)  # fmt: skip


def finish_egress(draft: Draft) -> None:
    """What holds for every command that talks to another host."""
    if any(flags_of(word) & DYNAMIC for word in draft.argv):
        draft.features.add("upload")
    if draft.wrappers and draft.wrappers[-1] == "xargs":
        draft.features.add("upload")
    for word in draft.argv:
        for url in _URL.findall(word):
            if url not in draft.urls:
                draft.urls.append(url)


def _piped(draft: Draft) -> bool:
    return draft.feed is not None or any(r.op == "<" for r in draft.redirects)


def _curl(draft: Draft, args: Args) -> None:
    targets = args.operands + args.values("--url")
    draft.urls += targets
    data = [(name, value) for name, value in args.options if name in CURL_DATA]
    for name, value in data:
        if value.startswith(("@", "<")):
            draft.reads.append(value[1:])
        elif name in ("-T", "--upload-file") and value != "-":
            draft.reads.append(value)
        elif "=@" in value or "=<" in value:
            draft.reads.append(re.split(r"=[@<]", value, maxsplit=1)[1].partition(";")[0])
    for value in args.values("-o", "--output", "-c", "--cookie-jar", "-D", "--dump-header"):
        note_write(draft, value)
    draft.reads += args.values("-K", "--config", "--netrc-file", "--key", "-b")
    if args.has("-O", "--remote-name", "--remote-name-all"):
        draft.features.add("write")
    local = bool(targets) and all(
        _LOOPBACK.fullmatch(word) and not flags_of(word) & DYNAMIC for word in targets
    )
    if local and not any(name in _CURL_OTHER_WAY for name, _ in args.options):
        draft.features.difference_update({"egress"})
        return
    reads_input = any(value in ("@-", "-", ".") for _, value in data)
    if data or reads_input:
        draft.features.add("upload")
    head = args.has("-I", "--head")
    if not head:
        draft.features.add("download")


def _wget(draft: Draft, args: Args) -> None:
    draft.urls += args.operands
    sent = args.values("--post-file", "--body-file")
    draft.reads += sent + args.values("-i", "--input-file")
    if sent or args.has("--post-data", "--body-data"):
        draft.features.add("upload")
    draft.features.add("download")
    out = args.values("-O", "--output-document")
    for value in out:
        note_write(draft, value)
    if not out and not args.has("--spider"):
        draft.features.add("write")


def _copy(draft: Draft, args: Args) -> None:
    """scp, rsync: a word with `host:` is remote, the last word is the target."""
    operands = args.operands
    remote = [word for word in operands if _is_remote(word)]
    for word in remote:
        match = _REMOTE.match(word)
        if match is not None:
            draft.hosts.append(match.group(1).strip("[]"))
    if draft.program == "rsync":
        if args.has("--delete", "--delete-after", "--delete-before", "--delete-excluded"):
            draft.features.add("destructive")
        if args.has("--remove-source-files"):
            draft.features.add("destructive")
        if not remote:
            draft.features.discard("egress")
            draft.reads += operands[:-1]
            draft.writes += operands[-1:]
            return
    draft.reads += [word for word in operands[:-1] if word not in remote]
    if operands and operands[-1] in remote:
        draft.features.add("upload")
    elif operands:
        draft.features.add("download")
        note_write(draft, operands[-1])
    draft.reads += args.values("-i")


def _is_remote(word: str) -> bool:
    if "://" in word:
        return True
    before, colon, _ = word.partition(":")
    return bool(colon) and "/" not in before and before != ""


def _ssh(draft: Draft, args: Args) -> None:
    rest, _ = skip_options(draft.argv, "BbcDEeFIiJLlmOopPQRSWw", frozenset(), 0, assigns=False)
    if rest:
        draft.hosts.append(rest[0].rpartition("@")[2])
    draft.reads += args.values("-i", "-F")
    if _piped(draft):
        draft.features.add("upload")
    if args.has("-R"):
        draft.features.add("remote_shell")


def _nc(draft: Draft, args: Args) -> None:
    if args.operands and not args.has("-l"):
        draft.hosts.append(args.operands[0])
    if args.has("-e", "-c", "--exec", "--sh-exec") and draft.program != "telnet":
        draft.features.add("remote_shell")
    if _piped(draft):
        draft.features.add("upload")


def _socat(draft: Draft, args: Args) -> None:
    joined = " ".join(args.operands)
    remote = re.findall(r"(?i)(?:tcp\d?|udp\d?|openssl|ssl|sctp)(?:-connect)?:([\w.-]+)", joined)
    draft.hosts += remote
    if re.search(r"(?i)\b(?:exec|system|shell)\b:?", joined):
        draft.features.add("remote_shell")
    if _piped(draft) or re.search(r"(?i)\b(?:file|open|gopen):|(?:^| )/", joined):
        draft.features.add("upload")


def _httpie(draft: Draft, args: Args) -> None:
    operands = args.operands
    if operands and operands[0].isupper():
        operands = operands[1:]
    draft.urls += operands[:1]
    if operands[:1] and _LOOPBACK.fullmatch(operands[0] if operands[0][:1] != ":" else "localhost"):
        draft.features.discard("egress")
        return
    draft.features.add("download")
    if any("=" in word or "@" in word for word in operands[1:]) or _piped(draft):
        draft.features.add("upload")
    draft.reads += [word.split("@", 1)[1] for word in operands[1:] if "@" in word]


def _mail(draft: Draft, args: Args) -> None:
    draft.hosts += [word.rpartition("@")[2] for word in args.operands if "@" in word]
    draft.features.add("upload")
    draft.reads += args.values("-a", "-A")


MAX_PLAIN_LABEL: Final = 30
"""Characters of a host label; a longer one is no word but a place for data."""


def _loaded(name: str) -> bool:
    """Whether the labels of a host name carry something out."""
    return label_load(name) or any(len(label) > MAX_PLAIN_LABEL for label in name.split("."))


def _dns(draft: Draft, args: Args) -> None:
    names = [word for word in args.operands if not word.startswith(("@", "+"))]
    servers = [word[1:] for word in args.operands if word.startswith("@")]
    for word in names:
        if flags_of(word) & DYNAMIC or _loaded(word):
            draft.features.update(("egress", "upload"))
    if servers:
        draft.hosts += servers
        draft.features.add("egress")


def _ping(draft: Draft, args: Args) -> None:
    names = [word for word in draft.argv[-1:] if not word.startswith("-")]
    if (
        any(map(_loaded, names))
        or "-p" in draft.argv
        or any(flags_of(word) & DYNAMIC for word in draft.argv)
    ):
        draft.features.update(("egress", "upload"))
    draft.hosts += names


def _openssl(draft: Draft, args: Args) -> None:
    argv = draft.argv
    if argv[:1] == ["s_client"]:
        draft.features.add("egress")
        for k, word in enumerate(argv[:-1]):
            if word in ("-connect", "-proxy"):
                draft.hosts.append(argv[k + 1].rpartition(":")[0] or argv[k + 1])
        if _piped(draft):
            draft.features.add("upload")
    for k, word in enumerate(argv[:-1]):
        if word in ("-in", "-inkey", "-key"):
            draft.reads.append(argv[k + 1])
        elif word in ("-out", "-keyout"):
            note_write(draft, argv[k + 1])
        elif word in ("-k", "-K", "-pass", "-passin", "-passout"):
            draft.features.add("secret")


def _object_store(draft: Draft, args: Args) -> None:
    """gsutil, rclone, s3cmd, azcopy, mc: `cp SRC DST`, remote if it has a scheme or `name:`."""
    words = args.operands
    verb = words[0] if words else ""
    if verb in (
        "cp",
        "mv",
        "rsync",
        "sync",
        "copy",
        "copyto",
        "move",
        "put",
        "mirror",
        "upload",
        "rcat",
        "pipe",
        "cat",
    ):
        places = words[1:]
        if (len(places) >= 1 and _is_remote(places[-1])) or verb in ("put", "rcat", "pipe"):
            draft.features.add("upload")
            draft.reads += [word for word in places[:-1] if not _is_remote(word)]
        else:
            draft.features.add("download")
    if verb in ("rm", "rb", "delete", "purge", "del", "remove", "deletefile", "rmdirs"):
        draft.features.add("destructive")


def _ftp(draft: Draft, args: Args) -> None:
    draft.hosts += args.operands[:1]
    if _piped(draft):
        draft.features.add("upload")


def _fetch(draft: Draft, args: Args) -> None:
    draft.urls += [word for word in args.operands if "://" in word]
    draft.features.add("download")


def _twine(draft: Draft, args: Args) -> None:
    if args.operands[:1] == ["upload"]:
        draft.features.add("upload")
        draft.reads += args.operands[1:]
    else:
        draft.features.discard("egress")


def _net(rule: Callable[[Draft, Args], None]) -> Callable[[Draft], bool]:
    def apply(draft: Draft) -> bool:
        rule(draft, parse_args(draft.program, draft.argv))
        return False

    return apply


_BY_RULE: Final[tuple[tuple[Callable[[Draft, Args], None], str], ...]] = (
    (_curl, "curl"),
    (_wget, "wget"),
    (_copy, "scp rsync"),
    (_ssh, "ssh mosh autossh"),
    (_nc, "nc ncat netcat telnet"),
    (_socat, "socat"),
    (_httpie, "http https xh"),
    (_mail, "mail mailx mutt sendmail msmtp swaks"),
    (_dns, "dig nslookup host drill"),
    (_ping, "ping ping6"),
    (_openssl, "openssl"),
    (_object_store, "gsutil rclone s3cmd azcopy mc"),
    (_ftp, "ftp lftp sftp tftp smbclient croc"),
    (_fetch, "aria2c axel lynx w3m links"),
    (_twine, "twine"),
)

NET_RULES: Final[dict[str, Callable[[Draft], bool]]] = {
    name: _net(rule) for rule, names in _BY_RULE for name in names.split()
}
