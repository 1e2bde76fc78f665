"""`permit0 pack`: `test` runs the cases of packs, `new` starts one, `schema` prints what a pack may say."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from permit0.cli.terminal import Terminal, make_terminal, visible
from permit0.errors import BadPack
from permit0.normalize.loader import LoadedPack, load_packs, pack_files
from permit0.normalize.pack_schema import PackSpec
from permit0.testing.pack_cases import CaseBench, CaseResult, built_in_packs, with_packs

__all__ = ["run"]


def run(options: Namespace) -> int:
    """0 all cases passed, 1 one failed, or more changes than allowed were not noticed.

    Raises:
        BadPack: A file is no pack, or a pack cannot be compiled.
        InvalidInput: An option that is not valid, or a file that is there already.
    """
    if options.verb == "schema":
        # by_alias: a pack says `any` and `not`, which are no names in Python.
        schema = PackSpec.model_json_schema(by_alias=True)
        sys.stdout.write(json.dumps(schema, indent=2) + "\n")
        return 0
    if options.verb == "new":
        from permit0.cli.pack_new import write_pack

        return write_pack(make_terminal(no_color=options.no_color), options)
    base = built_in_packs()
    chosen = _load(options.paths) if options.paths else base
    packs = with_packs(base, chosen)
    names = [pack.spec.pack for pack in chosen]
    term = make_terminal(no_color=options.no_color)
    if options.mutate:
        from permit0.cli.pack_mutate import MAX_SURVIVORS, report

        bound = options.max_survivors
        return report(
            term,
            packs,
            names,
            max_survivors=MAX_SURVIVORS if bound is None else bound,
            processes=options.processes,
        )
    bench = CaseBench(packs)
    results = [bench.run(case) for case in bench.cases(names)]
    return _print(term, chosen, results)


def _load(paths: Sequence[str]) -> list[LoadedPack]:
    files = []
    for name in paths:
        path = Path(name)
        if path.is_dir():
            files.extend(pack_files(path))
        elif path.is_file():
            files.append(path)
        else:
            raise BadPack(f"there is no pack file or folder {name!r}")
    if not files:
        raise BadPack(f"there is no pack file in {', '.join(map(repr, paths))}")
    return load_packs(files)


def _print(term: Terminal, packs: Sequence[LoadedPack], results: Sequence[CaseResult]) -> int:
    symbols = term.symbols
    failed = [result for result in results if result.failures]
    for result in failed:
        head = (
            Text()
            .append(f"{symbols.no} ", "bold red")
            .append(visible(result.case.spec.name), "bold")
        )
        term.flow([head.append(f"  {result.case.where}", "bright_black")])
        for failure in result.failures:
            line = Text().append(f"{failure.what:<10}", "bright_black")
            line.append("expected ", "bright_black").append(visible(failure.expected), "green")
            line.append("  got ", "bright_black").append(visible(failure.got), "red")
            term.line(line, indent=4, hang=10)
    if failed:
        term.blank()
    silent = [pack.spec.pack for pack in packs if not pack.spec.cases]
    if silent:
        term.line(Text(f"without cases: {', '.join(silent)}", "yellow"), hang=2)
    passed = len(results) - len(failed)
    text = Text()
    text.append(f"{passed} of {len(results)} cases passed", "bold red" if failed else "bold green")
    noun = "pack" if len(packs) == 1 else "packs"
    term.line(text.append(f" in {len(packs)} {noun}", "bright_black"))
    return 1 if failed else 0
