"""A secret in one text of a call is not unsaid by another text that is read after it."""

from __future__ import annotations

import pytest

from permit0.engine import Engine
from permit0.normalize.parameter_types import ParameterType
from permit0.testing.pack_cases import built_in_packs

SECRET = "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TEXTS = {
    action: [name for name, item in spec.parameters.items() if item.type is ParameterType.TEXT]
    for pack in built_in_packs()
    for action, spec in pack.spec.actions.items()
}
PAIRS = [
    (action, secret, other)
    for action, names in TEXTS.items()
    for secret in names
    for other in names
    if secret != other
]


@pytest.mark.parametrize(("action", "secret", "other"), PAIRS)
def test_secret_is_seen_whatever_else_the_call_says(
    action: str, secret: str, other: str, engine: Engine
) -> None:
    for arguments in ({secret: SECRET, other: "hello"}, {other: "hello", secret: SECRET}):
        for item in engine.check(action, arguments).actions:
            assert item.action.facts["content.secrets"] is True
    for item in engine.check(action, {secret: "hello", other: "hello"}).actions:
        assert item.action.facts["content.secrets"] is False
