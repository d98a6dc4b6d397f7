"""Twilio's end of a ConversationRelay socket, played against a server that does what a test says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conftest import VirtualTime
from tests.voice.simulate.played_sockets import ScriptedRelay
from tests.voice.simulate.relay_call import EVENTS, GREETING, SOCKET, Call, connect, echo
from voice.errors import BadRequest
from voice.simulate.caller import say_until
from voice.simulate.twilio.http import signature


async def test_a_session_begins_with_a_signed_upgrade_and_a_setup(virtual_time: VirtualTime) -> None:
    call = Call(echo)

    greeting = await call.line.dial()

    assert greeting == GREETING
    ((url, headers),) = call.relay.upgrades
    assert url == "ws://127.0.0.1:8000/twilio/relay/t1"
    assert headers["X-Twilio-Signature"] == signature("12345", SOCKET, ())
    (setup,) = call.relay.came
    assert setup["type"] == "setup"
    assert setup["callSid"] == call.line.call_id
    assert setup["from"] == "+12025550123"
    assert call.forms[0]["CallStatus"] == "ringing"


async def test_a_turn_is_timed_from_the_last_word_to_the_first_token(virtual_time: VirtualTime) -> None:
    call = Call(echo)
    await call.line.dial()

    turn = await call.line.say("My sink leaks")

    assert turn.heard == "You said My sink leaks."
    assert turn.ttfc_ms == pytest.approx(300.0)
    assert call.relay.of("prompt") == [
        {"type": "prompt", "voicePrompt": "My sink leaks", "lang": "en-US", "last": True}
    ]


async def test_an_interruption_tells_the_words_that_were_spoken_and_for_how_long(
    virtual_time: VirtualTime,
) -> None:
    call = Call(echo, pace=10.0)
    await call.line.dial()

    turn = await say_until(call.line, call.line.say("one two three four"), call.line.aloud.words(4))
    after = await call.line.say("no")

    assert (turn.heard, turn.cut) == ("You said one two", True)
    (interrupt,) = call.relay.of("interrupt")
    assert interrupt["utteranceUntilInterrupt"] == "You said one two"
    assert 1500 <= interrupt["durationUntilInterruptMs"] <= 1600
    assert call.kinds() == ["setup", "prompt", "interrupt", "prompt"]
    assert after.heard == "You said no."


async def test_words_that_nothing_may_interrupt_are_heard_out(virtual_time: VirtualTime) -> None:
    async def sworn(relay: ScriptedRelay, message: dict[str, Any]) -> None:
        if message["type"] == "prompt":
            relay.say("This call is recorded.", last=True, interruptible=False)

    call = Call(sworn, pace=10.0)
    await call.line.dial()

    turn = await say_until(call.line, call.line.say("hello"), call.line.aloud.words(1))

    assert (turn.heard, turn.cut) == ("This call is recorded.", False)
    assert call.relay.of("interrupt") == []


async def test_a_preemptible_filler_is_cut_by_the_answer_and_settles_nothing(
    virtual_time: VirtualTime,
) -> None:
    async def slow(relay: ScriptedRelay, message: dict[str, Any]) -> None:
        if message["type"] == "prompt":
            relay.say("One moment, let me look.", last=True, preemptible=True)
            await asyncio.sleep(1.2)
            relay.say("It is open.", last=True)

    call = Call(slow, pace=10.0)
    await call.line.dial()
    began = virtual_time.elapsed_s

    turn = await call.line.say("hello")

    assert turn.heard == "One moment, It is open."
    assert turn.filler == "One moment, let me look."
    assert virtual_time.elapsed_s - began == pytest.approx(1.2 + 1.1 + 0.2)


async def test_who_speaks_and_what_was_played_is_told_where_it_was_asked_for(
    virtual_time: VirtualTime,
) -> None:
    call = Call(echo, connect(**EVENTS))
    await call.line.dial()
    call.relay.came.clear()

    await call.line.say("hello")

    assert call.kinds() == [
        "clientSpeaking on",
        "clientSpeaking off",
        "prompt",
        "agentSpeaking on",
        "tokensPlayed You said ",
        "tokensPlayed hello.",
        "agentSpeaking off",
    ]


async def test_partial_prompts_grow_while_the_caller_speaks(virtual_time: VirtualTime) -> None:
    call = Call(echo, connect(partialPrompts="true"), pace=10.0)
    await call.line.dial()

    turn = await call.line.say("one two three")

    told = [(one["voicePrompt"], one["last"]) for one in call.relay.of("prompt")]
    assert told == [("one", False), ("one two", False), ("one two three", False), ("one two three", True)]
    assert turn.ttfc_ms == pytest.approx(300.0), "the wait begins when the caller has finished"


@pytest.mark.parametrize(("detects", "digits"), [("true", ["1", "2", "#"]), ("false", [])])
async def test_keys_are_told_only_where_they_are_detected(
    virtual_time: VirtualTime, detects: str, digits: list[str]
) -> None:
    async def answer(relay: ScriptedRelay, message: dict[str, Any]) -> None:
        if message.get("digit") == "#":
            relay.say("Thank you.", last=True)

    call = Call(answer, connect(dtmfDetection=detects))
    await call.line.dial()

    turn = await call.line.press("12#")

    assert [one["digit"] for one in call.relay.of("dtmf")] == digits
    assert turn.silent != bool(digits)


async def test_the_handoff_data_comes_back_to_the_action_url_as_it_was(virtual_time: VirtualTime) -> None:
    async def leave(relay: ScriptedRelay, message: dict[str, Any]) -> None:
        if message["type"] == "prompt":
            relay.say("Goodbye.", last=True)
            relay.frame({"type": "end", "handoffData": '{"then": "hang_up"}'})

    call = Call(leave)
    await call.line.dial()

    turn = await call.line.say("bye")

    assert turn.heard == "Goodbye."
    assert call.line.is_over
    action = call.forms[1]
    assert action[""] == "/twilio/relay/action"
    assert (action["SessionStatus"], action["HandoffData"]) == ("ended", '{"then": "hang_up"}')
    assert action["CallStatus"] == "in-progress"
    assert action["SessionId"] == call.relay.came[0]["sessionId"]


async def test_what_is_said_before_the_socket_is_heard_once(virtual_time: VirtualTime) -> None:
    start = "<Say>This call is recorded.</Say><Start><Recording/></Start>"
    call = Call(echo, connect().replace("<Response>", f"<Response>{start}"))

    greeting = await call.line.dial()

    assert greeting == f"This call is recorded. {GREETING}"
    assert call.told == ["a recording begins, behind 'This call is recorded.'"]


async def test_an_end_that_comes_too_early_cuts_the_goodbye(virtual_time: VirtualTime) -> None:
    async def hasty(relay: ScriptedRelay, message: dict[str, Any]) -> None:
        if message["type"] == "prompt":
            relay.say("Thanks for calling, goodbye.", last=True)
            await asyncio.sleep(1.0)
            relay.frame({"type": "end"})

    call = Call(hasty, pace=10.0)
    await call.line.dial()

    turn = await call.line.say("bye")

    assert turn.heard == "Thanks for"


async def test_a_socket_that_breaks_is_told_and_opened_anew_for_the_same_call(
    virtual_time: VirtualTime,
) -> None:
    async def again(relay: ScriptedRelay, message: dict[str, Any]) -> None:
        if message["type"] == "setup" and len(relay.upgrades) == 2:
            relay.say("Where were we?", last=True)

    call = Call(again, connect(), connect(url=f"{SOCKET}2", welcomeGreeting=""))
    await call.line.dial()

    await call.line.drop()

    first, second = call.relay.of("setup")
    assert first["callSid"] == second["callSid"]
    assert first["sessionId"] != second["sessionId"]
    assert call.forms[1]["SessionStatus"] == "failed"
    assert call.forms[1]["ErrorCode"] == "64105"
    assert call.told[-1] == "the agent says: Where were we?"


async def test_a_reply_that_the_drop_cut_in_two_is_one_turn(virtual_time: VirtualTime) -> None:
    async def broken(relay: ScriptedRelay, message: dict[str, Any]) -> None:
        if message["type"] == "prompt":
            relay.say("The office is open ")
        if message["type"] == "setup" and len(relay.upgrades) == 2:
            relay.say("until noon.", last=True)

    call = Call(broken, connect(), connect(welcomeGreeting=""), pace=10.0)
    await call.line.dial()

    saying = asyncio.create_task(call.line.say("when"))
    await asyncio.sleep(1.4)
    await call.line.drop()

    assert (await saying).heard == "The office is until noon."


async def test_ten_bad_frames_in_a_row_close_the_session(virtual_time: VirtualTime) -> None:
    async def babble(relay: ScriptedRelay, message: dict[str, Any]) -> None:
        if message["type"] == "prompt":
            for bad in ('"text"', "{", '{"type": "token"}', '{"type": "text", "token": null}') * 3:
                relay.raw(bad)

    call = Call(babble)
    await call.line.dial()

    await call.line.say("hello")

    assert 1007 in call.relay.closed_with
    assert len(call.relay.of("error")) == 10
    assert call.forms[1]["ErrorCode"] == "64105"
    assert "Twilio error 64107: it is no JSON object in a text frame" in call.told


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "text", "token": "x", "last": "true"},
        {"type": "play"},
        {"type": "sendDigits", "digits": "12a"},
        {"type": "language"},
        {"type": "end", "handoffData": {"then": "transfer"}},
        {"type": "hangup"},
    ],
    ids=lambda frame: str(frame["type"]),
)
async def test_a_frame_that_twilio_would_drop_is_told(
    virtual_time: VirtualTime, frame: dict[str, Any]
) -> None:
    async def answer(relay: ScriptedRelay, message: dict[str, Any]) -> None:
        if message["type"] == "prompt":
            relay.frame(frame)
            relay.say("Still here.", last=True)

    call = Call(answer)
    await call.line.dial()

    turn = await call.line.say("hello")

    assert turn.heard == "Still here."
    assert [text for text in call.told if text.startswith("Twilio error 64107")]


async def test_a_talk_that_nobody_closes_is_found(virtual_time: VirtualTime) -> None:
    async def open_ended(relay: ScriptedRelay, message: dict[str, Any]) -> None:
        if message["type"] == "prompt":
            relay.say("And then ")

    call = Call(open_ended)
    await call.line.dial()

    with pytest.raises(BadRequest, match="no frame with last:true"):
        await call.line.say("hello")


async def test_a_server_that_says_nothing_makes_a_silent_turn(virtual_time: VirtualTime) -> None:
    async def nothing(relay: ScriptedRelay, message: dict[str, Any]) -> None:
        return

    call = Call(nothing)
    await call.line.dial()

    turn = await call.line.say("hello")

    assert turn.silent
    assert turn.late


async def test_silence_ends_with_the_words_of_an_agent_who_asks(virtual_time: VirtualTime) -> None:
    async def asks(relay: ScriptedRelay, message: dict[str, Any]) -> None:
        await asyncio.sleep(8.0)
        relay.say("Are you still there?", last=True)

    call = Call(asks)
    await call.line.dial()

    turn = await call.line.keep_silent(20.0)

    assert (turn.said, turn.heard, turn.late) == ("", "Are you still there?", False)
    assert turn.ttfc_ms == pytest.approx(7800.0)


async def test_a_caller_who_hangs_up_is_told_to_the_action_url_and_to_the_status_door(
    virtual_time: VirtualTime,
) -> None:
    call = Call(echo)
    await call.line.dial()

    await call.line.hang_up()

    assert [(form[""], form["CallStatus"]) for form in call.forms[1:]] == [
        ("/twilio/relay/action", "completed"),
        ("/twilio/status", "completed"),
    ]
    assert call.forms[1]["SessionStatus"] == "completed"


async def test_a_socket_that_is_refused_is_told_to_the_action_url(virtual_time: VirtualTime) -> None:
    async def refused(url: str, headers: object) -> ScriptedRelay:
        raise BadRequest("Twilio error 64102: it answered 403")

    call = Call(echo, sockets=refused)

    greeting = await call.line.dial()

    assert greeting == ""
    assert call.line.is_over
    assert call.forms[1]["ErrorCode"] == "64102"


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (connect(url="ws://voice.example.com/x"), "64101: the url .* must be wss://"),
        (connect(interruptible="maybe"), "64101: interruptible is 'maybe'"),
        (connect(events="speaker-event"), "no event 'speaker-event'"),
        (connect(speach_model="nova"), "no attribute 'speach_model'"),
        ("<Response><Connect><Stream/></Connect></Response>", "one <ConversationRelay>"),
    ],
)
async def test_a_document_that_no_session_can_begin_with_is_named(document: str, why: str) -> None:
    call = Call(echo, document)

    with pytest.raises(BadRequest, match=why):
        await call.line.dial()


async def test_a_server_that_listens_by_gather_is_no_relay() -> None:
    call = Call(echo, '<Response><Gather input="speech"><Say>Hello.</Say></Gather></Response>')

    with pytest.raises(BadRequest, match="OFFHOOK_TWILIO_MODE"):
        await call.line.dial()
