"""Requests to known services: which hosts, paths and methods a route takes, and which it does not."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from permit0.build import assemble
from permit0.config import parse_config
from permit0.errors import BadPack, InvalidInput
from permit0.normalize.compiler import compile_packs
from permit0.normalize.loader import load_pack
from permit0.normalize.route_patterns import host_pattern, path_pattern
from permit0.taxonomy import load_taxonomy
from permit0.testing.clock import FrozenClock

DEPLOYMENT = assemble(parse_config(yaml.safe_dump({"org": {"domains": ["acme-corp.com"]}}), "org"))


def actions(tool: str, arguments: dict[str, Any]) -> list[str]:
    decision = DEPLOYMENT.fresh_engine(FrozenClock(1_700_000_000.0)).check(tool, arguments)
    return [each.action.action for each in decision.actions]


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.atlassian.net/rest/api/3/issue/A-1",
        "https://ACME.Atlassian.NET./rest/api/3/issue/A-1",
        "https://acme.atlassian.net:443//rest/./api/3/x/../issue/A-1/",
        "https://acme.atlassian.net/rest/api/3/%69ssue/A-1",
        "https://acme.atlassian.net/rest/api/3/%2569ssue/A-1",
        "https://acme.atlassian.net/REST/API/3/ISSUE/A-1;v=1",
        "https://acme.atlassian.net/rest%2Fapi%2F3%2Fissue%2FA-1",
        "https://acme.atlassian.net/rest/api/3/issue/A-1?x=1#y",
        "https://user@acme.atlassian.net/rest/api/3/issue/A-1",
    ],
)
def test_spelling_of_an_address_does_not_dodge_its_route(url: str) -> None:
    assert "tasks.delete" in actions("network.http_delete", {"url": url})


@pytest.mark.parametrize(
    "url",
    [
        "https://evil-atlassian.net/rest/api/3/issue/A-1",
        "https://atlassian.net.evil.com/rest/api/3/issue/A-1",
        "https://acme.atlassian.net.evil.com/rest/api/3/issue/A-1",
        "https://acme.atlassian.net@evil.com/rest/api/3/issue/A-1",
        "https://\u0430tlassian.net/rest/api/3/issue/A-1",
    ],
)
def test_host_of_somebody_else_has_no_route(url: str) -> None:
    assert "tasks.delete" not in actions("network.http_delete", {"url": url})


@pytest.mark.parametrize(
    "arguments",
    [
        {"headers": {"X-HTTP-Method-Override": "DELETE"}},
        {"headers": {"x-http-method": "delete"}},
        {"headers": "X-Method-Override: DELETE"},
        {"headers": [["X-HTTP-Method-Override", "DELETE"]]},
        {"headers": [{"name": "a", "value": "b"}, "X-HTTP-Method-Override: DELETE"]},
        {"body": {"_method": "DELETE"}},
        {"body": "a=1&_method=delete"},
        {"method": "DELETE"},
    ],
)
def test_method_override_is_judged_as_what_it_may_do(arguments: dict[str, Any]) -> None:
    found = actions("network.http_get", {"url": "https://tickets.acme-corp.com/7", **arguments})
    assert {"network.http_get", "network.http_delete"} <= set(found)


def test_request_without_override_is_only_itself() -> None:
    assert actions("network.http_get", {"url": "https://tickets.acme-corp.com/7"}) == [
        "network.http_get"
    ]


def test_override_to_get_does_not_calm_a_delete() -> None:
    found = actions(
        "network.http_delete",
        {"url": "https://tickets.acme-corp.com/7", "headers": {"X-HTTP-Method-Override": "GET"}},
    )
    assert "network.http_delete" in found


@pytest.mark.parametrize(
    ("line", "action"),
    [
        (
            "curl -X POST https://api.stripe.com/v1/charges -d amount=5000 -d currency=usd",
            "payments.charge",
        ),
        ("curl https://api.stripe.com/v1/refunds -d amount=100 -d currency=usd", "payments.refund"),
        ("curl -d @body.json https://api.stripe.com/v1/charges", "payments.charge"),
        ("wget --method=DELETE https://api.github.com/repos/o/r", "dev.delete_repo"),
        ("http DELETE api.github.com/repos/o/r", "dev.delete_repo"),
        (
            "curl -XPOST -H 'X-HTTP-Method-Override: DELETE' https://api.github.com/repos/o/r",
            "dev.delete_repo",
        ),
        ("bash -c \"curl -s -X DELETE 'https://api.github.com/repos/o/r'\"", "dev.delete_repo"),
    ],
)
def test_request_on_a_shell_line_is_its_route_as_well(line: str, action: str) -> None:
    assert action in actions("process.shell", {"command": line})


@pytest.mark.parametrize(
    "host", ["*", "*.com", "a.*", "*.co*", "*atlassian.net", "a..b", "*.*", "net"]
)
def test_host_pattern_that_reaches_over_a_domain_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput):
        host_pattern(host)


def test_host_pattern_of_whole_labels_is_taken() -> None:
    key, pattern = host_pattern("ec2.*.amazonaws.com")
    assert key == "*.amazonaws.com"
    assert pattern is not None
    assert pattern.fullmatch("ec2.us-east-1.amazonaws.com")
    assert not pattern.fullmatch("ec2.a.b.amazonaws.com")
    assert not pattern.fullmatch("xec2.us-east-1.amazonaws.com")


def test_path_with_two_open_ends_is_refused() -> None:
    with pytest.raises(InvalidInput):
        path_pattern("/**/a/**")
    assert path_pattern("/**/a").fullmatch("/x/y/a")


def test_pack_with_a_reaching_host_is_refused_with_its_place() -> None:
    pack = load_pack(
        "pack: t\nversion: 1\nactions:\n  network.search: {risk: low, flags: {MUTATION: secondary}}\n"
        "routes:\n  - {methods: [GET], host: '*.com', path: /, action: network.search}\n",
        "t.yaml",
    )
    with pytest.raises(BadPack, match=r"t\.yaml"):
        compile_packs([pack], load_taxonomy())
