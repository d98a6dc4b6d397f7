"""The worker behind RunPod's load balancer, asked without a server."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from tests.voice.engines.asgi import Asked, deltas
from voice.engines.http import MAX_BODY_BYTES, WAITING_PER_PLACE, WorkerApp
from voice.engines.scripted import ScriptedEngine
from voice.engines.slots import Slots
from voice.engines.tally import Tally
from voice.errors import BadJob, EngineDied
from voice.types import Finish, ToolCall, Usage

SAID = "My sink leaks at 12 Elm Street."


async def an_app(engine: ScriptedEngine | None = None, at_once: int = 4) -> WorkerApp:
    """An app whose engine is loaded."""
    places = Slots(engine or ScriptedEngine(), at_once)
    await places.start()
    app = WorkerApp(places, at_once, Tally())
    app.has_loaded = True
    return app


def a_turn(app: WorkerApp, hangs_up_after: int | None = None, **fields: Any) -> Asked:
    body = json.dumps({"messages": [{"role": "user", "content": SAID}], **fields}).encode()
    return Asked(app, "POST", "/v1/chat/completions", body, hangs_up_after=hangs_up_after)


async def status_of(app: WorkerApp, path: str = "/ping") -> int:
    return (await Asked(app, "GET", path).answered()).status


async def test_ping_tells_loading_ready_and_gone_apart():
    engine = ScriptedEngine()
    app = WorkerApp(Slots(engine, 1), 1, Tally(), health_path="/alive")

    loading = await status_of(app)
    await engine.start()
    app.has_loaded = True
    ready, elsewhere = await status_of(app), await status_of(app, "/alive")
    await engine.stop()

    assert (loading, ready, elsewhere, await status_of(app)) == (204, 200, 200, 503)


async def test_a_streamed_reply_comes_as_events_with_usage_and_timing_in_the_last_one():
    asked = await a_turn(await an_app(), stream=True).answered()

    *_, last = events = deltas(asked.text)
    assert asked.status == 200
    assert all(piece.endswith(b"\n\n") for piece in asked.pieces)
    assert asked.text.endswith("data: [DONE]\n\n")
    said = "".join(event["choices"][0]["delta"].get("content", "") for event in events)
    assert said == "Good morning, how can I help?"
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["usage"]["completion_tokens"] == 4
    assert last["timing"].keys() == {"ttft_ms", "total_ms"}


async def test_a_stream_ends_with_its_last_words_in_one_sending():
    sent: list[dict[str, Any]] = []
    asked = a_turn(await an_app(), stream=True)
    asked.heard = sent.append

    await asked.answered()

    assert [message.get("more_body", False) for message in sent[1:]] == [True] * (len(sent) - 2) + [False]
    assert sent[-1]["body"].endswith(b"data: [DONE]\n\n")


async def test_a_reply_that_is_not_streamed_is_one_completion():
    asked = await a_turn(await an_app()).answered()

    assert asked.json["choices"][0]["message"]["content"] == "Good morning, how can I help?"
    assert asked.json["usage"]["total_tokens"] == 5


async def test_tool_calls_and_dropped_turns_stand_in_the_last_event():
    finish = Finish("tool_calls", Usage(9, 4), (ToolCall("1", "ticket", "{}"),), dropped_turns=8)

    asked = await a_turn(await an_app(ScriptedEngine((), finish=finish)), stream=True).answered()

    calls, last = deltas(asked.text)
    assert calls["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] == "ticket"
    assert last["dropped_turns"] == 8


async def test_the_words_of_the_first_clause_leave_at_once_and_then_a_chunk_every_100_ms(virtual_time):
    app = await an_app(ScriptedEngine(("Good ", "morning, ", *["and "] * 20), gap_s=0.03))

    asked = await a_turn(app, stream=True).answered()

    said = [event["choices"][0]["delta"].get("content", "") for event in deltas(asked.text)]
    assert said[:4] == ["Good ", "morning, ", "and " * 3, "and " * 3]


async def test_a_closed_line_stops_the_writing_within_50_ms_and_counts_what_it_saved():
    engine = ScriptedEngine(("Good morning, ",), hangs=True)
    app = await an_app(engine)
    asked = a_turn(app, hangs_up_after=1, stream=True, max_tokens=104)

    async with asyncio.timeout(5):
        await asked.answered()
        began_at = asyncio.get_running_loop().time()
        await engine.was_stopped.wait()

    assert asyncio.get_running_loop().time() - began_at < 0.05
    jobs = (await Asked(app, "GET", "/health").answered()).json["jobs"]
    assert (jobs["stopped"], jobs["tokens_saved"]) == (1, 100)


@pytest.mark.parametrize(
    ("engine", "status"),
    [
        (ScriptedEngine((), error=BadJob("the last message is too long.")), 400),
        (ScriptedEngine((), error=KeyError(SAID)), 500),
        (ScriptedEngine((), error=EngineDied(SAID)), 503),
    ],
)
async def test_what_fails_before_the_first_word_has_a_status_of_its_own(engine, status):
    asked = await a_turn(await an_app(engine), stream=True).answered()

    assert asked.status == status
    assert asked.json["error"].keys() == {"message", "type", "param", "code"}
    assert SAID not in asked.text


async def test_a_reply_that_is_not_begun_within_its_limit_is_a_504():
    asked = await a_turn(await an_app(ScriptedEngine((), hangs=True)), reply_ms=20).answered()

    assert asked.status == 504


async def test_what_fails_after_the_first_word_ends_the_stream_with_an_error_and_without_done():
    engine = ScriptedEngine(("Good morning, ",), error=OSError(SAID))

    asked = await a_turn(await an_app(engine), stream=True).answered()

    *_, last = deltas(asked.text)
    assert last["error"]["message"] == "The request could not be answered (OSError)."
    assert "[DONE]" not in asked.text


@pytest.mark.parametrize(
    ("body", "status", "names"),
    [
        (b"", 400, "not JSON"),
        (b"null", 400, "openai_input"),
        (b"[]", 400, "openai_input"),
        (b"{}", 400, "messages"),
        (b'{"messages": [{"role": "user", "content": "\xff"}]}', 400, "not JSON"),
        (b'{"messages": [{"role": "user", "content": "x"}], "temperature": NaN}', 400, "temperature"),
        (b'{"messages": [{"role": "user", "content": "x"}], "max_tokens": 0}', 400, "max_tokens"),
        (b'{"messages": [{"role": "user", "content": "x"}], "max_tokens": 1000000}', 400, "max_tokens"),
        (b'{"messages": [{"role": "king", "content": "x"}]}', 400, "role"),
        (b'{"messages": [{"role": "user", "content": "x"}], "model": "gpt-4"}', 404, "scripted"),
        (b"[" * 100_000, 400, "not JSON"),
        (b" " * (MAX_BODY_BYTES + 1), 413, "larger than"),
    ],
)
async def test_bad_bodies_are_refused_with_one_sentence(body, status, names):
    app = await an_app()

    asked = await Asked(app, "POST", "/v1/chat/completions", body).answered()

    assert asked.status == status
    assert names in asked.json["error"]["message"]


async def test_a_caller_whose_words_were_cut_within_a_character_is_answered():
    body = b'{"messages": [{"role": "user", "content": "My sink leaks \\ud83d"}]}'

    asked = await Asked(
        await an_app(engine := ScriptedEngine()), "POST", "/v1/chat/completions", body
    ).answered()

    assert asked.status == 200
    assert engine.asked[0].messages[0].text == "My sink leaks ?"


async def test_a_body_that_says_it_is_too_large_is_refused_unread():
    headers = {"content-length": str(MAX_BODY_BYTES + 1)}

    asked = Asked(await an_app(), "POST", "/v1/chat/completions", b"{}", headers)

    assert (await asked.answered()).status == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models", 200),
        ("GET", "/openai/v1/models", 200),
        ("POST", "/v1/models", 405),
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/run", 404),
        ("GET", "/", 404),
    ],
)
async def test_every_path_answers_as_openai_clients_expect(method, path, status):
    assert (await Asked(await an_app(), method, path).answered()).status == status


async def test_a_worker_that_loads_or_is_full_says_come_back():
    loading = WorkerApp(Slots(ScriptedEngine(), 1), 1, Tally())
    app = await an_app(ScriptedEngine(hangs=True), at_once=1)
    busy = [asyncio.create_task(a_turn(app).answered()) for _ in range(1 + WAITING_PER_PLACE)]
    for _ in range(20):
        await asyncio.sleep(0)

    one_too_many, too_early = await a_turn(app).answered(), await a_turn(loading).answered()

    assert (one_too_many.status, too_early.status) == (429, 503)
    for task in busy:
        task.cancel()
    await asyncio.wait(busy)


async def test_no_word_of_the_caller_is_logged(caplog):
    caplog.set_level(logging.DEBUG)

    await a_turn(await an_app(ScriptedEngine(error=ValueError(SAID))), stream=True).answered()
    await a_turn(await an_app(), model=SAID).answered()
    await a_turn(await an_app()).answered()

    assert {"job.failed", "job.refused", "job.done"} <= {record.message for record in caplog.records}
    assert not any(SAID in str(vars(record)) for record in caplog.records)
