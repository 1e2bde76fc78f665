"""A plugin that fails, lies or tries to allow: refused at the door, or the call is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest

from permit0.build import Deployment
from permit0.errors import BadPlugin
from permit0.model.action import NormAction
from permit0.model.finding import Finding
from permit0.model.history import Feature, HistoryView
from permit0.model.limits import SessionLimits
from permit0.model.vocabulary import Effect, Outcome
from permit0.plugins.hookspecs import hookimpl

Deploy = Callable[..., Deployment]
READ = {"path": "/app/x"}


class Rule:
    """A session rule that says what it is told to say."""

    def __init__(self, says: object, name: str = "theirs") -> None:
        self.name = name
        self.actions: frozenset[str] | None = None
        self.features: Sequence[Feature] = ()
        self._says = says

    def check(
        self, view: HistoryView, action: NormAction, siblings: Sequence[NormAction]
    ) -> Finding | None:
        if isinstance(self._says, BaseException):
            raise self._says
        return self._says  # type: ignore[return-value]  # some attacks return nonsense


def plugin(*rules: object) -> object:
    @hookimpl
    def permit0_session_rules(limits: SessionLimits) -> Sequence[object]:
        return rules

    return SimpleNamespace(permit0_session_rules=permit0_session_rules)


def hook(function: Callable[..., object], name: str = "permit0_session_rules") -> object:
    return SimpleNamespace(**{name: hookimpl(function)})


def finding(effect: Effect) -> Finding:
    return Finding("theirs", effect, "because")


def test_a_rule_that_says_nothing_changes_nothing(deploy: Deploy) -> None:
    engine = deploy(plugins=[("p", plugin(Rule(None)))]).engine
    assert engine.check("files.read", READ).outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    "says",
    [
        ValueError("x"),
        KeyError("x"),
        RecursionError(),
        MemoryError(),
        7,
        True,
        "allow",
        Effect.ALLOW,
    ],
)
def test_a_rule_that_fails_or_returns_nonsense_refuses_the_call(
    deploy: Deploy, says: object
) -> None:
    engine = deploy(plugins=[("p", plugin(Rule(says)))]).engine
    decision = engine.check("files.read", READ)
    assert (decision.outcome, decision.error) == (Outcome.DENY, "internal_error")


def test_after_a_rule_failed_the_next_call_is_decided(deploy: Deploy) -> None:
    rule = Rule(ValueError("x"))
    engine = deploy(plugins=[("p", plugin(rule))]).engine
    engine.check("files.read", READ)
    rule._says = None
    assert engine.check("files.read", READ).outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    "effect", [Effect.ALLOW, Effect.ALLOW_LOG, Effect.DOWNGRADE, Effect.UPGRADE]
)
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("payments.transfer", {"amount": 300_000, "recipient": "V"}),
        ("payments.transfer", {"amount": 50, "recipient": "V"}),
        ("frobnicate", {}),
        ("files.read", {"path": "/etc/shadow"}),
        ("files.read", {"path": "/app/.env"}),
        ("process.shell", {"command": "rm -rf /"}),
    ],
)
def test_no_finding_makes_a_decision_milder(
    deploy: Deploy, effect: Effect, tool: str, arguments: dict[str, object]
) -> None:
    without = deploy().engine.check(tool, arguments)
    with_it = deploy(plugins=[("p", plugin(Rule(finding(effect))))]).engine.check(tool, arguments)
    assert with_it.outcome is without.outcome
    assert with_it.score == without.score


@pytest.mark.parametrize(
    ("effect", "outcome", "code"),
    [
        (Effect.MEDIUM, Outcome.HUMAN, "floor_medium"),
        (Effect.HIGH, Outcome.HUMAN, "floor_high"),
        (Effect.APPROVAL, Outcome.HUMAN, "floor_approval"),
        (Effect.GATE, Outcome.HUMAN, "gate"),
        (Effect.BLOCK, Outcome.DENY, "session_block"),
    ],
)
def test_a_finding_raises_the_decision(
    deploy: Deploy, effect: Effect, outcome: Outcome, code: str
) -> None:
    engine = deploy(plugins=[("p", plugin(Rule(finding(effect))))]).engine
    decision = engine.check("files.read", READ)
    assert decision.outcome is outcome
    assert (decision.reasons[0].code, decision.reasons[0].rule) == (code, "theirs")


@pytest.mark.parametrize("name", ["scatter_transfer", "card_testing", "read_then_exfiltrate"])
def test_a_rule_cannot_take_the_name_of_an_immutable_one(deploy: Deploy, name: str) -> None:
    with pytest.raises(BadPlugin, match="two session rules"):
        deploy(plugins=[("p", plugin(Rule(None, name)))])


def test_two_plugins_cannot_share_a_rule_name(deploy: Deploy) -> None:
    with pytest.raises(BadPlugin, match="two session rules"):
        deploy(plugins=[("p", plugin(Rule(None))), ("q", plugin(Rule(None)))])


@pytest.mark.parametrize("result", [[object()], [None], ["x"], "x", 7, {"a": 1}, b"x"])
def test_a_hook_that_returns_nonsense_is_refused_at_the_start(
    deploy: Deploy, result: object
) -> None:
    def rules(limits: SessionLimits) -> object:
        return result

    with pytest.raises(BadPlugin):
        deploy(plugins=[("p", hook(rules))])


def test_a_hook_that_raises_is_refused_at_the_start(deploy: Deploy) -> None:
    def rules(limits: SessionLimits) -> object:
        raise ValueError("x")

    with pytest.raises(BadPlugin):
        deploy(plugins=[("p", hook(rules))])


@pytest.mark.parametrize("option", ["wrapper", "hookwrapper"])
def test_a_wrapper_is_refused(deploy: Deploy, option: str) -> None:
    def rules(limits: SessionLimits) -> object:
        return (yield)

    attack = SimpleNamespace(permit0_session_rules=hookimpl(**{option: True})(rules))  # type: ignore[call-overload]  # either option
    with pytest.raises(BadPlugin, match="wraps"):
        deploy(plugins=[("p", attack)])


def test_a_misspelt_hook_is_refused_with_the_right_name(deploy: Deploy) -> None:
    def rules(limits: SessionLimits) -> object:
        return []

    with pytest.raises(BadPlugin, match="did you mean 'permit0_session_rules'"):
        deploy(plugins=[("p", hook(rules, "permit0_sesion_rules"))])


def test_a_hook_under_another_attribute_is_still_checked(deploy: Deploy) -> None:
    def rules(limits: SessionLimits) -> object:
        return []

    attack = SimpleNamespace(x=hookimpl(specname="permit0_decide")(rules))
    with pytest.raises(BadPlugin, match="unknown hook"):
        deploy(plugins=[("p", attack)])


def test_a_plugin_without_hooks_is_refused(deploy: Deploy) -> None:
    with pytest.raises(BadPlugin, match="no hook"):
        deploy(plugins=[("p", SimpleNamespace())])


def test_a_plugin_cannot_replace_the_core(deploy: Deploy) -> None:
    with pytest.raises(BadPlugin):
        deploy(plugins=[("core", plugin(Rule(None)))])
