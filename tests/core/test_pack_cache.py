"""The cache of the packs: used while it is true, and never otherwise."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec
import pytest
from pydantic import BaseModel

from permit0 import builtin
from permit0.errors import BadPack
from permit0.normalize import pack_policy, pack_schema
from permit0.normalize.catalog import Catalog
from permit0.normalize.compiler import compile_packs
from permit0.normalize.loader import LoadedPack, load_pack
from permit0.normalize.pack_policy import policy_of
from permit0.pack_cache import CACHE_NAME, cached_form
from permit0.pack_cache import load_with_cache as load_all
from permit0.taxonomy import load_taxonomy
from permit0.testing.pack_cases import Case, CaseBench, built_in_packs

ONE = """\
pack: one
version: 1
about: for tests
patterns: {secret: ["*.key"]}
actions:
  tasks.create:
    risk: low
    flags: {MUTATION: secondary}
    parameters: {path: {type: path, required: true}, title: {type: text}}
    rules:
      - {id: key, when: {path: {matches: [secret]}}, effect: gate, why: a key}
      - {id: long, when: {title.length: {above: 10}}, effect: medium, why: long}
cases:
  - {name: a case, call: {tool: add_task, args: {path: a}}, decision: allow}
"""
TWO = """\
pack: two
version: 2
mappings:
  - {tools: [add_task], vendor: Acme, action: tasks.create, literals: {title: x}, arguments: {path: [p, a.b]}}
"""
ROOT = bool(hasattr(os, "geteuid") and os.geteuid() == 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two packs, without a cache."""
    packs = tmp_path / "packs"
    (packs / "sub").mkdir(parents=True)
    (packs / "one.yaml").write_text(ONE, encoding="utf-8")
    (packs / "sub" / "two.yaml").write_text(TWO, encoding="utf-8")
    return packs


@pytest.fixture
def cached(folder: Path) -> Path:
    """The same with its cache."""
    load_with_cache(folder)
    assert is_cached(load_with_cache(folder))
    return folder


def load_with_cache(folder: Traversable) -> list[LoadedPack]:
    return load_all(folder)[0]


def is_cached(packs: list[LoadedPack]) -> bool:
    found = {bool(pack.checked_with) for pack in packs}
    assert len(found) == 1
    return found.pop()


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---------------------------------------------------------------------------------- used or not


def test_first_start_makes_the_cache_and_the_second_uses_it(folder: Path) -> None:
    assert not is_cached(load_with_cache(folder))
    assert files(folder) == [CACHE_NAME, "one.yaml", "sub"]
    assert is_cached(load_with_cache(folder))


def test_cache_is_equal_wherever_and_however_often_it_is_made(cached: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    shutil.copytree(cached, other, ignore=shutil.ignore_patterns(CACHE_NAME))
    assert cached_form(other) == (cached / CACHE_NAME).read_bytes()


def _edit(folder: Path) -> None:
    (folder / "one.yaml").write_text(ONE.replace("gate", "block"), encoding="utf-8")


def _comment(folder: Path) -> None:
    (folder / "one.yaml").write_text(ONE + "# no more\n", encoding="utf-8")


def _rename(folder: Path) -> None:
    (folder / "one.yaml").rename(folder / "uno.yaml")


def _move(folder: Path) -> None:
    (folder / "sub" / "two.yaml").rename(folder / "two.yaml")


def _add(folder: Path) -> None:
    (folder / "three.yaml").write_text("pack: three\nversion: 1\n", encoding="utf-8")


def _remove(folder: Path) -> None:
    (folder / "sub" / "two.yaml").unlink()


def _shift(folder: Path) -> None:
    """The same bytes in a row, cut elsewhere."""
    one, two = folder / "one.yaml", folder / "sub" / "two.yaml"
    one.write_text(ONE + TWO[:6], encoding="utf-8")
    two.write_text(TWO[6:], encoding="utf-8")


@pytest.mark.parametrize("change", [_edit, _comment, _rename, _move, _add, _remove])
def test_changed_packs_come_from_yaml_and_make_a_new_cache(
    change: Callable[[Path], None], cached: Path
) -> None:
    change(cached)
    packs = load_with_cache(cached)
    assert not is_cached(packs)
    assert [p.policy for p in packs] == [policy_of(p.spec) for p in packs]
    assert is_cached(load_with_cache(cached))


def test_packs_that_became_invalid_are_an_error_whatever_the_cache_says(cached: Path) -> None:
    before = (cached / CACHE_NAME).read_bytes()
    _shift(cached)
    with pytest.raises(BadPack, match=r"one\.yaml"):
        load_with_cache(cached)
    assert (cached / CACHE_NAME).read_bytes() == before


def test_packs_that_do_not_fit_together_are_not_kept(folder: Path) -> None:
    text = TWO.replace("tasks.create", "tasks.delete")
    (folder / "sub" / "two.yaml").write_text(text, encoding="utf-8")
    packs = load_with_cache(folder)
    assert files(folder) == ["one.yaml", "sub"]
    with pytest.raises(BadPack, match=r"two.yaml:4: mappings\[0\]"):
        compile_packs(packs, load_taxonomy())


@pytest.mark.parametrize(
    ("member", "value"),
    [("format", 2), ("permit0", "9.9.9"), ("checked_by", "0" * 64), ("packs", "0" * 64)],
)
def test_cache_of_another_time_is_not_used(member: str, value: object, cached: Path) -> None:
    file = cached / CACHE_NAME
    head, _, payload = file.read_bytes().partition(b"\n")
    said = json.loads(head)
    assert set(said) == {"format", "permit0", "checked_by", "packs", "payload"}
    file.write_bytes(msgspec.json.encode(said) + b"\n" + payload)
    assert is_cached(load_with_cache(cached))
    file.write_bytes(msgspec.json.encode(said | {member: value}) + b"\n" + payload)
    assert not is_cached(load_with_cache(cached))
    assert is_cached(load_with_cache(cached))


def test_damaged_cache_is_not_used(cached: Path) -> None:
    file = cached / CACHE_NAME
    good = file.read_bytes()
    spots = [*range(0, len(good), max(1, len(good) // 60)), len(good) - 1]
    for spot in spots:
        for bad in (
            good[:spot],
            good[:spot] + bytes([good[spot] ^ 1]) + good[spot + 1 :],
            good[:spot] + b"\n" + good[spot:],
        ):
            file.write_bytes(bad)
            packs = load_with_cache(cached)
            assert not is_cached(packs)
            assert [pack.name for pack in packs] == ["one", "two"]
            assert file.read_bytes() == good


def kept(*packs: object) -> bytes:
    taxonomy = msgspec.to_builtins(load_taxonomy())
    return msgspec.msgpack.encode({"packs": list(packs), "taxonomy": taxonomy})


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"\xc0", b"\x90", b"\x91\xc0", b"\x81\xa1a\x01", b"\xdd\xff\xff\xff\xff", b"\x91" * 100_000,
        kept({"file": "one.yaml", "policy": {"pack": "one"}, "digest": ""}),
        kept({"file": "x", "policy": {"pack": "x", "version": 1}, "digest": ""}),
        kept(), kept().replace(b"packs", b"pack\xff"), kept().replace(b"packs", b"peeks"),
    ],
)  # fmt: skip
def test_cache_that_is_whole_but_no_cache_is_not_used(payload: bytes, cached: Path) -> None:
    import hashlib

    file = cached / CACHE_NAME
    said = json.loads(file.read_bytes().partition(b"\n")[0])
    said["payload"] = hashlib.sha256(payload).hexdigest()
    file.write_bytes(msgspec.json.encode(said) + b"\n" + payload)
    assert not is_cached(load_with_cache(cached))


# ---------------------------------------------------------------------------------- where it lies


def test_cache_that_cannot_be_written_is_no_error(folder: Path) -> None:
    (folder / CACHE_NAME).mkdir()  # for root as well
    (folder / CACHE_NAME / "full").touch()
    for _ in range(2):
        assert not is_cached(load_with_cache(folder))
    assert files(folder) == [CACHE_NAME, "one.yaml", "sub"]


@pytest.mark.skipif(ROOT, reason="root may write everything")
def test_read_only_installation_works_without_and_with_a_cache(folder: Path) -> None:
    folder.chmod(0o555)
    try:
        assert not is_cached(load_with_cache(folder))
        assert files(folder) == ["one.yaml", "sub"]
        folder.chmod(0o755)
        load_with_cache(folder)
        folder.chmod(0o555)
        assert is_cached(load_with_cache(folder))
    finally:
        folder.chmod(0o755)


def test_link_is_neither_read_nor_written_through(cached: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.move(cached / CACHE_NAME, elsewhere)
    (cached / CACHE_NAME).symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    _comment(cached)
    assert not is_cached(load_with_cache(cached))
    assert elsewhere.read_bytes() == before
    assert not (cached / CACHE_NAME).is_symlink()
    (cached / CACHE_NAME).unlink()
    good = cached_form(cached)
    elsewhere.write_bytes(good)
    (cached / CACHE_NAME).symlink_to(elsewhere)
    assert not is_cached(load_with_cache(cached)), "a good cache, but behind a link"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in the file system")
def test_pipe_does_not_hold_the_start_up(folder: Path) -> None:
    os.mkfifo(folder / CACHE_NAME)
    assert not is_cached(load_with_cache(folder))
    assert is_cached(load_with_cache(folder))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such bits")
def test_cache_that_more_people_can_write_than_the_folder_is_not_used(cached: Path) -> None:
    for mode, usable in ((0o666, False), (0o620, False), (0o600, True), (0o444, True)):
        (cached / CACHE_NAME).chmod(mode)
        assert is_cached(load_with_cache(cached)) is usable
    assert stat.S_IMODE((cached / CACHE_NAME).stat().st_mode) & 0o022 == 0
    (cached / CACHE_NAME).chmod(0o664)
    cached.chmod(0o775)
    assert is_cached(load_with_cache(cached)), "whoever may write it may write the packs"


def test_many_that_write_at_once_do_not_mind_each_other(folder: Path) -> None:
    load = "import sys; from pathlib import Path; from permit0.pack_cache import load_with_cache; "
    load += "print(len(load_with_cache(Path(sys.argv[1]))[0]))"
    starts = [
        subprocess.Popen([sys.executable, "-c", load, folder], stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    with ThreadPoolExecutor(8) as pool:
        for packs in pool.map(lambda _: load_with_cache(folder), range(32)):
            assert [pack.name for pack in packs] == ["one", "two"]
    assert [start.communicate()[0].strip() for start in starts] == [b"2"] * 4
    assert files(folder) == [CACHE_NAME, "one.yaml", "sub"]
    assert is_cached(load_with_cache(folder))


def test_packs_in_a_zip_come_from_the_cache_that_is_in_it(cached: Path, tmp_path: Path) -> None:
    for name, with_cache in (("with.zip", True), ("without.zip", False)):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for path in cached.rglob("*"):
                if path.is_file() and (with_cache or path.name != CACHE_NAME):
                    archive.write(path, f"packs/{path.relative_to(cached).as_posix()}")
        before = (tmp_path / name).read_bytes()
        packs = load_with_cache(zipfile.Path(tmp_path / name, "packs/"))
        assert is_cached(packs) is with_cache
        assert [pack.spec.pack for pack in packs] == ["one", "two"]
        assert (tmp_path / name).read_bytes() == before


# ---------------------------------------------------------------------------------- the same packs


@pytest.fixture(scope="module")
def ours() -> tuple[list[LoadedPack], list[LoadedPack]]:
    """The packs that ship, from YAML and from the cache."""
    builtin.load_built_in()
    found, taxonomy = builtin.load_built_in()
    assert taxonomy == load_taxonomy()
    assert is_cached(found)
    return built_in_packs(), found


def test_cached_packs_say_what_the_yaml_says(
    ours: tuple[list[LoadedPack], list[LoadedPack]],
) -> None:
    for written, kept in zip(*ours, strict=True):
        assert (kept.name, kept.version, kept.file) == (written.name, written.version, written.file)
        assert kept.policy == written.policy
        assert msgspec.msgpack.encode(kept.policy) == msgspec.msgpack.encode(written.policy)
        assert kept.digest == written.digest
        assert kept.spec == written.spec
        assert kept.source.line(("actions",)) == written.source.line(("actions",))


def test_cached_packs_make_the_same_catalog(
    ours: tuple[list[LoadedPack], list[LoadedPack]],
) -> None:
    written, kept = (compile_packs(packs, load_taxonomy()) for packs in ours)
    assert kept.features == written.features
    assert kept.facts == written.facts
    assert kept.patterns == written.patterns
    assert kept.packs == written.packs
    assert kept.tools == written.tools
    assert list(kept.actions) == list(written.actions)
    assert {h: _comparable(r) for h, r in kept.routes.items()} == {
        h: _comparable(r) for h, r in written.routes.items()
    }
    for tool in written.tools:
        assert kept.find(tool) == written.find(tool), tool
        assert kept.names(tool) == written.names(tool)
        assert kept.find(f"mcp__x__{tool}") == written.find(f"mcp__x__{tool}")
    for action in written.actions:
        assert _table(kept, action) == _table(written, action)


def _comparable(routes: object) -> str:
    return re.sub(r"0x[0-9a-f]+", "", repr(routes))


def _table(catalog: Catalog, action: str) -> object:
    """All of an action but its predicates, which are functions."""
    entry = catalog.actions[action]
    template = entry.template
    lines = [
        (line.id, line.effect, line.change, line.why, line.floor, line.when is None)
        for line in (*template.rules, *template.session)
    ]
    kinds = {
        name: (item.kind, item.required, item.patterns and item.patterns.sets)
        for name, item in entry.parameters.items()
    }
    return (
        lines, kinds, template.base, template.roles, template.risk_class, template.pack, entry.required,
        entry.reads, entry.outward is None, entry.counterparty, entry.repeats,
    )  # fmt: skip


def test_cached_packs_decide_the_same(ours: tuple[list[LoadedPack], list[LoadedPack]]) -> None:
    written, kept = map(CaseBench, ours)
    sample = list(written.cases())[::8]
    assert len(sample) > 300
    for case in sample:
        one, other = written.run(case), kept.run(case)
        assert not one.failures
        assert not other.failures
        assert _seen(one.decision) == _seen(other.decision), case.where


def _seen(decision: object) -> object:
    return re.sub(r"0x[0-9a-f]+|id='[^']*'|time=[^,]*", "", repr(decision))


def test_tables_that_are_made_at_the_same_moment_are_one_table(
    ours: tuple[list[LoadedPack], list[LoadedPack]],
) -> None:
    catalog = compile_packs(ours[1], load_taxonomy())
    with ThreadPoolExecutor(8) as pool:
        for action in catalog.actions:
            found = list(pool.map(lambda _, a=action: catalog.actions[a], range(8)))
            assert all(entry is found[0] for entry in found)
            for line in found[0].template.session:
                assert line.test is not None


def test_a_pack_without_those_it_was_checked_with_is_looked_through(cached: Path) -> None:
    _, two = load_with_cache(cached)
    with pytest.raises(BadPack, match=r"two.yaml:4: mappings\[0\]: no pack has the action"):
        compile_packs([two], load_taxonomy())


def test_a_pack_of_the_same_name_is_not_the_one_it_was_checked_with(cached: Path) -> None:
    _, two = load_with_cache(cached)
    empty = load_pack("pack: one\nversion: 1\n", "one.yaml")
    with pytest.raises(BadPack, match=r"two.yaml:4: mappings\[0\]: no pack has the action"):
        compile_packs([empty, two], load_taxonomy())


def test_case_of_a_cached_pack_is_read_when_it_is_asked_for(cached: Path) -> None:
    one, _ = load_with_cache(cached)
    (cached / "one.yaml").unlink()  # what is read later was there at the start
    assert one.spec.about == "for tests"
    cases: list[Case] = list(CaseBench([one], operators=()).cases())
    assert [case.where for case in cases] == ["one.yaml:14"]


LEFT_OUT = {
    "PackSpec": {"about", "cases"},
    "MappingSpec": {"source"},
}
PAIRS = {
    pack_schema.PackSpec: pack_policy.PackPolicy,
    pack_schema.ActionSpec: pack_policy.ActionPolicy,
    pack_schema.ParameterSpec: pack_policy.ParameterPolicy,
    pack_schema.RuleSpec: pack_policy.RuleLine,
    pack_schema.SessionSpec: pack_policy.SessionLine,
    pack_schema.SessionTestSpec: pack_policy.SessionQuestion,
    pack_schema.TestSpec: pack_policy.FactTest,
    pack_schema.MappingSpec: pack_policy.MappingPolicy,
    pack_schema.RouteSpec: pack_policy.RoutePolicy,
}


@pytest.mark.parametrize("spec", PAIRS, ids=lambda spec: spec.__name__)
def test_everything_that_a_pack_can_say_is_kept(spec: type[BaseModel]) -> None:
    """A new key of the schema must reach the compiler, or be left out on purpose."""
    said = set(spec.model_fields) - LEFT_OUT.get(spec.__name__, set())
    kept = PAIRS[spec]
    assert said == set(kept.__struct_fields__)


def test_everything_that_a_condition_can_say_is_kept() -> None:
    assert set(pack_schema.ConditionSpec.model_fields) == {"any_of", "none_of"}
    assert set(pack_policy.Condition.__struct_fields__) == {"tests", "any_of", "none_of"}
