"""An organisation to attack: one internal domain, one currency, every default that ships."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
import yaml

from permit0.build import Deployment, assemble
from permit0.config import parse_config
from permit0.engine import Engine
from permit0.testing.clock import FrozenClock
from permit0.testing.tokens import TokenLab

ORG = {
    "domains": ["acme-corp.com"],
    "default_currency": "USD",
    "fx_to_default": {"EUR": 1.08, "JPY": 0.0064},
    "approved_payees": [],
}

Deploy = Callable[..., Deployment]


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def deploy(clock: FrozenClock) -> Deploy:
    """Assemble with some of the configuration replaced and, if given, plugins."""

    def make(
        config: dict[str, object] | None = None, plugins: Iterable[tuple[str, object]] = ()
    ) -> Deployment:
        text = yaml.safe_dump({"org": ORG} | (config or {}))
        return assemble(parse_config(text, "permit0.yaml"), clock=clock, plugins=plugins)

    return make


@pytest.fixture
def engine(deploy: Deploy) -> Engine:
    return deploy().engine


@pytest.fixture
def lab() -> TokenLab:
    """A deployment that issues and accepts tokens."""
    return TokenLab()
