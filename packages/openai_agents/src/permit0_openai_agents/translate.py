"""Translate the tool calls of the OpenAI Agents SDK for permit0, and refusals back."""
