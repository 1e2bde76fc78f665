"""permit0 for LlamaIndex.

Importing this module, or permit0, does not import the framework; the first use of a guarded object does.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
