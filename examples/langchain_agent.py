"""A LangChain agent that is guarded: one call runs, one is refused, one waits for a person. Offline, no key."""

import tempfile
from pathlib import Path

from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

import permit0
from permit0_langchain import Permit0Middleware, answer
from permit0_langchain.prove import Scripted, tool_call

DENY = "lists: {deny: [{tool: delete_user, reason: users are deleted by the back office}]}"
RAN: list[tuple[str, object]] = []


@tool("payments.charge")
def charge(amount: int, customer: str) -> str:
    """Charge a customer's card."""
    RAN.append(("charge", amount))
    return f"charged {amount}"


@tool
def delete_user(name: str) -> str:
    """Delete a user for good."""
    RAN.append(("delete_user", name))
    return f"deleted {name}"


# A script instead of a model: it asks for all three at once, reads the answers, and ends.
wanted = [
    tool_call("payments.charge", {"amount": 20, "customer": "cus_1"}, "call-1"),
    tool_call("delete_user", {"name": "bob"}, "call-2"),
    tool_call("payments.charge", {"amount": 500, "customer": "cus_1"}, "call-3"),
]
model = Scripted(turns=[AIMessage("", tool_calls=wanted)])

config = Path(tempfile.mkdtemp(), "permit0.yaml")
config.write_text(DENY)
guard = permit0.build_guard(config)

agent = create_agent(
    model,
    [charge, delete_user],
    middleware=[Permit0Middleware(guard)],  # the last one, if there are others
    checkpointer=InMemorySaver(),  # so that a person can take some time
)

thread = {"configurable": {"thread_id": "thread-1"}}
state = agent.invoke({"messages": [("user", "settle bob's account")]}, thread)
(question,) = state["__interrupt__"]
print("a person is asked:", question.value["view"], sep="\n")
state = agent.invoke(Command(resume=answer(question, approved=True, by="alice")), thread)
print(*(message.content for message in state["messages"][2:]), sep="\n")
print("ran:", RAN)
