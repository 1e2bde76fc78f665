"""Whether a call lies inside the envelope of a token.

Guarantees: every limit is checked; what is limited but not known is outside; nothing is converted,
rounded or normalised here, so that what was compared is what was observed.
Does not: find out what arguments mean. The caller does, with permit0.normalize or with what it
knows about its own tool.
"""

from __future__ import annotations

from permit0.model.claims import Constraints, Observed, is_normal_path

__all__ = ["first_limit_broken"]


def first_limit_broken(limits: Constraints, seen: Observed) -> str | None:
    """The name of the first limit that a call breaks; None if it is inside."""
    if limits.max_amount is not None:
        if seen.currency != limits.currency:
            return "currency"
        amount = seen.amount
        # is_finite first: a comparison with a NaN raises.
        if amount is None or not amount.is_finite() or not 0 <= amount <= limits.max_amount:
            return "max_amount"
    if limits.recipients is not None and (
        not seen.recipients or not seen.recipients <= frozenset(limits.recipients)
    ):
        return "recipients"
    if limits.path_prefix is not None and (
        not seen.paths or not all(_is_below(path, limits.path_prefix) for path in seen.paths)
    ):
        return "path_prefix"
    if limits.environment is not None and seen.environment != limits.environment:
        return "environment"
    return None


def _is_below(path: str, prefix: str) -> bool:
    # The slash keeps /data2 out of /data.
    return is_normal_path(path) and (path == prefix or path.startswith(prefix + "/"))
