"""Prove that what we would publish works: ``.venv/bin/python .ci/prove_package.py``.

1. build the sdist of each package, and its wheel from the sdist, so that the sdist is complete
2. open them: LICENSE, py.typed and every YAML file of src are inside, the wheel of core has the cache of
   the packs, and no test or cache of Python is
3. install permit0 alone into an environment of its own, outside of the workspace; there: ``pip check``;
   ``import permit0`` loads no framework and no server; an engine takes its packs from the cache, until a
   pack is edited; ``permit0 --version``; ``permit0 check --jsonl``
   answers and holds an unknown tool for a person; no extra can be had without its framework
4. for each extra and for ``all``: an environment with what others publish, at the pinned versions; then
   ``permit0[EXTRA]`` from our wheels alone, without an index; there: ``pip check``; ``permit0 plugins``
   names the integration; an engine loads the plugin and not the framework; ``permit0 prove-seams`` drives
   the real framework, where a call is refused on every path

Does not: publish, or leave anything in the clone. What others publish comes from the index or from uv's
cache, checked by hash either way: a folder of wheels of its own would be 300 MB and prove no more.
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
from collections.abc import Mapping
from pathlib import Path

from bootstrap import child_environment
from profiles import CORE, INTEGRATIONS, ROOT, UV

CONSTRAINTS = ROOT / ".ci" / "constraints"
CACHE = "permit0/packs/compiled.bin"
MAX_IMPORT_S = 2.0  # far above a good value; catches an import that went to the network

# Importing the package must stay cheap and must work without any of these.
# fmt: off
FRAMEWORKS = [
    "agents", "crewai", "langchain", "langchain_core", "langgraph", "llama_index", "openai",
]
HEAVY = [
    *FRAMEWORKS, "aiohttp", "fastapi", "flask", "grpc", "http.server", "httpx", "psycopg", "pytest",
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
# The module that stands for a framework, for the twin: it is there, it is only not loaded.
IMPORTS = {
    "langchain": "langchain",
    "llamaindex": "llama_index.core",
    "openai-agents": "agents",
    "crewai": "crewai",
}
PROBE_PLUGINS = f"""
import sys
from importlib.util import find_spec
import permit0
permit0.build_engine()
assert "site-packages" in permit0.__file__, permit0.__file__
for extra in sys.argv[1:]:
    module = "permit0_" + extra.replace("-", "_")
    assert module in sys.modules, f"an engine does not load {{module}}"
    assert "site-packages" in sys.modules[module].__file__, sys.modules[module].__file__
loaded = sorted(set({FRAMEWORKS!r}) & set(sys.modules))
assert not loaded, f"an engine loads {{loaded}}"
for extra in sys.argv[1:]:
    assert find_spec({IMPORTS!r}[extra]) is not None, f"{{extra}} is not installed"
"""
# The cache of an installation is used as long as it is true, and where it is not, the YAML is.
PROBE_CACHE = """
import sys
from pathlib import Path
import permit0.builtin, permit0.pack_cache
assert "site-packages" in permit0.builtin.__file__, permit0.builtin.__file__
def cached():
    return all(pack.checked_with for pack in permit0.builtin.load_built_in()[0])
assert cached(), "the cache of the wheel is not used"
packs = Path(permit0.builtin.__file__).with_name("packs")
pack = next(packs.rglob("*.yaml"))
text = pack.read_text(encoding="utf-8")
pack.write_text(text + "# edited", encoding="utf-8")
assert not cached(), "a cache of other packs is used"
assert cached(), "no new cache was made"
pack.write_text(text, encoding="utf-8")
assert not cached(), "a cache of other packs is used"
"""
CALLS = (
    {"id": "unknown", "session": "s", "tool": "frobnicate", "args": {"x": 1}},
    {"id": "mail", "session": "s", "tool": "send_email", "args": {"to": "a@example.com"}},
)


def main() -> int:
    """Carry out the steps; the first that fails ends the run."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="permit0-package-") as name:
        place = Path(name)
        dist = place / "dist"
        for folder in (CORE, *INTEGRATIONS.values()):
            inspect(ROOT / folder, *build(ROOT / folder, dist))
        (place / "elsewhere").mkdir()
        try_alone(place, dist)
        for extra in INTEGRATIONS:
            try_extra(place, dist, extra, [extra], f"{extra}-new.txt")
        try_extra(place, dist, "all", list(INTEGRATIONS), "frameworks.txt")
    say(f"packaging proof: passed in {time.monotonic() - began:.1f} s")
    return 0


def build(folder: Path, dist: Path) -> tuple[Path, Path]:
    """Step 1: build with the pinned hatchling, so that nothing is fetched."""
    name = project(folder)["name"].replace("-", "_")
    say(f"building {name}: sdist, and wheel from sdist")
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, folder])
    (wheel,) = dist.glob(f"{name}-*.whl")
    (sdist,) = dist.glob(f"{name}-*.tar.gz")
    return wheel, sdist


def inspect(folder: Path, wheel: Path, sdist: Path) -> None:
    """Step 2."""
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
    with tarfile.open(sdist) as tar:
        in_sdist = {name.partition("/")[2] for name in tar.getnames()}
    source = folder / "src"
    (module,) = (path.parent.name for path in source.glob("*/__init__.py"))
    wanted = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and path.suffix in {".py", ".yaml", ".typed"}
    }
    packs = [name for name in wanted if name.startswith("permit0/packs/")]
    require(bool(packs) == (module == "permit0"), "packs are core's, and core has some")
    require(f"{module}/py.typed" in wanted, f"{module}/py.typed is missing")
    missing = sorted(wanted - in_wheel)
    require(not missing, f"{wheel.name} lacks {missing}")
    require(bool(packs) == (CACHE in in_wheel), f"{wheel.name} and the cache of the packs: {CACHE}")
    require("src/" + CACHE not in in_sdist, f"{sdist.name} holds {CACHE}, which is made from it")
    missing = sorted(({"src/" + name for name in wanted} | {"LICENSE", "README.md"}) - in_sdist)
    require(not missing, f"{sdist.name} lacks {missing}")
    licenses = [name for name in in_wheel if name.endswith(".dist-info/licenses/LICENSE")]
    require(len(licenses) == 1, f"{wheel.name} lacks its LICENSE")
    strange = sorted(
        name
        for name in in_wheel
        if "__pycache__" in name or not name.startswith((f"{module}/", f"{module}-"))
    )
    require(not strange, f"{wheel.name} holds {strange}")
    counted = f"{len(in_wheel)} files" + (f", {len(packs)} of them packs" if packs else "")
    say(f"   {counted}; LICENSE and py.typed are inside")


def try_alone(place: Path, dist: Path) -> None:
    """Step 3, with a working directory that has nothing of the clone."""
    say("installing permit0 alone")
    python = make_environment(place / "alone", "core.txt")
    pip(python, "install", "--quiet", "--no-index", "--find-links", dist, "permit0")
    say("   pip check: " + pip(python, "check").strip())

    work = place / "elsewhere"
    version = project(ROOT / CORE)["version"]
    began = time.monotonic()
    imported = run([python, "-c", PROBE_IMPORT], cwd=work).strip()
    took_s = time.monotonic() - began
    require(imported == version, f"permit0.__version__ is {imported!r}, released as {version!r}")
    require(took_s < MAX_IMPORT_S, f"import permit0 took {took_s:.1f} s")
    say(f"   import permit0: {took_s:.2f} s, no framework and no server loaded")
    run([python, "-c", PROBE_CACHE], cwd=work)
    say("   the packs come from the cache, and from YAML once one is edited")

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

    for extra in INTEGRATIONS:
        options = ("--dry-run", "--no-index", "--find-links", dist)
        said = pip(python, "install", *options, f"permit0[{extra}]", fails=True)
        require("No matching distribution found for" in said, said)
        require(f"(from permit0-{extra})" in said, said)
    say(f"   without a framework none of {', '.join(INTEGRATIONS)} can be installed")


def try_extra(place: Path, dist: Path, extra: str, brings: list[str], pinned: str) -> None:
    """Step 4."""
    began = time.monotonic()
    say(f"installing permit0[{extra}]")
    python = make_environment(place / f"with-{extra}", pinned)
    pip(python, "install", "--quiet", "--no-index", "--find-links", dist, f"permit0[{extra}]")
    say("   pip check: " + pip(python, "check").strip())
    work = place / "elsewhere"
    answer = json.loads(run([python.with_name("permit0"), "plugins", "--json"], cwd=work))
    found = {plugin["distribution"]: plugin["version"] for plugin in answer["loaded"]}
    version = project(ROOT / CORE)["version"]
    wanted = {f"permit0-{name}": version for name in brings}
    found = {name: said for name, said in found.items() if name.startswith("permit0-")}
    require(found == wanted, f"permit0 plugins shows {found}, not {wanted}")
    run([python, "-c", PROBE_PLUGINS, *brings], cwd=work)
    if len(brings) == 1:
        # The real framework, on every path: the allowed canary runs, the refused one does not. CrewAI writes
        # into the home folder and would call home.
        home = {"HOME": str(work), "OTEL_SDK_DISABLED": "true", "CREWAI_DISABLE_TELEMETRY": "true"}
        report = work / f"seams-{extra}.json"
        prove: list[str | Path] = [python.with_name("permit0"), "prove-seams", "--out", report]
        run(prove, cwd=work, settings={**os.environ, **home})
        paths = len(json.loads(report.read_text(encoding="utf-8"))["report"]["seams"])
        say(f"   permit0 prove-seams: {paths} paths hold")
    took_s = time.monotonic() - began
    say(f"   permit0 plugins: {', '.join(found)}; no framework loaded; {took_s:.1f} s")


def make_environment(folder: Path, pinned: str) -> Path:
    """A fresh environment with what others publish, by hash; return its interpreter."""
    run([sys.executable, "-m", "venv", "--without-pip", folder])
    python = folder / "bin" / "python"
    options: list[str | Path] = ["--quiet", "--require-hashes", "-r", CONSTRAINTS / pinned]
    if UV.exists():
        # uv is told of the index that pip is told of.
        run([UV, "pip", "install", "--python", python, *options], settings=child_environment())
    else:
        pip(python, "install", *options)
    return python


def pip(python: Path, *arguments: str | Path, fails: bool = False) -> str:
    """Let the pip that runs this script work on another environment."""
    start: list[str | Path] = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    return run([*start, "--python", python, *arguments], fails=fails)


def project(folder: Path) -> dict[str, str]:
    """The [project] table of a package."""
    table: dict[str, str] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return table


def run(
    command: list[str | Path],
    *,
    cwd: Path | None = None,
    text: str = "",
    settings: Mapping[str, str] = os.environ,
    fails: bool = False,
) -> str:
    """Run a command without the caller's Python settings; return what it printed.

    Args:
        settings: The environment to take the rest from.
        fails: The command must not work; return what it printed, errors included.
    """
    environment = {
        name: value
        for name, value in settings.items()
        if not name.startswith(("PYTHON", "PERMIT0", "VIRTUAL_ENV"))
    }
    answer = subprocess.run(
        command, cwd=cwd, input=text, env=environment, capture_output=True, text=True, check=False
    )
    line = " ".join(str(part) for part in command)
    report = f"{line} ended with {answer.returncode}\n{answer.stdout}{answer.stderr}"
    require((answer.returncode != 0) == fails, report)
    return answer.stdout + answer.stderr if fails else answer.stdout


def require(condition: bool, message: str) -> None:
    """End the run with a message unless the condition holds."""
    if not condition:
        sys.exit(f"packaging proof: {message}")


def say(line: str) -> None:
    """Print at once, so that the time of a slow step shows."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
