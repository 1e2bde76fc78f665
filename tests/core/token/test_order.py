"""The steps of a verification come in their order: what is wrong first is what is told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import permit0.errors
import permit0.token.verifier
from permit0.errors import EpochPassed, InvalidToken
from permit0.model.claims import Jti
from permit0.testing.tokens import TokenLab
from permit0.token.epochs import FixedEpoch
from permit0.token.keys import KeyRing, SigningKey, footer_of

LATE = 10_000.0


class CountingStore:
    """Counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def claim(self, jti: Jti, expires_at: float, *, uses: int = 1) -> bool:
        self.asked += 1
        return True


def test_what_is_wrong_first_is_what_is_told(lab: TokenLab) -> None:
    """Each token has every fault of those below it."""
    stranger = SigningKey.generate()
    retired = KeyRing([stranger.public], [lab.key.public])
    token = lab.issue().text
    bad_claims = lab.claims(aud="x", act="a.b", more=1)
    cases = {
        "token_oversize": (token + "." * 5000, retired),
        "token_wrong_version": ("v2" + token[2:], retired),
        "token_malformed": (token + "=", retired),
        "token_footer": (lab.sign(bad_claims, footer=b"{}"), retired),
        "token_unknown_key": (lab.sign(bad_claims, key=SigningKey.generate()), retired),
        "token_bad_signature": (
            lab.sign(bad_claims, key=SigningKey.generate(), footer=footer_of(lab.key.kid)),
            retired,
        ),
        "token_retired_key": (lab.sign(bad_claims), retired),
        "token_claim_missing": (lab.sign({"more": 1}), lab.ring),
        "token_claim_unknown": (lab.sign(bad_claims), lab.ring),
        "token_claim_ill_typed": (lab.sign(lab.claims(aud="x", act="a")), lab.ring),
        "token_wrong_audience": (lab.sign(lab.claims(aud="x", act="a.b")), lab.ring),
        "token_expired": (lab.sign(lab.claims(act="a.b")), lab.ring),
    }
    lab.clock.advance(LATE)
    store = CountingStore()
    changes: dict[str, Any] = {"epochs": FixedEpoch(1), "replay": store}
    for code, (text, ring) in cases.items():
        with pytest.raises(InvalidToken) as refusal:
            lab.present(text, action="b.c", arguments={}, keys=ring, **changes)
        assert refusal.value.reason_code == code
    lab.clock.advance(-LATE)
    token = lab.issue().text
    for code, kill, action in (
        ("token_epoch", 1, "b.c"),
        ("token_action_mismatch", 0, "b.c"),
        ("token_arguments_mismatch", 0, "payments.transfer"),
    ):
        with pytest.raises(InvalidToken) as refusal:
            lab.present(token, action=action, arguments={}, epochs=FixedEpoch(kill), replay=store)
        assert refusal.value.reason_code == code
    assert store.asked == 0
    lab.present(token, replay=store)
    assert store.asked == 1


@pytest.mark.parametrize(("epoch", "kill"), [(0, 1), (6, 7), (0, 2**52)])
def test_a_kill_after_the_decision_wins(lab: TokenLab, epoch: int, kill: int) -> None:
    token = lab.issue(epoch=epoch).text
    with pytest.raises(EpochPassed) as refusal:
        lab.present(token, epochs=FixedEpoch(kill))
    assert refusal.value.reason_code == "token_epoch"
    lab.present(token, epochs=FixedEpoch(epoch))


def test_the_kill_switch_is_asked_about_this_agent_session_and_action(lab: TokenLab) -> None:
    asked: list[dict[str, str]] = []

    class Switch:
        def required(self, *, agent: str, session: str, action: str) -> int:
            asked.append({"agent": agent, "session": session, "action": action})
            return 0

    lab.present(lab.issue().text, epochs=Switch())
    assert asked == [{"agent": "agent-1", "session": "session-1", "action": "payments.transfer"}]


def test_no_message_holds_a_token_or_an_argument(lab: TokenLab) -> None:
    token = lab.issue().text
    body = token.split(".")[2]
    for text, action, arguments in (
        (token + "=", "a.b", {}),
        (token, "a.b", {}),
        (token, "payments.transfer", {"password": "hunter2"}),
    ):
        with pytest.raises(InvalidToken) as refusal:
            lab.present(text, action=action, arguments=arguments)
        assert body[:20] not in str(refusal.value)
        assert "hunter2" not in str(refusal.value)


def test_every_refusal_of_a_token_has_a_code_of_its_own_and_a_test() -> None:
    classes = InvalidToken.__subclasses__()
    codes = [cls.reason_code for cls in classes]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"token_[a-z_]+", code) for code in codes)
    assert {cls.__name__ for cls in classes} <= set(permit0.errors.__all__)
    here = Path(__file__).parent
    tests = "".join(
        path.read_text("utf-8")
        for folder in (here, here.parents[1] / "attacks")
        for path in folder.glob("test_*.py")
    )
    assert [code for code in codes if f'"{code}"' not in tests] == []


def test_the_rooms_do_not_read_the_clock_or_the_environment_themselves() -> None:
    folder = Path(permit0.token.verifier.__file__).parent
    for path in folder.glob("*.py"):
        text = path.read_text("utf-8")
        assert "environ" not in text.replace("environment", "")
        assert not re.search(r"\btime\.time|datetime\.now|utcnow", text)
