"""Hosts with faults under the real clients: each fault reaches them as it would from a real host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Literal

import httpx
import pytest

from tests.builders import a_deadline
from voice.clock import now
from voice.errors import EmptyReply, ModelError, ReplyBroken, RouteBusy, RouteDown, RouteRefused, WorkerCold
from voice.models.http import open_http
from voice.models.openai import OpenAIClient
from voice.models.runpod import RunPodClient
from voice.simulate.faults import BY_NAME, FAULTS, HEALTHY
from voice.simulate.host_doors import HostTransport, on_socket, refusing
from voice.simulate.hosts import Host
from voice.simulate.marked import length, read, written
from voice.tools.ticket import TicketTool
from voice.types import Message, Prompt

Kind = Literal["runpod", "openai"]
KINDS: tuple[Kind, ...] = ("runpod", "openai")
WHOLE = None  # the reply comes as it should


class Untold(Exception):
    """The reply has ended, and nobody has said that this is its end."""


def about(order: str, so_far: str = "") -> Prompt:
    return Prompt((Message("user", f"It is about order {order}."),), so_far=so_far)


def client_of(kind: Kind, url: str, http: httpx.AsyncClient) -> RunPodClient | OpenAIClient:
    if kind == "runpod":
        return RunPodClient("runpod", "endpoint", "key", f"{url}/v2", http=http)
    return OpenAIClient("openai", f"{url}/v1", "model", "key", http)


@asynccontextmanager
async def under(host: Host, kind: Kind) -> AsyncIterator[RunPodClient | OpenAIClient]:
    """The real client on a host without a network."""
    async with httpx.AsyncClient(transport=HostTransport(host)) as http:
        client = client_of(kind, "http://host", http)
        yield client
        await client.close()


async def reply_of(client: RunPodClient | OpenAIClient, prompt: Prompt) -> tuple[str, type | None]:
    """What was heard, and the class of what went wrong."""
    heard: list[str] = []
    try:
        finish = await client.write(prompt, a_deadline(), heard.append)
    except ModelError as exc:
        return "".join(heard), type(exc)
    return "".join(heard), WHOLE if finish.is_told else Untold


REACHES = [
    # fault, RunPod's client, the other client
    ("healthy", WHOLE, WHOLE),
    ("tool", WHOLE, WHOLE),
    ("slow-start", WHOLE, WHOLE),
    ("cold", WorkerCold, RouteDown),
    ("dribble", ReplyBroken, ReplyBroken),
    ("cut", ReplyBroken, ReplyBroken),
    ("closes-early", Untold, ReplyBroken),  # RunPod's queue has no sign for a reply's end
    ("hang", RouteDown, RouteDown),
    ("hang-later", ReplyBroken, ReplyBroken),
    ("empty", EmptyReply, EmptyReply),
    ("keep-alive", RouteDown, RouteDown),
    ("thinks", WHOLE, WHOLE),
    ("401", RouteRefused, RouteRefused),
    ("404", RouteRefused, RouteRefused),
    ("429", RouteBusy, RouteBusy),
    ("500", RouteDown, RouteDown),
    ("html-200", RouteDown, RouteDown),
    ("html-502", RouteDown, RouteDown),
    ("garbage", ReplyBroken, ReplyBroken),
    ("half-character", WHOLE, ReplyBroken),  # RunPod's workers put a sign in its place
    ("error-object", ReplyBroken, ReplyBroken),
    ("refused", RouteDown, RouteDown),
    ("endless", ReplyBroken, ReplyBroken),
    ("loop", ReplyBroken, ReplyBroken),
    ("loop-words", ReplyBroken, ReplyBroken),
    ("heavy-tail", WHOLE, WHOLE),
]


def test_every_fault_is_in_the_table() -> None:
    assert [name for name, *_ in REACHES] == [fault.name for fault in FAULTS]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("fault", "runpod", "openai"), REACHES, ids=[name for name, *_ in REACHES])
async def test_a_fault_reaches_the_real_client(virtual_time, kind, fault, runpod, openai):
    host = Host(kind, [BY_NAME[fault]], seed=3)
    async with under(host, kind) as client:
        heard, failure = await reply_of(client, about("9-2"))
        await asyncio.sleep(1)  # what is cancelled is cancelled behind the reply

    assert failure is (runpod if kind == "runpod" else openai)
    places = [place for _, place in read(heard)]
    if failure is WHOLE:
        assert places == list(range(length("9-2")))
    if "</think>" not in heard:
        assert "policy" not in heard
    host.settle()
    assert host.counts.open == 0


LEFT_TO_THE_QUEUE = ("401", "404", "429", "500", "html-200", "html-502", "refused")


@pytest.mark.parametrize("way", ["lb", "openai"])
@pytest.mark.parametrize(("fault", "failure"), [(name, openai) for name, _, openai in REACHES])
async def test_a_streaming_way_of_runpods_with_a_fault_is_left_for_the_queue_or_is_the_models(
    virtual_time, way, fault, failure
):
    """What the way answers in place of a reply is its own fault; what the model does is not."""
    bad, good = Host("streams", [BY_NAME[fault]], seed=3), Host("queue")
    mounts = {"all://lb.test": HostTransport(bad), "all://queue.test": HostTransport(good)}
    async with httpx.AsyncClient(mounts=mounts) as http:
        asked = "http://queue.test/v2" if way == "lb" else "http://lb.test/v2"
        client = RunPodClient(
            "runpod", "endpoint", "key", asked, (way, "stream"), http=http, lb_url="http://lb.test"
        )
        heard, failed = await reply_of(client, about("9-2"))
        await client.close()

    if way == "lb":
        assert failed is (WHOLE if fault in LEFT_TO_THE_QUEUE else failure)
    if failed is WHOLE:
        assert [place for _, place in read(heard)] == list(range(length("9-2")))
    bad.settle()
    good.settle()
    assert (bad.counts.open, good.counts.open) == (0, 0)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_client_that_leaves_is_counted_and_nothing_is_written_any_more(virtual_time, kind):
    host = Host(kind, [BY_NAME["endless"]])
    async with under(host, kind) as client:
        heard = asyncio.Event()
        writing = asyncio.create_task(client.write(about("1-1"), a_deadline(), lambda _: heard.set()))
        await heard.wait()
        was_open, left_at = host.counts.open, now()
        writing.cancel()
        await asyncio.wait([writing])
        await asyncio.sleep(1)

    (asked,) = host.book.asked.values()
    assert (was_open, host.counts.open, host.counts.cancelled) == (1, 0, 1)
    assert asked.ended == "left"
    assert asked.ended_at == pytest.approx(left_at, abs=0.2)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_reply_goes_on_behind_what_was_heard_in_words_of_its_own(virtual_time, kind):
    first, second = Host("a"), Host("b")
    second.book = first.book
    async with under(first, kind) as one, under(second, kind) as other:
        whole, _ = await reply_of(one, about("7-1"))
        begun = " ".join(whole.split()[:5])
        rest, _ = await reply_of(other, about("7-1", so_far=begun))

    added, missing = [place for number, place in read(rest) if number == 2], list(range(5, length("7-1")))
    assert added[-len(missing) :] == missing


@pytest.mark.parametrize("kind", KINDS)
async def test_a_tool_is_asked_for_once_and_then_the_reply_is_written(virtual_time, kind):
    async with under(Host(kind, [BY_NAME["tool"]], seed=1), kind) as client:
        prompt = replace(about("7-1"), tools=(TicketTool.spec,))
        before: list[str] = []
        asked = await client.write(prompt, a_deadline(), before.append)
        (wanted,) = asked.tool_calls
        answered = (
            Message("assistant", "".join(before), asked.tool_calls),
            Message("tool", "Done.", tool_call_id="1"),
        )
        rest, failure = await reply_of(client, replace(prompt, messages=(*prompt.messages, *answered)))

    assert (wanted.name, wanted.arguments) == ("ticket", '{"issue": "7-1"}')
    assert failure is WHOLE
    assert [place for _, place in read("".join(before) + rest)] == list(range(length("7-1")))


async def test_what_the_prompt_tells_of_earlier_replies_is_written_down(virtual_time):
    host = Host("openai")
    async with under(host, "openai") as client:
        first, _ = await reply_of(client, about("7-1"))
        history = (*about("7-1").messages, Message("assistant", first[:43]), *about("7-2").messages)
        await reply_of(client, Prompt(history))

    asked = host.book.asked[2]
    assert asked.order == "7-2"
    assert asked.told == set(read(first[:43]))


async def test_some_models_say_again_what_was_heard_when_they_go_on(virtual_time):
    host, so_far = Host("openai"), " ".join("".join(written(99, range(5))).split())
    async with under(host, "openai") as client:
        replies = [(await reply_of(client, about("7-1", so_far)))[0] for _ in range(40)]

    repeated = [sum(number == 99 for number, _ in read(reply)) for reply in replies]
    assert {0, 2, 3, 5} <= set(repeated)


async def test_several_faults_are_drawn_by_the_order_and_the_seed(virtual_time):
    async def drawn(seed: int) -> list[str]:
        host = Host("openai", FAULTS, seed=seed)
        async with under(host, "openai") as client:
            for number in range(40):
                await reply_of(client, about(f"{number}-1"))
        return [asked.fault for asked in host.book.asked.values()]

    once = await drawn(1)

    assert once == await drawn(1)
    assert once != await drawn(2)
    assert len(set(once)) > 10


@pytest.mark.parametrize(
    ("fault", "state"), [("healthy", "warm"), ("cold", "cold"), ("401", "refused"), ("500", "unknown")]
)
async def test_the_queues_health_tells_of_the_fault(virtual_time, fault, state):
    async with under(Host("runpod", [BY_NAME[fault]]), "runpod") as client:
        health = await client.health()

    assert health.state == state


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "failure"),
    [("healthy", WHOLE), ("cut", ReplyBroken), ("html-502", RouteDown), ("refused", RouteDown)],
)
async def test_over_a_socket_the_client_sees_the_same(kind, fault, failure):
    host = Host(kind, [BY_NAME[fault]], seed=3)
    async with asyncio.timeout(20), on_socket(host) as url, open_http() as http:
        with refusing(host) as hook:
            http.event_hooks = {"request": [hook]}
            client = client_of(kind, url, http)
            _, found = await reply_of(client, about("9-2"))
            await client.close()

    assert found is failure


async def test_over_a_socket_a_stream_that_is_left_is_noticed():
    host = Host("openai", [BY_NAME["endless"]])
    async with asyncio.timeout(20), on_socket(host) as url, open_http() as http:
        client, heard = client_of("openai", url, http), asyncio.Event()
        writing = asyncio.create_task(client.write(about("1-1"), a_deadline(), lambda _: heard.set()))
        await heard.wait()
        writing.cancel()
        await asyncio.wait([writing])
        while host.counts.open:  # noqa: ASYNC110 – the server tells it in its own time
            await asyncio.sleep(0)

    assert host.counts.cancelled == 1


async def test_a_healthy_host_answers_as_soon_as_it_says(virtual_time):
    async with under(Host("openai", [HEALTHY]), "openai") as client:
        heard_at: list[float] = []
        began_at = now()
        await client.write(about("1-1"), a_deadline(), lambda _: heard_at.append(now() - began_at))

    assert 0.15 <= heard_at[0] <= 0.46
