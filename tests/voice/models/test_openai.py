"""The OpenAI client against hosts of every kind: what they send, how they cut it, how they fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_deadline, a_prompt
from tests.voice.models.openai_host import DONE, USAGE, OpenAIHost, delta, frame, hosting
from voice.clock import now
from voice.errors import EmptyReply, ModelError, ReplyBroken, RouteBusy, RouteDown, RouteRefused
from voice.models.completion import CompletionReader
from voice.models.http import Host, open_http
from voice.models.openai import OpenAIClient
from voice.models.sse import DamagedEvent, EventReader
from voice.types import Finish, Json, Message, Prompt, ToolCall, ToolSpec, Usage

WAIT_S = 20.0  # a busy machine; everything waited for here takes milliseconds
STOP = delta(reason="stop")


@asynccontextmanager
async def asking(host: OpenAIHost, key: str | None = "key") -> AsyncIterator[OpenAIClient]:
    async with asyncio.timeout(WAIT_S), hosting(host), open_http() as http:
        yield OpenAIClient("llm", host.url, "some-model", key, http)


async def reply_from(host: OpenAIHost, prompt: Prompt | None = None) -> tuple[str, Finish]:
    heard: list[str] = []
    async with asking(host) as client:
        finish = await client.write(prompt or a_prompt(), a_deadline(), heard.append)
    return "".join(heard), finish


def read(*pieces: bytes) -> tuple[str, Finish]:
    """What the reader makes of a body, without a network."""
    heard: list[str] = []
    reader = CompletionReader(Host("llm"), heard.append)
    for piece in pieces:
        reader.feed(piece)
    reader.end()
    return "".join(heard), reader.finish()


# Events, cut anywhere


@given(
    texts=st.lists(st.text(min_size=1), min_size=1, max_size=6),
    ends=st.lists(st.sampled_from([b"\n", b"\r\n", b"\r"]), min_size=1, max_size=6),
    space=st.booleans(),
    comments=st.booleans(),
    data=st.data(),
)
def test_events_are_the_same_wherever_they_are_cut(
    texts: list[str], ends: list[bytes], space: bool, comments: bool, data: st.DataObject
):
    values: list[Json] = [{"text": text} for text in texts]
    body = b""
    for place, value in enumerate(values):
        end = ends[place % len(ends)]
        body += b": keep-alive" + end + end if comments else b""
        body += b"data:" + (b" " if space else b"") + orjson.dumps(value) + end + end
    cuts = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=12)))
    reader = EventReader()

    got = [
        value
        for begin, end_ in zip([0, *cuts], [*cuts, len(body)], strict=True)
        for value in reader.feed(body[begin:end_])
    ]

    assert [*got, *reader.end()] == values


@pytest.mark.parametrize(
    ("body", "values"),
    [
        (b'data: {"a": 1}\ndata: {"a": 2}\n', [{"a": 1}, {"a": 2}]),
        (b'data: {"a":\ndata: 1}\n\n', [{"a": 1}]),
        (b"event: x\nid: 7\nretry: 10\ndata: [DONE]\n\n", ["[DONE]"]),
        (b'event: error\ndata: {"message": "no"}\n\n', [{"error": {"message": "no"}}]),
        (b'data:{"a": 1}', [{"a": 1}]),
        (b"data:\n\ndata: \n\n", []),
        (b": ping\n\n\n\n", []),
    ],
)
def test_hosts_write_events_in_many_ways(body: bytes, values: list[Json]):
    reader = EventReader()

    assert [*reader.feed(body), *reader.end()] == values


def test_an_event_that_is_no_json_is_damage():
    with pytest.raises(DamagedEvent):
        EventReader().feed(b"data: {half\n\n")


# Replies of many hosts


@pytest.mark.parametrize(
    "body",
    [
        delta(role="assistant") + delta("Hi.") + STOP + USAGE + DONE,
        delta("", role="assistant", reasoning_content="Let me think.") + delta("Hi.") + STOP + DONE,
        delta(reasoning="Hm.") + delta(thinking="Hm.") + delta("Hi.") + STOP + DONE,
        delta("Hi.") + DONE,
        delta("Hi.", reason="stop"),
        delta("Hi.", reason="eos"),
        b"\xef\xbb\xbf" + delta("Hi.") + DONE,
        b"\n\n: OPENROUTER PROCESSING\n\n" + delta("Hi.") + DONE,
        frame(choices=[], prompt_filter_results=[]) + delta("Hi.") + STOP + DONE,
        delta([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Hi."}]) + DONE,  # type: ignore[arg-type]  # Mistral's parts
        frame(choices=[{"index": 1, "delta": {"content": "No."}}]) + delta("Hi.") + DONE,
        delta("Hi.") + STOP + b"data: [DONE]",
        b' {"choices": [{"index": 0, "message": {"content": "Hi."}, "finish_reason": "stop"}]}',
    ],
)
def test_the_same_words_are_read_from_every_host(body: bytes):
    for cut in (1, 7, len(body)):
        text, finish = read(*(body[at : at + cut] for at in range(0, len(body), cut)))

        assert text == "Hi."
        assert finish.reason == "stop"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (delta("Which") + delta(" unit"), ReplyBroken),
        (delta("Which") + b'data: {"choi', ReplyBroken),
        (delta("Which") + frame(error={"message": "CUDA", "code": 500}), ReplyBroken),
        (frame(error={"message": "busy", "code": 429}), RouteBusy),
        (frame(error={"message": "key", "code": "401"}), RouteRefused),
        (frame(object="error", message="bad", code=50001), ReplyBroken),
        (frame(error="out of memory"), ReplyBroken),
        (b"data: oops\n\n", ReplyBroken),
        (b"", EmptyReply),
        (DONE, EmptyReply),
        (delta(role="assistant") + STOP + DONE, EmptyReply),
        (delta(" \n") + STOP + DONE, EmptyReply),
        (delta(reasoning_content="Let me think.") + delta(reason="length") + DONE, EmptyReply),
        (b"<html>502 Bad Gateway</html>", RouteDown),
        (b'{"error": {"message": "no", "code": 503}}', RouteDown),
        (b'{"choices": [{"mess', RouteDown),
    ],
)
def test_what_is_no_reply_is_an_error(body: bytes, error: type[ModelError]):
    with pytest.raises(error) as caught:
        read(body)

    assert "llm" in str(caught.value)
    assert "CUDA" not in str(caught.value)


def a_call(name: str | None, arguments: Json, called: str | None = None, index: int | None = None) -> Json:
    function: dict[str, Json] = {"arguments": arguments, **({"name": name} if name else {})}
    return {
        "function": function,
        **({"id": called} if called else {}),
        **({} if index is None else {"index": index}),
    }


TICKET = ToolCall("1", "ticket", '{"unit": 4}')


END = ToolCall("2", "end", "{}")


@pytest.mark.parametrize(
    ("deltas", "calls"),
    [
        (
            [
                [a_call("ticket", "", "1", 0)],
                [a_call(None, '{"unit":', None, 0)],
                [a_call(None, " 4}", None, 0)],
            ],
            (TICKET,),
        ),
        ([[a_call("ticket", '{"unit": 4}', "1")]], (TICKET,)),
        ([[a_call("ticket", '{"unit": 4}', "1", 0)], [a_call("end", "", "2", 0)]], (TICKET, END)),
        ([[a_call("ticket", '{"unit": 4}', "1", 0), a_call("end", "{}", "2", 1)]], (TICKET, END)),
        ([[a_call("ticket", '{"unit": 4}', "1"), a_call("end", "{}", "2")]], (TICKET, END)),
        ([[a_call("ticket", {"unit": 4}, "1", 0)]], (ToolCall("1", "ticket", '{"unit":4}'),)),
    ],
)
def test_tool_calls_are_put_together(deltas: list[list[Json]], calls: tuple[ToolCall, ...]):
    _, finish = read(*(delta(tool_calls=one) for one in deltas), delta(reason="tool_calls"), DONE)

    assert finish.reason == "tool_calls"
    assert finish.tool_calls == calls


# Over the wire


async def test_a_request_says_all_that_was_asked():
    host = OpenAIHost()
    prompt = Prompt(
        (
            Message("user", "My sink leaks. \ud83d"),
            Message("assistant", "", (TICKET,)),
            Message("tool", "done", tool_call_id="1"),
        ),
        max_tokens=50,
        temperature=0.4,
        tools=(ToolSpec("ticket", "Writes a ticket.", {"type": "object"}),),
        stop=("Caller:",),
    )

    text, finish = await reply_from(host, prompt)

    body = host.asked[0]
    assert (text, finish) == ("Which unit?", Finish("stop", Usage(5, 2)))
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("some-model", 50, 0.4)
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    assert [one["role"] for one in body["messages"]] == ["user", "assistant", "tool"]
    assert body["messages"][1]["tool_calls"][0]["function"]["name"] == "ticket"
    assert body["tools"][0]["function"]["name"] == "ticket"
    assert body["stop"] == ["Caller:"]
    assert host.headers["authorization"] == "Bearer key"


async def test_a_host_without_a_key_is_asked_without_one():
    host = OpenAIHost()
    async with asking(host, key=None) as client:
        await client.write(a_prompt(), a_deadline(), lambda _: None)

    assert "authorization" not in host.headers


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, RouteRefused), (403, RouteRefused), (404, RouteRefused), (408, RouteDown), (429, RouteBusy),
     (500, RouteDown), (502, RouteDown), (503, RouteDown), (301, RouteRefused)],
)  # fmt: skip
async def test_a_status_becomes_the_error_that_says_what_to_do(status: int, error: type[ModelError]):
    host = OpenAIHost(status=status)

    with pytest.raises(error, match=f"llm.*{status}"):
        await reply_from(host)
    assert len(host.asked) == 1


async def test_a_host_that_refuses_newer_fields_is_asked_without_them_from_then_on():
    host = OpenAIHost(refuses=(400, 422))
    async with asking(host) as client:
        for _ in range(2):
            await client.write(a_prompt(), a_deadline(), lambda _: None)

    fields = [("stream_options" in body, "max_completion_tokens" in body) for body in host.asked]
    assert fields == [(True, False), (True, True), (False, False), (False, False)]


async def test_a_host_that_refuses_everything_is_asked_the_usual_way_the_next_time():
    host = OpenAIHost(refuses=(400, 400, 400))
    async with asking(host) as client:
        with pytest.raises(RouteRefused, match="400"):
            await client.write(a_prompt(), a_deadline(), lambda _: None)

        await client.write(a_prompt(), a_deadline(), lambda _: None)

    assert "stream_options" in host.asked[3]


async def test_a_host_that_is_not_there_is_down():
    host = OpenAIHost()
    async with asking(host):
        pass

    async with open_http() as http:
        client = OpenAIClient("llm", host.url, "some-model", None, http)
        with pytest.raises(RouteDown):
            await client.write(a_prompt(), a_deadline(), lambda _: None)
        assert (await client.health()).state == "unknown"


async def test_a_connection_is_used_again_for_the_next_turn():
    host = OpenAIHost()
    async with asking(host) as client:
        for _ in range(3):
            await client.write(a_prompt(), a_deadline(), lambda _: None)

    assert len(host.peers) == 1


async def test_a_host_that_does_not_hang_up_after_its_last_word_does_not_hold_the_turn():
    host = OpenAIHost((delta("Which unit?"), STOP), hangs=True)
    async with asking(host) as client:
        began_at = now()

        finish = await client.write(a_prompt(), a_deadline(), lambda _: None)

        assert finish.reason == "stop"
        assert now() - began_at < 4.0  # of the 8 s that the reply had


async def test_a_reply_that_nobody_waits_for_is_stopped_at_the_host():
    host = OpenAIHost((delta("Which "),), hangs=True)
    heard = asyncio.Event()
    async with asking(host) as client:
        writing = asyncio.create_task(client.write(a_prompt(), a_deadline(), lambda _: heard.set()))
        await heard.wait()

        writing.cancel()

        await asyncio.wait([writing])
        await host.left.wait()


async def test_closing_the_client_ends_what_is_in_flight():
    host = OpenAIHost((delta("Which "),), hangs=True)
    heard = asyncio.Event()
    async with asking(host) as client:
        writing = asyncio.create_task(client.write(a_prompt(), a_deadline(), lambda _: heard.set()))
        await heard.wait()

        await client.close()

        with pytest.raises(ReplyBroken):
            await writing


@pytest.mark.parametrize(
    ("status", "state"), [(200, "warm"), (401, "refused"), (404, "refused"), (503, "unknown")]
)
async def test_health_is_what_the_list_of_models_says(status: int, state: str):
    async with asking(OpenAIHost(status=status)) as client:
        assert (await client.health()).state == state


async def test_a_reply_that_was_begun_is_asked_for_in_words_that_any_model_understands():
    host = OpenAIHost()
    prompt = Prompt((Message("user", "My sink leaks."),), so_far="Which unit")

    await reply_from(host, prompt)

    asked, begun, last = host.asked[0]["messages"]
    assert asked == {"role": "user", "content": "My sink leaks."}
    assert begun == {"role": "assistant", "content": "Which unit"}
    assert last["role"] == "user"
    assert "cut off" in last["content"]
    assert "so_far" not in host.asked[0]  # hosts refuse fields that they do not know


async def test_a_ring_opens_the_connection_that_the_first_turn_uses():
    host = OpenAIHost()
    async with asking(host) as client:
        woken = await client.wake()
        await host.listed.wait()
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "wake llm"))

        await client.write(a_prompt(), a_deadline(), lambda _: None)

    assert woken
    assert len(host.peers) == 1
    assert client.told() is None


async def test_a_connection_that_was_used_lately_is_not_opened_again():
    host = OpenAIHost()
    async with asking(host) as client:
        await client.write(a_prompt(), a_deadline(), lambda _: None)

        assert not await client.wake()
    assert not host.listed.is_set()


async def test_a_ring_in_half_a_minute_is_enough(virtual_time):
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(503))) as http:
        client = OpenAIClient("llm", "http://llm.test/v1", "some-model", None, http)
        woken = []
        for _ in range(7):
            woken.append(await client.wake())
            await asyncio.sleep(10)
        await client.close()

    assert woken == [True, False, False, True, False, False, True]


async def test_closing_ends_a_wake_up():
    async with open_http() as http:
        client = OpenAIClient("llm", "http://127.0.0.1:9/v1", "some-model", None, http)
        await client.wake()
        await client.close()

        assert not [task for task in asyncio.all_tasks() if task.get_name() == "wake llm"]
