"""One deployment that trusts itself."""

from __future__ import annotations

import pytest

from permit0.testing.tokens import TokenLab


@pytest.fixture
def lab() -> TokenLab:
    return TokenLab()
