"""The audit log: what was decided, why and with what, so that it can be proved later.

record     a decision or an outcome as canonical JSON; redact takes the secrets out beforehand
chain      a record's place in the log: number, hash of the one before, seal, signature
sinks      where records are kept: memory, sqlite
reader     opens what was kept or exported; verify walks it and names the first bad record
replay     computes decisions again from their records; export writes JSON lines, CSV, a bundle

Does not: decide, know packs or scores (replay is handed the computation), or manage keys (keys.py only
reads and writes their text form).
"""
