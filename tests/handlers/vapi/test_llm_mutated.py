"""Messages that no platform would send, at the custom LLM's door: each is answered, and no call is stuck."""

from __future__ import annotations

import asyncio
import copy
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from tests.handlers.house import House, a_house, a_message, a_request, frames_of, said_in
from voice.models.scripted import ScriptedClient
from voice.types import ToolCall

PATH = "/vapi/chat/completions"
RECORDED = [
    "chat_request",
    "chat_request_2024",
    "chat_request_confidence",
    "chat_request_destructured",
    "chat_request_first_message",
    "chat_request_odd_content",
    "chat_request_off",
    "chat_request_overrides",
    "chat_request_tool_result",
    "chat_request_tools",
    "tool_calls_text",
    "assistant_request",
]
ODD: list[Any] = [None, True, 0, -1, 1e308, 10**30, "", " ", "\x00", "\ud83d", "x" * 5000]
ODD += [[], {}, [[]], [None], {"id": {}}, [{"role": "user"}], {"role": "tool"}, {"": ""}]
ODD += ["assistant", "tool", "none", "false"]
ASKS = (ToolCall("", "find_slot", "{"), ToolCall("", "transfer_call_tool", '{"destination": 7}'))


def places_in(found: Any, so_far: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value of a message."""
    keys = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    return [place for key, one in keys for place in [(*so_far, key), *places_in(one, (*so_far, key))]]


def mutate(body: Any, place: tuple[Any, ...], how: str, odd: Any) -> None:
    """Change one value of a message, where it still stands."""
    *way, last = place
    try:
        for key in way:
            body = body[key]
        value = body[last]
        if how == "lose":
            del body[last]
        elif how == "wrap":
            body[last] = [value]
        elif how == "write":
            body[last] = json.dumps(value)
        elif how == "twice" and isinstance(body, list):
            body.insert(last, copy.deepcopy(value))
        else:
            body[last] = odd
    except (LookupError, TypeError, AttributeError):
        return  # an earlier change has taken it away


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    body = a_message(draw(st.sampled_from(RECORDED)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.sampled_from(places_in(body) or [("messages",)]))
        how = draw(st.sampled_from(["lose", "wrap", "write", "twice", "replace", "replace"]))
        mutate(body, place, how, copy.deepcopy(draw(st.sampled_from(ODD))))
    return body


def is_spoken(answer: Any) -> bool:
    """Whether Vapi could read it: frames that all have choices, or one completion that has."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        return all(isinstance(frame["choices"], list) for frame in frames_of(answer.text))
    return "choices" in answer.json()


async def nothing_is_stuck(house: House) -> None:
    """The call can be spoken to. One whose turn hung would also hold up the house when it closes."""
    answer = await house.http.post(PATH, json=a_request("Hello?", "Are you there?", model="jamie"))
    assert said_in(answer.text)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=mutated(), data=st.data())
async def test_whatever_arrives_is_answered(body: dict[str, Any], data: DataObject) -> None:
    asks = data.draw(st.sampled_from([(), ASKS]))
    path = data.draw(st.sampled_from([PATH, "/v1/chat/completions"]))
    raw = json.dumps(body)

    async with asyncio.timeout(5), a_house(ScriptedClient(reply="Which unit?", tool_calls=asks)) as house:
        answer = await house.http.post(path, content=raw)
        again = await house.http.post(path, content=raw)

        assert max(answer.status_code, again.status_code) < 500
        if path == PATH and isinstance(body.get("messages"), list) and "type" not in body:
            assert answer.status_code == 200
            assert is_spoken(answer)
        await nothing_is_stuck(house)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(raw=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
async def test_bytes_that_mean_nothing_are_answered_in_words(raw: bytes) -> None:
    async with asyncio.timeout(5), a_house() as house:
        answer = await house.http.post(PATH, content=raw)

        assert answer.status_code == 200
        assert is_spoken(answer)
