"""protect: a function is guarded and reported, a stranger is an error."""

from __future__ import annotations

import pytest

import permit0
from permit0.integration import Coverage, CoverageWarning, Covered, Gap


def test_a_function_is_guarded(guard: permit0.Guard) -> None:
    ran: list[int] = []

    def danger(amount: int) -> None:
        ran.append(amount)

    def charge(amount: int, customer: str) -> None:
        ran.append(amount)

    with pytest.raises(permit0.Denied):
        permit0.protect(danger, guard=guard)(5)
    safe = permit0.protect(charge, guard=guard, strict=True)
    assert permit0.coverage(safe).complete
    with pytest.raises(permit0.Permit0Error):
        safe(amount=float("nan"), customer="cus_1")  # type: ignore[arg-type]  # what an agent may send
    assert ran == []


@pytest.mark.parametrize("stranger", [object(), 5, [], [object()], "text"])
def test_what_nobody_knows_is_an_error(guard: permit0.Guard, stranger: object) -> None:
    with pytest.raises(permit0.InvalidInput) as refused:
        permit0.protect(stranger, guard=guard)
    assert refused.value.reason_code == "protect_unknown"
    with pytest.raises(permit0.InvalidInput):
        permit0.coverage(stranger)


def test_a_report_with_a_gap_is_not_complete() -> None:
    tool = Covered("charge", ("agent", "tool"))
    report = Coverage("test", (tool,)).plus(Coverage("test", (tool,), (Gap("search", "hosted"),)))
    assert report.covered == (tool,)
    assert not report.complete
    assert not Coverage("test").complete
    assert "OPEN     search" in str(report)
    assert issubclass(CoverageWarning, UserWarning)
