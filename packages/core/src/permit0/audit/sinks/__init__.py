"""Where records are kept: one module per kind of store, each an AuditSink."""
