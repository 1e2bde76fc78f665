"""Sessions by context: tasks and threads that carry it, and threads that do not."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import permit0
from permit0.identity import current_identity


def name() -> str:
    return current_identity().session


def test_without_a_session_calls_belong_to_the_default_one() -> None:
    assert name() == "default"


def test_sessions_nest() -> None:
    with permit0.session("outer"):
        with permit0.session("inner", agent="buyer", principal="ann", task="order") as who:
            assert current_identity() == who
        assert name() == "outer"
    assert name() == "default"


def test_tasks_inherit_the_session_and_do_not_see_each_other() -> None:
    async def one(session: str) -> str:
        with permit0.session(session):
            await asyncio.sleep(0)
            return await asyncio.create_task(nested())

    async def nested() -> str:
        await asyncio.sleep(0)
        return await asyncio.to_thread(name)

    async def many() -> list[str]:
        return await asyncio.gather(*(one(f"task-{number}") for number in range(20)))

    assert asyncio.run(many()) == [f"task-{number}" for number in range(20)]


def test_an_executor_has_the_session_that_is_carried() -> None:
    with ThreadPoolExecutor(2) as executor, permit0.session("task-42"):
        futures = [executor.submit(permit0.carry(name)) for _ in range(8)]
        assert {future.result() for future in futures} == {"task-42"}


def test_a_bare_thread_is_refused_while_a_session_is_open() -> None:
    """Its calls could belong to any session, and session rules would miss them."""
    with ThreadPoolExecutor(1) as executor:
        with permit0.session("task-42"), pytest.raises(permit0.InvalidInput) as refused:
            executor.submit(name).result()
        assert refused.value.reason_code == "session_not_carried"
        assert executor.submit(name).result() == "default"


def test_a_guarded_call_in_a_bare_thread_does_not_run(tmp_path: object) -> None:
    ran: list[int] = []
    guard = permit0.build_guard()

    @guard("payments.charge")
    def charge(amount: int, customer: str) -> None:
        ran.append(amount)

    failed: list[BaseException] = []

    def work() -> None:
        try:
            charge(50, "cus_1")
        except permit0.InvalidInput as error:
            failed.append(error)

    with permit0.session("task-42"):
        for target in (work, permit0.carry(work)):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert ran == [50]
    assert len(failed) == 1


def test_a_session_that_ends_by_an_exception_is_closed() -> None:
    with pytest.raises(KeyError), permit0.session("task-42"):
        raise KeyError
    assert name() == "default"
