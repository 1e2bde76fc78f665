"""Arguments that no mapping names: what they could carry is judged all the same.

Facts: "extra.unread" (an amount or receiver may hide there), "extra.external" (an address or
host outside the organisation is named there), and secrets join "content.secrets".
"""

from __future__ import annotations

import re
import unicodedata

from permit0.errors import InvalidInput
from permit0.normalize.arguments import Unmapped, looks_unread, names_a_host
from permit0.normalize.catalog import ToolMapping
from permit0.normalize.parameters import Reading, leaves
from permit0.normalize.sensitive import find_personal, find_sensitive
from permit0.normalize.urls import parse_url

__all__ = ["read_extras"]

_ADDRESS = re.compile(r"[^\s@<>,;:\"'()\[\]]{1,64}@([^\s@<>,;:\"'()\[\]/?#]{1,255})")
_URL = re.compile(r"(?i)\b(?:https?|ftps?|wss?)://[^\s\"'<>]{1,2048}")
MAX_FOUND = 64  # more addresses or links than this in one argument cannot change the answer


def read_extras(unmapped: Unmapped, mapping: ToolMapping, reading: Reading) -> None:
    """Add what the unmapped arguments say to the facts of a call."""
    facts = reading.facts
    for argument, value in unmapped:
        if looks_unread(argument, value, mapping):
            facts["extra.unread"] = True
        if isinstance(value, str) and names_a_host(argument) and _external_host(value, reading):
            facts["extra.external"] = True
        for text in leaves(value):
            if _external(text, reading):
                facts["extra.external"] = True
            secrets, personal = find_sensitive(text, label=argument)
            if secrets:
                facts["content.secrets"] = True
            if personal:
                facts["content.personal"] = True
        if isinstance(value, int) and find_personal(str(value), label=argument):
            facts["content.personal"] = True


def _external_host(text: str, reading: Reading) -> bool:
    """A text that its name calls an address, with or without a scheme."""
    if not text.strip() or text.lstrip()[:1] in "/.~":
        return False
    try:
        return parse_url(text, domains=reading.org.domains, where="").external
    except InvalidInput:
        return False  # a sentence or a number, whatever its argument is called


def _external(text: str, reading: Reading) -> bool:
    domains = reading.org.domains
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)  # a full-width `@` is one to a lenient reader
    if "%40" in text:
        text = text.replace("%40", "@")
    if "@" in text:
        for i, match in enumerate(_ADDRESS.finditer(text)):
            if i >= MAX_FOUND or not domains.is_internal(match.group(1).rstrip(".")):
                return True
    if "://" in text:
        for i, match in enumerate(_URL.finditer(text)):
            try:
                if i >= MAX_FOUND or parse_url(match.group(), domains=domains, where="").external:
                    return True
            except InvalidInput:
                return True
    return False
