"""The document that opens a ConversationRelay socket: `<Connect><ConversationRelay>`.

Source: Twilio's "ConversationRelay" page; the attributes are those of its Python library 9.13. Telnyx's
page "ConversationRelay (TeXML)" for the fewer that it knows.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from handlers.twilio.twiml import OVERRIDES, Document, Line, say_parts
from voice.agents.agent import Agent
from voice.agents.twilio import FLUX, LineLanguage, Preset
from voice.turn.own import own_line

SOCKET, ACTION = "/twilio/relay", "/twilio/relay/action"
# Silence in milliseconds that ends an utterance. "auto" is Twilio's own judgement, and the quickest.
SPEECH_TIMEOUT: dict[Preset, str] = {"quick": "auto", "patient": "2000", "numbers": "3000"}
# All that its page names; what it makes of others is not told.
TELNYX_KNOWS = (
    "language",
    "voice",
    "transcription_provider",
    "interruptible",
    "welcome_greeting_interruptible",
    "dtmf_detection",
)


def connect_relay(
    agent: Agent,
    public_url: str,
    ticket: str,
    *,
    greeting: Line | None,
    again: int = 0,
    pause_s: int = 0,
    document: Document | None = None,
    of_telnyx: bool = False,
) -> Document:
    """Put the call on a socket of ours; Twilio speaks `greeting` as soon as it is open.

    `again` counts how often in a row the socket was lost; the action URL carries it. `pause_s` passes
    before the socket is opened. `document` is added to, where something comes before it. `of_telnyx`: with
    nothing that only Twilio knows.
    """
    document = document if document is not None else Document()
    if pause_s:
        document.pause(length=pause_s)
    began = {"at": round(time.time()) + pause_s}
    query = urlencode({"agent": agent.name, **began, **({"again": again} if again else {})})
    overrides = "" if of_telnyx else OVERRIDES  # what Telnyx makes of them is not told
    connect = document.connect(action=f"{public_url}{ACTION}?{query}{overrides}", method="POST")
    relay = connect.conversation_relay(
        url=_socket_url(public_url, ticket),
        welcome_greeting=_plain(_said(agent, greeting)),
        **_line(agent, of_telnyx),
    )
    for language in agent.twilio.languages:
        relay.language(**_language(language))
    return document


def _said(agent: Agent, line: Line | None) -> str:
    """A line in plain words: what tags an attribute's text may hold is not told."""
    return own_line(agent, line).text if isinstance(line, str) else line.text if line else ""


def moment(at: str) -> datetime | None:
    """When a session was begun, as its action URL says; None where it does not."""
    return datetime.fromtimestamp(int(at), UTC) if re.fullmatch("[0-9]{1,11}", at) else None


def _socket_url(public_url: str, ticket: str) -> str:
    """The socket's URL. Twilio takes `wss` only, whatever our own URL begins with."""
    _, _, rest = public_url.partition("://")
    return f"wss://{rest}{SOCKET}/{quote(ticket)}"


def _line(agent: Agent, of_telnyx: bool) -> dict[str, object]:
    """How the agent speaks and listens. None leaves an attribute out, so that Twilio's default stands."""
    line = agent.twilio
    found: dict[str, object] = {
        "language": agent.language,
        "voice": line.voice,
        "tts_provider": line.tts_provider,
        "transcription_provider": line.transcription_provider,
        "speech_model": line.speech_model,
        "hints": _plain(",".join(line.hints)),
        "profanity_filter": line.profanity_filter,
        "interruptible": line.interruptible,
        "welcome_greeting_interruptible": line.interruptible,
        "interrupt_sensitivity": line.interrupt_sensitivity,
        "ignoreBackchannel": line.ignore_backchannel or None,
        # By default words that interrupt nothing are dropped: callers would find the agent deaf. Where
        # nothing may interrupt, words over it must not be told either, or they would be a turn.
        "report_input_during_agent_speech": line.interruptible,
        "dtmf_detection": True,
        # Of the speech models flux alone tells words before an utterance has ended.
        "partial_prompts": (line.partials and line.speech_model == FLUX) or None,
        "speechTimeout": SPEECH_TIMEOUT[line.preset],
        "eotThreshold": line.eot_threshold,
        "eager_eot_threshold": line.eager_eot_threshold,
        "echo_prompt_filtering": line.echo_prompt_filtering or None,
        "turn_detection": line.turn_detection or None,
        "asr_smart_format": line.smart_format,
        "partial_prompt_on_hangup": line.partial_prompt_on_hangup or None,
        "debug": "debugging" if line.debug else None,
        "events": "speaker-events tokens-played",
    }
    return {name: found[name] for name in TELNYX_KNOWS} if of_telnyx else found


def _plain(text: str) -> str | None:
    """A text as an attribute can hold it; None where nothing is left of it."""
    return " ".join(say_parts(text)) or None


def _language(language: LineLanguage) -> dict[str, object]:
    return {
        "code": language.code,
        "voice": language.voice,
        "tts_provider": language.tts_provider,
        "transcription_provider": language.transcription_provider,
        "speech_model": language.speech_model,
    }
