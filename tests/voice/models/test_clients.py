"""What every model client keeps to, whoever writes behind it.

A further client joins with one entry in CLIENTS: a context that plays a `Scene` and gives its `Stage`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from tests.builders import a_deadline, a_prompt
from tests.voice.models.openai_host import DONE, USAGE, OpenAIHost, delta, hosting
from voice.engines.scripted import ScriptedEngine
from voice.engines.worker import work
from voice.errors import EmptyReply, EngineDied, ModelError, ReplyBroken
from voice.models.base import ModelClient
from voice.models.embedded import EmbeddedClient
from voice.models.http import open_http
from voice.models.openai import OpenAIClient
from voice.models.runpod import RunPodClient
from voice.models.scripted import ScriptedClient
from voice.simulate.runpod.standin import RunPodStandIn

WAIT_S = 20.0  # a busy machine; everything waited for here takes milliseconds


@dataclass(frozen=True)
class Scene:
    """What the other side does: it writes `pieces`, then ends, `hangs` or `breaks`."""

    pieces: tuple[str, ...] = ("Which", " unit?")
    hangs: bool = False
    breaks: bool = False


@dataclass(frozen=True)
class Stage:
    """A client, opened; `stopped` waits until the other side knows that nobody listens any longer."""

    client: ModelClient
    stopped: Callable[[], Awaitable[object]]


Play = Callable[[Scene], AbstractAsyncContextManager[Stage]]


@asynccontextmanager
async def scripted(scene: Scene) -> AsyncIterator[Stage]:
    breaks = ReplyBroken("cut") if scene.breaks else None
    words = len(scene.pieces)
    reply = "".join(scene.pieces) + (" and so on" if scene.hangs or scene.breaks else "")
    every_s = 3600.0 if scene.hangs else 0.0
    client = ScriptedClient(reply=reply, every_s=every_s, fails=breaks, after_words=words)

    async def stopped() -> None:
        assert client.cancelled == 1

    yield Stage(client, stopped)


@asynccontextmanager
async def embedded(scene: Scene) -> AsyncIterator[Stage]:
    engine = ScriptedEngine(
        scene.pieces, hangs=scene.hangs, error=EngineDied("cut") if scene.breaks else None
    )
    client = EmbeddedClient("embedded", engine)
    await client.open()
    yield Stage(client, engine.was_stopped.wait)
    await client.close()


@asynccontextmanager
async def openai(scene: Scene) -> AsyncIterator[Stage]:
    last = () if scene.hangs or scene.breaks else (delta(reason="stop"), USAGE, DONE)
    pieces = (*(delta(piece) for piece in scene.pieces), *last)
    async with (
        hosting(OpenAIHost(pieces, hangs=scene.hangs, breaks=scene.breaks)) as host,
        open_http() as http,
    ):
        client = OpenAIClient("llm", host.url, "some-model", "key", http)
        await client.open()
        yield Stage(client, host.left.wait)
        await client.close()


@asynccontextmanager
async def runpod(scene: Scene) -> AsyncIterator[Stage]:
    """Our worker behind a stand-in of RunPod's queue."""
    died = OSError("cut") if scene.breaks else None  # an engine that died is asked once more
    engine = ScriptedEngine(scene.pieces, hangs=scene.hangs, error=died)
    await engine.start()
    async with RunPodStandIn(worker=lambda job: work(job, engine)) as standin, open_http() as http:
        client = RunPodClient("runpod", standin.endpoint_id, standin.key, standin.url, http=http)
        await client.open()
        yield Stage(client, engine.was_stopped.wait)
        await client.close()


CLIENTS = [scripted, embedded, openai, runpod]


@pytest.fixture(params=CLIENTS, ids=lambda play: play.__name__)
def play(request: pytest.FixtureRequest) -> Play:
    playing: Play = request.param
    return playing


async def test_a_reply_is_heard_in_order(play: Play) -> None:
    heard: list[str] = []
    async with asyncio.timeout(WAIT_S), play(Scene()) as stage:
        finish = await stage.client.write(a_prompt(), a_deadline(), heard.append)

    assert "".join(heard) == "Which unit?"
    assert finish.reason == "stop"
    assert finish.usage.completion_tokens == 2


async def test_many_replies_are_written_at_once_and_do_not_mix(play: Play) -> None:
    heard: list[list[str]] = [[] for _ in range(20)]
    async with asyncio.timeout(WAIT_S), play(Scene()) as stage:
        await asyncio.gather(*(stage.client.write(a_prompt(), a_deadline(), one.append) for one in heard))

    assert {"".join(one) for one in heard} == {"Which unit?"}


async def test_words_are_heard_while_the_rest_is_being_written_and_a_cancelled_reply_stops_there(
    play: Play,
) -> None:
    heard = asyncio.Event()
    async with asyncio.timeout(WAIT_S), play(Scene(("Which", " unit?"), hangs=True)) as stage:
        writing = asyncio.create_task(stage.client.write(a_prompt(), a_deadline(), lambda _: heard.set()))
        await heard.wait()

        writing.cancel()

        with pytest.raises(asyncio.CancelledError):
            await writing
        await stage.stopped()


async def test_a_reply_that_breaks_after_its_first_words_is_broken(play: Play) -> None:
    heard: list[str] = []
    async with asyncio.timeout(WAIT_S), play(Scene(breaks=True)) as stage:
        with pytest.raises(ReplyBroken):
            await stage.client.write(a_prompt(), a_deadline(), heard.append)

    assert "".join(heard) == "Which unit?"


async def test_a_reply_that_breaks_before_its_first_word_is_a_models_error(play: Play) -> None:
    async with asyncio.timeout(WAIT_S), play(Scene((), breaks=True)) as stage:
        with pytest.raises(ModelError):
            await stage.client.write(a_prompt(), a_deadline(), lambda _: None)


async def test_a_reply_without_a_word_is_empty(play: Play) -> None:
    async with asyncio.timeout(WAIT_S), play(Scene((" ", "\n"))) as stage:
        with pytest.raises(EmptyReply):
            await stage.client.write(a_prompt(), a_deadline(), lambda _: None)


@pytest.mark.parametrize(("pieces", "error"), [(("Which unit?",), ReplyBroken), ((), ModelError)])
async def test_a_reply_that_hangs_ends_at_its_deadline(
    play: Play, pieces: tuple[str, ...], error: type[ModelError]
) -> None:
    async with asyncio.timeout(WAIT_S), play(Scene(pieces, hangs=True)) as stage:
        with pytest.raises(error):
            await stage.client.write(a_prompt(), a_deadline(first_chunk_s=0.1, reply_s=0.5), lambda _: None)


async def test_a_reply_is_gone_on_with_behind_what_the_caller_has_heard(play: Play) -> None:
    heard: list[str] = []
    async with asyncio.timeout(WAIT_S), play(Scene((" unit?",))) as stage:
        await stage.client.write(replace(a_prompt(), so_far="Which"), a_deadline(), heard.append)

    assert "".join(heard) == " unit?"


async def test_a_ring_never_fails_and_waits_for_nothing(play: Play) -> None:
    async with asyncio.timeout(WAIT_S), play(Scene(hangs=True)) as stage:
        assert await stage.client.wake() in (True, False)
        assert stage.client.told() is None


async def test_a_client_that_is_well_says_so(play: Play) -> None:
    async with asyncio.timeout(WAIT_S), play(Scene()) as stage:
        assert (await stage.client.health()).state == "warm"
