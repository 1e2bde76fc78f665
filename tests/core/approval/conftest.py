"""A desk with one call that needs a person."""

from __future__ import annotations

import pytest

from permit0.testing.approval_lab import ApprovalLab


@pytest.fixture
def lab() -> ApprovalLab:
    return ApprovalLab()
