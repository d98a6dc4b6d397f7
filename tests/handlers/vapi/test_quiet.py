"""When words for the caller wait, though Vapi loses messages; and which hosts the log tells of."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from handlers.vapi.control import HOLD_S, Controls, say
from tests.conftest import VirtualTime
from tests.handlers.control_host import Host, a_call, controls, speech
from tests.handlers.house import CALL_ID, a_request
from voice.types import CallId

FINISHED: list[dict[str, Any]] = [
    speech("stopped"),
    a_request("My sink leaks."),  # Vapi asks for an answer
    a_request("My sink leaks.", type="tenant", role="assistant"),  # with metadata beside the messages
    {"type": "transcript", "role": "user", "transcriptType": "final", "transcript": "My sink leaks."},
    {"type": 'transcript[transcriptType="final"]', "role": "user", "transcript": "My sink leaks."},
]
GOES_ON: list[dict[str, Any]] = [
    speech("stopped", role="assistant"),
    {"type": "transcript", "role": "user", "transcriptType": "partial", "transcript": "My sink"},
    {"type": "transcript", "role": "assistant", "transcriptType": "final", "transcript": "Which unit?"},
    {"type": "conversation-update", "messages": [], "role": "user"},
]


@pytest.mark.parametrize("told", FINISHED)
async def test_words_go_out_as_soon_as_anything_says_that_the_caller_has_finished(
    virtual_time: VirtualTime, told: dict[str, Any]
) -> None:
    host = Host()
    async with controls(host) as found:
        found.notice(CALL_ID, speech("started"))
        asking = asyncio.create_task(found.send(CALL_ID, say("Help is on its way.")))
        await asyncio.sleep(1.0)
        found.notice(CALL_ID, told)
        await asking

    assert virtual_time.elapsed_s == pytest.approx(1.0)


@pytest.mark.parametrize("told", GOES_ON)
async def test_words_go_on_waiting_while_the_caller_speaks(
    virtual_time: VirtualTime, told: dict[str, Any]
) -> None:
    host = Host()
    async with controls(host) as found:
        found.notice(CALL_ID, speech("started"))
        found.notice(CALL_ID, told)
        await found.send(CALL_ID, say("Help is on its way."))

    assert virtual_time.elapsed_s == pytest.approx(HOLD_S)


async def test_a_lost_message_holds_up_one_line_and_not_all_that_follow(virtual_time: VirtualTime) -> None:
    host = Host()
    async with controls(host) as found:
        found.notice(CALL_ID, speech("started"))
        for words in ("Help is on its way.", "It takes ten minutes.", "Stay on the line."):
            await found.send(CALL_ID, say(words))

    assert virtual_time.elapsed_s == pytest.approx(HOLD_S)
    assert len(host.bodies) == 3


async def test_a_host_that_is_not_asked_is_told_once_for_each_call(caplog: pytest.LogCaptureFixture) -> None:
    other = CallId("another")

    async with Controls(("vapi.ai",)) as found:
        for _ in range(3):
            found.notice(CALL_ID, {"type": "transcript", "call": a_call("https://evil.example/control")})
            found.notice(other, {"type": "transcript", "call": a_call("https://evil.example/control")})
            found.notice(CALL_ID, {"type": "transcript", "call": a_call("https://[evil")})

    lines = [vars(line) for line in caplog.records if line.msg == "vapi.control_url_refused"]
    assert [line["host"] for line in lines] == ["evil.example", "evil.example", ""]
    assert all("OFFHOOK_VAPI_CONTROL_HOSTS" in line["to_do"] for line in lines)


async def test_a_listed_host_without_https_is_not_told_to_be_listed(caplog: pytest.LogCaptureFixture) -> None:
    async with Controls(("vapi.ai",)) as found:
        found.notice(CALL_ID, {"type": "transcript", "call": a_call("http://vapi.ai/x/control")})

    (line,) = [vars(line) for line in caplog.records if line.msg == "vapi.control_url_refused"]
    assert "https" in line["to_do"]
    assert "OFFHOOK_VAPI_CONTROL_HOSTS" not in line["to_do"]
