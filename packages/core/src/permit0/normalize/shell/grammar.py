"""The bash grammar behind one function.

Guarantees: a tree is given only for a text that the grammar reads without an error and in bounded
time; positions in it are positions in the text.
Does not: walk the tree (walk), or decide what becomes of a text without one (syntax).
"""

from __future__ import annotations

import threading
from typing import Final

import tree_sitter
import tree_sitter_bash

from permit0.normalize.shell.features import MAX_OPERATORS

__all__ = ["WORD_NODES", "Node", "parse_tree"]

Node = tree_sitter.Node
_LANGUAGE: Final = tree_sitter.Language(tree_sitter_bash.language())
# A Parser must not be shared between threads; making one costs 0.3 us more than keeping it.
_LOCAL: Final = threading.local()

_ASCII: Final = bytes(range(128)) + b"x" * 128
"""The parser sees every byte above 127 as a letter, and words are cut from the text itself.

To bash they are letters too, while the scanner of tree-sitter-bash 0.25 asks the C library's ctype
tables about code points far outside of them and can crash the process."""

WORD_NODES: Final = frozenset(
    {
        "ansi_c_string", "arithmetic_expansion", "brace_expression", "command_substitution",
        "concatenation", "expansion", "number", "process_substitution", "raw_string",
        "simple_expansion", "string", "translated_string", "word",
    }
)  # fmt: skip
"""Types of nodes that are a word or part of one."""


def _parser() -> tree_sitter.Parser:
    parser: tree_sitter.Parser | None = getattr(_LOCAL, "parser", None)
    if parser is None:
        parser = _LOCAL.parser = tree_sitter.Parser(_LANGUAGE)
    return parser


def parse_tree(text: str) -> Node | None:
    """The root of the tree of a byte view; None if the grammar cannot be trusted with it."""
    if text.count("|") + text.count("(") > MAX_OPERATORS:
        return None
    root = _parser().parse(text.encode("latin-1").translate(_ASCII)).root_node
    return None if root.has_error else root
