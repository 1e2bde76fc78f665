"""Intercept the tool calls of CrewAI and ask the guard before the tool runs."""
