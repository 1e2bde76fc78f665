"""Arguments that no mapping names: what they could carry is judged all the same.

Facts: "extra.unread" (an amount or receiver may hide there), "extra.external" (an address or
host outside the organisation is named there), and secrets join "content.secrets".
"""

from __future__ import annotations

from permit0.errors import InvalidInput
from permit0.normalize.addresses import names_outside
from permit0.normalize.arguments import Unmapped, looks_unread, names_a_host
from permit0.normalize.catalog import ToolMapping
from permit0.normalize.parameters import Reading, leaves
from permit0.normalize.sensitive import find_personal, find_sensitive
from permit0.normalize.urls import parse_url

__all__ = ["read_extras"]


def read_extras(unmapped: Unmapped, mapping: ToolMapping, reading: Reading) -> None:
    """Add what the unmapped arguments say to the facts of a call."""
    facts = reading.facts
    for argument, value in unmapped:
        if looks_unread(argument, value, mapping):
            facts["extra.unread"] = True
        if isinstance(value, str) and names_a_host(argument) and _external_host(value, reading):
            facts["extra.external"] = True
        for text in leaves(value):
            if names_outside(text, reading.org.domains):
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
