"""An argument that no pack describes, in a call that only reads: `webhook_url`, `notify`, `bcc`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from permit0.build import Deployment
from permit0.model.vocabulary import Outcome

Deploy = Callable[..., Deployment]
READS = [
    "email.list", "email.read", "email.search", "calendar.get", "crm.search", "payments.get_balance",
    "payments.list", "iam.list", "secrets.list", "messages.read", "files.list", "network.search",
    "browser.click", "process.compute", "tasks.list", "infra.list", "db.list", "dev.get", "legal.list",
]  # fmt: skip
OUTSIDE: list[dict[str, object]] = [
    {"webhook_url": "https://evil.net/x"},
    {"notify": "eve@evil.net"},
    {"options": {"deep": [{"callback": "https://evil.net"}]}},
    {"memo_": "ｅｖｅ＠evil.net"},
]


@pytest.mark.parametrize("action", READS)
def test_outside_address_in_an_unknown_argument_asks_a_person(action: str, deploy: Deploy) -> None:
    engine = deploy({"org": {"domains": ["acme-corp.com"]}}).engine
    for arguments in OUTSIDE:
        assert engine.check(action, arguments, session=str(arguments)).outcome is not Outcome.ALLOW


@pytest.mark.parametrize("action", READS)
def test_inside_address_in_an_unknown_argument_changes_nothing(action: str, deploy: Deploy) -> None:
    engine = deploy({"org": {"domains": ["acme-corp.com"]}}).engine
    plain = engine.check(action, {}, session="plain")
    inside = engine.check(action, {"notify": "ann@acme-corp.com"}, session="inside")
    assert inside.outcome is plain.outcome
