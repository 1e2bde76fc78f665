"""Intercept the tool calls of LangChain and LangGraph and ask the guard before the tool runs."""
