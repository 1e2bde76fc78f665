"""Core, the four integrations and their environments name each other correctly."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import permit0
from permit0.plugins.manager import ENTRY_POINT_GROUP, FIRST_PARTY

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / ".ci" / "constraints"
FRAMEWORKS = ("langchain", "llamaindex", "openai-agents", "crewai")
PIN = re.compile(r"^([a-z0-9-]+)==([^ ;\\]+)", re.MULTILINE)


def load(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


def folder(framework: str) -> Path:
    return ROOT / "packages" / framework.replace("-", "_")


def module(framework: str) -> str:
    return "permit0_" + framework.replace("-", "_")


def project(framework: str) -> dict[str, Any]:
    table = load(folder(framework) / "pyproject.toml")["project"]
    assert isinstance(table, dict)
    return table


def bounds(framework: str) -> list[Requirement]:
    """What an integration asks of its framework."""
    found = [Requirement(line) for line in project(framework)["dependencies"]]
    return [requirement for requirement in found if requirement.name != "permit0"]


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((CONSTRAINTS / f"{name}.txt").read_text("utf-8")))


CORE = load(ROOT / "packages/core/pyproject.toml")["project"]
EXTRAS: dict[str, list[str]] = CORE["optional-dependencies"]


def test_first_party_plugins_are_those_of_the_workspace() -> None:
    assert {project(framework)["name"] for framework in FRAMEWORKS} == FIRST_PARTY
    folders = {path.parent.name for path in ROOT.glob("packages/*/pyproject.toml")}
    assert folders == {"core"} | {folder(framework).name for framework in FRAMEWORKS}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_extra_pins_the_integration_at_the_version_of_core(framework: str) -> None:
    assert EXTRAS[framework] == [f"permit0-{framework}=={permit0.__version__}"]


def test_extra_all_brings_every_integration() -> None:
    (line,) = EXTRAS["all"]
    assert Requirement(line).name == "permit0"
    assert Requirement(line).extras == set(FRAMEWORKS)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_module_has_the_version_of_its_distribution(framework: str) -> None:
    source = (folder(framework) / "src" / module(framework) / "__init__.py").read_text("utf-8")
    assert f'\n__version__ = "{project(framework)["version"]}"\n' in source


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_integration_takes_this_core_and_not_the_next_minor(framework: str) -> None:
    lines = [Requirement(line) for line in project(framework)["dependencies"]]
    (core,) = (line for line in lines if line.name == "permit0")
    version = Version(permit0.__version__)
    assert version in core.specifier
    assert Version(f"{version.major}.{version.minor + 1}") not in core.specifier


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_entry_point_leads_to_the_plugin(framework: str) -> None:
    name = framework.replace("-", "_")
    points = project(framework)["entry-points"]
    assert points == {ENTRY_POINT_GROUP: {name: f"{module(framework)}.plugin"}}
    assert (folder(framework) / "src" / module(framework) / "plugin.py").is_file()


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_range_has_both_ends(framework: str) -> None:
    for requirement in bounds(framework):
        operators = {part.operator for part in requirement.specifier}
        assert operators == {">=", "<"}, requirement


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_old_environment_has_the_oldest_release_that_is_promised(framework: str) -> None:
    pinned = pins(f"{framework}-old")
    for requirement in bounds(framework):
        (lower,) = (part.version for part in requirement.specifier if part.operator == ">=")
        assert Version(pinned[requirement.name]) == Version(lower), requirement


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("environment", ["{}-new", "{}-old", "frameworks"])
def test_environment_has_a_release_that_is_promised(framework: str, environment: str) -> None:
    name = environment.format(framework)
    pinned = pins(name)
    for line in [*CORE["dependencies"], *map(str, bounds(framework))]:
        requirement = Requirement(line)
        assert pinned[requirement.name.lower()] in requirement.specifier, f"{name}: {requirement}"


def test_new_environment_is_newer_than_the_old_one() -> None:
    for framework in FRAMEWORKS:
        for requirement in bounds(framework):
            old, new = pins(f"{framework}-old"), pins(f"{framework}-new")
            assert Version(old[requirement.name]) < Version(new[requirement.name]), requirement


def test_no_test_folder_is_forgotten() -> None:
    """Each is run either in .venv or in the environment of its framework, and type-checked there."""
    tools = load(ROOT / "pyproject.toml")["tool"]
    with_tests = {path.relative_to(ROOT).parts[1] for path in ROOT.glob("tests/**/test_*.py")}
    alone = {folder(framework).name for framework in FRAMEWORKS} | {"frameworks"}
    here = {f"tests/{name}" for name in with_tests - alone}
    assert alone <= with_tests
    assert set(tools["pytest"]["ini_options"]["testpaths"]) == here
    assert here <= set(tools["mypy"]["files"])


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("environment", ["{}-new", "{}-old", "frameworks"])
def test_environment_has_what_its_tests_need(framework: str, environment: str) -> None:
    groups = load(ROOT / "pyproject.toml")["dependency-groups"]
    include, *own = groups[framework]
    assert include == {"include-group": "framework"}
    missing = {*groups["framework"], *own} - set(pins(environment.format(framework)))
    assert not missing, f"run .ci/constraints/compile: {missing}"
