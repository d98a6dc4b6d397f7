"""The document that opens a relay socket, read as strictly as Twilio reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.relay.twiml import connect_relay
from tests.builders import an_agent
from tests.handlers.relay_line import agents
from voice.agents.load import read_agent
from voice.agents.twilio import LineLanguage, Preset, TwilioLine
from voice.simulate.twiml import Connect, Verb, read_twiml

PUBLIC = "https://voice.example.com/phone"


def read(line: TwilioLine, greeting: str | None = "Hello.", **more: Any) -> Sequence[Verb]:
    agent = an_agent(twilio=line)
    return read_twiml(
        "text/xml", str(connect_relay(agent, PUBLIC, "TICKET", greeting=greeting, **more)).encode()
    )


def attributes(line: TwilioLine, greeting: str | None = "Hello.") -> str:
    return str(connect_relay(an_agent(twilio=line), PUBLIC, "TICKET", greeting=greeting))


def test_the_socket_is_at_the_public_url_with_its_ticket() -> None:
    found = attributes(TwilioLine())

    assert 'url="wss://voice.example.com/phone/twilio/relay/TICKET"' in found
    assert 'action="https://voice.example.com/phone/twilio/relay/action?agent=jamie&amp;at=' in found


def test_every_key_of_the_agents_table_is_told() -> None:
    found = attributes(
        TwilioLine(
            voice="UgBBYS2sOqTuMpoF3BR0",
            tts_provider="ElevenLabs",
            transcription_provider="Deepgram",
            speech_model="flux",
            hints=("Maple Court", "unit"),
            interruptible="speech",
            interrupt_sensitivity="low",
            ignore_backchannel=True,
            profanity_filter=False,
            languages=(LineLanguage("es-MX", voice="Lupe-Neural", tts_provider="Amazon"),),
            eot_threshold=0.8,
            eager_eot_threshold=0.4,
            echo_prompt_filtering=True,
            turn_detection=True,
            smart_format=False,
            partial_prompt_on_hangup=True,
            debug=True,
        )
    )

    for told in (
        'voice="UgBBYS2sOqTuMpoF3BR0"',
        'ttsProvider="ElevenLabs"',
        'transcriptionProvider="Deepgram"',
        'speechModel="flux"',
        'partialPrompts="true"',
        'hints="Maple Court,unit"',
        'interruptible="speech"',
        'reportInputDuringAgentSpeech="speech"',
        'interruptSensitivity="low"',
        'ignoreBackchannel="true"',
        'profanityFilter="false"',
        'eotThreshold="0.8"',
        'eagerEotThreshold="0.4"',
        'echoPromptFiltering="true"',
        'turnDetection="true"',
        'asrSmartFormat="false"',
        'partialPromptOnHangup="true"',
        'debug="debugging"',
        'events="speaker-events tokens-played"',
        '<Language code="es-MX" ttsProvider="Amazon" voice="Lupe-Neural" />',
    ):
        assert told in found


def test_partial_words_are_asked_for_only_where_a_model_tells_them() -> None:
    assert "partialPrompts" not in attributes(TwilioLine(speech_model="nova-3-general"))
    assert "partialPrompts" not in attributes(TwilioLine(speech_model="flux", partials=False))


@pytest.mark.parametrize(("preset", "timeout"), [("quick", "auto"), ("patient", "2000"), ("numbers", "3000")])
def test_a_preset_says_when_an_utterance_has_ended(preset: Preset, timeout: str) -> None:
    assert f'speechTimeout="{timeout}"' in attributes(TwilioLine(preset=preset))


def test_without_a_greeting_twilio_says_nothing_by_itself() -> None:
    assert "welcomeGreeting=" not in attributes(TwilioLine(), None)
    assert "welcomeGreeting=" not in attributes(TwilioLine(), "\x00")


@given(
    greeting=st.text(max_size=200),
    hints=st.lists(st.text(min_size=1, max_size=30), max_size=4),
    interruptible=st.sampled_from(["any", "none", "dtmf", "speech"]),
)
def test_whatever_is_said_twilio_can_read_it(greeting: str, hints: list[str], interruptible: str) -> None:
    line = TwilioLine(hints=tuple(hints), interruptible=interruptible)  # type: ignore[arg-type]  # drawn

    verbs = read(line, greeting, again=1, pause_s=2)

    assert isinstance(verbs[-1], Connect)


def test_the_line_of_a_file_is_the_line_of_its_document(tmp_path: Path) -> None:
    folder = agents(tmp_path, tables='[twilio]\nvoice = "Joanna-Neural"\ntts_provider = "Amazon"\n')

    found = str(connect_relay(read_agent(folder / "jamie.toml", ()), PUBLIC, "TICKET", greeting=None))

    assert 'voice="Joanna-Neural"' in found
