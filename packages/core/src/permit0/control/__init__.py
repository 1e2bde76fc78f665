"""People in control of agents: what they stop, and what they let go on."""
