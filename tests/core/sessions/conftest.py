"""Engines with a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

from permit0.build import assemble
from permit0.config import parse_config
from permit0.engine import Engine
from permit0.testing.clock import FrozenClock

ORG = {"domains": ["acme-corp.com"], "default_currency": "USD", "fx_to_default": {"EUR": 2.0}}


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def make_engine(clock: FrozenClock) -> Callable[..., Engine]:
    """An engine, with limits if given."""

    def make(**limits: object) -> Engine:
        text = yaml.safe_dump({"org": ORG, "limits": limits})
        return assemble(parse_config(text, "permit0.yaml"), clock=clock).engine

    return make


@pytest.fixture
def engine(make_engine: Callable[..., Engine]) -> Engine:
    return make_engine()
