"""Frozen nouns of permit0. They hold no behaviour beyond reading themselves."""
