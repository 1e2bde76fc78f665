"""Where sessions are remembered. Every store keeps the same index (ledger) and differs in where."""
