"""Numbers that states and health services give to people: forms (forms), check digits (checks), finding (find).

One check digit holds for one random number in ten, so a bare run of digits is never enough where nothing
else is
in the number: then a label has to stand near it, or it has to be printed the way that only this number is.
"""

from __future__ import annotations

from permit0.normalize.identifiers.find import national_numbers

__all__ = ["national_numbers"]
