"""What a start costs: from `import permit0` to a built engine, in new processes, on a warm disk.

    python benchmarks/start.py              the table
    python benchmarks/start.py --json       the same as JSON
    python benchmarks/start.py --runs 5     fewer processes per row

Rows: the packs alone (read, checked against their cache, compiled), `build_engine()` with every import that it
needs but `import permit0`, the same with a permit0.yaml, and the packs without a cache. The time of the wall is
what a user waits; the CPU's is what is left of it on a machine that has other work. Both are medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

BUDGET_MS = 150  # for the packs, and for an engine on a machine that does nothing else
CLOCKS = "from time import perf_counter as wall, process_time as cpu; "
SAY = "; print((wall() - w) * 1000, (cpu() - c) * 1000)"
START = "w, c = wall(), cpu(); "
PACKS = "from permit0 import builtin; from permit0.normalize.compiler import compile_packs; "
YAML = (
    "from permit0.normalize.loader import load_packs; from permit0.taxonomy import load_taxonomy; "
)
ROWS = {
    "packs": PACKS + START + "compile_packs(*builtin.load_built_in())",
    "engine": "import permit0; " + START + "permit0.build_engine()",
    "engine, permit0.yaml": "import permit0; " + START + "permit0.build_engine('other.yaml')",
    "packs from YAML": PACKS
    + YAML
    + START
    + "compile_packs(load_packs(builtin.permit0_pack_files()), load_taxonomy())",
}
CONFIG = "org: {domains: [acme-corp.com], fx_to_default: {EUR: 1.08}}\n"


def measure(code: str, runs: int, folder: Path) -> tuple[float, float]:
    """Median milliseconds of the wall and of the CPU, after one start that fills caches."""
    # Modules come compiled, as on a machine where permit0 has run before.
    settings = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PERMIT0"))}
    command = [sys.executable, "-c", CLOCKS + code + SAY]
    found = []
    for _ in range(runs + 1):
        answer = subprocess.run(
            command, cwd=folder, env=settings, capture_output=True, text=True, check=True
        )
        found.append([float(word) for word in answer.stdout.split()])
    walls, cpus = zip(*found[1:], strict=True)
    return statistics.median(walls), statistics.median(cpus)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs", type=int, default=11, help="per row")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "other.yaml").write_text(CONFIG, encoding="utf-8")
        rows = {row: measure(code, options.runs, Path(name)) for row, code in ROWS.items()}
    if options.json:
        print(json.dumps({row: {"wall_ms": w, "cpu_ms": c} for row, (w, c) in rows.items()}))
        return 0
    print(f"{'start':22}{'wall ms':>9}{'cpu ms':>9}   budget {BUDGET_MS} ms")
    for row, (wall, cpu) in rows.items():
        print(f"{row:22}{wall:>9.0f}{cpu:>9.0f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
