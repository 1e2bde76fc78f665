"""The execution gateway: tools that run only for whoever has a capability token.

It lives in the process of the tool, which holds public keys and nothing that could decide or sign.

    gateway    authorize(token, action, arguments), and a decorator for functions
    asgi       the same in front of a tool server, as ASGI middleware
    request    an HTTP request becomes arguments, or is refused
    status     a reason code becomes an HTTP status
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from permit0.gateway.asgi import PermitMiddleware
    from permit0.gateway.gateway import Authorized, ExecutionGateway

__all__ = ["Authorized", "ExecutionGateway", "PermitMiddleware"]

_HOME = {
    "Authorized": "permit0.gateway.gateway",
    "ExecutionGateway": "permit0.gateway.gateway",
    "PermitMiddleware": "permit0.gateway.asgi",
}


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'permit0.gateway' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value
