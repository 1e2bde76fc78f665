"""Every command and option, in one place and without loading what they need.

`module` is the module of permit0.cli that runs the command: `run(options) -> exit code`.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TypeAlias

from permit0.version import VERSION

if TYPE_CHECKING:
    _Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["make_parser"]

DESCRIPTION = """\
permit0 stands between an AI agent's tool call and its execution.
It answers ALLOW, HUMAN or DENY, the same every time, and says why.
"""

EXAMPLES = """\
start here:
  permit0 demo                                  watch three attacks being stopped
  permit0 check files.read --arg path=.env      decide one call
  permit0 explain payments.transfer '{"amount": 12000, "recipient": "Alpha Ltd"}'
  permit0 check --jsonl < calls.jsonl           decide many, one line out for each

exit codes: 0 done or allowed, 1 refused or failed check, 2 usage or unreadable input
"""

ARGS_HELP = "the arguments: JSON text, @FILE, or - for stdin (default: none)"


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="permit0",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"permit0 {VERSION}")
    parser.add_argument("--no-color", action="store_true", help="no colours, as NO_COLOR does")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_demo(commands)
    _add_check(commands)
    _add_explain(commands)
    _add_scan(commands)
    _add_pack(commands)
    _add_taxonomy(commands)
    _add_plugins(commands)
    _add_audit(commands)
    _add_kill(commands)
    _add_approvals(commands)
    _add_prove_seams(commands)
    _add_keys(commands)
    return parser


def _command(commands: _Commands, name: str, module: str, about: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=about, description=about[:1].upper() + about[1:] + ".", allow_abbrev=False
    )
    parser.set_defaults(module=module)
    # Also after the command; SUPPRESS keeps one that was given before it.
    parser.add_argument(
        "--no-color", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )
    return parser


def _add_demo(commands: _Commands) -> None:
    demo = _command(commands, "demo", "demo", "replay the three published attacks, step by step")
    demo.add_argument("scenario", nargs="?", metavar="SCENARIO", help="only this one: id or prefix")
    demo.add_argument("--json", action="store_true", help="one JSON document instead of a picture")
    demo.add_argument("--fast", action="store_true", help="no pause between the steps")


def _add_call(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tool", nargs="?", metavar="TOOL", help="name of the tool")
    parser.add_argument("args", nargs="?", metavar="ARGS", help=ARGS_HELP)
    parser.add_argument(
        "--arg",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one argument, repeatable; the value is JSON if it reads as JSON, else text",
    )
    parser.add_argument("--session", help="the task or conversation")
    parser.add_argument("--agent", help="which agent calls")
    parser.add_argument("--principal", help="the person or account on whose behalf")
    parser.add_argument("--description", default="", help="what the tool says of itself")
    parser.add_argument(
        "--schema", default="", metavar="JSON", help="the JSON Schema of the tool's arguments"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")
    _add_config(parser)


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="PATH", help="which permit0.yaml to decide by")


def _add_check(commands: _Commands) -> None:
    check = _command(commands, "check", "check", "decide one call, or many as JSON lines")
    _add_call(check)
    check.add_argument(
        "--jsonl",
        nargs="?",
        const="-",
        metavar="FILE",
        help="JSON lines in (stdin by default), one JSON line out for each",
    )


def _add_explain(commands: _Commands) -> None:
    explain = _command(
        commands, "explain", "explain", "decide one call and show everything that led to it"
    )
    _add_call(explain)
    explain.add_argument(
        "--before",
        metavar="FILE",
        help="JSON lines of earlier calls to replay first; the call is of the session, agent and "
        "principal of the last of them, unless told otherwise",
    )


def _add_scan(commands: _Commands) -> None:
    scan = _command(
        commands, "scan", "scan", "list every tool of an agent: its action, flags and tiers"
    )
    scan.add_argument(
        "target",
        metavar="TARGET",
        help="module:object (an agent, a crew, a graph, a tool, a list of tools) or a module; or a file, - "
        "for stdin: the result of MCP's tools/list, or an OpenAPI document",
    )
    scan.add_argument("--json", action="store_true", help="one JSON document")
    scan.add_argument(
        "--write", metavar="FILE", help="propose a pack for the tools that no mapping knows"
    )
    scan.add_argument("--strict", action="store_true", help="exit with 1 if a tool is unknown")
    _add_config(scan)


def _add_pack(commands: _Commands) -> None:
    pack = _command(commands, "pack", "pack", "test packs, start one, or print their schema")
    verbs = pack.add_subparsers(dest="verb", metavar="test|new|schema", required=True)
    test = verbs.add_parser("test", help="run the cases of packs", allow_abbrev=False)
    test.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="pack files or folders of them (default: the packs that ship with permit0)",
    )
    test.add_argument(
        "--mutate",
        action="store_true",
        help="change every threshold, flag and amplifier, one at a time, and list the changes that no "
        "case notices",
    )
    test.add_argument(
        "--max-survivors",
        type=float,
        metavar="PERCENT",
        help="with --mutate: how many of the changes may go unnoticed (default: 5)",
    )
    test.add_argument(
        "--processes",
        type=int,
        metavar="N",
        help="with --mutate: how many at once (default: as many as there are processors)",
    )
    new = verbs.add_parser("new", help="write a commented pack to start from", allow_abbrev=False)
    new.add_argument("name", metavar="NAME", help="of the pack: acme.billing")
    new.add_argument(
        "--action",
        action="append",
        default=[],
        metavar="A",
        help="an action to map a tool to, repeatable: payments.transfer",
    )
    new.add_argument(
        "--tools", metavar="FILE", help="the tools to map, JSON: the result of MCP's tools/list"
    )
    new.add_argument(
        "--out", metavar="FILE", help="where to (default: NAME.yaml); a file that is there stays"
    )
    verbs.add_parser("schema", help="the JSON Schema of a pack file", allow_abbrev=False)


def _add_taxonomy(commands: _Commands) -> None:
    taxonomy = _command(commands, "taxonomy", "taxonomy", "list every action that permit0 knows")
    taxonomy.add_argument("--json", action="store_true", help="one JSON document")
    _add_config(taxonomy)


def _add_plugins(commands: _Commands) -> None:
    plugins = _command(commands, "plugins", "plugins", "list the plugins, loaded and installed")
    plugins.add_argument("--json", action="store_true", help="one JSON document")
    _add_config(plugins)


def _add_audit(commands: _Commands) -> None:
    audit = _command(commands, "audit", "audit", "verify, read, export or recompute an audit log")
    verbs = audit.add_subparsers(dest="verb", metavar="verify|query|export|replay", required=True)
    verify = verbs.add_parser("verify", help="name the first bad record", allow_abbrev=False)
    _add_log(verify, keys=True)
    verify.add_argument("--head", metavar="FILE", help="a head of this log that was kept elsewhere")
    query = verbs.add_parser("query", help="show records", allow_abbrev=False)
    _add_log(query, keys=False)
    for name in ("session", "agent", "principal", "tool", "action", "outcome", "kind", "id"):
        query.add_argument(f"--{name}", help=f"only records with this {name}")
    query.add_argument("--since", metavar="TIME", help="ISO 8601 with a zone, or unix seconds")
    query.add_argument("--until", metavar="TIME", help="the same")
    query.add_argument("--limit", type=int, metavar="N", help="only the last N of them")
    export = verbs.add_parser("export", help="write it in another form", allow_abbrev=False)
    _add_log(export, keys=False)
    export.add_argument("out", metavar="OUT", help="the file to write, - for stdout")
    export.add_argument(
        "--format",
        choices=("jsonl", "csv", "bundle", "head"),
        help="default: by the name of OUT, .jsonl, .csv or .zip",
    )
    replay = verbs.add_parser("replay", help="compute every decision again", allow_abbrev=False)
    _add_log(replay, keys=True)
    replay.add_argument(
        "--config", metavar="PATH", help="also say what this permit0.yaml would decide"
    )


def _add_kill(commands: _Commands) -> None:
    for verb, about in (
        ("kill", "stop a fleet, agent, session, domain or action in every process, at once"),
        ("resume", "take back a kill; tokens from before it stay refused"),
    ):
        order = _command(commands, verb, "kill", about)
        order.set_defaults(verb=verb)
        scope = order.add_mutually_exclusive_group(required=True)
        scope.add_argument("--fleet", action="store_true", help="everything")
        scope.add_argument("--agent", metavar="AGENT", help="every call of this agent")
        scope.add_argument("--session", metavar="SESSION", help="every call in this session")
        scope.add_argument("--domain", metavar="DOMAIN", help="every action of it: payments")
        scope.add_argument("--action", metavar="ACTION", help="this action: payments.transfer")
        order.add_argument("--by", required=True, metavar="NAME", help="the person who says so")
        order.add_argument("--reason", required=True, metavar="TEXT", help="why, for the record")
        order.add_argument("--json", action="store_true", help="one JSON document")
        _add_config(order)
    status = _command(commands, "status", "kill", "show what is stopped, and who has read it")
    status.set_defaults(verb="status")
    status.add_argument("--json", action="store_true", help="one JSON document")
    _add_config(status)


def _add_approvals(commands: _Commands) -> None:
    approvals = _command(
        commands, "approvals", "approvals", "list and answer calls that wait for a person"
    )
    verbs = approvals.add_subparsers(dest="verb", metavar="list|show|answer|approve|reject")
    listing = verbs.add_parser("list", help="what waits, oldest first", allow_abbrev=False)
    show = verbs.add_parser("show", help="what a person is asked", allow_abbrev=False)
    answer = verbs.add_parser("answer", help="show it here and ask", allow_abbrev=False)
    approve = verbs.add_parser(
        "approve", help="say yes to what `show` has shown", allow_abbrev=False
    )
    reject = verbs.add_parser("reject", help="say no", allow_abbrev=False)
    for verb in (show, answer, approve, reject):
        verb.add_argument("id", metavar="ID", help="of the request; 8 characters are enough")
    for verb in (approve, reject):
        verb.add_argument("--by", required=True, metavar="NAME", help="the person who says so")
        verb.add_argument("--reason", default="", metavar="TEXT", help="why, for the record")
    answer.add_argument("--by", metavar="NAME", help="the person (default: you are asked)")
    approve.add_argument(
        "--shown", required=True, metavar="DIGEST", help="the digest under what `show` has shown"
    )
    approvals.set_defaults(json=False, config=None)
    for verb in (listing, show):
        verb.add_argument("--json", action="store_true", help="one JSON document")
    for verb in (listing, show, answer, approve, reject):
        _add_config(verb)


def _add_prove_seams(commands: _Commands) -> None:
    prove = _command(
        commands,
        "prove-seams",
        "prove_seams",
        "drive each installed framework with canary tools, and say which paths hold",
    )
    prove.add_argument(
        "framework", nargs="*", metavar="NAME", help="only these: langchain, crewai ..."
    )
    prove.add_argument("--out", metavar="FILE", help="also write a signed report, JSON")
    _add_config(prove)


def _add_log(parser: argparse.ArgumentParser, *, keys: bool) -> None:
    parser.add_argument("file", metavar="FILE", help="the database, an export or a bundle")
    parser.add_argument("--json", action="store_true", help="JSON instead of a picture")
    if keys:
        parser.add_argument(
            "--key",
            action="append",
            default=[],
            metavar="FILE",
            help="a file of k4.public keys, repeatable (default: those that the log brings along)",
        )


def _add_keys(commands: _Commands) -> None:
    keys = _command(
        commands, "keys", "keys", "make, rotate, list, retire or export the keys of a deployment"
    )
    verbs = keys.add_subparsers(
        dest="verb", metavar="generate|rotate|list|retire|export", required=True
    )
    abouts = {
        "generate": "make the first key",
        "rotate": "make a new signing key; the old one stays good until it is retired",
        "list": "every key with its status, no secret",
        "retire": "refuse every token of a key from now on",
        "export": "the public half of every key, for whoever verifies",
    }
    for name, about in abouts.items():
        verb = verbs.add_parser(name, help=about, description=about, allow_abbrev=False)
        if name == "list":
            verb.add_argument("--json", action="store_true", help="one JSON document")
        if name == "retire":
            verb.add_argument("kid", metavar="KID", help="k4.pid. and 8 or more characters of it")
        if name == "export":
            verb.add_argument(
                "out", nargs="?", default="-", metavar="OUT", help="a file (default: stdout)"
            )
            verb.add_argument("--force", action="store_true", help="replace OUT if it is there")
            verb.add_argument(
                "--format",
                choices=("ring", "paserk"),
                default="ring",
                help="ring: for `keys.path` of a machine that verifies tokens (default); "
                "paserk: one k4.public a line, for `permit0 audit verify --key`",
            )
        verb.add_argument(
            "--path",
            metavar="FOLDER",
            help="where the keys are (default: keys.path of permit0.yaml, else permit0-keys beside it)",
        )
        verb.add_argument("--config", metavar="PATH", help="which permit0.yaml names them")
