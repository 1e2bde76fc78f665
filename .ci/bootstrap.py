"""Make an environment hold what a make target needs: ``python3 .ci/bootstrap.py PROFILE``.

Profiles: see .ci/profiles.py.

Guarantees: a second run with nothing changed ends at once and needs no network; what is installed
is pinned and checked by hash; something is printed at least every few seconds; a Python that
cannot do it is named in one sentence.
Does not: touch anything outside of these folders, or remove one that is no longer asked for.

Steps, each printed:
1. find a Python >= 3.11 that can make virtual environments, and make .venv with it
2. install uv into .venv with pip (where uv cannot be had, pip does its work, only slower)
3. make the environment of the profile, where it is not .venv
4. install the pinned packages of the profile
5. install our own packages in editable form

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

from profiles import PROFILES, ROOT, UV, VENV, Profile

try:
    import fcntl
except ImportError:  # not a POSIX system: no lock between two makes
    fcntl = None  # type: ignore[assignment]

MINIMUM = (3, 11)
CANDIDATES = ("python3.13", "python3.12", "python3.11", "python3")
HEARTBEAT_S = 3.0
CONSTRAINTS = ".ci/constraints/"

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
    """Bring an environment up to the profile that the only argument names; return the exit code."""
    if len(arguments) != 1 or arguments[0] not in PROFILES:
        print("usage: bootstrap.py " + "|".join(PROFILES), file=sys.stderr)
        return 2
    name = arguments[0]
    if is_fresh(name):
        return 0
    try:
        with lock():
            if not is_fresh(name):  # another make may have done it meanwhile
                set_up(name)
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


def python_of(venv: Path) -> Path:
    """The interpreter of an environment."""
    return venv / "bin" / "python"


def stamp(name: str) -> Path:
    """The file that says with which inputs a profile was installed."""
    return PROFILES[name].venv / (".permit0-" + name)


def fingerprint(name: str) -> str:
    """A digest of everything that decides what a profile installs, and of where the clone lies."""
    profile = PROFILES[name]
    files = [CONSTRAINTS + file for file in ("uv.txt", *profile.pinned)]
    files += [".ci/bootstrap.py", ".ci/profiles.py"]
    files += [folder + "/pyproject.toml" for folder in profile.editable]
    digest = hashlib.sha256(os.fsencode(str(ROOT)))
    for file in files:
        digest.update(hashlib.sha256(read(ROOT / file).encode()).digest())
    return digest.hexdigest()


def is_fresh(name: str) -> bool:
    """True if the environment works and was set up with today's inputs."""
    python = python_of(PROFILES[name].venv)
    return python.exists() and read(stamp(name)) == fingerprint(name)


@contextlib.contextmanager
def lock() -> "Iterator[None]":
    """Let one make at a time write to the environments."""
    with Path(__file__).open(encoding="utf-8") as file:
        if fcntl is not None:
            with contextlib.suppress(OSError):  # file systems without locks: go on without
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


# ------------------------------------------------------------------------------ the steps


def set_up(name: str) -> None:
    """Carry out the steps of the module's docstring."""
    began = time.monotonic()
    profile = PROFILES[name]
    print(f"permit0: setting up {profile.venv.name} ({name}), once", flush=True)
    if not is_usable(VENV):
        make_venv(VENV)
    environment = child_environment()
    installer = install_uv(environment)
    if name == "tools" and installer != "uv":
        raise Failed("renewing the pins needs uv, which could not be installed")
    if not is_usable(profile.venv):
        make_venv(profile.venv)
    if profile.pinned:
        install(installer, profile, environment)
        install_editable(installer, profile, environment)
    if profile.visible:
        make_visible(profile)
    stamp(name).write_text(fingerprint(name), encoding="utf-8")
    print(f"permit0: ready after {time.monotonic() - began:.1f} s", flush=True)


def is_usable(venv: Path) -> bool:
    """True if there is a working Python that is new enough, has pip and was made at this place."""
    # A moved clone leaves environments whose scripts point to where it was.
    made_at = read(venv / ".permit0-root")
    python = python_of(venv)
    if made_at != str(ROOT) or not python.exists():
        return False
    check = f"import pip, sys; sys.exit(sys.version_info < {MINIMUM})"
    return works([str(python), "-c", check])


def works(command: "list[str]") -> bool:
    """True if a command can be started and ends with 0."""
    try:
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def make_venv(venv: Path) -> None:
    """Steps 1 and 3."""
    python = find_python()
    if venv.is_symlink() or venv.is_file():
        venv.unlink()
    title = f"making {venv.name} with {python}"
    code, output = run(title, [python, "-m", "venv", "--clear", str(venv)])
    if code:
        raise Failed(f"{python} could not make a virtual environment:\n{tail(output)}")
    (venv / ".permit0-root").write_text(str(ROOT), encoding="utf-8")


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
    options = ("--only-binary", ":all:", "--require-hashes")
    code, _ = run(
        "installing uv",
        pip(VENV, "install", *options, "-r", CONSTRAINTS + "uv.txt"),
        environment,
    )
    if code == 0 and works([str(UV), "--version"]):
        note.write_text(wanted, encoding="utf-8")
        return "uv"
    print("   uv is not to be had here: going on with pip", flush=True)
    return "pip"


def install(installer: str, profile: Profile, environment: "dict[str, str]") -> None:
    """Step 4."""
    options = ["--require-hashes"]
    for name in profile.pinned:
        options += ["-r", CONSTRAINTS + name]
    install_with(installer, "installing pinned packages", profile.venv, options, environment)


def install_editable(installer: str, profile: Profile, environment: "dict[str, str]") -> None:
    """Step 5."""
    # No build isolation: the pinned hatchling of step 4 builds, and nothing is fetched.
    options = ["--no-deps", "--no-build-isolation"]
    for folder in profile.editable:
        options += ["-e", folder]
    title = "installing " + ", ".join(profile.editable)
    install_with(installer, title, profile.venv, options, environment)


def make_visible(profile: Profile) -> None:
    """Step 5, for packages whose frameworks are not there: their source can be read, no more."""
    # Not installed, so permit0 finds no entry point of theirs and its tests see it alone.
    lines = "".join(f"{ROOT / folder}\n" for folder in profile.visible)
    for site in profile.venv.glob("lib/python*/site-packages"):
        (site / "permit0-integrations.pth").write_text(lines, encoding="utf-8")


def install_with(
    installer: str, title: str, venv: Path, options: "list[str]", environment: "dict[str, str]"
) -> None:
    """Install with uv, or with pip where there is no uv or it does not come through."""
    if installer == "uv":
        command = [str(UV), "pip", "install", "--python", str(python_of(venv)), *options]
        code, output = run(title, command, environment)
        if code == 0:
            return
        print(f"   uv failed, trying pip: {last_line(output)}", flush=True)
    code, output = run(title + " with pip", pip(venv, "install", *options), environment)
    if code:
        raise Failed(f"{title} failed with pip; what it said last:\n{tail(output)}")


def pip(venv: Path, *arguments: str) -> "list[str]":
    """A command line of the pip in an environment."""
    return [str(python_of(venv)), "-m", "pip", "--disable-pip-version-check", *arguments]


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
        pip(VENV, "config", "list"),
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
