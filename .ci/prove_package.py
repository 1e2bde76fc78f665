"""Prove that what we would publish works: ``.venv/bin/python .ci/prove_package.py``.

1. build the sdist of packages/core, and the wheel from the sdist, so that the sdist is complete
2. open both: LICENSE, py.typed and every YAML file of src are inside, and no test or cache is
3. install the wheel into an environment of its own, outside of the workspace
4. there: ``pip check``; ``import permit0`` loads no framework and no server; ``permit0 --version``;
   ``permit0 check --jsonl`` answers and holds an unknown tool for a person

Does not: publish, or leave anything in the clone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "packages" / "core"
CONSTRAINTS = ROOT / ".ci" / "constraints" / "core.txt"
MAX_IMPORT_S = 2.0  # far above a good value; catches an import that went to the network

# Importing the package must stay cheap and must work without any of these.
# fmt: off
HEAVY = [
    "agents", "aiohttp", "crewai", "fastapi", "flask", "grpc", "http.server", "httpx",
    "langchain", "langchain_core", "langgraph", "llama_index", "openai", "psycopg", "pytest",
    "redis", "requests", "starlette", "uvicorn",
]
# fmt: on
PROBE_IMPORT = f"""
import sys
import permit0
loaded = sorted(set({HEAVY!r}) & set(sys.modules))
assert not loaded, f"import permit0 loads {{loaded}}"
assert "site-packages" in permit0.__file__, permit0.__file__
print(permit0.__version__)
"""
CALLS = (
    {"id": "unknown", "session": "s", "tool": "frobnicate", "args": {"x": 1}},
    {"id": "mail", "session": "s", "tool": "send_email", "args": {"to": "a@example.com"}},
)


def main() -> int:
    """Carry out the steps; the first that fails ends the run."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="permit0-package-") as folder:
        place = Path(folder)
        wheel, sdist = build(place / "dist")
        inspect(wheel, sdist)
        try_out(wheel, place)
    say(f"packaging proof: passed in {time.monotonic() - began:.1f} s")
    return 0


def build(target: Path) -> tuple[Path, Path]:
    """Step 1: build with the pinned hatchling, so that nothing is fetched."""
    say("building sdist, and wheel from sdist")
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", target, CORE])
    (wheel,) = target.glob("*.whl")
    (sdist,) = target.glob("*.tar.gz")
    return wheel, sdist


def inspect(wheel: Path, sdist: Path) -> None:
    """Step 2."""
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
    with tarfile.open(sdist) as tar:
        in_sdist = {name.partition("/")[2] for name in tar.getnames()}
    say(f"looking into {wheel.name} ({len(in_wheel)} files) and {sdist.name}")
    source = CORE / "src"
    wanted = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and path.suffix in {".py", ".yaml", ".typed"}
    }
    packs = [name for name in wanted if name.startswith("permit0/packs/")]
    require(bool(packs), "src/permit0/packs has no file")
    require("permit0/py.typed" in wanted, "src/permit0/py.typed is missing")
    missing = sorted(wanted - in_wheel)
    require(not missing, f"the wheel lacks {missing}")
    missing = sorted(({"src/" + name for name in wanted} | {"LICENSE", "README.md"}) - in_sdist)
    require(not missing, f"the sdist lacks {missing}")
    licenses = [name for name in in_wheel if name.endswith(".dist-info/licenses/LICENSE")]
    require(len(licenses) == 1, "the wheel lacks its LICENSE")
    strange = sorted(
        name
        for name in in_wheel
        if "__pycache__" in name or not name.startswith(("permit0/", "permit0-"))
    )
    require(not strange, f"the wheel holds {strange}")
    say(f"   {len(packs)} pack files, LICENSE and py.typed are inside")


def try_out(wheel: Path, place: Path) -> None:
    """Steps 3 and 4, with a working directory that has nothing of the clone."""
    say("installing the wheel into a fresh environment")
    python = place / "env" / "bin" / "python"
    run([sys.executable, "-m", "venv", place / "env"])
    # The dependencies at the pinned versions, with hashes; then the wheel, which has none yet.
    pip: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check"]
    run([*pip, "install", "--quiet", "--require-hashes", "-r", CONSTRAINTS])
    run([*pip, "install", "--quiet", wheel])
    run([*pip, "check"], show=True)

    work = place / "elsewhere"
    work.mkdir()
    version = tomllib.loads((CORE / "pyproject.toml").read_text())["project"]["version"]
    began = time.monotonic()
    imported = run([python, "-c", PROBE_IMPORT], cwd=work).strip()
    took_s = time.monotonic() - began
    require(imported == version, f"permit0.__version__ is {imported!r}, released as {version!r}")
    require(took_s < MAX_IMPORT_S, f"import permit0 took {took_s:.1f} s")
    say(f"   import permit0: {took_s:.2f} s, no framework and no server loaded")

    permit0 = python.with_name("permit0")
    shown = run([permit0, "--version"], cwd=work).strip()
    require(version in shown.split(), f"permit0 --version says {shown!r}")
    say(f"   permit0 --version: {shown}")

    lines = "".join(json.dumps(call) + "\n" for call in CALLS)
    answers = [
        json.loads(line)
        for line in run([permit0, "check", "--jsonl"], cwd=work, text=lines).splitlines()
    ]
    say(f"   permit0 check --jsonl: {answers}")
    require([a["id"] for a in answers] == [c["id"] for c in CALLS], "ids or order differ")
    decisions = [answer.get("decision") for answer in answers]
    require(decisions[0] == "human", f"an unknown tool was answered with {decisions[0]!r}")
    require(set(decisions) <= {"allow", "human", "deny"}, f"strange decisions: {decisions}")


def run(
    command: list[str | Path],
    *,
    cwd: Path | None = None,
    text: str = "",
    show: bool = False,
) -> str:
    """Run a command without the caller's Python settings; return what it printed."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PERMIT0", "VIRTUAL_ENV"))
    }
    answer = subprocess.run(
        command, cwd=cwd, input=text, env=environment, capture_output=True, text=True, check=False
    )
    line = " ".join(str(part) for part in command)
    report = f"{line} ended with {answer.returncode}\n{answer.stdout}{answer.stderr}"
    require(answer.returncode == 0, report)
    if show:
        say("   " + answer.stdout.strip())
    return answer.stdout


def require(condition: bool, message: str) -> None:
    """End the run with a message unless the condition holds."""
    if not condition:
        sys.exit(f"packaging proof: {message}")


def say(line: str) -> None:
    """Print at once, so that the time of a slow step shows."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
