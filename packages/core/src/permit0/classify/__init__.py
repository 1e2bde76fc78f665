"""What a tool does that nobody mapped: from its name, its arguments and its own words to an action.

Guarantees:
  1. A pure function of the description of the tool and the table of actions: no model, no network, no clock.
  2. Calm (may be allowed without a person) is answered on the evidence of the name and the arguments
     alone, with every word understood; the tool's own words about itself can only take it away (calm).
  3. Everything else that is recognised is for a person at least; below the bar it is `unknown.unclassified`.
  4. Bounded: MAX_NAME_CHARS, MAX_DESCRIPTION_CHARS, MAX_SCHEMA_CHARS, MAX_ARGUMENTS; what is larger is
     unknown.
Does not: decide about calls (engine), or know the tools that packs name (normalize).
"""

from __future__ import annotations

from permit0.classify.classifier import Classifier
from permit0.classify.model import ActionShape, Candidate, Classification, ToolDescription

__all__ = ["ActionShape", "Candidate", "Classification", "Classifier", "ToolDescription"]
