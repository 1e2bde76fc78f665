"""Frozen nouns of permit0. They hold no behaviour beyond reading themselves.

Structs that are made for every call have gc=False: they are frozen and built bottom-up, so they can form no
cycle, and the garbage collector need not walk them.
"""
