"""Code that a tool is to run, read at the level of imports, names and calls.

Guarantees: nothing is run or imported; pure computation has no feature; whatever cannot be read has
"unreadable" and is never calmer than what can; the same text always gives the same answer.
Does not: decide whether code may run (packs), or judge the hosts that it names (code_parameter).
"""

from __future__ import annotations

from permit0.normalize.code.features import FEATURES, MAX_CODE_BYTES, Code
from permit0.normalize.code.javascript import read_javascript
from permit0.normalize.code.python import read_python

__all__ = ["FEATURES", "MAX_CODE_BYTES", "Code", "read_any", "read_javascript", "read_python"]


def read_any(text: str) -> Code:
    """Code in a language that nobody names: what it does in either language, and unreadable."""
    one, two = read_python(text), read_javascript(text)
    features = {
        feature
        for code in (one, two)
        if "unreadable" not in code.features
        for feature in code.features
    }
    if not features:
        features |= one.features | two.features
    return Code(
        frozenset(features | {"unreadable"}), one.texts + two.texts, one.commands + two.commands
    )
