"""Reads `<Connect><ConversationRelay>`: the attributes that Twilio knows, and the values it takes.

An attribute or a value that it does not know ends the call with an error; here it is refused with a
sentence. Source: Twilio's ConversationRelay noun, and the library's own list of attributes.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree

from voice.errors import BadRequest

SPEAKER_EVENTS, TOKENS_PLAYED = "speaker-events", "tokens-played"
BY = {"none", "dtmf", "speech", "any", "true", "false"}  # the last two: any and none, as they once were
FLAG = {"true", "false"}
PROVIDERS = {"Google", "Amazon", "ElevenLabs", "Deepgram"}

_CHOICES = {
    "welcomeGreetingInterruptible": BY,
    "interruptible": BY,
    "interruptSensitivity": {"low", "medium", "high"},
    "reportInputDuringAgentSpeech": BY,
    "ttsProvider": PROVIDERS,
    "transcriptionProvider": {"Google", "Deepgram"},
    "includeInPrompt": {"turn-state", "prompt-segments"},
    "elevenlabsTextNormalization": {"on", "auto", "off"},
    "debug": {"debugging"},
} | dict.fromkeys(
    (
        "dtmfDetection",
        "preemptible",
        "partialPrompts",
        "turnDetection",
        "ignoreBackchannel",
        "echoPromptFiltering",
        "partialPromptOnHangup",
        "applicationReconnect",
        "deepgramSmartFormat",
        "asrSmartFormat",
        "profanityFilter",
    ),
    FLAG,
)
_FREE = {
    "url",
    "welcomeGreeting",
    "language",
    "ttsLanguage",
    "transcriptionLanguage",
    "voice",
    "speechModel",
    "hints",
    "speechTimeout",
    "eotThreshold",
    "eagerEotThreshold",
    "backgroundNoiseReduction",
    "ttsTextNormalization",
    "ttsLanguageTextNormalization",
    "events",
    "customerName",
    "intelligenceService",
    "conversationConfiguration",
}
_OF_LANGUAGE = {
    "code",
    "ttsProvider",
    "voice",
    "transcriptionProvider",
    "speechModel",
    "hints",
    "asrSmartFormat",
    "deepgramSmartFormat",
    "ttsTextNormalization",
    "elevenlabsTextNormalization",
}


@dataclass(frozen=True, slots=True)
class Relay:
    """A session over a socket. `interruptible` and `reports` name what a caller may speak over it with:
    `none`, `dtmf`, `speech` or `any`. `events` are the `info` messages that are asked for.
    """

    url: str
    greeting: str | None = None
    greeting_interruptible: str = "any"
    interruptible: str = "any"
    language: str = "en-US"
    keys: bool = False
    preemptible: bool = False
    partials: bool = False
    events: frozenset[str] = frozenset()
    parameters: tuple[tuple[str, str], ...] = ()


def read_relay(element: ElementTree.Element) -> Relay:
    """The noun of a `<Connect>`. Raises BadRequest where Twilio would end the call."""
    given = element.attrib
    _check(element)
    return Relay(
        url=_url(given.get("url", "")),
        greeting=given.get("welcomeGreeting") or None,
        greeting_interruptible=_by(given.get("welcomeGreetingInterruptible", "any")),
        interruptible=_by(given.get("interruptible", "any")),
        language=given.get("transcriptionLanguage") or given.get("language") or "en-US",
        keys=given.get("dtmfDetection") == "true",
        preemptible=given.get("preemptible") == "true",
        partials=given.get("partialPrompts") == "true",
        events=frozenset(given.get("events", "").split()),
        parameters=tuple(_parameters(element)),
    )


def interrupts(allowed: str, kind: str) -> bool:
    """Whether `speech` or `dtmf` stops words that `allowed` says are interruptible by."""
    return allowed in {"any", kind}


def _check(element: ElementTree.Element) -> None:
    for name, value in element.attrib.items():
        if name not in _FREE and name not in _CHOICES:
            raise BadRequest(f"<ConversationRelay> has no attribute {name!r}")
        if name in _CHOICES and value not in _CHOICES[name]:
            raise BadRequest(
                f"Twilio error 64101: {name} is {value!r}; one of {', '.join(sorted(_CHOICES[name]))}"
            )
    if unknown := set(element.attrib.get("events", "").split()) - {SPEAKER_EVENTS, TOKENS_PLAYED}:
        raise BadRequest(f"Twilio error 64101: there is no event {sorted(unknown)[0]!r}")


def _url(url: str) -> str:
    if not url.startswith("wss://"):
        raise BadRequest(f"Twilio error 64101: the url of a ConversationRelay is {url!r}; it must be wss://")
    return url


def _by(value: str) -> str:
    return {"true": "any", "false": "none"}.get(value, value)


def _parameters(element: ElementTree.Element) -> list[tuple[str, str]]:
    found = []
    for child in element:
        if child.tag == "Language":
            if unknown := set(child.attrib) - _OF_LANGUAGE:
                raise BadRequest(f"<Language> has no attribute {sorted(unknown)[0]!r}")
        elif child.tag == "Parameter" and set(child.attrib) == {"name", "value"}:
            found.append((child.attrib["name"], child.attrib["value"]))
        else:
            raise BadRequest(f"<{child.tag}> cannot stand so in a <ConversationRelay>")
    return found
