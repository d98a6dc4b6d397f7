"""One of all who ask gets a claim: in one process, in many, after a restart, and when the line breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.voice.store.children import a_child, line_of, tell
from tests.voice.store.databases import a_postgres_database, opened, switch
from voice.errors import StoreError
from voice.store.base import Store
from voice.store.claims import FORGET_EVERY
from voice.store.memory import MAX_CLAIMS, MemoryStore
from voice.store.sql import SqlStore
from voice.store.tables import claims
from voice.store.url import make_engine, parse

KEYS = 200

# A child that claims as many keys as it can get, in the order in which all others do.
CLAIMS = f"""
import asyncio, sys
from voice.store.sql import SqlStore

async def main():
    store = SqlStore(sys.argv[1])
    await store.open()
    print("ready", flush=True)
    sys.stdin.readline()
    got = [number for number in range({KEYS}) if await store.claim(f"message {{number}}")]
    await store.close()
    print(*got, flush=True)

asyncio.run(main())
"""

any_key = some.text(some.characters(), max_size=12) | some.text("\0\ud83dä🙂x", min_size=1, max_size=400)


@pytest.fixture(scope="module")
def examples() -> Iterator[int]:
    """Numbers that no other example has."""
    return count()


async def test_a_message_is_claimed_once(store: Store) -> None:
    assert await store.claim("message 1")
    assert not await store.claim("message 1")
    assert await store.claim("message 2")


async def test_of_many_who_ask_at_once_one_gets_it(store: Store) -> None:
    got = await asyncio.gather(*(store.claim(f"message {number % 3}") for number in range(60)))

    assert sum(got) == 3


@given(keys=some.sets(any_key, min_size=1, max_size=6))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_a_key_looks_like_it_is_claimed_once(
    store: Store, examples: Iterator[int], keys: set[str]
) -> None:
    own = [f"{next(examples)}{key}" for key in sorted(keys)]

    assert [await store.claim(key) for key in own] == [True] * len(own)
    assert [await store.claim(key) for key in own] == [False] * len(own)


async def test_who_stops_waiting_for_a_claim_disturbs_nobody(store: Store) -> None:
    for passes in range(20):  # of the loop, until it gives up
        gives_up = asyncio.create_task(store.claim("message 1"))
        for _ in range(passes):
            await asyncio.sleep(0)
        gives_up.cancel()

        assert await store.claim(f"another {passes}")
        await asyncio.wait([gives_up])


async def test_a_claim_has_no_answer_until_one_is_kept(store: Store) -> None:
    await store.claim("message 1")
    assert await store.answer("message 1") is None
    assert await store.answer("message 2") is None

    store.keep_answer("message 1", {"twiml": "<Say>Which unit?</Say>"})

    assert await store.answer("message 1") == {"twiml": "<Say>Which unit?</Say>"}
    assert await store.answer("message 2") is None


async def test_a_later_answer_replaces_an_earlier_one(store: Store) -> None:
    store.keep_answer("message 1", ["Which"])
    await store.committed()
    store.keep_answer("message 1", ["Which unit?"])

    assert await store.answer("message 1") == ["Which unit?"]


async def test_what_was_answered_is_claimed(store: Store) -> None:
    store.keep_answer("message 1", "Which unit?")
    await store.committed()

    assert not await store.claim("message 1")


@pytest.mark.parametrize("key", ["nul \0 in it", "half a \ud83d pair", "x" * 10_000])
async def test_the_answer_is_found_whatever_the_key_looks_like(store: Store, key: str) -> None:
    assert await store.claim(key)
    store.keep_answer(key, "Which unit?")

    assert await store.answer(key) == "Which unit?"
    assert not await store.claim(key)


async def test_what_changes_after_it_was_answered_is_not_stored(store: Store) -> None:
    answer = {"results": ["Ticket 7."]}
    store.keep_answer("message 1", answer)  # type: ignore[arg-type]  # lists are invariant
    answer["results"].append("changed")
    (await store.answer("message 1"))["results"].append("changed")  # type: ignore[index,call-overload,union-attr]  # an object

    assert await store.answer("message 1") == {"results": ["Ticket 7."]}


async def test_memory_forgets_the_oldest_claims_beyond_its_bound() -> None:
    store = MemoryStore()
    for number in range(MAX_CLAIMS + 1):
        assert await store.claim(f"message {number}")

    assert not await store.claim("message 1")
    assert await store.claim("message 0")


async def test_a_restart_knows_what_was_claimed_and_answered(url: str) -> None:
    async with opened(url) as store:
        await store.claim("message 1")
        store.keep_answer("message 1", "Which unit?")

    async with opened(url) as store:
        assert not await store.claim("message 1")
        assert await store.answer("message 1") == "Which unit?"


async def test_two_open_stores_share_their_claims_and_answers(url: str) -> None:
    async with opened(url) as ours, opened(url) as theirs:
        got = await asyncio.gather(*(store.claim("message 1") for store in [ours, theirs] * 10))
        ours.keep_answer("message 1", "Which unit?")
        await ours.committed()

        assert sum(got) == 1
        assert await theirs.answer("message 1") == "Which unit?"


@pytest.mark.slow
async def test_of_processes_that_claim_at_once_one_gets_each_message(url: str) -> None:
    children = [await a_child(CLAIMS, url) for _ in range(2)]
    for child in children:
        assert await line_of(child) == "ready"

    for child in children:
        tell(child, "go")
    got = [(await line_of(child)).split() for child in children]
    for child in children:
        await child.communicate()

    assert sorted(map(int, [*got[0], *got[1]])) == list(range(KEYS))


async def test_claims_go_on_while_turns_are_written(url: str) -> None:
    async with opened(url) as store:

        async def answer_all(name: str) -> list[bool]:
            got = []
            for number in range(20):
                got.append(await store.claim(f"{name} {number}"))
                store.keep_answer(f"{name} {number}", number)
                await store.committed()
            return got

        got = await asyncio.gather(*(answer_all(name) for name in ("a", "b", "c", "a")))

    assert sum(sum(each) for each in got) == 60


async def test_a_day_old_claim_is_forgotten_when_the_store_opens(url: str) -> None:
    async with opened(url) as store:
        await store.claim("old")
        await age(url)
        await store.claim("young")

    async with opened(url) as store:
        assert await store.claim("old")
        assert not await store.claim("young")


async def test_day_old_claims_are_forgotten_now_and_then(url: str) -> None:
    async with opened(url) as store:
        await store.claim("old")
        await age(url)
        for number in range(FORGET_EVERY - 2):
            await store.claim(f"message {number}")
        assert not await store.claim("old")

        await store.claim("the last of so many")

        assert await store.claim("old")
        assert not await store.claim("message 0")


async def age(url: str) -> None:
    """Make every claim two days old."""
    engine = AsyncEngine(make_engine(parse(url)))
    async with engine.execution_options(writes=True).begin() as connection:
        await connection.execute(update(claims).values(claimed_on=datetime.now(UTC) - timedelta(days=2)))
    await engine.dispose()


async def test_nobody_claims_at_a_store_that_is_not_open(url: str) -> None:
    with pytest.raises(StoreError, match="not open"):
        await SqlStore(url).claim("message 1")


async def test_a_database_that_is_down_is_said_and_holds_no_claim() -> None:
    async with a_postgres_database() as url, opened(url) as store:
        await store.claim("message 1")
        await switch(url, "false")
        with pytest.raises(StoreError, match="takes no connections"):
            await store.claim("message 2")

        await switch(url, "true")

        assert not await store.claim("message 1")
        assert await store.claim("message 2")


async def test_claims_go_on_over_a_connection_that_was_cut() -> None:
    async with a_postgres_database() as url, opened(url) as store:
        await store.claim("message 1")

        await switch(url, "true")

        assert await store.claim("message 2")
        await switch(url, "true")
        assert not await store.claim("message 1")


@asynccontextmanager
async def a_line_that_breaks(url: str, breaks: asyncio.Event) -> AsyncIterator[str]:
    """The URL of a way to the server. Once `breaks` is set, an answer is lost, and its connection breaks.

    It breaks when "message 2" is in the table, and only once: later connections hold.
    """
    host, port = urlsplit(url).hostname, urlsplit(url).port

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_answer: bool) -> None:
        while data := await reader.read(65_536):
            if is_answer and breaks.is_set():
                await until_claimed(url)
                breaks.clear()
                break
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, port)
        await asyncio.wait(
            [
                asyncio.create_task(carry(reader, far_writer, is_answer=False)),
                asyncio.create_task(carry(far_reader, writer, is_answer=True)),
            ],
            return_when=asyncio.FIRST_COMPLETED,
        )
        writer.close()
        far_writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        own_port = server.sockets[0].getsockname()[1]
        yield url.replace(f":{port}/", f":{own_port}/") + "?sslmode=disable"


async def until_claimed(url: str) -> None:
    """Return when "message 2" is in the table, which is before its claimer is told."""
    engine = AsyncEngine(make_engine(parse(url)))
    found = None
    while found is None:
        async with engine.connect() as connection:
            found = (await connection.execute(select(claims).where(claims.c.key == "message 2"))).first()
    await engine.dispose()


async def test_who_claimed_while_the_line_broke_has_the_claim() -> None:
    breaks = asyncio.Event()
    async with (
        a_postgres_database() as url,
        a_line_that_breaks(url, breaks) as breaking,
        opened(breaking) as us,
    ):
        await us.claim("message 1")  # connects, and prepares the statement
        breaks.set()

        assert await us.claim("message 2")

        assert not breaks.is_set()
        assert not await us.claim("message 2")
