"""Who says what a tool is: the action's own name, then the operator's packs, then the others."""

from __future__ import annotations

import pytest

from permit0.errors import BadPack
from permit0.normalize.catalog import Catalog
from permit0.normalize.compiler import compile_packs
from permit0.normalize.loader import load_pack
from permit0.taxonomy import load_taxonomy

SHIPPED = """\
pack: shipped
version: 1
actions:
  payments.charge: {risk: high, flags: {FINANCIAL: primary}, parameters: {amount: {type: money}}}
  files.read: {risk: low, flags: {EXPOSURE: secondary}, parameters: {path: {type: path}}}
  files.delete: {risk: high, flags: {DESTRUCTION: primary}, parameters: {path: {type: path}}}
mappings:
  - {tools: [charge], vendor: Acme, action: payments.charge, arguments: {amount: sum}}
  - {tools: [charge_card, bill], vendor: Acme, action: payments.charge}
  - {tools: [shop/charge], vendor: Shop, action: payments.charge}
"""
MINE = """\
pack: mine
version: 1
mappings:
  - {tools: [Charge, chargeCard], action: files.read, arguments: {path: file}}
"""


def compiled(*packs: str, operators: tuple[str, ...] = ("mine",)) -> Catalog:
    loaded = [load_pack(text, f"{text.split()[1]}.yaml") for text in (SHIPPED, *packs)]
    return compile_packs(loaded, load_taxonomy(), operators=operators)


def action(catalog: Catalog, tool: str) -> str | None:
    found = catalog.find(tool)
    return None if found is None else found.action


def test_pack_of_the_operator_says_what_a_tool_is() -> None:
    made = compiled(MINE)
    assert action(made, "charge") == action(made, "charge_card") == "files.read"
    assert action(made, "bill") == "payments.charge"
    assert made.replaced == {
        "Charge": ("payments.charge", "files.read"),
        "chargeCard": ("payments.charge", "files.read"),
    }


def test_without_the_operator_s_pack_nothing_is_replaced() -> None:
    made = compiled()
    assert action(made, "charge") == action(made, "charge_card") == "payments.charge"
    assert made.replaced == {}


def test_order_of_the_packs_does_not_matter() -> None:
    packs = [load_pack(text, "x.yaml") for text in (MINE, SHIPPED)]
    made = compile_packs(packs, load_taxonomy(), operators={"mine"})
    assert made.replaced == compiled(MINE).replaced
    assert made.tools == compiled(MINE).tools


def test_same_action_read_otherwise_is_replaced_as_well() -> None:
    other = "  - {tools: [charge], action: payments.charge, minor_units: true}\n"
    other = "pack: mine\nversion: 1\nmappings:\n" + other
    made = compiled(other)
    assert made.replaced == {"charge": ("payments.charge", "payments.charge")}
    found = made.find("charge")
    assert found is not None
    assert found.minor_units
    assert "sum" not in found.names


@pytest.mark.parametrize(
    "operators", [(), ("mine", "shipped")], ids=["two of ours or plugins'", "two of the operator's"]
)
def test_packs_of_one_rank_that_disagree_are_refused(operators: tuple[str, ...]) -> None:
    with pytest.raises(BadPack, match=r"4: mappings\[0\]: tool 'Charge' is already mapped"):
        compiled(MINE, operators=operators)


def test_two_packs_of_the_operator_that_disagree_over_a_replaced_tool_are_refused() -> None:
    yours = MINE.replace("pack: mine", "pack: yours").replace("files.read", "files.delete")
    with pytest.raises(BadPack, match=r"already mapped to 'files\.read'"):
        compiled(MINE, yours, operators=("mine", "yours"))


def test_one_pack_cannot_disagree_with_itself() -> None:
    with pytest.raises(BadPack, match=r"already mapped to 'files\.read'"):
        compiled(MINE + "  - {tools: [charge], action: files.delete}\n")


@pytest.mark.parametrize(
    "tool", ["payments.charge", "payments_charge", "PaymentsCharge", "payments/charge"]
)
@pytest.mark.parametrize("operators", [(), ("mine",)])
def test_name_of_an_action_cannot_be_mapped(tool: str, operators: tuple[str, ...]) -> None:
    text = MINE.replace("Charge, chargeCard", tool)
    with pytest.raises(BadPack, match=r"is already mapped to 'payments\.charge'"):
        compiled(text, operators=operators)


@pytest.mark.parametrize(
    ("tool", "before", "now"),
    [
        ("acme_charge", "payments.charge", None),  # the name that the replaced one's vendor gave it
        ("mcp__acme__charge", "payments.charge", None),
        ("acme_charge_card", "payments.charge", None),
        (
            "mcp__acme__charge_card",
            "payments.charge",
            "files.read",
        ),  # two words hold behind any server
        ("mcp__any__charge_card", "payments.charge", "files.read"),
        ("functions.charge", "payments.charge", "files.read"),
        ("mcp_charge", "payments.charge", "files.read"),
        ("charge_2", "payments.charge", "files.read"),
        ("CHARGE (3)", "payments.charge", "files.read"),
        ("mcp__x__charge", None, None),  # one word means what its server makes of it
        ("mcp__charge__charge", "payments.charge", "files.read"),
        (
            "mcp__shop__charge",
            "payments.charge",
            "payments.charge",
        ),  # names its server: another tool
        ("mcp__acme__bill", "payments.charge", "payments.charge"),
    ],
)
def test_the_replaced_mapping_does_not_come_back_by_another_name(
    tool: str, before: str | None, now: str | None
) -> None:
    assert action(compiled(), tool) == before
    assert action(compiled(MINE), tool) == now


def test_a_vendor_in_the_operator_s_pack_is_a_name_as_elsewhere() -> None:
    made = compiled(MINE.replace("action:", "vendor: Acme, action:"))
    assert action(made, "mcp__acme__charge") == action(made, "acme_charge") == "files.read"


def test_operator_can_name_a_vendor_s_tool_as_one_word() -> None:
    """`acme_charge` is what the operator says, also where only a vendor and a tool run into it."""
    made = compiled(MINE.replace("Charge, chargeCard", "acme_charge"))
    for tool in ("acme_charge", "functions.acme_charge", "mcp_acme_charge", "acme_charge_2"):
        assert action(made, tool) == "files.read"
    assert made.replaced == {}
    assert action(made, "charge") == "payments.charge"
