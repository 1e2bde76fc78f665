"""The contract of every integration, for this one."""

from __future__ import annotations

from permit0.testing.integration_contract import IntegrationContract


class TestOpenAIAgents(IntegrationContract):
    name = "openai-agents"
    framework = "agents"
