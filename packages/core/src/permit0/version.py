"""The version of this distribution, as in its pyproject.toml; a test compares them."""

__all__ = ["VERSION"]

VERSION = "0.1.0"
