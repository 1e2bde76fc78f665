"""The second reader of REVIEW decisions, in practice a model: it can refuse or ask a person, never allow.

    request    what a reviewer reads: redacted, bounded, nothing in it that a person would not see
    review     asks a reviewer with a time limit; whatever goes wrong is HUMAN
    callable   any function as a reviewer; reads its answer strictly

Does not: decide what is reviewed (policy.combine gives REVIEW), or know a model or a network.
"""
