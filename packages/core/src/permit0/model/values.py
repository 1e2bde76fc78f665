"""Typed parameter values: what an argument means once it has been understood exactly.

Values are frozen. A value exists only if its argument was understood completely; whatever
could not be read is an InvalidInput raised by the parser in `permit0.normalize`.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

__all__ = ["Address", "Money", "PathValue", "Recipients", "ShellCommand", "ShellLine", "UrlValue"]


class Money(msgspec.Struct, frozen=True, gc=False):
    """An exact amount of one currency.

    amount: in units of `currency` (not in minor units), exact, never negative, finite.
    currency: ISO 4217 alphabetic code, upper case.
    in_default: the same amount in the organisation's default currency; None if no rate is known.
    """

    amount: Decimal
    currency: str
    in_default: Decimal | None


class Address(msgspec.Struct, frozen=True, gc=False):
    """One mail recipient.

    key: what identifies the recipient, normalised (lower-cased domain in A-labels).
    domain: host part in A-labels, lower case; empty if the recipient is no mail address.
    registrable: registrable domain by the public suffix list; empty if there is none.
    external: not inside one of the organisation's domains, or not resolvable to a domain.
    marks: peculiarities: "punycode", "lookalike", "group", "unresolved", "display_mismatch".
    """

    key: str
    domain: str
    registrable: str
    external: bool
    marks: frozenset[str] = frozenset()


class Recipients(msgspec.Struct, frozen=True, gc=False):
    """The union of to, cc and bcc, without duplicates, in the order of first appearance."""

    addresses: tuple[Address, ...]
    external: int


class PathValue(msgspec.Struct, frozen=True, gc=False):
    r"""A file path, normalised lexically.

    normal: absolute or relative POSIX form after percent-decoding, `\` -> `/`, `.` and `..`
        resolved, duplicate slashes removed, `~` kept as a first segment; original case.
    folded: `normal` case-folded and NFKC-normalised: what patterns are matched on.
    marks: "traversal" (`..` climbed), "encoded", "home", "device", "proc", "absolute",
        "windows", "glob", "escapes_root".
    """

    normal: str
    folded: str
    marks: frozenset[str] = frozenset()


class UrlValue(msgspec.Struct, frozen=True, gc=False):
    """An address on a network.

    scheme: lower case. host: A-labels or canonical IP text, lower case, no brackets.
    port: explicit or the scheme's default; 0 if unknown.
    scope: "public" | "private" | "loopback" | "link_local" | "metadata" | "reserved" | "local_name".
    external: host outside the organisation's domains (private and loopback hosts are not external).
    query_bytes: length of query plus fragment. carries_data: query, userinfo or a path or host label
        long or random enough to carry data out.
    marks: "userinfo", "ip", "odd_ip" (octal, hex, decimal, short forms), "punycode", "lookalike",
        "odd_port", "template".
    """

    scheme: str
    host: str
    port: int
    registrable: str
    path: str
    scope: str
    external: bool
    query_bytes: int
    carries_data: bool
    marks: frozenset[str] = frozenset()


class ShellCommand(msgspec.Struct, frozen=True, gc=False):
    """One simple command out of a shell line, after wrappers were peeled off.

    program: base name of what really runs ("rm" in `sudo env A=1 /bin/rm -rf x`); "" if dynamic.
    argv: words after `program`, quotes removed; a word that depends on an expansion keeps its text.
    wrappers: what was peeled, outermost first ("sudo", "env", "xargs", "bash -c", "ssh" ...).
    features: see permit0.normalize.shell.FEATURES.
    reads, writes, deletes: path words as written. urls: http(s)/ftp words. hosts: other remote hosts.
    statements: (dialect, text) of what a database client runs; "" for what cannot be seen.
    """

    program: str
    argv: tuple[str, ...]
    wrappers: tuple[str, ...]
    features: frozenset[str]
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    deletes: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    statements: tuple[tuple[str, str], ...] = ()


class ShellLine(msgspec.Struct, frozen=True, gc=False):
    """A whole line: every simple command that may run, however deeply nested.

    marks: "compound", "pipeline", "substitution", "heredoc", "background", "function",
        "eval", "decoder_to_interpreter", "download_to_interpreter", "obfuscated", "unparsed".
    """

    commands: tuple[ShellCommand, ...]
    marks: frozenset[str] = frozenset()
