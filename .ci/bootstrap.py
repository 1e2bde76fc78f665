"""Make .venv hold what a make target needs: ``python3 .ci/bootstrap.py tools|runtime|dev``.

Guarantees: a second run with nothing changed ends at once and needs no network; what is installed
is pinned and checked by hash; something is printed at least every few seconds; a Python that
cannot do it is named in one sentence.
Does not: touch anything outside of .venv.

Steps, each printed:
1. find a Python >= 3.11 that can make virtual environments, and make .venv with it
2. install uv into .venv with pip (where uv cannot be had, pip does its work, only slower)
3. install the pinned packages of the profile
4. install packages/core in editable form

Standard library only, and syntax that Python 3.6 can read (hence the quoted annotations): whatever
python3 is at hand starts this file, and it must live long enough to say what is missing.
"""

import ast
import contextlib
import hashlib
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # not a POSIX system: no lock between two makes
    fcntl = None  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
MINIMUM = (3, 11)
CANDIDATES = ("python3.13", "python3.12", "python3.11", "python3")
HEARTBEAT_S = 3.0
CONSTRAINTS = ".ci/constraints/"
EDITABLE = "packages/core"
# dev.txt holds everything that build.txt and core.txt hold, at the same versions.
REQUIREMENTS: "dict[str, tuple[str, ...]]" = {
    "tools": (),
    "runtime": ("build.txt", "core.txt"),
    "dev": ("dev.txt",),
}
PYPROJECTS: "dict[str, tuple[str, ...]]" = {
    "tools": (),
    "runtime": (EDITABLE + "/pyproject.toml",),
    "dev": (EDITABLE + "/pyproject.toml", "pyproject.toml"),
}

PROBE = """\
import sys
print("%d.%d.%d" % sys.version_info[:3])
try:
    import ensurepip, venv
    print("yes")
except ImportError:
    print("no")
"""


class Failed(Exception):
    """A step did not work; the message says which and what to do."""


def main(arguments: "list[str]") -> int:
    """Bring .venv up to the profile that the only argument names; return the exit code."""
    if len(arguments) != 1 or arguments[0] not in REQUIREMENTS:
        print("usage: bootstrap.py " + "|".join(REQUIREMENTS), file=sys.stderr)
        return 2
    profile = arguments[0]
    if is_fresh(profile):
        return 0
    try:
        with lock():
            if not is_fresh(profile):  # another make may have done it meanwhile
                set_up(profile)
    except Failed as error:
        print(f"permit0: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\npermit0: interrupted; run it again to go on", file=sys.stderr)
        return 130
    return 0


# ------------------------------------------------------------------------------ what is there


def read(file: Path) -> str:
    """The text of a file, or nothing where there is none."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""


def stamp(profile: str) -> Path:
    """The file that says with which inputs a profile was installed."""
    return VENV / (".permit0-" + profile)


def fingerprint(profile: str) -> str:
    """A digest of everything that decides what a profile installs, and of where the clone lies."""
    names = [CONSTRAINTS + name for name in ("uv.txt", *REQUIREMENTS[profile])]
    names += [".ci/bootstrap.py", *PYPROJECTS[profile]]
    digest = hashlib.sha256(os.fsencode(str(ROOT)))
    for name in names:
        digest.update(hashlib.sha256(read(ROOT / name).encode()).digest())
    return digest.hexdigest()


def is_fresh(profile: str) -> bool:
    """True if .venv works and was set up with today's inputs."""
    return VENV_PYTHON.exists() and read(stamp(profile)) == fingerprint(profile)


@contextlib.contextmanager
def lock() -> "Iterator[None]":
    """Let one make at a time write to .venv."""
    with Path(__file__).open(encoding="utf-8") as file:
        if fcntl is not None:
            with contextlib.suppress(OSError):  # file systems without locks: go on without
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


# ------------------------------------------------------------------------------ the steps


def set_up(profile: str) -> None:
    """Carry out the steps of the module's docstring."""
    began = time.monotonic()
    print(f"permit0: setting up .venv ({profile}), once", flush=True)
    if not is_usable():
        make_venv()
    environment = child_environment()
    installer = install_uv(environment)
    if profile == "tools" and installer != "uv":
        raise Failed("renewing the pins needs uv, which could not be installed")
    files = [CONSTRAINTS + name for name in REQUIREMENTS[profile]]
    if files:
        install(installer, files, environment)
        install_editable(installer, environment)
    stamp(profile).write_text(fingerprint(profile), encoding="utf-8")
    print(f"permit0: ready after {time.monotonic() - began:.1f} s", flush=True)


def is_usable() -> bool:
    """True if .venv has a working Python that is new enough, has pip and was made at this place."""
    # A moved clone leaves a .venv whose scripts point to where it was.
    made_at = read(VENV / ".permit0-root")
    if made_at != str(ROOT) or not VENV_PYTHON.exists():
        return False
    check = f"import pip, sys; sys.exit(sys.version_info < {MINIMUM})"
    return works([str(VENV_PYTHON), "-c", check])


def works(command: "list[str]") -> bool:
    """True if a command can be started and ends with 0."""
    try:
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def make_venv() -> None:
    """Step 1."""
    python = find_python()
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    code, output = run("making .venv with " + python, [python, "-m", "venv", "--clear", str(VENV)])
    if code:
        raise Failed(f"{python} could not make a virtual environment:\n{tail(output)}")
    (VENV / ".permit0-root").write_text(str(ROOT), encoding="utf-8")


def find_python() -> str:
    """The first candidate that is new enough and complete; PYTHON=... goes before them all."""
    chosen = os.environ.get("PYTHON")
    reasons = []
    for name in (chosen,) if chosen else CANDIDATES:
        executable = shutil.which(name)
        if executable is None:
            continue
        lines = probe(executable)
        if len(lines) != 2:  # a shim for a version that is not there
            continue
        version = tuple(int(part) for part in lines[0].split("."))
        if version < MINIMUM:
            reasons.append(f"{name} is Python {lines[0]}")
        elif lines[1] != "yes":
            reasons.append(f"{name} ({lines[0]}) has no venv module")
        else:
            return executable
    found = "; ".join(reasons) or "no such Python"
    raise Failed(
        "this needs Python 3.11 or newer with the venv module (on Debian and Ubuntu: python3-venv);"
        f" found: {found}"
    )


def probe(executable: str) -> "list[str]":
    """Version and yes/no for venv, or nothing if the interpreter does not start."""
    try:
        answer = subprocess.run(
            [executable, "-c", PROBE],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return answer.stdout.decode("utf-8", "replace").split()


def install_uv(environment: "dict[str, str]") -> str:
    """Step 2. Return the installer to use: "uv" or "pip"."""
    wanted = read(ROOT / CONSTRAINTS / "uv.txt")
    note = VENV / ".permit0-uv"
    if read(note) == wanted and UV.exists():
        return "uv"
    code, _ = run(
        "installing uv",
        pip("install", "--only-binary", ":all:", "--require-hashes", "-r", CONSTRAINTS + "uv.txt"),
        environment,
    )
    if code == 0 and works([str(UV), "--version"]):
        note.write_text(wanted, encoding="utf-8")
        return "uv"
    print("   uv is not to be had here: going on with pip", flush=True)
    return "pip"


def install(installer: str, files: "list[str]", environment: "dict[str, str]") -> None:
    """Step 3."""
    options = ["--require-hashes"]
    for name in files:
        options += ["-r", name]
    install_with(installer, "installing pinned packages", options, environment)


def install_editable(installer: str, environment: "dict[str, str]") -> None:
    """Step 4."""
    # No build isolation: the pinned hatchling of step 3 builds, and nothing is fetched.
    options = ["--no-deps", "--no-build-isolation", "-e", EDITABLE]
    install_with(installer, "installing " + EDITABLE, options, environment)


def install_with(
    installer: str, title: str, options: "list[str]", environment: "dict[str, str]"
) -> None:
    """Install with uv, or with pip where there is no uv or it does not come through."""
    if installer == "uv":
        command = [str(UV), "pip", "install", "--python", str(VENV_PYTHON), *options]
        code, output = run(title, command, environment)
        if code == 0:
            return
        print(f"   uv failed, trying pip: {last_line(output)}", flush=True)
    code, output = run(title + " with pip", pip("install", *options), environment)
    if code:
        raise Failed(f"{title} failed with pip; what it said last:\n{tail(output)}")


def pip(*arguments: str) -> "list[str]":
    """A command line of the pip in .venv."""
    return [str(VENV_PYTHON), "-m", "pip", "--disable-pip-version-check", *arguments]


# ------------------------------------------------------------------------------ child processes


def child_environment() -> "dict[str, str]":
    """The environment of pip and uv: nothing of the caller's Python, and one index for both."""
    environment = dict(os.environ)
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "UV_TARGET", "UV_PREFIX"):
        environment.pop(name, None)
    environment.update(PIP_USER="0", PIP_NO_INPUT="1", UV_NO_PROGRESS="1")
    environment.setdefault("UV_PYTHON_DOWNLOADS", "never")
    # Where pip is told of a mirror, a proxy or a certificate, uv must not go elsewhere. What it
    # cannot be told makes it fail, and pip does the work.
    for key, value in pip_settings(environment).items():
        if key == "index-url":
            environment.setdefault("UV_DEFAULT_INDEX", value)
        elif key == "extra-index-url":
            environment.setdefault("UV_INDEX", " ".join(value.split()))
            # Every file is pinned by hash, so pip's way of looking in all indexes is no risk.
            environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
        elif key == "cert":
            environment.setdefault("SSL_CERT_FILE", value)
        elif key == "proxy":
            environment.setdefault("ALL_PROXY", value)
    return environment


def pip_settings(environment: "dict[str, str]") -> "dict[str, str]":
    """What pip's configuration files and environment say, by option name."""
    answer = subprocess.run(
        pip("config", "list"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        check=False,
    )
    settings = {}
    for line in answer.stdout.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if section in ("global", "install", ":env:"):
            with contextlib.suppress(ValueError, SyntaxError):
                settings[key] = str(ast.literal_eval(value))
    return settings


def run(
    title: str, command: "list[str]", environment: "dict[str, str] | None" = None
) -> "tuple[int, list[str]]":
    """Run a command in the root of the clone, show that it is alive; return its code and output."""
    print("   " + title, flush=True)
    began = time.monotonic()
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=pump, args=(child, lines), daemon=True).start()
    output: list[str] = []
    try:
        while True:
            try:
                line = lines.get(timeout=HEARTBEAT_S)
            except queue.Empty:
                took_s = time.monotonic() - began
                print(f"   ... {took_s:3.0f} s {last_line(output)}", flush=True)
                continue
            if line is None:
                return child.wait(), output
            output.append(line.rstrip())
    except BaseException:
        child.terminate()
        raise


def pump(child: "subprocess.Popen[str]", lines: "queue.Queue[str | None]") -> None:
    """Hand a child's output over line by line, and None at its end."""
    if child.stdout is not None:
        for line in child.stdout:
            lines.put(line)
    lines.put(None)


def last_line(output: "list[str]") -> str:
    """The last line that says something, cut to the width of a terminal."""
    return next((line.strip()[:88] for line in reversed(output) if line.strip()), "")


def tail(output: "list[str]") -> str:
    """The last lines of an output, for a report of failure."""
    return "\n".join("      " + line for line in output[-12:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
