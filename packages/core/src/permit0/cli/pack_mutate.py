"""`permit0 pack test --mutate`: which changes of the packs would no case notice?

Guarantees: the same packs give the same lines in the same order; progress is shown on a terminal only, and
on stderr, so that what is piped is the report.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from permit0.cli.terminal import Terminal, visible
from permit0.errors import InvalidInput
from permit0.normalize.loader import LoadedPack
from permit0.testing.mutation import MutationBench, Outcome

__all__ = ["MAX_SURVIVORS", "report"]

MAX_SURVIVORS = 5.0  # percent; what the packs that ship are held to


def report(
    term: Terminal,
    packs: Sequence[LoadedPack],
    names: Sequence[str],
    *,
    max_survivors: float,
    processes: int | None,
) -> int:
    """Change the packs with these names, and print what survives.

    Args:
        term: Where to. packs: all of them, for calls and cases. names: those to change.
        max_survivors: In percent of the changes; more is a failure.
        processes: How many at once; by default as many as there are processors.

    Returns:
        0 at most so many survive, 1 more do.

    Raises:
        InvalidInput: A bound that is none.
        BadPack: A pack cannot be compiled, or a case fails without any change.
    """
    if not 0 <= max_survivors <= 100:
        raise InvalidInput("--max-survivors is a percentage, 0 to 100", reason_code="bad_usage")
    if processes is not None and processes < 1:
        raise InvalidInput("--processes is 1 or more", reason_code="bad_usage")
    bench = MutationBench(packs, own=names)
    targets = bench.targets(names)
    if not targets:
        term.line(Text("nothing to change: no action or rule is defined here", "yellow"))
        return 0
    count = min(processes or os.cpu_count() or 1, len(targets))
    tried = survived = 0
    for outcome in _with_progress(bench.run(targets, processes=count), len(targets)):
        tried += outcome.tried
        survived += len(outcome.survivors)
        for survivor in outcome.survivors:
            line = Text().append(f"{survivor.where}  ", "bright_black")
            line.append(survivor.action, "cyan")
            term.line(line.append(f"  {visible(survivor.what)}"), hang=2)
    share = 100 * survived / tried if tried else 0.0
    is_bad = share > max_survivors
    text = Text(
        f"{tried - survived} of {tried} changes noticed", "bold red" if is_bad else "bold green"
    )
    text.append(f", survivors {share:.1f} %")
    if is_bad:
        text.append(f", at most {max_survivors:g} % may survive", "red")
    term.line(text)
    return 1 if is_bad else 0


def _with_progress(outcomes: Iterable[Outcome], total: int) -> Iterator[Outcome]:
    shows = sys.stderr.isatty()
    for done, outcome in enumerate(outcomes, start=1):
        if shows:  # wiped before anything else is written
            sys.stderr.write("\r\x1b[K")
        yield outcome
        if shows and done < total:
            sys.stderr.write(f"\r{done} of {total} actions")
            sys.stderr.flush()
