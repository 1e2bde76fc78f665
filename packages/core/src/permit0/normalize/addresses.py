"""Addresses and links inside a text: whether one of them lies outside the organisation.

Guarantees: linear in the text; more than MAX_FOUND addresses or links count as outside.
"""

from __future__ import annotations

import re
import unicodedata

from permit0.errors import InvalidInput
from permit0.normalize.domains import Domains
from permit0.normalize.urls import parse_url

__all__ = ["names_outside"]

_ADDRESS = re.compile(r"[^\s@<>,;:\"'()\[\]]{1,64}@([^\s@<>,;:\"'()\[\]/?#]{1,255})")
_URL = re.compile(r"(?i)\b(?:https?|ftps?|wss?)://[^\s\"'<>]{1,2048}")
MAX_FOUND = 64  # more addresses or links than this in one argument cannot change the answer


def names_outside(text: str, domains: Domains) -> bool:
    """Whether a text names an address or a host outside the organisation."""
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
