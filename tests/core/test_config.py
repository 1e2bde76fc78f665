"""permit0.yaml: read strictly, and turned only as far as the guardrails allow."""

from __future__ import annotations

from pathlib import Path

import pytest

from permit0.build import assemble, build_engine
from permit0.config import MAX_CONFIG_BYTES, find_config, load_config, parse_config
from permit0.errors import BadConfig
from permit0.model.limits import DIRECTION, SessionLimits
from permit0.model.vocabulary import Amplifier, Flag, Mode, Outcome
from permit0.policy.guardrails import Tuning, tune
from permit0.score.scorer import TIER_BOUNDS


def tuned(text: str) -> Tuning:
    return tune(parse_config(text, "permit0.yaml"), TIER_BOUNDS)


def refused(text: str) -> str:
    with pytest.raises(BadConfig) as caught:
        assemble(parse_config(text, "permit0.yaml"))
    return str(caught.value)


# ---------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "org: {}\n", "mode: enforce\n"])
def test_nothing_configured_gives_safe_defaults(text: str) -> None:
    config = parse_config(text, "permit0.yaml").config
    assert (config.mode, config.profile, config.org.domains) == ("enforce", "general", ())
    assert config.org.default_currency == "USD"


@pytest.mark.parametrize(
    ("text", "where", "word"),
    [
        ("orgg: {}\n", ":1:", "'org'"),
        ("org:\n  domain: [a.com]\n", ":2:", "'domains'"),
        ("org: {}\nwieghts: {}\n", ":2:", "'weights'"),
        ("weights:\n  flag: {FINANCIAL: 1}\n", ":2:", "'flags'"),
        ("lists:\n  alow: []\n", ":2:", "'allow'"),
        ("mode: observ\n", ":1:", "'observe'"),
        ("profile: fintec\n", ":1:", "'fintech'"),
        ("org:\n  enviroment: test\n", ":2:", "'environment'"),
        ("org:\n  environment: prodution\n", ":2:", "'production'"),
        ("weights:\n  flags:\n    FINANCAL: 1\n", ":3:", "'FINANCIAL'"),
        ("weights:\n  amplifiers:\n\n    amont: 1\n", ":4:", "'amount'"),
        ("limits:\n  scatter_recipient: 5\n", ":2:", "'scatter_recipients'"),
        ("rules:\n  payments.transfr:\n  - {id: x, effect: gate, why: w}\n", ":3:", "payments.transfr"),
        ("rules:\n  email.send:\n  - {id: x, efect: gate, why: w}\n", ":3:", "'effect'"),
        ("lists:\n  deny:\n  - {action: payment.transfer, reason: r}\n", ":3:", "'payments.transfer'"),
        ("lists:\n  deny:\n  - {action: payment.*, reason: r}\n", ":3:", "'payments'"),
        ("plugins: [nothing-like-this]\n", "", "not installed"),
        ("packs:\n- nowhere.yaml\n", ":2:", "nowhere.yaml"),
    ],
)  # fmt: skip
def test_an_unknown_word_is_refused_with_its_line_and_the_nearest_one(
    text: str, where: str, word: str
) -> None:
    message = refused_or_plugin(text)
    assert where in message
    assert word in message


def refused_or_plugin(text: str) -> str:
    from permit0.errors import BadPlugin

    with pytest.raises((BadConfig, BadPlugin)) as caught:
        assemble(parse_config(text, "permit0.yaml"))
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "org: [", "org: {a: 1", "\t- x", "a: b: c", "'unclosed", "- a\n- b", "just text", "42",
        "{}\n---\n{}\n",
        "!!python/object/apply:os.system ['true']", "org: !!python/name:os.system", "&a [*a]", "1: {}",
        "? [a]\n: b",
        "org: &x {domains: *x}", "\x00", "org:\n  domains: acme.com", "org:\n  domains: [1]", "org: 7",
        "limits: {scatter_recipients: many}", "mode: [enforce]", "mode: true",
        "org: {default_currency: dollars}",
        "org: {default_currency: XXQ}", "org: {fx_to_default: {EUR: 0}}", "org: {fx_to_default: {EUR: -1}}",
        "org: {fx_to_default: {EUR: .nan}}", "org: {fx_to_default: {EUR: .inf}}",
        "org: {fx_to_default: {QQQ: 1}}",
        "org: {domains: [com]}", "org: {domains: [co.uk]}", "org: {domains: ['*.acme.com']}",
        "org: {domains: ['']}",
        "org: {domains: [github.io]}",
    ],
)  # fmt: skip
def test_what_is_no_configuration_is_refused(text: str) -> None:
    assert "permit0.yaml" in refused(text) or "org" in refused(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [("mode: enforce\nmode: observe\n", 2), ("org:\n  domains: [a.com]\n  domains: [b.com]\n", 3)],
)
def test_a_key_that_appears_twice_is_refused(text: str, line: int) -> None:
    message = refused(text)
    assert f"permit0.yaml:{line}:" in message
    assert "twice" in message


def test_a_deeply_nested_document_is_refused() -> None:
    assert "permit0.yaml" in refused("org: " + "[" * 5000 + "]" * 5000)


def test_norway_is_no_boolean() -> None:
    text = "lists: {deny: [{action: email.send, when: {environment: [no, off]}, reason: yes}]}"
    entry = parse_config(text, "permit0.yaml").config.lists.deny[0]
    assert (entry.when, entry.reason) == ({"environment": ["no", "off"]}, "yes")


# ---------------------------------------------------------------------------------- finding


def test_the_option_comes_before_the_variable_and_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    option, variable, found = tmp_path / "o.yaml", tmp_path / "v.yaml", tmp_path / "permit0.yaml"
    for path in (option, variable, found):
        path.write_text("{}")
    monkeypatch.chdir(inner)
    environment = {"PERMIT0_CONFIG": str(variable)}
    assert find_config(option, environment=environment) == option
    assert find_config(environment=environment) == variable
    assert find_config(environment={}) == found
    assert find_config(environment={"PERMIT0_CONFIG": ""}) == found


def test_a_named_file_that_is_not_there_is_an_error_and_not_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    missing = tmp_path / "missing.yaml"
    with pytest.raises(BadConfig, match=r"missing\.yaml"):
        find_config(missing, environment={})
    with pytest.raises(BadConfig, match=r"missing\.yaml"):
        find_config(environment={"PERMIT0_CONFIG": str(missing)})
    with pytest.raises(BadConfig):
        find_config(tmp_path, environment={})
    with pytest.raises(BadConfig):
        build_engine(missing)


def test_a_file_is_read_and_one_that_is_huge_or_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "permit0.yaml"
    path.write_text("mode: observe\n")
    assert load_config(path).config.mode == "observe"
    path.write_bytes(b"# " + b"x" * MAX_CONFIG_BYTES)
    with pytest.raises(BadConfig, match="larger than"):
        load_config(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadConfig, match="cannot be read"):
        load_config(path)
    with pytest.raises(BadConfig, match="cannot be read"):
        load_config(tmp_path / "gone.yaml")


# ---------------------------------------------------------------------------------- guardrails


@pytest.mark.parametrize("factor", [0.5, 1, 1.0, 2.0])
def test_a_weight_may_be_halved_or_doubled(factor: float) -> None:
    text = f"weights: {{flags: {{FINANCIAL: {factor}}}, amplifiers: {{amount: {factor}}}}}"
    tuning = tuned(text)
    assert tuning.flags[Flag.FINANCIAL] == factor
    assert tuning.amplifiers[Amplifier.AMOUNT] == factor


@pytest.mark.parametrize(
    "factor", ["0.49", "2.01", "0", "-1", "-0.5", "100", ".nan", ".inf", "-.inf"]
)
@pytest.mark.parametrize("section", ["flags: {FINANCIAL", "amplifiers: {amount"])
def test_a_weight_beyond_the_guardrails_is_refused(factor: str, section: str) -> None:
    message = refused(f"weights:\n  {section}: {factor}}}\n")
    assert "permit0.yaml:2: weights." in message


def test_profile_and_configuration_count_together() -> None:
    fine = "profile: fintech\nweights: {flags: {FINANCIAL: 1.6}, amplifiers: {amount: 0.5}}\n"
    tuning = tuned(fine)
    assert tuning.flags[Flag.FINANCIAL] == pytest.approx(2.0)
    assert tuning.amplifiers[Amplifier.AMOUNT] == 1.0
    assert ":2:" in refused("profile: fintech\nweights: {flags: {FINANCIAL: 1.7}}\n")
    assert ":2:" in refused("profile: fintech\nweights: {amplifiers: {amount: 1.1}}\n")


@pytest.mark.parametrize("profile", ["general", "fintech", "insurtech", "healthtech"])
def test_every_profile_is_within_the_guardrails(profile: str) -> None:
    tuning = tuned(f"profile: {profile}")
    assert all(
        0.5 <= factor <= 2 for factor in (*tuning.flags.values(), *tuning.amplifiers.values())
    )
    assert_stricter(tuning.limits, SessionLimits())
    assemble(parse_config(f"profile: {profile}", "permit0.yaml"))


def assert_stricter(limits: SessionLimits, than: SessionLimits) -> None:
    for name, way in DIRECTION.items():
        assert (getattr(limits, name) - getattr(than, name)) * way >= 0


@pytest.mark.parametrize(
    ("name", "at"), [("low", 0.15), ("medium", 0.35), ("high", 0.55), ("critical", 0.75)]
)
def test_a_tier_bound_may_be_moved_by_a_tenth(name: str, at: float) -> None:
    i = ["low", "medium", "high", "critical"].index(name)
    for moved in (at - 0.10, at, at + 0.10):
        assert tuned(f"weights: {{tier_bounds: {{{name}: {moved:.2f}}}}}").tier_bounds[i] == round(
            moved, 2
        )
    for moved in (at - 0.11, at + 0.11, at - 0.101, at + 0.101, -1.0, 1.0):
        assert ":2:" in refused(f"weights:\n  tier_bounds: {{{name}: {moved:.3f}}}\n")
    for text in (".nan", ".inf"):
        assert ":2:" in refused(f"weights:\n  tier_bounds: {{{name}: {text}}}\n")


def test_tier_bounds_keep_rising() -> None:
    assert "rise" in refused("weights: {tier_bounds: {low: 0.25, medium: 0.25}}")
    assert tuned("weights: {tier_bounds: {low: 0.25, medium: 0.26}}").tier_bounds[:2] == (
        0.25,
        0.26,
    )


@pytest.mark.parametrize("name", sorted(DIRECTION))
def test_a_limit_may_be_tightened_and_never_loosened(name: str) -> None:
    published = getattr(SessionLimits(), name)
    tighter, looser = (published + 1, published - 1)
    if DIRECTION[name] < 0:
        tighter, looser = looser, tighter
    assert getattr(tuned(f"limits: {{{name}: {tighter}}}").limits, name) == tighter
    assert getattr(tuned(f"limits: {{{name}: {published}}}").limits, name) == published
    message = refused(f"limits:\n  {name}: {looser}\n")
    assert f"permit0.yaml:2: limits.{name}" in message
    assert "loosens" in message


def test_every_limit_has_a_direction() -> None:
    assert set(DIRECTION) == set(SessionLimits.__struct_fields__)


@pytest.mark.parametrize(
    "value", ["0", "-1", ".nan", ".inf", "-.inf", "true", "'5'", "null", "[5]", "1" + "0" * 400]
)
@pytest.mark.parametrize("name", sorted(DIRECTION))
def test_a_limit_that_is_no_number_is_refused(name: str, value: str) -> None:
    assert ":2:" in refused(f"limits:\n  {name}: {value}\n")


@pytest.mark.parametrize(
    "name", [n for n in sorted(DIRECTION) if isinstance(getattr(SessionLimits(), n), int)]
)
def test_a_count_is_whole(name: str) -> None:
    assert ":2:" in refused(f"limits:\n  {name}: 5.5\n")


def test_a_profile_limit_cannot_be_loosened_either() -> None:
    assert (
        tuned("profile: fintech\nlimits: {transfer_total: 100000}").limits.transfer_total == 100_000
    )
    assert ":2:" in refused("profile: fintech\nlimits: {transfer_total: 400000}\n")


@pytest.mark.parametrize(
    "rule",
    [
        "{id: x, effect: allow, why: w}",
        "{id: x, effect: allow+log, why: w}",
        "{id: x, effect: downgrade, why: w}",
        "{id: x, effect: upgrade, amplifiers: {amount: -1}, why: w}",
        "{id: x, effect: gate, demote: [FINANCIAL], why: w}",
        "{id: amount_under_1000, effect: gate, why: w}",
        "{id: x, effect: gate, when: {amont: {above: 1}}, why: w}",
        "{id: x, effect: gate, when: {}, why: w}",
        "{id: X-1, effect: gate, why: w}",
    ],
)
def test_a_rule_of_the_configuration_can_only_raise(rule: str) -> None:
    assert ":3: rules" in refused(f"rules:\n  payments.transfer:\n  - {rule}\n")


def test_a_rule_that_raises_is_added() -> None:
    text = "rules: {files.read: [{id: none, effect: block, when: {path: {present: true}}, why: w}]}"
    engine = assemble(parse_config(text, "permit0.yaml")).engine
    decision = engine.check("files.read", {"path": "/app/x"})
    assert (decision.outcome, decision.reasons[0].rule) == (Outcome.DENY, "files.read/none")


@pytest.mark.parametrize(
    "entry",
    [
        "{reason: r, owner: o, expires: '2099-01-01T00:00:00Z'}",
        "{action: email.send, owner: o, expires: '2099-01-01T00:00:00Z'}",
        "{action: email.send, reason: r, expires: '2099-01-01T00:00:00Z'}",
        "{action: email.send, reason: r, owner: o}",
        "{action: email.send, reason: '', owner: o, expires: '2099-01-01T00:00:00Z'}",
        "{action: email.send, reason: r, owner: '', expires: '2099-01-01T00:00:00Z'}",
        "{action: email.send, reason: r, owner: o, expires: never}",
        "{action: email.send, reason: r, owner: o, expires: '2099-01-01T00:00:00'}",
        "{tool: '--', reason: r, owner: o, expires: '2099-01-01T00:00:00Z'}",
        "{action: '*', reason: r, owner: o, expires: '2099-01-01T00:00:00Z'}",
        "{action: '.*', reason: r, owner: o, expires: '2099-01-01T00:00:00Z'}",
        "{action: email.send, when: {}, reason: r, owner: o, expires: '2099-01-01T00:00:00Z'}",
        "{action: email.send, when: {nothing: 1}, reason: r, owner: o, expires: '2099-01-01T00:00:00Z'}",
    ],
)
def test_an_allow_entry_needs_a_subject_a_reason_an_owner_and_an_end(entry: str) -> None:
    assert "lists.allow[0]" in refused(f"lists:\n  allow:\n  - {entry}\n")


def test_a_complete_allow_entry_is_accepted() -> None:
    entry = "{action: email.send, reason: r, owner: o, expires: '2099-01-01T00:00:00+02:00'}"
    assemble(parse_config(f"lists: {{allow: [{entry}]}}", "permit0.yaml"))


# ---------------------------------------------------------------------------------- observe


def test_observe_mode_lets_calls_run_and_says_what_it_would_have_decided(
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine = assemble(parse_config("mode: observe", "permit0.yaml")).engine
    assert "observe" in capsys.readouterr().err
    for tool, arguments, decided in (
        ("payments.transfer", {"amount": 300_000, "recipient": "V"}, Outcome.DENY),
        ("frobnicate", {}, Outcome.HUMAN),
        ("files.read", {"path": "/app/x"}, Outcome.ALLOW),
        ("payments.transfer", {"amount": "five"}, Outcome.DENY),
    ):
        decision = engine.check(tool, arguments)
        assert (decision.outcome, decision.decided) == (Outcome.ALLOW, decided)
        assert decision.mode is Mode.OBSERVE


def test_enforce_mode_binds_and_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    engine = assemble(parse_config("", "permit0.yaml")).engine
    decision = engine.check("payments.transfer", {"amount": 300_000, "recipient": "V"})
    assert decision.outcome is decision.decided is Outcome.DENY
    assert capsys.readouterr().err == ""
