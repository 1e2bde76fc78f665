"""From a raw tool call to canonical actions with typed parameters."""
