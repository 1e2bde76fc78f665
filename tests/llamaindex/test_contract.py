"""What every integration keeps."""

from permit0.testing.integration_contract import IntegrationContract


class TestLlamaIndex(IntegrationContract):
    name = "llamaindex"
    framework = "llama_index"
