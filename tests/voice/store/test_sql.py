"""The store behind a database: restarts, kills, two processes, and what it says when something is wrong."""

from __future__ import annotations

import asyncio
import signal
import socket
import sqlite3
import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.builders import a_turn
from tests.voice.store.children import a_child, line_of, tell
from tests.voice.store.databases import a_postgres_database, opened, switch
from voice.errors import StoreError
from voice.store.url import connect_sqlite, parse
from voice.types import CallId, CallRecord, Door, Note

C1 = CallId("c1")

# Children: each opens the store at argv[1] once it is told to, and does one thing.
WRITES_FOR_EVER = """
import asyncio, sys
from itertools import count
from voice.store.sql import SqlStore
from voice.types import CallId, CallRecord, Door, Turn

async def main():
    store = SqlStore(sys.argv[1])
    await store.open()
    store.keep_call(CallRecord(CallId("c1"), Door.CHAT, "jamie"))
    for position in count():
        store.keep_turn(CallId("c1"), Turn(position, "My sink leaks.", "key"))
        await store.committed()
        print(position, flush=True)

asyncio.run(main())
"""
OPENS = """
import asyncio, sys
from voice.store.sql import SqlStore
from voice.types import CallId, CallRecord, Door

async def main():
    store = SqlStore(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    await store.open()
    store.keep_call(CallRecord(CallId(sys.argv[2]), Door.CHAT, "jamie"))
    await store.close()
    print("alembic" in sys.modules, flush=True)

asyncio.run(main())
"""


async def test_a_restart_finds_the_call_again(url: str) -> None:
    async with opened(url) as store:
        store.keep_call(CallRecord(C1, Door.CHAT, "jamie"))
        store.keep_turn(C1, a_turn(spoken="Which unit?"))
        store.keep_note(Note(C1, "status", {"status": "ringing"}))

    async with opened(url) as store:
        stored = await store.find(C1)

    assert stored is not None
    assert [turn.spoken for turn in stored.turns] == ["Which unit?"]
    assert [note.kind for note in stored.notes] == ["status"]


async def test_nobody_else_on_the_machine_can_read_a_call(tmp_path: Path) -> None:
    file = tmp_path / "data" / "offhook.db"
    async with opened(f"sqlite:///{file}") as store:
        store.keep_call(CallRecord(C1, Door.CHAT, "jamie"))
        await store.committed()

        modes = {path.name: path.stat().st_mode & 0o777 for path in (file.parent, *file.parent.iterdir())}

    assert modes == {
        "data": 0o700,
        **dict.fromkeys(("offhook.db", "offhook.db-wal", "offhook.db-shm"), 0o600),
    }


@pytest.mark.slow
async def test_a_killed_process_loses_no_turn_that_was_committed(url: str) -> None:
    child = await a_child(WRITES_FOR_EVER, url)
    while await line_of(child) != "100":
        pass

    child.send_signal(signal.SIGKILL)
    assert child.stdout is not None
    told = (await child.stdout.read()).decode().split()
    await child.wait()

    async with opened(url) as store:
        stored = await store.find(C1)
    assert stored is not None
    last = int(told[-1]) if told else 100
    assert [turn.position for turn in stored.turns][: last + 1] == list(range(last + 1))


@pytest.mark.slow
async def test_processes_that_start_at_once_share_a_fresh_database(url: str) -> None:
    children = [await a_child(OPENS, url, f"c{number}") for number in range(4)]
    for child in children:
        assert await line_of(child) == "ready"

    for child in children:
        tell(child, "go")
    loaded_alembic = [await line_of(child) for child in children]
    for child in children:
        await child.communicate()

    assert [child.returncode for child in children] == [0] * 4
    assert loaded_alembic == ["False"] * 4
    async with opened(url) as store:
        assert {record.call_id for record in await store.newest()} == {"c0", "c1", "c2", "c3"}


async def test_connections_that_open_a_fresh_file_at_once_do_not_turn_each_other_away(tmp_path: Path) -> None:
    async def open_one(url: URL) -> None:
        await (await connect_sqlite(url)).close()

    for number in range(20):  # a race: without waiting for the switch it is lost about once in ten
        fresh = parse(f"sqlite:///{tmp_path / f'{number}.db'}")
        async with asyncio.TaskGroup() as together:
            for _ in range(12):
                together.create_task(open_one(fresh))


async def test_two_open_stores_see_each_other(url: str) -> None:
    async with opened(url) as ours, opened(url) as theirs:
        ours.keep_call(CallRecord(C1, Door.CHAT, "jamie"))
        await ours.committed()

        assert await theirs.find(C1) is not None


async def test_rows_wait_for_a_database_that_is_down_and_are_written_when_it_is_back() -> None:
    async with a_postgres_database() as url, opened(url) as store:
        store.keep_call(CallRecord(C1, Door.CHAT, "jamie"))
        await store.committed()
        await store.newest()

        await switch(url, "false")
        store.keep_turn(C1, a_turn(spoken="Which unit?"))
        with pytest.raises(StoreError, match="takes no connections"):
            await store.committed()
        with pytest.raises(StoreError):
            await store.find(C1)
        await switch(url, "true")
        await store.committed()

        stored = await store.find(C1)
        assert stored is not None
        assert [turn.spoken for turn in stored.turns] == ["Which unit?"]


async def test_a_connection_that_was_cut_is_made_again_unnoticed() -> None:
    async with a_postgres_database() as url, opened(url) as store:
        store.keep_call(CallRecord(C1, Door.CHAT, "jamie"))
        await store.committed()
        await store.newest()

        await switch(url, "true")

        assert await store.find(C1) is not None
        store.keep_turn(C1, a_turn())
        await store.committed()


async def test_a_row_that_the_database_refuses_holds_up_no_other(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(url) as store:
        store.keep_call(CallRecord(C1, Door.CHAT, "jamie"))
        store.keep_turn(C1, a_turn(position=0))
        store.keep_turn(C1, a_turn(position=2**70))

        with pytest.raises(StoreError, match="refused 1 row"):
            await store.committed()

        stored = await store.find(C1)
        assert stored is not None
        assert [turn.position for turn in stored.turns] == [0]
    assert "store.row_refused" in [record.message for record in caplog.records]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (
            "mysql://me:secret@db/calls",
            "mysql://me:***@db/calls: 'mysql' is not supported: write sqlite:///FILE",
        ),
        ("secret", "OFFHOOK_DATABASE_URL is no URL of a database: write sqlite:///FILE"),
        ("sqlite://", "it names no file: write sqlite:///FILE"),
        ("sqlite:///:memory:", "or memory://"),
        ("sqlite:///{folder}/a_file/data/offhook.db", "data/offhook.db: it cannot be made (Not a directory)"),
        ("sqlite:///{folder}", "the file cannot be opened"),
        ("sqlite:///{folder}/a_file", "the file is no SQLite database"),
        ("sqlite:///{folder}/other.db", "other.db: it has a table 'calls' of another program"),
        ("postgresql://me:secret@127.0.0.1:{closed_port}/calls?password=secret", "it cannot be reached"),
    ],
)
async def test_a_wrong_url_says_in_one_line_what_to_do(tmp_path: Path, wrong: str, says: str) -> None:
    (tmp_path / "a_file").write_text("not a database, and longer than its header is, " * 3)
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE calls (id)")
    other.close()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        wrong = wrong.format(folder=tmp_path, closed_port=listener.getsockname()[1])

        with pytest.raises(StoreError) as caught:
            async with opened(wrong):
                pass

    message = str(caught.value)
    assert says in message
    assert "secret" not in message
    assert "\n" not in message


async def test_a_database_that_does_not_exist_is_named() -> None:
    async with a_postgres_database() as url:
        missing = url + "_missing"

        with pytest.raises(
            StoreError, match=r"offhook_test_\w+_missing: there is no such database.*createdb"
        ):
            async with opened(missing):
                pass


async def test_the_extra_for_postgresql_is_named_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)  # as an import finds it that is not installed

    with pytest.raises(StoreError, match=r'pip install -e "\.\[postgres\]"'):
        async with opened("postgres://me@127.0.0.1/calls"):
            pass


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
async def test_every_spelling_of_a_postgresql_url_is_understood(scheme: str) -> None:
    async with a_postgres_database() as url:
        spelled = (
            f"{scheme}:{url.partition(':')[2]}?sslmode=prefer&channel_binding=prefer&application_name=offhook"
        )

        async with opened(spelled) as store:
            assert await store.newest() == []
