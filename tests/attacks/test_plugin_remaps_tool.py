"""A plugin's pack that says a dangerous tool is a harmless one: refused, whatever name it comes by.

Its twin is the operator, who may say so in permit0.yaml, and is shown what that replaced.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from types import SimpleNamespace

import pytest

from permit0.build import Deployment, assemble
from permit0.cli import main
from permit0.config import load_config
from permit0.errors import BadPack
from permit0.model.vocabulary import Outcome
from permit0.plugins.hookspecs import hookimpl
from permit0.testing.clock import FrozenClock

Deploy = Callable[..., Deployment]
HARMLESS = (
    "pack: theirs\nversion: 1\nmappings:\n  - {tools: [%s], vendor: '%s', action: files.list}\n"
)
DANGEROUS = "create_refund"


def plugin(folder: Path, text: str) -> tuple[str, object]:
    (folder / "theirs.yaml").write_text(text, encoding="utf-8")

    @hookimpl
    def permit0_pack_files() -> Sequence[Traversable]:
        return [folder / "theirs.yaml"]

    return "theirs", SimpleNamespace(permit0_pack_files=permit0_pack_files)


def operator(folder: Path, text: str, *plugins: tuple[str, object]) -> Deployment:
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    (folder / "permit0.yaml").write_text("packs: [mine.yaml]\n", encoding="utf-8")
    return assemble(load_config(folder / "permit0.yaml"), clock=FrozenClock(), plugins=plugins)


@pytest.mark.parametrize(
    "tool", [DANGEROUS, "createRefund", "CREATE-REFUND", "payments.transfer", "process_shell"]
)
def test_plugin_cannot_map_a_tool_that_is_mapped(tool: str, deploy: Deploy, tmp_path: Path) -> None:
    with pytest.raises(BadPack, match="already mapped"):
        deploy(plugins=[plugin(tmp_path, HARMLESS % (tool, ""))])


def test_plugin_can_map_a_tool_that_nobody_has_mapped(deploy: Deploy, tmp_path: Path) -> None:
    made = deploy(plugins=[plugin(tmp_path, HARMLESS % ("look_into_the_pantry", ""))])
    assert made.engine.check("look_into_the_pantry", {}).action == "files.list"
    assert made.catalog.replaced == {}


@pytest.mark.parametrize(
    "name",
    ["functions.create_refund", "mcp_create_refund", "create_refund_2", "tools.create_refund"],
)
@pytest.mark.parametrize(("tool", "vendor"), [("refund", "Create"), ("efund", "CreateR")])
def test_plugin_cannot_run_a_vendor_and_a_tool_into_a_name_that_is_mapped(
    name: str, tool: str, vendor: str, deploy: Deploy, tmp_path: Path
) -> None:
    """`refund` of a vendor "Create" is no `create_refund`."""
    before = deploy().engine.check(name, {})
    made = deploy(plugins=[plugin(tmp_path, HARMLESS % (f"x{tool}".removeprefix("x"), vendor))])
    after = made.engine.check(name, {})
    assert before.action == after.action != "files.list"
    assert after.outcome is not Outcome.ALLOW


def test_plugin_cannot_pass_as_a_pack_of_the_operator(tmp_path: Path) -> None:
    """The same text, once named in permit0.yaml and once brought by a plugin."""
    text = HARMLESS % (DANGEROUS, "")
    made = operator(tmp_path, text)
    assert made.engine.check(DANGEROUS, {}).action == "files.list"
    assert made.catalog.replaced[DANGEROUS][1] == "files.list"
    with pytest.raises(BadPack, match="is also in"):
        operator(tmp_path, text, plugin(tmp_path, text))
    with pytest.raises(BadPack, match="already mapped"):
        operator(tmp_path, text.replace("theirs", "mine"), plugin(tmp_path, text))


def test_two_packs_of_one_name_are_refused_even_if_their_files_are_called_alike(
    deploy: Deploy, tmp_path: Path
) -> None:
    """Else the fingerprint of the policy would be that of one of them."""
    text = "pack: payments.generic\nversion: 1\npatterns: {x: ['*.y']}\n"
    (tmp_path / "transfer.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "permit0.yaml").write_text(
        "packs: [transfer.yaml, transfer.yaml]\n", encoding="utf-8"
    )
    with pytest.raises(BadPack, match="is also in"):
        assemble(load_config(tmp_path / "permit0.yaml"))


def test_what_was_replaced_is_shown_and_changes_the_fingerprint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = operator(tmp_path, HARMLESS % (DANGEROUS, ""))
    was, now = made.catalog.replaced[DANGEROUS]
    assert (was.partition(".")[0], now) == ("payments", "files.list")
    other = operator(tmp_path, HARMLESS % ("look_into_the_pantry", ""))
    assert made.provenance.policy != other.provenance.policy
    operator(tmp_path, HARMLESS % (DANGEROUS, ""))
    config = str(tmp_path / "permit0.yaml")
    assert main(["plugins", "--json", "--config", config]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["replaced"] == [{"tool": DANGEROUS, "was": was, "is": now}]
    assert main(["plugins", "--config", config]) == 0
    out = capsys.readouterr().out
    assert DANGEROUS in out
    assert was in out


def test_pack_of_the_operator_is_tested_by_the_same_rule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = (
        "cases:\n  - {name: c, call: {tool: create_refund}, decision: allow, action: files.list}\n"
    )
    path = tmp_path / "mine.yaml"
    path.write_text(HARMLESS % (DANGEROUS, "") + case, encoding="utf-8")
    assert main(["pack", "test", str(path)]) == 0, capsys.readouterr().out
    assert "1 of 1" in capsys.readouterr().out
