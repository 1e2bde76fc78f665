"""Write docs/demo.svg: what `permit0 demo` prints, from the real engine.

    python docs/make_demo_svg.py [SCENARIO]

The picture names no font server and no address but that of the SVG namespace.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from permit0.cli.demo import show
from permit0.cli.demo_replay import load_demo
from permit0.cli.terminal import Symbols, Terminal

WIDTH = 96
SCENARIO = "app_fraud_scatter_transfer"
FONT = "ui-monospace, 'Cascadia Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
THEME = TerminalTheme(
    (16, 20, 28),
    (214, 220, 230),
    [
        (40, 46, 58), (240, 98, 98), (92, 204, 132), (238, 194, 84),
        (104, 160, 250), (200, 140, 240), (92, 200, 216), (214, 220, 230),
    ],
    [
        (116, 126, 146), (255, 120, 120), (150, 226, 120), (250, 214, 120),
        (140, 186, 255), (216, 168, 250), (130, 224, 236), (255, 255, 255),
    ],
)  # fmt: skip
FONT_FACE = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
TEXT = re.compile(
    r'(<text class="[^"]*" x=")([\d.]+)(" y="[^"]*" textLength=")([\d.]+)("[^>]*>)((?:&#160;)+)'
)
CELL = 12.2  # what rich takes for the width of a character of 20 px
ALLOWED = "http://www.w3.org/2000/svg"


def picture(scenario: str) -> str:
    """The SVG of one scenario."""
    console = Console(
        record=True,
        width=WIDTH,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        highlight=False,
        legacy_windows=False,
    )
    terminal = Terminal(console, Symbols(unicode=True), width=WIDTH, wraps=True)
    demo = load_demo()
    code = show(terminal, demo, demo.choose(scenario), pause_s=0)
    if code:
        raise SystemExit("the attack was not stopped, there is nothing to show")
    svg = console.export_svg(title="permit0 demo", theme=THEME, unique_id="demo")
    return plain(svg)


def plain(svg: str) -> str:
    """Without fonts from the network, and with blanks that every viewer keeps."""
    svg = (
        FONT_FACE.sub("", svg)
        .replace("Fira Code", "FONT")
        .replace("font-family: FONT", f"font-family: {FONT}")
    )
    svg = svg.replace("<!-- Generated with Rich https://www.textualize.io -->", "")

    def shift(match: re.Match[str]) -> str:
        before, x, middle, length, after, blanks = match.groups()
        moved = len(blanks) // len("&#160;") * CELL
        return f"{before}{float(x) + moved:g}{middle}{float(length) - moved:g}{after}"

    svg = TEXT.sub(shift, svg)
    left = [url for url in re.findall(r"https?://[^\s\"'<)]+", svg) if url != ALLOWED]
    if left:
        raise SystemExit(f"the picture still names {left}")
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"


if __name__ == "__main__":
    target = Path(__file__).with_name("demo.svg")
    target.write_text(picture(sys.argv[1] if len(sys.argv) > 1 else SCENARIO), encoding="utf-8")
