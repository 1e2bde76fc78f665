"""The words of tools with subcommands: `git -C x log -p`, `docker compose down -v`.

Guarantees: pure functions of an argument list.
Does not: know which options exist; which take a value is the caller's to say.
"""

from __future__ import annotations

__all__ = ["option_names", "subcommand_words"]


def subcommand_words(argv: list[str], valued: frozenset[str] = frozenset()) -> list[str]:
    """Subcommand words and operands, behind options."""
    out: list[str] = []
    skip = False
    for word in argv:
        if skip:
            skip = False
        elif word.startswith("-") and len(word) > 1:
            skip = word in valued
        else:
            out.append(word)
    return out


def option_names(argv: list[str]) -> set[str]:
    """Options without their values; `-ab` is -a and -b."""
    found: set[str] = set()
    for word in argv:
        if word.startswith("--"):
            found.add(word.partition("=")[0])
        elif word.startswith("-"):
            found.update("-" + letter for letter in word[1:])
    return found
