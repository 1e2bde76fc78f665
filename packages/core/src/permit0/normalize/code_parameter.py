"""Code in an argument as facts: what it does, what it hands to a shell, whether it reaches outside.

Facts: "{p}.features" (permit0.normalize.code.FEATURES; absent if there are none), "{p}.pure" (read
exactly, and nothing but computation), "{p}.external" (it names a host outside the organisation, or
reaches out without saying where), "{p}.commands" (features of the shell lines inside it).
"""

from __future__ import annotations

from permit0.errors import InvalidInput
from permit0.model.action import Fact
from permit0.normalize.addresses import names_outside
from permit0.normalize.code import Code, read_any, read_javascript, read_python
from permit0.normalize.code.words import looks_like_host
from permit0.normalize.domains import Domains
from permit0.normalize.parameter_types import ParameterType
from permit0.normalize.shell import parse_shell
from permit0.normalize.urls import parse_url

__all__ = ["code_facts"]

MAX_COMMANDS = 32  # shell lines of one program that are read; more count as obscure
_REACHING = frozenset({"network", "mail"})


def code_facts(name: str, kind: ParameterType, text: str, domains: Domains) -> dict[str, Fact]:
    """The facts of one argument."""
    if kind is ParameterType.PYTHON:
        code = read_python(text)
    elif kind is ParameterType.JAVASCRIPT:
        code = read_javascript(text)
    else:
        code = read_any(text)
    facts: dict[str, Fact] = {name + ".pure": not code.features}
    if code.features:
        facts[name + ".features"] = code.features
    facts[name + ".external"] = _external(text, code, domains)
    commands = _commands(code)
    if commands:
        facts[name + ".commands"] = commands
    return facts


def _external(text: str, code: Code, domains: Domains) -> bool:
    if names_outside(text, domains) or any(names_outside(part, domains) for part in code.texts):
        return True
    if not _REACHING & code.features:
        return False
    scopes = [_is_outside(host, domains) for host in map(looks_like_host, code.texts) if host]
    # Where it reaches is computed: nobody knows.
    return any(scopes) or not scopes or "dynamic" in code.features


def _is_outside(host: str, domains: Domains) -> bool:
    try:
        return parse_url(host, domains=domains, where="").external
    except InvalidInput:
        return True


def _commands(code: Code) -> frozenset[str]:
    found: set[str] = set()
    for line in code.commands[:MAX_COMMANDS]:
        try:
            for command in parse_shell(line).commands:
                found |= command.features
        except InvalidInput:
            found.add("dynamic")
    return frozenset(found)
