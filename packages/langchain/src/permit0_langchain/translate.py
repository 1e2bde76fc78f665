"""Translate the tool calls of LangChain and LangGraph for permit0, and refusals back."""
