"""What the worker makes of one job."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import aclosing
from typing import Any

import pytest

from voice.engines.scripted import ScriptedEngine
from voice.engines.tally import Tally
from voice.engines.worker import answer, work
from voice.errors import BadJob, EngineDied
from voice.job import job_input, parse_job
from voice.types import Finish, Json, Message, Prompt, ToolCall, Usage

SAID = "My sink leaks at 12 Elm Street."


def a_job(**fields: Any) -> dict[str, Any]:
    return {"id": "job-1", "input": {"messages": [{"role": "user", "content": SAID}], **fields}}


def an_openai_job(**fields: Any) -> dict[str, Any]:
    body = {"messages": [{"role": "user", "content": SAID}], **fields}
    return {"id": "job-1", "input": {"openai_route": "/v1/chat/completions", "openai_input": body}}


async def chunks_of(job: dict[str, Any], engine: ScriptedEngine) -> list[Json]:
    await engine.start()
    return [chunk async for chunk in work(job, engine)]


async def test_a_job_ends_with_why_it_ended_and_what_it_cost():
    engine = ScriptedEngine(finish=Finish("length", Usage(9, 4)))

    *pieces, last = await chunks_of(a_job(max_tokens=4), engine)

    assert "".join(piece["text"] for piece in pieces) == "Good morning, how can I help?"
    assert last["finish_reason"] == "length"
    assert last["usage"] == {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    assert last["timing"].keys() == {"ttft_ms", "total_ms"}
    assert engine.asked[0].max_tokens == 4


async def test_a_job_that_does_not_stream_is_one_piece():
    (only,) = await chunks_of(a_job(stream=False), ScriptedEngine())

    assert only["text"] == "Good morning, how can I help?"
    assert only["finish_reason"] == "stop"


async def test_the_engine_goes_on_with_a_reply_that_was_begun():
    engine = ScriptedEngine()
    prompt = Prompt((Message("user", SAID),), so_far="Good")

    await chunks_of({"id": "1", "input": job_input(prompt)}, engine)

    assert engine.asked == [prompt]


async def test_tool_calls_come_with_the_last_chunk():
    call = ToolCall("1", "ticket", '{"what": "sink"}')

    (last,) = await chunks_of(a_job(), ScriptedEngine((), finish=Finish("tool_calls", tool_calls=(call,))))

    assert last["tool_calls"] == [
        {"id": "1", "type": "function", "function": {"name": "ticket", "arguments": '{"what": "sink"}'}}
    ]


async def test_tools_that_the_model_was_not_shown_are_told_with_each_reply_and_logged_once(caplog):
    engine, tally = ScriptedEngine(finish=Finish(ignored=("tools",))), Tally()
    await engine.start()

    replies = [[chunk async for chunk in work(a_job(), engine, tally)] for _ in range(2)]

    assert [chunks[-1]["ignored"] for chunks in replies] == [["tools"], ["tools"]]
    assert tally.without_tools == 2
    assert [record.msg for record in caplog.records if record.levelno == logging.WARNING] == [
        "engine.shows_no_tools"
    ]


async def test_a_streaming_openai_job_gives_whole_events_and_done_at_the_end():
    pieces = await chunks_of(an_openai_job(stream=True), ScriptedEngine())

    assert all(isinstance(piece, str) and piece.endswith("\n\n") for piece in pieces)
    *events, done = "".join(pieces).strip().split("\n\n")
    deltas = [json.loads(event.removeprefix("data: "))["choices"][0] for event in events]
    assert deltas[0]["delta"]["role"] == "assistant"
    assert "".join(delta["delta"].get("content", "") for delta in deltas) == "Good morning, how can I help?"
    assert deltas[-1]["finish_reason"] == "stop"
    assert done == "data: [DONE]"


async def test_an_openai_job_that_does_not_stream_gives_one_completion():
    engine = ScriptedEngine(adapters=("jamie",))

    (only,) = await chunks_of(an_openai_job(model="jamie"), engine)

    assert only["object"] == "chat.completion"
    assert only["model"] == "jamie"
    assert engine.asked_for == ["jamie"]
    assert only["choices"][0]["message"] == {"role": "assistant", "content": "Good morning, how can I help?"}
    assert only["usage"]["total_tokens"] == 5


@pytest.mark.parametrize("stream", [True, False])
async def test_a_completion_is_named_by_its_job_so_that_it_can_be_cancelled(stream):
    first, *_ = await chunks_of(an_openai_job(stream=stream), ScriptedEngine())

    completion = json.loads(first.split("data: ")[1]) if isinstance(first, str) else first
    assert completion["id"] == "chatcmpl-job-1"


async def test_the_list_of_models_names_every_one_that_may_be_asked_for():
    engine = ScriptedEngine(adapters=("jamie",))

    (only,) = await chunks_of({"id": "1", "input": {"openai_route": "/v1/models"}}, engine)

    assert [model["id"] for model in only["data"]] == ["scripted", "jamie"]


@pytest.mark.parametrize(
    ("job", "engine", "sentence"),
    [
        ({"id": "1"}, ScriptedEngine(), 'input is missing: send {"messages": [...]} or {"prompt": "..."}.'),
        (
            a_job(model="gpt-4"),
            ScriptedEngine(adapters=("jamie",)),
            "model 'gpt-4' is not here; this worker has scripted, jamie.",
        ),
        (
            a_job(reply_ms=20),
            ScriptedEngine((), hangs=True),
            "Not a word was written within reply_ms.",
        ),
        (a_job(max_tokens=0), ScriptedEngine(), "max_tokens must be a whole number from 1 to 4096."),
        (a_job(), ScriptedEngine(error=BadJob("messages is too long.")), "messages is too long."),
        (
            a_job(),
            ScriptedEngine((), error=EngineDied("x")),
            "The request could not be answered (EngineDied).",
        ),
        (a_job(), ScriptedEngine((), error=KeyError(SAID)), "The request could not be answered (KeyError)."),
        (a_job(), ScriptedEngine(("\ud83d",)), "The request could not be answered (ValueError)."),
    ],
)
async def test_what_goes_wrong_ends_as_one_sentence(job, engine, sentence):
    *_, last = await chunks_of(job, engine)

    assert last == {"error": sentence}


async def test_what_was_written_before_a_failure_is_given_before_it():
    first, last = await chunks_of(a_job(), ScriptedEngine(("Good ",), error=OSError("gone")))

    assert first == {"text": "Good "}
    assert last == {"error": "The request could not be answered (OSError)."}


async def test_no_word_of_the_caller_is_logged(caplog):
    caplog.set_level(logging.DEBUG)

    await chunks_of(a_job(), ScriptedEngine(error=ValueError(SAID)))
    await chunks_of(a_job(max_tokens=-1), ScriptedEngine())

    assert {record.message for record in caplog.records} == {"job.failed", "job.refused"}
    assert not any(SAID in str(vars(record)) for record in caplog.records)


async def test_the_writing_stops_when_the_job_is_cancelled():
    engine = ScriptedEngine(hangs=True)
    await engine.start()
    heard = asyncio.Event()

    async def read() -> None:
        async for _ in work(a_job(), engine):
            heard.set()

    reading = asyncio.create_task(read())
    await heard.wait()
    reading.cancel()

    with pytest.raises(asyncio.CancelledError):
        await reading
    assert engine.was_stopped.is_set()


async def test_the_writing_stops_when_the_generator_is_closed():
    engine = ScriptedEngine(hangs=True)
    await engine.start()

    async with aclosing(work(a_job(), engine)) as chunks:
        await anext(chunks)

    assert engine.was_stopped.is_set()


async def test_the_writing_stops_when_a_stopped_job_leaves_its_generator_half_read():
    """RunPod's SDK cancels a job while it posts a chunk, and keeps the generator alive for long after."""
    engine = ScriptedEngine(hangs=True)
    await engine.start()
    chunks, posting = work(a_job(), engine), asyncio.Event()

    async def post_for_ever() -> None:
        await anext(chunks)
        posting.set()
        await asyncio.Event().wait()

    job = asyncio.create_task(post_for_ever())
    await posting.wait()
    job.cancel()

    await engine.was_stopped.wait()
    await chunks.aclose()


async def test_the_first_clause_leaves_at_once_and_then_chunks_that_are_less_and_less_frequent(virtual_time):
    engine = ScriptedEngine(("Good ", "morning, ", *["and "] * 20), gap_s=0.03)
    await engine.start()
    left: list[tuple[float, str]] = []

    async for chunk in work(a_job(), engine):
        left.append((round(virtual_time.elapsed_s, 3), chunk["text"]))

    assert left[:3] == [(0.06, "Good morning, "), (0.16, "and " * 3), (0.31, "and " * 5)]
    assert "".join(text for _, text in left) == "Good morning, " + "and " * 20


async def test_a_line_without_round_trips_gets_each_word_of_the_first_clause_and_then_a_chunk_every_100_ms(
    virtual_time,
):
    engine = ScriptedEngine(("Good ", "morning, ", *["and "] * 20), gap_s=0.03)
    await engine.start()
    left: list[tuple[float, str]] = []

    async for chunk in answer(parse_job(a_job()["input"]), engine, Tally(), eager=True):
        left.append((round(virtual_time.elapsed_s, 3), chunk["text"]))

    assert [at for at, _ in left[:5]] == [0.03, 0.06, 0.16, 0.26, 0.36]


async def test_a_first_clause_that_is_long_does_not_keep_the_caller_waiting(virtual_time):
    engine = ScriptedEngine(["word "] * 50, gap_s=0.02)
    await engine.start()

    async with aclosing(work(a_job(), engine)) as chunks:
        first = await anext(chunks)

    assert first["text"].startswith("word word")
    assert virtual_time.elapsed_s == pytest.approx(0.12)  # 100 ms after the first word


async def test_what_gathers_while_a_chunk_is_being_sent_leaves_in_one(virtual_time):
    engine = ScriptedEngine(("Hi, ", *["and "] * 30), gap_s=0.03)
    await engine.start()

    async with aclosing(work(a_job(), engine)) as chunks:
        await anext(chunks)
        await asyncio.sleep(0.2)  # the SDK posts the chunk over a slow line
        second = await anext(chunks)

    assert second["text"] == "and " * 6


async def test_a_slow_line_to_runpod_makes_a_reply_hardly_longer(virtual_time):
    """60 tokens in 1.2 s, each chunk posted over a round trip of 50 ms that the SDK waits for."""
    engine = ScriptedEngine(["word "] * 60, gap_s=0.02)
    await engine.start()
    chunks = 0

    async for _ in work(a_job(), engine):
        await asyncio.sleep(0.05)
        chunks += 1

    assert virtual_time.elapsed_s <= 1.2 * 1.15
    assert chunks <= 14
