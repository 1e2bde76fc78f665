"""`permit0 scan`: every tool of a target, what it is taken for, and one sentence for what cannot be read."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from permit0.cli import main
from permit0.model.vocabulary import Tier

TOOLS: dict[str, list[dict[str, object]]] = {
    "tools": [
        {"name": "create_issue"},
        {"name": "qwxyz", "inputSchema": {"properties": {"level": {"type": "integer"}}}},
        {
            "name": "acme_wire_funds",
            "description": "Wire money to a supplier",
            "inputSchema": {
                "properties": {"amount": {"type": "number"}, "iban": {"type": "string"}},
                "required": ["amount"],
            },
        },
    ]
}
STRIPE = """\
openapi: 3.0.3
servers: [{url: "https://api.stripe.com"}]
paths:
  /v1/charges:
    post:
      operationId: acme_pay
      parameters: [{name: amount, in: query, required: true, schema: {type: integer}}]
  /v1/qwxyz/{id}:
    get: {}
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv("PERMIT0_CONFIG", raising=False)


@pytest.fixture
def tools_file(tmp_path: Path) -> str:
    path = tmp_path / "tools.json"
    path.write_text(json.dumps(TOOLS), encoding="utf-8")
    return "tools.json"


def scanned(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict[str, object]]:
    """Tools by name, from --json."""
    assert main(["scan", "--json", *arguments]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["summary"]["tools"] == len(document["tools"])
    return {tool["name"]: tool for tool in document["tools"]}


def test_list_of_a_server_is_read(tools_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Mapped, compiled, unknown: each says how it was found."""
    tools = scanned(capsys, tools_file)
    assert [(tool["action"], tool["found"]) for tool in tools.values()] == [
        ("dev.create_issue", "mapping"),
        ("unknown.unclassified", "unknown"),
        ("payments.transfer", "compiled"),
    ]
    assert tools["create_issue"]["pack"] == "dev.forges"
    assert tools["acme_wire_funds"]["flags"] == {
        "OUTBOUND": "primary",
        "FINANCIAL": "primary",
        "MUTATION": "secondary",
    }
    assert tools["acme_wire_funds"]["tiers"] == {"best": "low", "worst": "critical"}
    # A guess asks a person, whatever the table would say in the best case.
    assert tools["acme_wire_funds"]["decisions"] == {"best": "human", "worst": "deny"}


@pytest.mark.parametrize("shape", ["list", "rpc", "openai"])
def test_other_shapes_of_the_same_list(shape: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A bare list, the JSON-RPC answer, and what is sent to a model."""
    tools = TOOLS["tools"]
    document: object = {
        "list": tools,
        "rpc": {"jsonrpc": "2.0", "id": 1, "result": TOOLS},
        "openai": [
            {
                "type": "function",
                "function": {"name": tool["name"], "parameters": tool.get("inputSchema", {})},
            }
            for tool in tools
        ],
    }[shape]
    Path("other.json").write_text(json.dumps(document), encoding="utf-8")
    assert list(scanned(capsys, "other.json")) == ["create_issue", "qwxyz", "acme_wire_funds"]


def test_list_comes_from_stdin(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from a client that just listed them."""
    stdin = io.TextIOWrapper(io.BytesIO(json.dumps(TOOLS).encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert len(scanned(capsys, "-")) == 3


def test_openapi_is_read_by_name_and_by_request(capsys: pytest.CaptureFixture[str]) -> None:
    """The request to a known service says what an operation is; METHOD and path name the nameless."""
    Path("api.yaml").write_text(STRIPE, encoding="utf-8")
    tools = scanned(capsys, "api.yaml")
    assert (tools["acme_pay"]["action"], tools["acme_pay"]["found"]) == ("payments.charge", "route")
    assert "GET /v1/qwxyz/{id}" in tools
    other = STRIPE.replace("api.stripe.com", "api.example.com")
    Path("api.yaml").write_text(other, encoding="utf-8")
    assert scanned(capsys, "api.yaml")["acme_pay"]["found"] != "route"


def test_unknown_fails_only_if_asked(tools_file: str) -> None:
    """For a pipeline that wants every tool known."""
    assert main(["scan", tools_file]) == 0
    assert main(["scan", tools_file, "--strict"]) == 1
    Path("known.json").write_text(json.dumps([{"name": "create_issue"}]), encoding="utf-8")
    assert main(["scan", "known.json", "--strict"]) == 0


def test_written_pack_passes_and_maps(tools_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What was compiled is mapped, what is unknown waits as a comment, and nothing is replaced."""
    assert main(["scan", tools_file, "--write", "acme.yaml"]) == 0
    assert main(["pack", "test", "acme.yaml"]) == 0
    text = Path("acme.yaml").read_text(encoding="utf-8")
    assert "action: payments.transfer" in text
    assert "create_issue" not in text
    assert "#   - tools: [qwxyz]" in text
    capsys.readouterr()
    assert main(["scan", tools_file, "--write", "acme.yaml"]) == 2
    assert "(file_exists)" in capsys.readouterr().err
    Path("permit0.yaml").write_text("packs: [acme.yaml]\n", encoding="utf-8")
    assert scanned(capsys, tools_file)["acme_wire_funds"]["found"] == "mapping"


def test_two_spellings_of_one_tool_are_one_mapping() -> None:
    """Two mappings of one name would be no valid pack."""
    wire = TOOLS["tools"][2]
    document = [wire, {**wire, "name": "AcmeWireFunds", "inputSchema": {}}]
    document[1]["inputSchema"] = {"properties": {"amount": {"type": "number"}}}
    Path("twice.json").write_text(json.dumps(document), encoding="utf-8")
    assert main(["scan", "twice.json", "--write", "twice.yaml"]) == 0
    assert main(["pack", "test", "twice.yaml"]) == 0
    assert Path("twice.yaml").read_text(encoding="utf-8").count("- tools:") == 1


def test_table_is_whole_in_a_pipe_and_stacked_when_narrow(
    tools_file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line a tool where there is room."""
    assert main(["scan", tools_file]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["tool", "action", "found", "by", "flags", "tiers"]
    assert lines[1].startswith("create_issue     dev.create_issue")
    assert "3 tools: 1 by mapping, 1 compiled, 1 unknown" in lines[5]
    monkeypatch.setenv("COLUMNS", "50")
    assert main(["scan", tools_file]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 50


def test_tools_name_cannot_paint(capsys: pytest.CaptureFixture[str]) -> None:
    """A server chooses the names of its tools."""
    Path("evil.json").write_text(json.dumps([{"name": "a\x1b[31m\u202eb"}]), encoding="utf-8")
    assert main(["scan", "evil.json"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_best_case_is_never_above_the_worst(capsys: pytest.CaptureFixture[str]) -> None:
    """For every action there is, and their own names are mapped."""
    from permit0.taxonomy import load_taxonomy

    names = [{"name": action} for action in load_taxonomy().actions]
    Path("all.json").write_text(json.dumps(names), encoding="utf-8")
    tiers = [tier.value for tier in Tier]
    order = ["allow", "human", "deny"]
    for name, tool in scanned(capsys, "all.json").items():
        assert tool["action"] == name
        ends, ways = tool["tiers"], tool["decisions"]
        assert isinstance(ends, dict)
        assert isinstance(ways, dict)
        assert tiers.index(ends["best"]) <= tiers.index(ends["worst"])
        assert order.index(ways["best"]) <= order.index(ways["worst"])


# ---------------------------------------------------------------- Python


def test_functions_of_a_module_are_read_without_running(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A function, a list of them, an attribute, and a maker of tools."""
    Path("lab_tools.py").write_text(
        "def send_email(to: str, body: str = ''):\n"
        "    '''Send.'''\n"
        "    raise RuntimeError('it ran')\n"
        "def qwxyz(): ...\n"
        "tools = [send_email, qwxyz]\n"
        "class Kit:\n"
        "    tools = tools\n"
        "def make(): return tools\n"
        "print('imported')\n",
        encoding="utf-8",
    )
    assert list(scanned(capsys, "lab_tools:send_email")) == ["send_email"]
    for target in ("lab_tools:tools", "lab_tools:Kit.tools", "lab_tools:make()"):
        assert list(scanned(capsys, target)) == ["send_email", "qwxyz"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ValueError('no\\nkey')", "it raised ValueError: no key"),
        ("import sys; sys.exit(3)", "it raised SystemExit: 3"),
        ("import not_there_at_all", "needs 'not_there_at_all', which is not installed"),
        ("x = (", "it raised SyntaxError"),
        ("1 / 0", "it raised ZeroDivisionError"),
        ("None.nothing", "it raised AttributeError"),
    ],
)
def test_module_that_fails_is_one_sentence(
    code: str, said: str, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    """The type and the message of what it raised, no traceback."""
    name = f"lab_bad_{abs(hash(request.node.name))}"
    Path(f"{name}.py").write_text(code, encoding="utf-8")
    assert main(["scan", f"{name}:tools"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("no_such_module_here:tools", "scan_no_module"),
        ("no_such_module_here", "scan_no_module"),
        ("json:no_such_object", "scan_no_object"),
        ("json:decoder.scanner.nothing", "scan_no_object"),
        ("json:__name__()", "scan_no_object"),
        ("json", "scan_no_tools"),
        ("json:__name__", "scan_no_tools"),
        ("nowhere.json", "unreadable_file"),
        ("some/where.py", "scan_target"),
        ("", "unreadable_file"),
        ("a:b:c", "unreadable_file"),
    ],
)
def test_target_that_is_none_is_one_sentence(
    target: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong, and nothing else."""
    assert main(["scan", target]) == 2
    error = capsys.readouterr().err
    assert f"({code})" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad_json"),
        ("{", "bad_json"),
        ("[" * 100_000, "bad_json"),
        ('"tools"', "scan_target"),
        ('{"tools": {}}', "scan_target"),
        ('{"result": {"tools": [{}]}}', "scan_target"),
        ('[{"name": ""}]', "scan_target"),
        ('[{"name": 7}]', "scan_target"),
        ("[]", "scan_no_tools"),
        ('[{"name": "\\ud800"}]', "bad_encoding"),
        ('{"openapi": "3.0.0"}', "scan_target"),
        ('{"openapi": "3.0.0", "paths": {}}', "scan_target"),
        ('{"openapi": "3.0.0", "paths": {"/x": 1}}', "scan_target"),
        ('{"openapi": "3.0.0", "paths": {"/x": {}}}', "scan_no_tools"),
        ("openapi: [", "invalid_input"),
    ],
)
def test_document_that_is_none_is_one_sentence(
    text: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not JSON, no tools, no paths."""
    Path("bad.txt").write_text(text, encoding="utf-8")
    assert main(["scan", "bad.txt"]) == 2
    error = capsys.readouterr().err
    assert f"({code})" in error
    assert error.count("\n") == 1


def test_odd_parts_of_a_document_do_not_stop_it(capsys: pytest.CaptureFixture[str]) -> None:
    """References that lead nowhere or in a circle, schemas that are none."""
    document = {
        "swagger": "2.0",
        "host": "api.stripe.com",
        "basePath": "/v1",
        "definitions": {"Loop": {"$ref": "#/definitions/Loop"}},
        "paths": {
            "/charges": {
                "parameters": [{"$ref": "#/definitions/Loop"}, 7],
                "post": {
                    "operationId": "acme_pay",
                    "parameters": [
                        {"in": "body", "name": "b", "schema": {"properties": {"amount": 1}}}
                    ],
                    "requestBody": [],
                },
                "get": [],
            }
        },
    }
    Path("api.json").write_text(json.dumps(document), encoding="utf-8")
    assert scanned(capsys, "api.json")["acme_pay"]["found"] == "route"
    tools = [
        {"name": "a", "inputSchema": 7, "description": []},
        {"name": "b", "inputSchema": {"properties": []}},
    ]
    Path("odd.json").write_text(json.dumps(tools), encoding="utf-8")
    assert len(scanned(capsys, "odd.json")) == 2
    assert main(["scan", "odd.json", "--write", "odd.yaml"]) == 0
    assert main(["pack", "test", "odd.yaml"]) == 0
