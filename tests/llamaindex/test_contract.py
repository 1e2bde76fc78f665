"""The contract of every integration, for this one."""

from __future__ import annotations

from permit0.testing.integration_contract import IntegrationContract


class TestLlamaIndex(IntegrationContract):
    name = "llamaindex"
    framework = "llama_index"
