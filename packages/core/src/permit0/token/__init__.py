"""Capability tokens: issue, verify, and the keys for both.

A tool server that verifies needs this room, the clock and a replay store; no engine, no plugins.

    keys          Ed25519 keys as PASERK, and the ring of keys that a verifier trusts
    key_folder    keys in a file: generate, rotate, retire, list, export
    watched_ring  the ring of that file, as it is now
    paseto        PASETO v4.public: bytes in, signed text out, and back
    issuer        a decision becomes a token
    verifier      a token opens one door, once
    envelope      whether arguments lie inside what a token allows
    replay        which tokens were used, in the memory of one process
"""
