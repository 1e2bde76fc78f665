"""The contract of every integration, for this one."""

from __future__ import annotations

from permit0.testing.integration_contract import IntegrationContract


class TestLangChain(IntegrationContract):
    name = "langchain"
    framework = "langchain_core"
