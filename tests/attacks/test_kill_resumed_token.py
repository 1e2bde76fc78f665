"""A token is kept until the kill is taken back, and used then."""

from __future__ import annotations

from pathlib import Path

import pytest

from permit0.errors import EpochPassed
from permit0.model.kill import KillScope, KillVerb
from permit0.ports import KillSwitch
from permit0.state.kills import MemoryKills, SqliteKills
from permit0.testing.kill_contract import give
from permit0.testing.tokens import TokenLab

SCOPES = {
    KillScope.FLEET: "",
    KillScope.AGENT: "agent-1",
    KillScope.SESSION: "session-1",
    KillScope.DOMAIN: "payments",
    KillScope.ACTION: "payments.transfer",
}
OTHERS = {
    KillScope.AGENT: "agent-2",
    KillScope.SESSION: "session-2",
    KillScope.DOMAIN: "files",
    KillScope.ACTION: "payments.refund",
}


@pytest.fixture(params=["memory", "sqlite"])
def switch(request: pytest.FixtureRequest, lab: TokenLab, tmp_path: Path) -> KillSwitch:
    if request.param == "memory":
        return MemoryKills()
    return SqliteKills(tmp_path / "permit0.db", name="gateway", clock=lab.clock)


@pytest.mark.parametrize(("scope", "target"), SCOPES.items())
def test_a_token_from_before_a_kill_stays_refused_after_the_resume(
    lab: TokenLab, switch: KillSwitch, scope: KillScope, target: str
) -> None:
    kept = lab.issue(epoch=switch.state().number).text
    give(switch, scope=scope, target=target)
    with pytest.raises(EpochPassed):
        lab.present(kept, epochs=switch)
    give(switch, KillVerb.RESUME, scope, target)
    with pytest.raises(EpochPassed) as refusal:
        lab.present(kept, epochs=switch)
    assert refusal.value.reason_code == "token_epoch"
    lab.present(lab.issue(epoch=switch.state().number).text, epochs=switch)


@pytest.mark.parametrize(("scope", "target"), SCOPES.items())
def test_a_token_from_between_two_kills_dies_with_the_second(
    lab: TokenLab, switch: KillSwitch, scope: KillScope, target: str
) -> None:
    """Also if the first was never taken back: killing again reaches what was issued in spite of it."""
    give(switch, scope=scope, target=target)
    between = lab.issue(epoch=switch.state().number).text
    give(switch, scope=scope, target=target)
    give(switch, KillVerb.RESUME, scope, target)
    with pytest.raises(EpochPassed):
        lab.present(between, epochs=switch)


@pytest.mark.parametrize(("scope", "target"), OTHERS.items())
def test_a_token_of_somebody_else_is_not_stopped(
    lab: TokenLab, switch: KillSwitch, scope: KillScope, target: str
) -> None:
    token = lab.issue(epoch=switch.state().number).text
    give(switch, scope=scope, target=target)
    lab.present(token, epochs=switch)
