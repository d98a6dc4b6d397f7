"""Whatever a host does, nothing but the model's own words is ever given to the listener."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from tests.builders import a_deadline, a_prompt
from tests.voice.models.openai_host import DONE, delta, frame
from tests.voice.models.raw_host import Answer, RawHost, raw_hosting, told
from voice.errors import EmptyReply, ModelError, ReplyBroken, RouteBusy, RouteDown, RouteRefused
from voice.models.http import MAX_BODY_BYTES, open_http
from voice.models.openai import OpenAIClient
from voice.models.runpod import RunPodClient
from voice.types import Json

WAIT_S = 30.0  # a busy machine; everything waited for here takes well under a second
WORDS = "Which unit are you in?"
HTML = b"<html><body>502 Bad Gateway</body></html>"
STOP = delta(reason="stop")

# What the host sends, how it ends, what that is, what was heard by then.
OPENAI = {
    "reset in mid-sentence": (Answer((delta("Which "),), "reset"), ReplyBroken, "Which "),
    "clean early close": (Answer((delta("Which "), delta("unit"))), ReplyBroken, "Which unit"),
    "close before the first word": (Answer((delta(role="assistant"),)), EmptyReply, ""),
    "reset before the first word": (Answer((delta(role="assistant"),), "reset"), ModelError, ""),
    "stall in mid-sentence": (Answer((delta("Which "),), "hangs"), ReplyBroken, "Which "),
    "half a character": (Answer((delta("Which "), b'data: {"choices": "caf\xc3')), ReplyBroken, "Which "),
    "half a character within": (
        Answer((delta("Which "), b'data: {"choices": [{"delta": {"content": "\xc3"}}]}\n\n')),
        ReplyBroken,
        "Which ",
    ),
    "keep-alives only": (Answer((b": ping\n\n",) * 5, "hangs"), RouteDown, ""),
    "keep-alives only, then a close": (Answer((b": ping\n\n",) * 5), EmptyReply, ""),
    "HTML page with 200": (Answer((HTML,)), RouteDown, ""),
    "HTML page with 502": (Answer((HTML,), status=502), RouteDown, ""),
    "HTML page in mid-sentence": (Answer((delta("Which "), HTML)), ReplyBroken, "Which "),
    "error object with 200": (Answer((b'{"error": {"message": "busy", "code": 429}}',)), RouteBusy, ""),
    "error in mid-sentence": (
        Answer((delta("Which "), frame(error={"message": "CUDA out of memory"}))),
        ReplyBroken,
        "Which ",
    ),
    "garbage JSON": (Answer((b'data: {"choices": [oops\n\n',)), ReplyBroken, ""),
    "JSON of another kind": (Answer((frame(choices="none"), frame(a=[1]), DONE)), EmptyReply, ""),
    "JSON without end": (Answer((b"[" * 100_000,)), RouteDown, ""),
    "401": (Answer((b"{}",), status=401), RouteRefused, ""),
    "404": (Answer((b"{}",), status=404), RouteRefused, ""),
    "429": (Answer((b"{}",), status=429), RouteBusy, ""),
    "role-only deltas": (Answer((delta(role="assistant"), delta(""), STOP, DONE)), EmptyReply, ""),
    "thinking only": (Answer((delta(reasoning_content="Hmm."),) * 5, "hangs"), RouteDown, ""),
    "thinking only, in the text": (Answer((delta("<think>Hmm."),), "hangs"), RouteDown, ""),
    "thinking that is cut": (Answer((delta("<think>Hmm."), STOP, DONE)), EmptyReply, ""),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "error", "words"), OPENAI.values(), ids=OPENAI)
async def test_a_bad_openai_host_is_an_error_and_gives_no_foreign_word(
    answer: Answer, error: type[ModelError], words: str
) -> None:
    heard: list[str] = []
    host = RawHost({"chat/completions": (answer,)})
    async with asyncio.timeout(WAIT_S), raw_hosting(host), open_http() as http:
        client = OpenAIClient("llm", host.url, "some-model", None, http)
        with pytest.raises(error):
            await client.write(a_prompt(), a_deadline(0.1, 0.5), heard.append)

    assert "".join(heard) == words


def item(*outputs: Json, status: str = "IN_PROGRESS") -> Answer:
    return told(status=status, stream=[{"output": output} for output in outputs])


def text(words: str) -> Json:
    return {"text": words}


def ended(status: str, **fields: Json) -> Answer:
    return told(id="1", status=status, **fields)


BEGUN = item(text("Which "))
# What /stream answers in turn, what /status answers, what that is, what was heard by then.
RUNPOD: dict[str, tuple[Sequence[Answer], Answer, type[ModelError], str]] = {
    "reset in mid-sentence": ((BEGUN, Answer((), "reset")), ended("IN_PROGRESS"), ReplyBroken, "Which "),
    "reset within an answer": (
        (BEGUN, Answer((b'{"status": "IN_PR',), "reset")), ended("IN_PROGRESS"), ReplyBroken, "Which ",
    ),
    "answer cut short": (
        (BEGUN, Answer((b'{"status": "IN_PR',))), ended("IN_PROGRESS"), ReplyBroken, "Which ",
    ),
    "stall in mid-sentence": ((BEGUN, Answer((), "hangs")), ended("IN_PROGRESS"), ReplyBroken, "Which "),
    "failed in mid-sentence": (
        (BEGUN, item(status="FAILED")), ended("FAILED", error="CUDA"), ReplyBroken, "Which ",
    ),
    "failed in mid-sentence, with words left": (
        (BEGUN, item(text("unit "), status="FAILED"), item(status="FAILED")),
        ended("FAILED"), ReplyBroken, "Which unit ",
    ),
    "failed, then completed": (
        (BEGUN, item(status="FAILED")), ended("COMPLETED", output=[text(WORDS)]), ReplyBroken, "Which ",
    ),
    "cancelled by somebody": ((BEGUN, item(status="CANCELLED")), ended("CANCELLED"), ReplyBroken, "Which "),
    "timed out": ((BEGUN, item(status="TIMED_OUT")), ended("TIMED_OUT"), ReplyBroken, "Which "),
    "half a character": (
        (BEGUN, item(text("\ufffd")), item(status="FAILED")), ended("FAILED"), ReplyBroken, "Which ",
    ),
    "answer that is no UTF-8": (
        (BEGUN, Answer((b'{"stream": "\xc3\x28',))), ended("X"), ReplyBroken, "Which ",
    ),
    "empty polls only": ((item(),), ended("IN_PROGRESS"), RouteDown, ""),
    "HTML page with 200": ((Answer((HTML,)),), ended("IN_PROGRESS"), RouteDown, ""),
    "HTML page with 502": ((Answer((HTML,), status=502),), ended("IN_PROGRESS"), RouteDown, ""),
    "error object inside COMPLETED": (
        (item({"error": {"message": "CUDA"}}, status="COMPLETED"),), ended("COMPLETED"), ReplyBroken, "",
    ),
    "error object inside COMPLETED, in /status only": (
        (item(status="COMPLETED"),), ended("COMPLETED", output=[{"error": "CUDA"}]), ReplyBroken, "",
    ),
    "traceback as text": (
        (item("Traceback (most recent call last):\n  File", status="COMPLETED"),),
        ended("COMPLETED"), ReplyBroken, "",
    ),
    "garbage JSON": ((Answer((b'{"status": oops}',)),), ended("IN_PROGRESS"), RouteDown, ""),
    "JSON of another kind": ((Answer((b'[1, 2]',)),), ended("IN_PROGRESS"), RouteDown, ""),
    "JSON without end": ((Answer((b"[" * 100_000,)),), ended("IN_PROGRESS"), RouteDown, ""),
    "status of another kind": ((told(status=7, stream=7),), ended("IN_PROGRESS"), RouteDown, ""),
    "thinking only": ((item(text("<think>Hm")),), ended("IN_PROGRESS"), RouteDown, ""),
    "role-only deltas": (
        (item({"choices": [{"delta": {"role": "assistant"}}]}, status="COMPLETED"), item(status="COMPLETED")),
        ended("COMPLETED", output=[]), EmptyReply, "",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("stream", "status", "error", "words"), RUNPOD.values(), ids=RUNPOD)
async def test_a_bad_runpod_endpoint_is_an_error_and_gives_no_foreign_word(
    stream: Sequence[Answer], status: Answer, error: type[ModelError], words: str
) -> None:
    heard: list[str] = []
    host = RawHost(
        {"runsync": (Answer((b"{}",), status=404),), "run": (ended("IN_QUEUE"),), "stream": stream,
         "status": (status,), "cancel": (ended("CANCELLED"),)}
    )  # fmt: skip
    async with asyncio.timeout(WAIT_S), raw_hosting(host), open_http() as http:
        client = RunPodClient("runpod", "e", "key", host.url, http=http)
        with pytest.raises(error):
            await client.write(a_prompt(), a_deadline(0.1, 0.5), heard.append)
        await client.close()

    assert "".join(heard) == words


def a_client(kind: str, url: str, http: object) -> OpenAIClient | RunPodClient:
    if kind == "openai":
        return OpenAIClient("llm", url, "some-model", None, http)  # type: ignore[arg-type]  # an httpx client
    return RunPodClient("runpod", "e", "key", url, http=http)  # type: ignore[arg-type]  # an httpx client


@pytest.mark.parametrize("kind", ["openai", "runpod"])
async def test_a_refused_connection_is_a_route_that_is_down(kind: str) -> None:
    async with open_http() as http:
        client = a_client(kind, "http://127.0.0.1:9", http)
        with pytest.raises(RouteDown, match="cannot be reached"):
            await client.write(a_prompt(), a_deadline(), lambda _: None)


ENDLESS: Mapping[str, Mapping[str, Sequence[Answer]]] = {
    "openai": {"chat/completions": (Answer((delta("and then "),), "repeats"),)},
    "runpod": {
        "run": (ended("IN_QUEUE"),),
        "stream": (item(*[text("and then ")] * 100),),
        "cancel": (ended("CANCELLED"),),
    },
}


@pytest.mark.parametrize("kind", ENDLESS)
async def test_endless_text_is_ended_far_behind_what_was_asked_for(kind: str) -> None:
    heard: list[str] = []
    host = RawHost(ENDLESS[kind])
    async with asyncio.timeout(WAIT_S), raw_hosting(host), open_http() as http:
        client = a_client(kind, host.url, http)
        with pytest.raises(ReplyBroken, match="does not stop"):
            await client.write(a_prompt(), a_deadline(1, 20), heard.append)
        await client.close()

    assert 120 * 16 <= len("".join(heard)) < 10_000
    assert ("and then " * 1200).startswith("".join(heard))
    assert kind == "openai" or host.asked[-1] == "cancel"


SILENT: Mapping[str, Mapping[str, Sequence[Answer]]] = {
    "openai": {"chat/completions": (Answer((b"x" * 65_536,), "repeats"),)},
    "runpod": {"run": (Answer((b"x" * 65_536,), "repeats"),)},
}


@pytest.mark.parametrize("kind", SILENT)
async def test_an_answer_without_end_is_not_kept_in_memory(kind: str) -> None:
    host = RawHost(SILENT[kind])
    async with asyncio.timeout(WAIT_S), raw_hosting(host), open_http() as http:
        with pytest.raises(ModelError, match="does not end"):
            await a_client(kind, host.url, http).write(a_prompt(), a_deadline(1, 20), lambda _: None)

    assert MAX_BODY_BYTES < 10_000_000


async def test_a_model_that_thinks_for_four_seconds_is_heard_when_it_has_thought() -> None:
    pieces = (
        delta(role="assistant"),
        *[delta(reasoning_content="Hmm. ")] * 40,
        *[delta("<think>The caller ")] * 40,
        delta("leaks.</thi"),
        delta("nk>\n\n"),
        delta(WORDS),
        STOP,
        DONE,
    )
    heard: list[str] = []
    host = RawHost({"chat/completions": (Answer(pieces),)})
    async with asyncio.timeout(WAIT_S), raw_hosting(host), open_http() as http:
        client = OpenAIClient("llm", host.url, "some-model", None, http)
        await client.write(a_prompt(), a_deadline(), heard.append)

    assert "".join(heard).strip() == WORDS
