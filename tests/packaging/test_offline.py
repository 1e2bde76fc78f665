"""The tests of the integrations cannot reach beyond this machine, however quietly it is tried."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
USE = """
import contextlib, socket, threading
import pytest

@pytest.fixture(autouse=True, scope="session")
def nothing_leaves_the_machine(offline):
    pass

def quietly(action):
    def run():
        with contextlib.suppress(Exception):
            action()
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

def test_it():
"""


def run(body: str, folder: Path) -> subprocess.CompletedProcess[str]:
    shutil.copy(CONFTEST, folder / "conftest.py")
    (folder / "test_it.py").write_text(USE + body, "utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
    ]
    return subprocess.run(
        [*command, folder], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            "    quietly(lambda: socket.create_connection(('192.0.2.1', 443), timeout=0.1))\n",
            "socket.getaddrinfo 192.0.2.1",
        ),
        (
            "    sock = socket.socket()\n"
            "    sock.setblocking(False)\n"
            "    quietly(lambda: sock.connect(('192.0.2.1', 443)))\n"
            "    sock.close()\n",
            "socket.connect 192.0.2.1",
        ),
        (
            "    quietly(lambda: socket.getaddrinfo('telemetry.example', 443))\n",
            "socket.getaddrinfo telemetry.example",
        ),
        (
            "    quietly(lambda: socket.getaddrinfo(b'telemetry.example', 443))\n",
            "socket.getaddrinfo telemetry.example",
        ),
        (
            "    quietly(lambda: socket.gethostbyname('telemetry.example'))\n",
            "socket.gethostbyname telemetry.example",
        ),
        (
            "    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
            "    quietly(lambda: sock.sendto(b'x', ('192.0.2.1', 4318)))\n"
            "    sock.close()\n",
            "socket.sendto 192.0.2.1",
        ),
        (
            "    sock = socket.socket(socket.AF_INET6)\n"
            "    quietly(lambda: sock.connect_ex(('2001:db8::1', 443)))\n"
            "    sock.close()\n",
            "socket.connect 2001:db8::1",
        ),
    ],
)
def test_connection_that_swallows_its_refusal_fails_the_run(
    body: str, said: str, tmp_path: Path
) -> None:
    answer = run(body, tmp_path)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert said in answer.stdout


def test_loopback_is_allowed(tmp_path: Path) -> None:
    answer = run(
        "    with socket.create_server(('127.0.0.1', 0)) as server:\n"
        "        port = server.getsockname()[1]\n"
        "        socket.create_connection(('localhost', port)).close()\n"
        "    ours, theirs = socket.socketpair()\n"
        "    ours.close(), theirs.close()\n",
        tmp_path,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
