"""What is written down about the distributions agrees with itself."""

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import permit0

ROOT = Path(__file__).parents[2]
PYPROJECTS = sorted(ROOT.glob("packages/*/pyproject.toml"))
CONSTRAINTS = sorted((ROOT / ".ci" / "constraints").glob("*.txt"))
PIN = re.compile(r"^([a-z0-9-]+)==([^ ;\\]+)", re.MULTILINE)


def project(path: Path) -> dict[str, Any]:
    table = tomllib.loads(path.read_text("utf-8"))["project"]
    assert isinstance(table, dict)
    return table


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / ".ci" / "constraints" / name).read_text("utf-8")))


def normalized(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[ <>=!~;\[]", requirement)[0]).lower()


def test_every_distribution_has_one_version() -> None:
    versions = {path.parent.name: project(path)["version"] for path in PYPROJECTS}
    assert set(versions.values()) == {permit0.__version__}, versions


def test_installed_metadata_has_the_version_of_the_module() -> None:
    assert metadata.version("permit0") == permit0.__version__


def test_changelog_has_a_section_for_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f"\n## [{permit0.__version__}]" in changelog


@pytest.mark.parametrize("path", PYPROJECTS, ids=lambda path: path.parent.name)
def test_distribution_carries_license_readme_and_type_marker(path: Path) -> None:
    table = project(path)
    assert table["license"] == "Apache-2.0"
    assert (path.parent / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert (path.parent / table["readme"]).is_file()
    assert list(path.parent.glob("src/*/py.typed"))


@pytest.mark.parametrize("path", CONSTRAINTS, ids=lambda path: path.name)
def test_pins_have_hashes_and_no_address(path: Path) -> None:
    text = path.read_text("utf-8")
    assert "://" not in text
    entries = re.split(r"\n(?=\S)", text.strip())
    assert entries
    for entry in entries:
        assert PIN.match(entry), entry
        assert "--hash=sha256:" in entry, entry


def test_pins_cover_every_dependency_of_core() -> None:
    needed = {
        normalized(line) for line in project(ROOT / "packages/core/pyproject.toml")["dependencies"]
    }
    missing = needed - set(pins("core.txt"))
    assert not missing, f"run .ci/constraints/compile: {missing}"


def test_pins_cover_every_development_tool() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    for group, name in (("installer", "uv.txt"), ("build", "build.txt"), ("dev", "dev.txt")):
        needed = {normalized(line) for line in groups[group] if isinstance(line, str)}
        missing = needed - set(pins(name))
        assert not missing, f"run .ci/constraints/compile: {missing}"


@pytest.mark.parametrize("name", ["core.txt", "build.txt"])
def test_development_uses_the_versions_that_are_shipped(name: str) -> None:
    dev = pins("dev.txt")
    differing = {key: (pin, dev.get(key)) for key, pin in pins(name).items() if dev.get(key) != pin}
    assert not differing
