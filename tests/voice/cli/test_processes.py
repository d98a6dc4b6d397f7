"""`offhook serve --workers`: several processes, one server, and no call that notices which is which."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from handlers.siblings import Siblings
from tests.voice.cli.running import LIMIT_S, offhook, started, told_to_stop
from voice.types import CallId

LOCAL = {"OFFHOOK_STRATEGY": "local_only"}
CALLS = [f"call-{number}" for number in range(6)]


@dataclass
class Server:
    """A server of two processes."""

    process: subprocess.Popen[str]
    http: httpx.Client

    def say(self, call_id: str, words: str) -> httpx.Response:
        return self.http.post("/chat", json={"message": words, "call_id": call_id})

    def processes(self) -> dict[int, int]:
        """The process ids by place."""
        found = {}
        for pid in children(self.process.pid):
            arguments = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
            found[json.loads(arguments[3])["place"]] = pid
        return found

    def until_it_logs(self, event: str) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if json.loads(line)["event"] == event:
                return
        raise AssertionError(f"it ended without {event}")


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Server]:
    with started(
        "serve", "--port", "0", "--workers", "2", folder=folder, settings={**LOCAL, **settings}
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "2 processes" in line
        with httpx.Client(base_url=line.split()[4], trust_env=False, timeout=LIMIT_S) as http:
            yield Server(process, http)


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def heard_on(folder: Path, call_id: str) -> list[str]:
    """What the caller said, as the store has it."""
    told = json.loads(offhook("export", call_id, "--form", "json", folder=folder).stdout)
    return [turn["said"] for turn in told["turns"]]


@pytest.mark.slow
def test_every_call_keeps_its_turns_whichever_process_takes_them(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        for words in ("My sink is leaking.", "It's unit 4B.", "Tomorrow."):
            # A connection of its own for each: the kernel chooses the process.
            answers = [
                httpx.post(f"{server.http.base_url}/chat", json={"message": words, "call_id": one})
                for one in CALLS
            ]
            assert all(answer.status_code == 200 for answer in answers)
        told = server.http.get("/admin/calls").json()["calls"]
        status, _ = told_to_stop(server.process, signal.SIGTERM)

    assert {one["call_id"]: one["turn_count"] for one in told} == dict.fromkeys(CALLS, 3)
    assert status == 0


@pytest.mark.slow
def test_a_killed_process_costs_no_call_its_next_turn(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        for one in CALLS:
            server.say(one, "My sink is leaking.")
        os.kill(server.processes()[1], signal.SIGKILL)
        with httpx.Client(base_url=server.http.base_url, trust_env=False, timeout=LIMIT_S) as http:
            for one in CALLS:
                answer = http.post("/chat", json={"message": "It's unit 4B.", "call_id": one})
                assert answer.status_code == 200
            server.until_it_logs("process.died")
            server.until_it_logs("process.back")
            for one in CALLS:
                assert http.post("/chat", json={"message": "Tomorrow.", "call_id": one}).status_code == 200
            told = http.get("/admin/calls").json()["calls"]

    assert {one["call_id"]: one["turn_count"] for one in told} == dict.fromkeys(CALLS, 3)
    assert all(one["live"] for one in told)


@pytest.mark.slow
def test_processes_are_replaced_while_calls_go_on(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        before = server.processes()
        for one in CALLS:
            server.say(one, "Turn 0.")
        server.process.send_signal(signal.SIGHUP)
        with ThreadPoolExecutor(1) as pool:
            replaced = pool.submit(server.until_it_logs, "processes.replaced")
            count = 0
            while not replaced.done() and count < 500:
                count += 1
                for one in CALLS:
                    answer = httpx.post(
                        f"{server.http.base_url}/chat", json={"message": f"Turn {count}.", "call_id": one}
                    )
                    assert answer.status_code == 200
            replaced.result()
        after = server.processes()
        status, _ = told_to_stop(server.process, signal.SIGTERM)

    assert count < 500
    assert set(before) == set(after)
    assert not set(before.values()) & set(after.values())
    assert status == 0
    for one in CALLS[:2]:
        assert heard_on(tmp_path, one) == [f"Turn {number}." for number in range(count + 1)]


@pytest.mark.slow
def test_no_process_outlives_its_parent(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        watched = [os.pidfd_open(pid) for pid in server.processes().values()]
        server.process.kill()
        poll = select.poll()
        for one in watched:
            poll.register(one, select.POLLIN)
        ended: set[int] = set()
        while len(ended) < len(watched) and (found := poll.poll(LIMIT_S * 1000)):
            for fd, _ in found:
                ended.add(fd)
                poll.unregister(fd)
        for one in watched:
            os.close(one)

    assert len(ended) == len(watched) == 2


def test_what_is_set_wrong_is_said_in_one_line(tmp_path: Path) -> None:
    bad = offhook("serve", "--port", "0", "--workers", "2", folder=tmp_path, OFFHOOK_STRATEGY="remote_only")

    assert bad.returncode == 1
    assert bad.stderr.strip().startswith("offhook: OFFHOOK_STRATEGY is remote_only without a remote route")
    assert "\n" not in bad.stderr.strip()


def test_processes_need_a_store_that_they_can_share(tmp_path: Path) -> None:
    bad = offhook(
        *("serve", "--port", "0", "--workers", "2"),
        folder=tmp_path,
        OFFHOOK_DATABASE_URL="memory://",
        **LOCAL,
    )

    assert bad.returncode == 1
    assert "processes cannot share" in bad.stderr


def test_the_calls_of_this_test_have_two_owners() -> None:
    assert {next(Siblings(0, 2).line_of(CallId(one))) for one in CALLS} == {0, 1}
