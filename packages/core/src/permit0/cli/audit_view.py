"""How a log, and what is wrong with it, looks on the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Self

import msgspec
from rich.text import Text

from permit0.audit.record import DecisionBody
from permit0.audit.replay import Same, Verdicts
from permit0.audit.verify import Verified
from permit0.cli.render import OUTCOME_STYLE
from permit0.cli.terminal import Terminal, visible
from permit0.errors import AuditBroken
from permit0.model.vocabulary import Outcome

__all__ = ["Replayed", "print_broken", "print_replayed", "print_rows", "print_verified"]

MAX_SHOWN = 20


class Change(msgspec.Struct, frozen=True):
    """A decision that another policy would make otherwise."""

    seq: int
    tool: str
    before: str
    after: str
    score_before: float
    score_after: float


class Wrong(msgspec.Struct, frozen=True):
    """A record that does not follow from itself; members: which of it."""

    seq: int
    members: tuple[str, ...]


class Replayed(msgspec.Struct):
    """What a replay found.

    decisions: computed again. formulas: records of another formula, which cannot be. wrong: that do not
    agree. compared: by another policy. changes: what it would decide otherwise. not_comparable: number
    of calls by why. unknown: records of a form that this permit0 does not read.
    """

    decisions: int
    formulas: int
    wrong: list[Wrong]
    unknown: list[int]
    compared: int
    changes: list[Change]
    not_comparable: dict[str, int]

    @classmethod
    def empty(cls) -> Self:
        """Nothing yet."""
        return cls(0, 0, [], [], 0, [], {})

    def add(
        self, seq: int, body: DecisionBody, wrong: tuple[str, ...], again: Verdicts | None
    ) -> None:
        """Count one record."""
        self.decisions += 1
        if wrong == ("formula",):
            self.formulas += 1
        elif wrong:
            self.wrong.append(Wrong(seq, wrong))
        if again is None:
            return
        match again.same:
            case Same.SAME:
                self.compared += 1
            case Same.DIFFERENT:
                self.compared += 1
                self.changes.append(
                    Change(
                        seq,
                        body.what.tool,
                        again.before,
                        again.after,
                        again.score_before,
                        again.score_after,
                    )
                )
            case Same.UNREADABLE | Same.REDACTED | Same.KILLED:
                counts = Counter(self.not_comparable)
                counts[again.same.value] += 1
                self.not_comparable = dict(counts)


def print_verified(term: Terminal, found: Verified, *, own_keys: bool) -> None:
    """A log that is what was written."""
    head = Text().append(f"{term.symbols.yes} ", "bold green")
    term.line(head.append(f"{found.records} records are what was written", "bold green"))
    term.line(Text(f"head  {found.head.digest}", "bright_black"))
    for kid in found.kids:
        term.line(Text(f"key   {kid}", "bright_black"))
    if own_keys:
        note = "the keys came with the log: compare their ids with yours, or give --key"
        term.line(Text(note, "yellow"))


def print_broken(term: Terminal, error: AuditBroken) -> None:
    """A log that is not."""
    line = Text().append(f"{term.symbols.no} {visible(str(error))}", "bold red")
    term.line(line.append(f"  {error.reason_code}", "bright_black"))
    good = error.seq - 1
    term.line(
        f"the {good} records before it are what was written" if good else "nothing is before it"
    )


def print_rows(term: Terminal, rows: Iterable[Mapping[str, str]]) -> None:
    """Records, a line each."""
    for row in rows:
        line = Text().append(f"{row['seq']:>6} ", "bright_black")
        line.append(f"{row.get('time', '')[:19]:<19} ", "bright_black")
        outcome = row.get("outcome", "")
        known = outcome in list(Outcome)
        style = OUTCOME_STYLE[Outcome(outcome)] if known else "bright_black"
        line.append(f"{visible(outcome or row['kind'], 8):<8} ", style)
        line.append(f"{visible(row.get('score', ''), 8):<8} ")
        line.append(visible(row.get("tool", ""), 60), "bold")
        line.append(f"  {visible(row.get('session', ''), 40)}", "cyan")
        if row.get("mode") == "observe":
            line.append(f"  observe: would be {visible(row.get('decided', ''))}", "magenta")
        if message := row.get("message") or row.get("error"):
            line.append(f"  {visible(message)}", "bright_black")
        term.line(line, hang=27)


def print_replayed(term: Terminal, found: Replayed) -> None:
    """What a replay found."""
    agree = found.decisions - found.formulas - len(found.wrong)
    good = not found.wrong and not found.unknown
    sign = term.symbols.yes if good else term.symbols.no
    head = Text(f"{sign} {agree} of {found.decisions} decisions follow from their records")
    head.stylize("bold green" if good else "bold red")
    term.line(head)
    for wrong in found.wrong[:MAX_SHOWN]:
        term.line(f"record {wrong.seq} does not: {', '.join(wrong.members)}", indent=2)
    if found.formulas:
        term.line(f"{found.formulas} were scored by another formula, use the permit0 of their time")
    if found.unknown:
        term.line(f"{len(found.unknown)} records are of a form that this permit0 does not read")
    if not found.compared and not found.not_comparable:
        return
    term.line(f"{len(found.changes)} of {found.compared} would be decided otherwise", hang=2)
    for change in found.changes[:MAX_SHOWN]:
        line = Text().append(f"{change.seq:>6} ", "bright_black")
        line.append(f"{visible(change.tool, 40)}  ", "bold")
        line.append(f"{change.before} {change.score_before:.2f} {term.symbols.arrow} ")
        term.line(line.append(f"{change.after} {change.score_after:.2f}"), indent=2)
    if len(found.changes) > MAX_SHOWN:
        term.line(f"and {len(found.changes) - MAX_SHOWN} more, --json has all", indent=2)
    for why, count in found.not_comparable.items():
        term.line(f"{count} cannot be compared: {_WHY[why]}")


_WHY = {
    Same.UNREADABLE.value: "their arguments could not be read",
    Same.KILLED.value: "the kill switch refused them, not a policy",
    Same.REDACTED.value: "a secret was taken out of them, which another policy might have seen",
}
