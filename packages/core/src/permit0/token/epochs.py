"""A kill switch that has one position, for a verifier that shares no state with the engine."""

from __future__ import annotations

__all__ = ["FixedEpoch"]


class FixedEpoch:
    """Refuses tokens of decisions that knew of fewer kills than this. It does not hear of new ones.

    A verifier that can reach the deployment's store uses that instead, and stops within a second.

    Args:
        epoch: Number of the latest kill that counts; 0 accepts every token.
    """

    def __init__(self, epoch: int = 0) -> None:
        self._epoch = epoch

    def required(self, *, agent: str, session: str, action: str) -> int:
        """The same number for all."""
        del agent, session, action
        return self._epoch
