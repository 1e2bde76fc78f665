"""ToolCall: what an agent wants to do, exactly as it said it."""

from __future__ import annotations

import msgspec

__all__ = ["ToolCall"]


class ToolCall(msgspec.Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """One call of one tool, before anything has been understood.

    tool: name as the framework knows it.
    arguments: the arguments as canonical bytes (permit0.canonical), so that what is judged is
        what is digested. Always an object.
    session: the task or conversation; history is kept per session.
    agent: which agent calls. principal: the person or account on whose behalf it acts, if known.
    framework: where the call comes from, for the record only.
    description, schema: the tool's own words about itself, as text; they never lower anything.
    task: the user's own words, for the record only.
    call_id: the framework's id of this call, "" if it has none; a call that is tried again under it
        meets the same request to a person.
    """

    tool: str
    arguments: bytes
    session: str = "default"
    agent: str = "default"
    principal: str | None = None
    framework: str = ""
    description: str = ""
    schema: str = ""
    task: str = ""
    call_id: str = ""
