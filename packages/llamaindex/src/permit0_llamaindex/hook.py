"""Intercept the tool calls of LlamaIndex and ask the guard before the tool runs."""
