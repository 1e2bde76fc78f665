"""The contract of every integration, for this one."""

from __future__ import annotations

from permit0.testing.integration_contract import IntegrationContract


class TestCrewAI(IntegrationContract):
    name = "crewai"
    framework = "crewai"
