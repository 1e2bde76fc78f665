"""Ask a person about one call, and keep what the person said.

    view       the text that a person is shown
    desk       opens a request, takes the answer, hands out the approval once
    answers    which answers count
    approvers  ask through a function of yours, or on the terminal

An approval is for exactly these arguments and exactly what was shown. Does not: keep requests (state), decide
who needs asking (policy), or run anything (guard).
"""
