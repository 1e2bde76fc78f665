"""Settings for every test.

Hypothesis has no deadline, since a busy machine is no defect. In CI the same examples are tried on
every run, so that a failure can be repeated; elsewhere they differ, so that new ones are found.

The fixtures here are for tests/<framework>, which run in environments of their own.
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

# The environments of tests/<framework> have no hypothesis.
if importlib.util.find_spec("hypothesis") is not None:
    from hypothesis import settings

    settings.register_profile("local", deadline=None)
    settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True, database=None)
    settings.load_profile("ci" if os.environ.get("CI") else "local")

MODULES = "; import sys; print(*{name.partition('.')[0] for name in sys.modules})"

# Where the audit events of the socket module have the address.
PLACES = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
    "socket.getnameinfo": 0,
}
LOCAL = frozenset({None, "", "localhost", "127.0.0.1", "::1"})


@pytest.fixture
def modules_after() -> Callable[[str], set[str]]:
    """The top-level modules that a fresh interpreter has loaded after a statement."""

    def run(statement: str) -> set[str]:
        command = [sys.executable, "-c", statement + MODULES]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr
        return set(answer.stdout.splitlines()[-1].split())

    return run


@pytest.fixture(scope="session")
def offline() -> Iterator[None]:
    """Let nothing in this process connect or look up a name outside of this machine."""
    # An audit hook cannot be removed again; this one only speaks while the fixture is in use.
    tried: list[str] = []
    active = [True]

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        place = PLACES.get(event)
        if place is None or not active:
            return
        address = arguments[place]
        # Host and port, or a host alone; a unix socket has its path, which leads nowhere else.
        if isinstance(address, tuple):
            host = address[0]
        elif place == 0:
            host = address
        else:
            return
        name = host.decode() if isinstance(host, bytes) else host
        if name not in LOCAL:
            tried.append(f"{event} {name}")
            raise ConnectionRefusedError(f"a test may not leave this machine: {name!r}")

    sys.addaudithook(refuse)
    yield
    active.clear()
    # Telemetry swallows its own errors, so the refusal alone would not show.
    assert not tried, tried
