"""From an action and what fired to a number between 0 and 1."""
