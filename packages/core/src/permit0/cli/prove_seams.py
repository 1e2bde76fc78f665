"""`permit0 prove-seams`: drive each installed framework with canary tools over every path, and say what ran.

Guarantees: 0 if on every path the allowed canary ran and the refused one did not; 1 if a refused body ran,
or an allowed one did not; 2 if nothing could be proved. The report names versions and can be written as
JSON, signed with the key of the deployment or of this run. The canaries do nothing but say that they
ran; the guard is one of its own, in a temporary folder, without the user's configuration.
Does not: prove what a seam does not drive; the gaps that an integration names are listed.
"""

from __future__ import annotations

import platform
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import msgspec
from rich.text import Text

from permit0.audit.keys import Ed25519Signer
from permit0.canonical import freeze
from permit0.cli.terminal import Terminal, make_terminal, visible
from permit0.clock import SystemClock
from permit0.config import find_config, load_config
from permit0.deployment_keys import load_keys
from permit0.errors import InvalidInput
from permit0.guard import Guard
from permit0.integration.protecting import Integration, integrations
from permit0.integration.seams import Seam, SeamResult
from permit0.testing.canary import canary_guard
from permit0.version import VERSION

__all__ = ["SIGNED_AS", "run"]

SIGNED_AS = b"permit0 seam report 1:"
FAILED = 1


class Line(msgspec.Struct, frozen=True):
    """What came of one seam. held: the refused canary did not run, and the allowed one did."""

    framework: str
    path: str
    held: bool
    allowed_ran: bool
    refused_ran: bool
    note: str


def run(options: Namespace) -> int:
    """See above.

    Raises:
        InvalidInput: seams_missing: no integration is installed, or none of the chosen ones.
        BadConfig: The key to sign with cannot be used.
    """
    term = make_terminal(no_color=options.no_color)
    chosen = [
        item for item in integrations() if not options.framework or item.name in options.framework
    ]
    if not chosen:
        raise InvalidInput(
            'no such integration is installed, pip install "permit0[langchain]" or another one',
            reason_code="seams_missing",
        )
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="permit0-seams-") as name:
        guard = canary_guard(Path(name))
        for integration in chosen:
            lines.extend(_prove(term, integration, guard))
    held = all(line.held for line in lines)
    term.rule("bright_black")
    broken = sum(not line.held for line in lines)
    style = "bold green" if held else "bold red"
    what = f"{len(lines)} paths hold" if held else f"{broken} of {len(lines)} paths DO NOT HOLD"
    term.line(Text(f"{term.symbols.yes if held else term.symbols.no} {what}", style))
    if options.out is not None:
        _write(Path(options.out), options.config, lines)
        term.line(Text(f"signed report in {visible(options.out)}", "bright_black"))
    return 0 if held else FAILED


def _prove(term: Terminal, integration: Integration, guard: Guard) -> list[Line]:
    term.line(Text(integration.name, "bold"))
    lines: list[Line] = []
    for seam in integration.seams(guard):
        line = _drive(seam)
        lines.append(line)
        sign = Text(f"{term.symbols.yes} ", "green") if line.held else Text("! ", "bold red")
        sign.append(visible(line.path, 70))
        if not line.held:
            sign.append("  refused body RAN" if line.refused_ran else "  allowed body did not run")
        if line.note:
            sign.append(f"  {visible(line.note, 200)}", "bright_black")
        term.line(sign, indent=2, hang=2)
    gaps = integration.support().get("gaps", ())
    for gap in gaps if isinstance(gaps, Sequence) else ():
        term.line(Text(f"open: {visible(str(gap), 200)}", "yellow"), indent=2, hang=2)
    return lines


def _drive(seam: Seam) -> Line:
    try:
        result = seam.drive()
    except Exception as error:  # noqa: BLE001  # boundary to a framework: a seam that fails proves nothing
        result = SeamResult(False, False, f"failed with {type(error).__name__}: {error}")
    held = result.allowed_ran and not result.refused_ran
    return Line(
        seam.framework, seam.path, held, result.allowed_ran, result.refused_ran, result.note
    )


def _write(out: Path, config: str | None, lines: list[Line]) -> None:
    """The report as JSON: {"report", "kid", "public", "signature"}, the signature over its canonical bytes."""
    loaded = load_config(find_config(None if config is None else Path(config)))
    keys = load_keys(loaded, clock=SystemClock())
    signer = Ed25519Signer.generate() if keys.signing is None else Ed25519Signer(keys.signing)
    report = {
        "format": 1,
        "at": SystemClock().now(),
        "permit0": VERSION,
        "python": platform.python_version(),
        "versions": _versions(),
        "held": all(line.held for line in lines),
        "seams": msgspec.to_builtins(lines),
    }
    signature = signer.sign(SIGNED_AS + freeze(report))
    document = {
        "report": report,
        "kid": signer.kid,
        "public": signer.public,
        "signature": signature.hex(),
    }
    try:
        out.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    except OSError as error:
        raise InvalidInput(
            f"{str(out)!r} cannot be written: {error.strerror}", reason_code="unwritable_output"
        ) from error


def _versions() -> dict[str, str]:
    """Of permit0's distributions and the frameworks, as far as they are loaded or ours."""
    wanted = (
        "langchain",
        "langchain-core",
        "langgraph",
        "llama-index-core",
        "openai-agents",
        "crewai",
    )
    found: dict[str, str] = {}
    for name in wanted:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    sys.stdout.flush()
    return found
