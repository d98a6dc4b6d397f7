"""The RunPod client against a stand-in of RunPod's queue, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from voice.clock import Budget, Deadline, now
from voice.errors import EmptyReply, ReplyBroken, RouteBusy, RouteDown, RouteRefused, WorkerCold
from voice.models.http import open_http
from voice.models.runpod import RunPodClient, Way
from voice.simulate.loopback import serving
from voice.simulate.runpod.standin import RunPodStandIn, Worker
from voice.types import Json, Message, Prompt, Usage

PROMPT = Prompt((Message("user", "My sink leaks."),))
LAST: Json = {
    "text": "",
    "finish_reason": "stop",
    "usage": {"prompt_tokens": 5, "completion_tokens": 2},
}


def a_worker(*items: Json) -> Worker:
    async def answer(job: Mapping[str, object]) -> AsyncGenerator[Json, None]:
        for item in items:
            yield item

    return answer


def a_worker_that_hangs_after(*items: Json) -> Worker:
    async def answer(job: Mapping[str, object]) -> AsyncGenerator[Json, None]:
        for item in items:
            yield item
        await asyncio.Event().wait()

    return answer


def a_deadline(reply_s: float = 8.0) -> Deadline:
    return Budget(reply_s=reply_s, first_chunk_s=min(1.2, reply_s)).deadline(now())


@asynccontextmanager
async def an_endpoint(
    worker: Worker | None = None, *, key: str = "key", ways: tuple[Way, ...] = ("stream", "runsync", "run")
) -> AsyncIterator[tuple[RunPodStandIn, RunPodClient]]:
    """A stand-in and its client. Behind it, the client is closed: what it had to cancel is cancelled."""
    async with asyncio.timeout(30), RunPodStandIn(worker=worker) as runpod, open_http() as http:
        client = RunPodClient("runpod", runpod.endpoint_id, key, runpod.url, ways, http=http)
        await client.open()
        try:
            yield runpod, client
        finally:
            await client.close()


def statuses(runpod: RunPodStandIn) -> list[str]:
    return [job.status for job in runpod.queue.jobs.values()]


async def test_a_reply_is_heard_piece_by_piece():
    heard: list[str] = []
    async with an_endpoint(a_worker({"text": "Which "}, {"text": "unit?"}, LAST)) as (runpod, client):
        finish = await client.write(PROMPT, a_deadline(), heard.append)

    assert "".join(heard) == "Which unit?"
    assert (finish.reason, finish.usage) == ("stop", Usage(5, 2))
    assert "cancel" not in runpod.asked


async def test_the_first_piece_is_heard_while_the_rest_is_still_being_written():
    heard = asyncio.Event()
    async with an_endpoint(a_worker_that_hangs_after({"text": "Which "})) as (_, client):
        writing = asyncio.create_task(client.write(PROMPT, a_deadline(), lambda _: heard.set()))
        await heard.wait()
        still_writing = not writing.done()
        writing.cancel()
        await asyncio.wait([writing])

    assert still_writing


async def test_all_pieces_are_drained_after_the_job_has_completed():
    words: list[Json] = [{"text": f"{n} "} for n in range(100)]  # more than one /stream reply holds
    heard: list[str] = []
    async with an_endpoint(a_worker(*words, LAST)) as (_, client):
        await client.write(PROMPT, a_deadline(), heard.append)

    assert "".join(heard).split() == [str(n) for n in range(100)]


@pytest.mark.parametrize("way", ["stream", "runsync", "run"])
async def test_each_way_gives_the_reply(way: Way):
    heard: list[str] = []
    async with an_endpoint(a_worker({"text": "Which unit?"}, LAST), ways=(way,)) as (_, client):
        finish = await client.write(PROMPT, a_deadline(), heard.append)

    assert "".join(heard) == "Which unit?"
    assert finish.usage == Usage(5, 2)


@pytest.mark.parametrize(
    ("refuses", "second_turn_asks"),
    [
        ({"stream": 405}, ["runsync"]),
        ({"stream": 404}, ["runsync"]),
        ({"run": 405}, ["runsync"]),
        ({"run": 400}, ["runsync"]),
        ({"stream": 405, "runsync": 405}, ["runsync", "run", "status"]),
    ],
)
async def test_a_way_that_is_refused_is_left_and_not_tried_in_the_next_turn(refuses, second_turn_asks):
    heard: list[str] = []
    async with an_endpoint(a_worker({"text": "Hi."}, LAST)) as (runpod, client):
        runpod.refuses = refuses
        await client.write(PROMPT, a_deadline(), heard.append)
        runpod.asked.clear()
        await client.write(PROMPT, a_deadline(), heard.append)
        jobs = len(runpod.queue.jobs)

    assert "".join(heard) == "Hi.Hi."
    assert list(dict.fromkeys(runpod.asked))[: len(second_turn_asks)] == second_turn_asks
    assert jobs == 2  # no turn was paid for twice


async def test_a_worker_that_does_not_stream_is_read_from_its_status():
    async def silent(job: Mapping[str, object]) -> AsyncGenerator[Json, None]:
        runpod.queue.end(runpod.queue.jobs[str(job["id"])], "COMPLETED", {"output": {"text": "Which unit?"}})
        return
        yield

    heard: list[str] = []
    async with an_endpoint(silent) as (runpod, client):
        await client.write(PROMPT, a_deadline(), heard.append)

    assert heard == ["Which unit?"]


async def test_a_job_that_fails_is_told_in_one_line_and_not_asked_again():
    async with an_endpoint(a_worker({"error": {"message": "out of memory"}})) as (runpod, client):
        with pytest.raises(ReplyBroken, match="the job ended FAILED: out of memory"):
            await client.write(PROMPT, a_deadline(), lambda _: None)

    assert runpod.asked.count("run") == 1
    assert "runsync" not in runpod.asked


async def test_a_failed_job_whose_result_is_gone_is_not_asked_again():
    async with an_endpoint(a_worker({"error": "out of memory"})) as (runpod, client):
        runpod.refuses = {"status": 404}
        with pytest.raises(ReplyBroken, match="ended FAILED, its result is gone"):
            await client.write(PROMPT, a_deadline(), lambda _: None)

    assert len(runpod.queue.jobs) == 1


async def test_a_reply_that_fails_in_the_middle_is_broken_whatever_the_reason():
    heard: list[str] = []
    async with an_endpoint(a_worker({"text": "Which "}, {"error": "gone"})) as (_, client):
        with pytest.raises(ReplyBroken):
            await client.write(PROMPT, a_deadline(), heard.append)

    assert heard == ["Which "]


async def test_a_reply_without_a_word_is_empty():
    async with an_endpoint(a_worker({"text": " "}, LAST)) as (_, client):
        with pytest.raises(EmptyReply):
            await client.write(PROMPT, a_deadline(), lambda _: None)


@pytest.mark.parametrize("way", ["stream", "run"])
async def test_a_cancelled_reply_cancels_its_job(way: Way):
    async with an_endpoint(a_worker_that_hangs_after({"text": "Which "}), ways=(way,)) as (runpod, client):
        writing = asyncio.create_task(client.write(PROMPT, a_deadline(), lambda _: None))
        followed = "stream" if way == "stream" else "status"
        await runpod.was_asked.until(lambda: followed in runpod.asked, 5)
        writing.cancel()
        await asyncio.wait([writing])

    assert writing.cancelled()
    assert statuses(runpod) == ["CANCELLED"]


async def test_a_reply_cancelled_while_its_job_is_being_given_leaves_no_job():
    async with an_endpoint() as (runpod, client):
        writing = asyncio.create_task(client.write(PROMPT, a_deadline(), lambda _: None))
        for _ in range(3):  # far enough to send, not far enough to be answered
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait([writing])

    assert statuses(runpod) in ([], ["CANCELLED"])


async def test_a_job_that_nobody_takes_in_time_is_cold_and_cancelled():
    async with an_endpoint() as (runpod, client):
        with pytest.raises(WorkerCold, match="waited in the queue"):
            await client.write(PROMPT, a_deadline(reply_s=0.2), lambda _: None)

    assert statuses(runpod) == ["CANCELLED"]


async def test_a_reply_that_is_not_done_in_time_is_broken_and_its_job_cancelled():
    async with an_endpoint(a_worker_that_hangs_after({"text": "Which "})) as (runpod, client):
        with pytest.raises(ReplyBroken, match="not done in time"):
            await client.write(PROMPT, a_deadline(reply_s=0.3), lambda _: None)

    assert statuses(runpod) == ["CANCELLED"]


async def test_closing_the_client_ends_replies_in_flight():
    async with an_endpoint() as (runpod, client):
        writing = asyncio.create_task(client.write(PROMPT, a_deadline(), lambda _: None))
        await runpod.queue.arrived.until(lambda: bool(runpod.queue.jobs), 5)
        await client.close()

        with pytest.raises((RouteDown, WorkerCold)):
            await writing


async def test_the_job_is_given_a_policy_that_ends_it_soon_after_the_turn():
    async with an_endpoint() as (runpod, client):
        with pytest.raises(WorkerCold):
            await client.write(PROMPT, a_deadline(reply_s=0.2), lambda _: None)
        (job,) = runpod.queue.jobs.values()

    assert job.execution_s == 5.0
    assert job.input["max_tokens"] == 120


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (401, RouteRefused, "answered 401: check RUNPOD_API_KEY"),
        (404, RouteRefused, "answered 404: check RUNPOD_ENDPOINT_ID"),
        (400, RouteRefused, "answered 400"),
        (429, RouteBusy, "answered 429"),
        (500, RouteDown, "answered 500"),
        (524, RouteDown, "answered 524"),
    ],
)
async def test_a_refusal_names_the_route_the_status_and_the_setting(status, error, says):
    async with an_endpoint() as (runpod, client):
        runpod.refuses = dict.fromkeys(("run", "runsync"), status)

        with pytest.raises(error, match=f"route 'runpod' {says}"):
            await client.write(PROMPT, a_deadline(), lambda _: None)


async def test_a_wrong_key_is_refused():
    async with an_endpoint(key="wrong") as (_, client):
        with pytest.raises(RouteRefused, match="check RUNPOD_API_KEY"):
            await client.write(PROMPT, a_deadline(), lambda _: None)
        health = await client.health()

    assert health.state == "refused"


async def test_a_host_that_is_not_there_is_down():
    async with open_http() as http:
        client = RunPodClient("runpod", "e", "k", "http://127.0.0.1:9", http=http)

        with pytest.raises(RouteDown, match="cannot be reached"):
            await client.write(PROMPT, a_deadline(), lambda _: None)
        health = await client.health()

    assert health.state == "unknown"


async def test_a_gateways_page_in_place_of_json_is_down():
    async def gateway(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"<html>please wait</html>"})

    async with serving(gateway) as url, open_http() as http:
        client = RunPodClient("runpod", "e", "k", url, http=http)

        with pytest.raises(RouteDown, match="HTML page"):
            await client.write(PROMPT, a_deadline(), lambda _: None)


async def test_a_kept_connection_that_has_died_is_not_noticed():
    """The host closes idle connections while the caller speaks; the next turn must not fail."""
    heard: list[str] = []
    async with open_http() as http:
        async with RunPodStandIn(worker=a_worker({"text": "Hi."}, LAST)) as first:
            port = int(first.url.split(":")[2].split("/")[0])
            client = RunPodClient("runpod", "endpoint", "key", first.url, http=http)
            await client.write(PROMPT, a_deadline(), heard.append)
        async with RunPodStandIn(worker=a_worker({"text": "Hi."}, LAST), port=port):
            await client.write(PROMPT, a_deadline(), heard.append)

    assert "".join(heard) == "Hi.Hi."


@pytest.mark.parametrize(
    ("workers", "in_queue", "state"),
    [
        ({"idle": 1, "running": 0}, 0, "warm"),
        ({"ready": 1, "idle": 0}, 3, "warm"),
        ({"running": 2}, 0, "warm"),
        ({"running": 2}, 3, "busy"),
        ({"initializing": 1}, 1, "starting"),
        ({"throttled": 3}, 1, "throttled"),
        ({"unhealthy": 1}, 1, "broken"),
        ({"unhealthy": 1, "initializing": 1}, 1, "broken"),  # it will end as the one before it did
        ({"unhealthy": 1, "running": 1}, 0, "warm"),
        ({"initializing": 1, "throttled": 2}, 1, "starting"),
        ({"idle": 0, "running": 0}, 0, "cold"),
        (None, 0, "unknown"),
    ],
)
async def test_the_health_of_the_endpoint_in_one_word(workers, in_queue, state):
    async with an_endpoint() as (runpod, client):
        runpod.tells_health = {"jobs": {"inQueue": in_queue}, "workers": workers}

        health = await client.health()

    assert health.state == state


async def test_two_hundred_replies_stream_at_once():
    heard = [0] * 200

    async def one(place: int) -> None:
        def hear(text: str) -> None:
            heard[place] += len(text)

        await client.write(PROMPT, a_deadline(30), hear)

    worker = a_worker(*[{"text": "word "}] * 5, LAST)
    async with an_endpoint(worker) as (_, client), asyncio.TaskGroup() as group:
        for place in range(200):
            group.create_task(one(place))

    assert heard == [25] * 200
