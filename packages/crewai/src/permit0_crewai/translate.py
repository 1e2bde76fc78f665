"""Translate the tool calls of CrewAI for permit0, and refusals back."""
