"""A sample of the packs, changed one thing at a time: cases notice. `make mutation` tries all of them."""

from __future__ import annotations

import pytest

from permit0.testing.mutation import MutationBench
from permit0.testing.pack_cases import built_in_packs

SAMPLE = (
    "ai.invoke_agent",
    "commerce.cancel_order",
    "crm.export",
    "device.unlock",
    "dev.push_code",
    "email.delete",
    "files.move",
    "iam.assign_role",
    "infra.terminate",
    "legal.sign_document",
    "payments.charge",
    "secrets.read",
)
MAX_SURVIVORS = 0.05


@pytest.fixture(scope="module")
def bench() -> MutationBench:
    """All packs: any case may notice."""
    return MutationBench(built_in_packs())


def test_cases_notice_nearly_every_change(bench: MutationBench) -> None:
    """Of the sample together; what is left is in the message."""
    chosen = [target for target in bench.targets() if target.action in SAMPLE]
    assert {target.action for target in chosen} == set(SAMPLE)
    outcomes = list(bench.run(chosen))
    left = [f"{item.where} {item.what}" for outcome in outcomes for item in outcome.survivors]
    tried = sum(outcome.tried for outcome in outcomes)
    assert tried > 500
    assert len(left) <= MAX_SURVIVORS * tried, "\n".join(left)
