"""Judging a call together with what came before it."""
