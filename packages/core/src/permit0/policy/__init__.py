"""From findings and a score to a verdict."""
