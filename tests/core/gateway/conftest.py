"""One tool server."""

from __future__ import annotations

import pytest

from permit0.testing.gateway import GatewayLab


@pytest.fixture
def lab() -> GatewayLab:
    return GatewayLab()
