"""Intercept the tool calls of the OpenAI Agents SDK and ask the guard before the tool runs."""
