"""The types of parameters: how an argument is read.

Apart from the schema of packs, so that an engine that needs no YAML needs no schema either.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ParameterType"]


class ParameterType(StrEnum):
    """How an argument is read. Each type gives its own facts (normalize.parameters)."""

    MONEY = "money"
    CURRENCY = "currency"
    PAYEE = "payee"
    ACCOUNT = "account"
    CUSTOMER = "customer"
    RECIPIENTS = "recipients"
    PATH = "path"
    URL = "url"
    SHELL = "shell"
    TEXT = "text"
    FILES = "files"
    LABEL = "label"
    COUNT = "count"
    SWITCH = "switch"
    ANY = "any"
