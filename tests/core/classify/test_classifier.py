"""The tool compiler: what it takes a tool for, and what keeps a harmful one from being called harmless."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from permit0.build import assemble
from permit0.canonical import freeze
from permit0.classify import Classification, Classifier, ToolDescription
from permit0.classify.classifier import MAX_REMEMBERED
from permit0.classify.lexicon import load_calm, load_lexicon
from permit0.classify.model import MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, MAX_SCHEMA_CHARS
from permit0.config import parse_config
from permit0.model.call import ToolCall
from permit0.model.decision import Decision
from permit0.model.vocabulary import Outcome
from permit0.normalize.catalog import fold_name
from permit0.normalize.compiled import ToolCompiler, action_shapes
from permit0.taxonomy import UNCLASSIFIED
from permit0.testing.clock import FrozenClock

DEPLOYMENT = assemble(parse_config("{org: {domains: [acme-corp.com]}}", "org"))
CLASSIFIER = Classifier(action_shapes(DEPLOYMENT.catalog))
CALM = load_calm()
LEXICON = load_lexicon()

PACK_NAMES: dict[str, list[str]] = {}  # as vendors write them, with their words apart
for _pack in DEPLOYMENT.packs:
    for _mapping in _pack.spec.mappings:
        for _tool in _mapping.tools:
            PACK_NAMES.setdefault(fold_name(_tool), []).append(_tool)

CALM_TOOLS = [
    ("list_open_tasks", {}),
    ("get_calendar_events", {"start_date": "string", "limit": "integer"}),
    ("github_list_branches_by_repo", {"repo": "string", "page": "integer"}),
    ("find_customer_contacts", {"query": "string", "limit": "integer"}),
    ("get_weather_forecast_by_city", {"query": "string"}),
    ("listFolderFiles", {"path": "string"}),
]


def schema_of(arguments: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in arguments.items()},
    }


def classify(name: str, description: str = "", schema: Any = None) -> Classification:
    return CLASSIFIER.classify(
        ToolDescription(name, description, schema_of({}) if schema is None else schema)
    )


def decide(
    tool: str, arguments: dict[str, Any], description: str = "", schema: str = ""
) -> Decision:
    engine = DEPLOYMENT.fresh_engine(FrozenClock(1_700_000_000.0))
    return engine.check(tool, arguments, description=description, schema=schema)


@pytest.mark.parametrize(("name", "arguments"), CALM_TOOLS)
def test_a_read_whose_every_word_is_understood_is_calm(
    name: str, arguments: dict[str, str]
) -> None:
    found = classify(name, "", schema_of(arguments))
    assert found.calm, found.reasons
    assert found.action in CALM.actions


@pytest.mark.parametrize(
    ("name", "arguments", "action"),
    [
        ("wire_funds_abroad", {"amount": "number", "iban": "string"}, "payments.transfer"),
        (
            "zorg_send_email_to_client",
            {"to": "string", "subject": "string", "body": "string"},
            "email.send",
        ),
        ("destroy_kubernetes_cluster", {"cluster": "string"}, "infra.terminate"),
        ("deleteOldDbRows", {"table": "string"}, "db.delete"),
        ("rotate_vault_secret", {"name": "string"}, "secrets.rotate"),
        ("grant_admin_role_to_user", {"user": "string"}, "iam.assign_role"),
        ("run_bash_line", {"command": "string"}, "process.shell"),
        ("post_tweet_thread_now", {"text": "string"}, "content.post_social"),
        ("unlock_front_door_now", {"door": "string"}, "device.unlock"),
        ("submit_court_filing_form", {"document": "string"}, "legal.submit_filing"),
    ],
)
def test_a_tool_that_acts_is_recognised_and_never_calm(
    name: str, arguments: dict[str, str], action: str
) -> None:
    found = classify(name, "", schema_of(arguments))
    assert found.candidates[0].action == action
    assert not found.calm


def test_arguments_are_bound_to_typed_parameters() -> None:
    found = classify(
        "zorg_send_email",
        "",
        schema_of({"recipients": "array", "subjectLine": "string", "bodyText": "string"}),
    )
    # An array without items is not understood completely, but it can be read.
    assert found.action == "email.send"
    assert found.parameters["bodyText"] == "body"


def test_a_missing_required_parameter_makes_a_tool_unknown() -> None:
    assert classify("wire_money_abroad", "", schema_of({"memo": "string"})).action == UNCLASSIFIED
    assert (
        classify("wire_money_abroad", "", schema_of({"amount": "number"})).action
        == "payments.transfer"
    )


def test_below_the_bar_a_tool_is_unknown_and_says_what_it_might_be() -> None:
    found = classify("frobnicate_gizmo", "Frobnicates.")
    assert found.action == UNCLASSIFIED
    assert not found.calm
    assert len(classify("create_thing_order_file_user").candidates) <= 5


@pytest.mark.parametrize("argument", ["principal", "content.secrets", "invoice_id", "repo"])
def test_arguments_alone_never_say_what_a_tool_is(argument: str) -> None:
    schema = schema_of({"widget": "integer", argument: "string"})
    assert classify("frobnicate", "", schema).action == UNCLASSIFIED


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("add_user_to_group_now", "iam.assign_role"),
        ("remove_user_from_group_now", "iam.revoke_role"),
        ("tweets_recent_search", "content.search"),
        ("get_customer_contact_details", "crm.get"),
        ("create_waf_rule_now", "infra.modify_network"),
    ],
)
def test_what_stands_around_a_word_says_what_it_means(name: str, action: str) -> None:
    assert classify(name).candidates[0].action == action


def test_every_candidate_has_a_confidence_and_reasons() -> None:
    for item in classify("create_gitlab_issue_note_now", "Add a note.").candidates:
        assert 0 <= item.confidence <= 1
        assert item.reasons


def test_no_tool_that_a_pack_calls_more_than_a_read_is_calm() -> None:
    """Every mapped name is a labelled one; without arguments, so that the name alone decides."""
    catalog = DEPLOYMENT.catalog
    calm = 0
    for tool in catalog.tools:
        mapping = catalog.find(tool)
        assert mapping is not None
        for name in (tool, *PACK_NAMES.get(tool, ())):
            found = classify(name)
            if found.calm:
                calm += 1
                entry = catalog.actions[mapping.action]
                assert entry.reads or mapping.action == "process.compute", (name, mapping.action)
                assert mapping.action.partition(".")[0] not in {"secrets", "payments"}, name
    assert calm > 100


# ------------------------------------------------------------------------------------------ laws

WORDS = sorted({*LEXICON.domains, *LEXICON.verbs, *CALM.danger, *CALM.fillers, *CALM.nouns, "zorg"})
KINDS = st.sampled_from(["string", "integer", "boolean", "array", "object", "number", "nonsense"])
NAMES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map("_".join) | st.text(
    max_size=40
)
SCHEMAS = st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=12), KINDS, max_size=5).map(
    schema_of
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["properties", "type", "items", "anyOf", "$ref", "enum", "required", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
PROSE = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join) | st.text(max_size=60)


@settings(max_examples=600, deadline=None)
@given(NAMES, PROSE, PROSE, SCHEMAS)
def test_words_in_a_description_never_make_a_tool_calm(
    name: str, description: str, more: str, schema: dict[str, Any]
) -> None:
    bare = classify(name, "", schema)
    said = classify(name, description, schema)
    longer = classify(name, f"{description} {more}", schema)
    assert bare.calm >= said.calm >= longer.calm
    if bare.action != UNCLASSIFIED:  # name and arguments were enough: words change nothing
        assert bare.action == said.action == longer.action


@settings(max_examples=600, deadline=None)
@given(
    st.sampled_from(CALM_TOOLS),
    st.sampled_from(sorted(CALM.danger | CALM.danger_nouns)),
    st.booleans(),
)
def test_a_word_of_doing_in_the_name_or_the_description_is_not_calm(
    tool: tuple[str, dict[str, str]], word: str, front: bool
) -> None:
    name, arguments = tool
    schema = schema_of(arguments)
    named = f"{word}_{name}" if front else f"{name}_{word}"
    if word not in CALM.doing_nouns and word not in CALM.fillers and word not in CALM.nouns:
        assert not classify(named, "", schema).calm
    assert not classify(name, f"It will {word} it.", schema).calm


@settings(max_examples=400, deadline=None)
@given(NAMES, PROSE, JUNK)
def test_no_schema_is_an_error_and_an_odd_one_is_never_calm(
    name: str, description: str, schema: Any
) -> None:
    found = classify(name, description, schema)
    assert 0 <= found.confidence <= 1
    if schema is not None and not isinstance(schema, dict):
        assert found.action == UNCLASSIFIED


@settings(max_examples=400, deadline=None)
@given(NAMES, PROSE, SCHEMAS)
def test_calm_holds_only_for_calm_actions_in_plain_words(
    name: str, description: str, schema: dict[str, Any]
) -> None:
    found = classify(name, description, schema)
    if found.calm:
        assert found.action in CALM.actions
        assert name.isascii()
        assert set(schema["properties"]) <= {*found.parameters, *found.inert}


@settings(max_examples=200, deadline=None)
@given(NAMES, PROSE, SCHEMAS)
def test_the_same_tool_gets_the_same_answer_from_a_new_classifier(
    name: str, description: str, schema: dict[str, Any]
) -> None:
    tool = ToolDescription(name, description, schema)
    turned = ToolDescription(
        name,
        description,
        {"properties": dict(reversed(schema["properties"].items())), "type": "object"},
    )
    assert FRESH.classify(tool) == CLASSIFIER.classify(tool)
    assert CLASSIFIER.classify(turned).action == CLASSIFIER.classify(tool).action


FRESH = Classifier(action_shapes(DEPLOYMENT.catalog))


# ------------------------------------------------------------------------------------------ bounds


def test_what_is_too_long_to_read_is_unknown_and_no_error() -> None:
    assert classify("list_tasks" + "s" * MAX_NAME_CHARS).action == UNCLASSIFIED
    assert classify("list_open_tasks", "x" * (MAX_DESCRIPTION_CHARS + 1)).action == UNCLASSIFIED
    big = schema_of({f"a{i}" * 4: "string" for i in range(MAX_SCHEMA_CHARS // 30)})
    assert classify("list_open_tasks", "", big).action == UNCLASSIFIED
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"properties": {"a": deep}}
    assert classify("list_open_tasks", "", deep).action == UNCLASSIFIED


def test_answers_are_remembered_within_a_bound() -> None:
    classifier = Classifier(action_shapes(DEPLOYMENT.catalog))
    for i in range(MAX_REMEMBERED + 50):
        classifier.classify(ToolDescription(f"list_tasks_{i}"))
    assert len(classifier._known) <= MAX_REMEMBERED
    one = ToolDescription("list_open_tasks", "", schema_of({}))
    assert classifier.classify(one) is classifier.classify(one)


def test_threads_get_one_answer() -> None:
    classifier = Classifier(action_shapes(DEPLOYMENT.catalog))
    found: list[Classification] = []
    threads = [
        threading.Thread(
            target=lambda: found.extend(
                classifier.classify(ToolDescription(f"get_task_{i % 7}_details"))
                for i in range(200)
            )
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1600
    assert len({item.action for item in found}) == 1


def test_a_tool_is_compiled_once() -> None:
    compiler = ToolCompiler(DEPLOYMENT.catalog)
    call = ToolCall(tool="zorg_tasks", arguments=freeze({"limit": 1}), schema="{}")
    assert compiler.find(call, {"limit": 1}) is compiler.find(call, {"limit": 1})


# ------------------------------------------------------------------------------------------ decisions


def test_a_calm_compiled_tool_is_allowed() -> None:
    decision = decide("list_folder_files_by_name", {"path": "docs", "limit": 5})
    assert decision.outcome is Outcome.ALLOW
    assert decision.actions[0].action.origin == "compiled"


def test_a_compiled_tool_that_acts_asks_a_person_and_its_rules_are_seen() -> None:
    decision = decide("zorg_send_email", {"to": "eve@evil.example", "subject": "a", "body": "b"})
    assert decision.action == "email.send"
    assert decision.outcome is Outcome.HUMAN
    assert "compiled_tool" in decision.rules


def test_rules_of_a_compiled_tool_may_refuse_it() -> None:
    assert decide("run_bash_line_now", {"command": "ls"}).outcome is Outcome.HUMAN
    refused = decide("run_bash_line_now", {"command": "rm -rf /"})
    assert refused.outcome is Outcome.DENY
    assert refused.actions[0].action.doubt


def test_an_argument_that_the_schema_does_not_name_asks_a_person() -> None:
    schema = '{"type":"object","properties":{"path":{"type":"string"}}}'
    assert decide("list_folder_files_by_name", {"path": "a"}, "", schema).outcome is Outcome.ALLOW
    more = decide("list_folder_files_by_name", {"path": "a", "then": "x"}, "", schema)
    assert more.outcome is Outcome.HUMAN
    assert "compiled_tool" in more.rules


def test_an_argument_without_influence_that_says_much_asks_a_person() -> None:
    for value in ("x" * 300, "https://evil.example/?d=1", "a@evil.example", {"a": 1}):
        schema = '{"type":"object","properties":{"status":{"type":"string"}}}'
        assert (
            decide("list_open_tasks_by_status", {"status": "open"}, "", schema).outcome
            is Outcome.ALLOW
        )
        assert (
            decide("list_open_tasks_by_status", {"status": value}, "", schema).outcome
            is Outcome.HUMAN
        )


@pytest.mark.parametrize(
    "schema", ["{", "[]", "3", '"text"', "null", "{}" + " " * MAX_SCHEMA_CHARS]
)
def test_a_schema_that_is_none_asks_a_person_and_is_no_error(schema: str) -> None:
    decision = decide("list_folder_files_by_name", {"path": "docs"}, "", schema)
    assert decision.outcome is Outcome.HUMAN
    assert not decision.error


def test_a_call_without_its_required_amount_is_unknown_and_no_error() -> None:
    schema = '{"type":"object","properties":{"amount":{"type":"number"},"memo":{"type":"string"}}}'
    decision = decide("wire_money_abroad", {"memo": "rent"}, "", schema)
    assert decision.action == UNCLASSIFIED
    assert decision.outcome is Outcome.HUMAN


RANK = {Outcome.ALLOW: 0, Outcome.HUMAN: 1, Outcome.DENY: 2}


@settings(max_examples=300, deadline=None)
@given(
    NAMES,
    PROSE,
    st.dictionaries(st.sampled_from(WORDS), st.text(max_size=20) | st.integers(), max_size=4),
)
def test_a_description_never_makes_a_decision_milder(
    name: str, description: str, arguments: dict[str, Any]
) -> None:
    bare, said = decide(name, arguments), decide(name, arguments, description)
    assert RANK[said.outcome] >= RANK[bare.outcome]
