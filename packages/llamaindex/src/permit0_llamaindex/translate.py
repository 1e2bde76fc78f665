"""Translate the tool calls of LlamaIndex for permit0, and refusals back."""
