"""Reads TwiML as strictly as Twilio does: what it would refuse is refused here, with its error number.

Only the verbs of a phone agent are understood. Source: Twilio's "TwiML for Programmable Voice",
"Gather", "Say", "Dial" and "Connect" pages and its error pages 11750, 12100, 13223, 13224, 13327 to
13329 and 13335.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from voice.errors import BadRequest
from voice.simulate.twiml_relay import Relay, read_relay

MAX_BYTES = 64 * 1024
MAX_SAY_CHARS = 4096
MAX_HINTS, MAX_HINT_CHARS = 500, 100
MEDIA_TYPES = {"text/xml", "application/xml", "text/html"}
INPUTS = {"dtmf", "speech", "dtmf speech", "speech dtmf"}
METHODS = {"GET", "POST"}
KEYS = set("0123456789*#")

_RECORDING = {
    "recordingStatusCallback",
    "recordingStatusCallbackMethod",
    "recordingStatusCallbackEvent",
    "trim",
}
_CALLBACKS = {"statusCallback", "statusCallbackMethod", "statusCallbackEvent"}
_ATTRIBUTES = {
    "Say": {"voice", "language", "loop"},
    "Play": {"loop", "digits"},
    "Pause": {"length"},
    "Redirect": {"method"},
    "Hangup": set[str](),
    "Reject": {"reason"},
    "Connect": {"action", "method"},
    "Start": set[str](),
    "Recording": _RECORDING | {"track", "channels"},
    "Record": _RECORDING
    | {"action", "method", "timeout", "finishOnKey", "maxLength", "playBeep", "transcribe"},
    "Dial": _RECORDING
    | {
        "action",
        "method",
        "timeout",
        "answerOnBridge",
        "callerId",
        "timeLimit",
        "hangupOnStar",
        "record",
        "ringTone",
        "sequential",
    },
    "Number": _CALLBACKS | {"sendDigits", "url", "method", "machineDetection"},
    "Sip": _CALLBACKS | {"url", "method", "username", "password"},
    "Gather": {
        "input",
        "action",
        "method",
        "actionOnEmptyResult",
        "timeout",
        "speechTimeout",
        "maxSpeechTime",
        "speechModel",
        "language",
        "hints",
        "profanityFilter",
        "finishOnKey",
        "numDigits",
        "partialResultCallback",
        "partialResultCallbackMethod",
        "enhanced",
        "bargeIn",
        "debug",
    },
}


@dataclass(frozen=True, slots=True)
class Link:
    """Where Twilio goes on, and how it asks there."""

    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Say:
    """Words for the caller."""

    text: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is said for so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Gather:
    """Listen to the caller. `says` is spoken meanwhile; `action` None: the document itself.

    `partial`: where words are told while the caller still speaks. So many `digits` end it, or so long
    without a key or word (`timeout_s`).
    """

    says: tuple[Say, ...]
    action: str | None
    on_empty: bool
    method: str = "POST"
    inputs: frozenset[str] = frozenset({"dtmf"})
    partial: Link | None = None
    finish_key: str = "#"
    digits: int | None = None
    timeout_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on with another document."""

    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""


@dataclass(frozen=True, slots=True)
class Dial:
    """Put the caller through. `action`: where Twilio goes on afterwards; None: with the next verb.

    `whisper` is what the person hears before they are put together, after `ring_s` at most.
    """

    to: str
    action: str | None
    method: str = "POST"
    ring_s: float = 30.0
    whisper: Link | None = None


@dataclass(frozen=True, slots=True)
class Connect:
    """Give the call to a ConversationRelay. `action`: where Twilio goes on when the session is over."""

    relay: Relay
    action: str | None
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Recording:
    """The call is recorded from here on; `told` hears when the recording is ready."""

    told: Link | None


@dataclass(frozen=True, slots=True)
class Record:
    """The caller leaves a message."""

    action: str | None
    method: str = "POST"


Verb = Say | Pause | Gather | Redirect | Hangup | Dial | Connect | Recording | Record


def read_twiml(media_type: str, body: bytes) -> list[Verb]:
    """The verbs of a document, in order. Raises BadRequest where Twilio would end the call."""
    kind = media_type.partition(";")[0].strip().lower()
    if kind not in MEDIA_TYPES:
        raise BadRequest(f"Twilio takes no TwiML as {kind or 'an unnamed type'}: plain text is read aloud")
    if len(body) > MAX_BYTES:
        raise BadRequest(f"Twilio error 11750: the document has {len(body)} bytes; {MAX_BYTES} are taken")
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as exc:
        raise BadRequest(f"Twilio error 12100: the document is not XML: {exc}") from None
    if root.tag != "Response":
        raise BadRequest(f"Twilio error 12100: the root element is <{root.tag}>, not <Response>")
    return list(_verbs(root))


def _verbs(root: ElementTree.Element) -> Iterator[Verb]:
    for element in root:
        _check_attributes(element)
        match element.tag:
            case "Say":
                yield _say(element)
            case "Play":
                _text(element)
            case "Pause":
                yield Pause(_seconds(element, "length", 1))
            case "Gather":
                yield _gather(element)
            case "Redirect":
                yield Redirect(_text(element), _method(element))
            case "Hangup" | "Reject":
                yield Hangup()
            case "Dial":
                yield _dial(element)
            case "Connect":
                yield _connect(element)
            case "Start":
                yield _start(element)
            case "Record":
                yield Record(element.get("action"), _method(element))
            case _:
                raise BadRequest(f"<{element.tag}> is no verb; it stands in another one")


def _check_attributes(element: ElementTree.Element) -> None:
    known = _ATTRIBUTES.get(element.tag)
    if known is None:
        raise BadRequest(f"<{element.tag}> is no verb of a phone agent")
    if unknown := set(element.attrib) - known:
        raise BadRequest(f"<{element.tag}> has no attribute {sorted(unknown)[0]!r}")


def _say(element: ElementTree.Element) -> Say:
    for child in element:
        if child.tag != "say-as" or set(child.attrib) != {"interpret-as"}:
            raise BadRequest(f"<{child.tag}> is no part of a <Say>")
        if not element.attrib.get("voice", "").startswith(("Polly.", "Google.")):
            raise BadRequest("SSML needs a voice of Amazon's or Google's")
    text = "".join(element.itertext()).strip()
    if not text:
        raise BadRequest("<Say> is empty")
    if len(text) > MAX_SAY_CHARS:
        raise BadRequest(f"a <Say> has {len(text)} characters; Twilio takes {MAX_SAY_CHARS}")
    return Say(text)


def _text(element: ElementTree.Element) -> str:
    text = (element.text or "").strip()
    if not text:
        raise BadRequest(f"<{element.tag}> is empty")
    return text


def _gather(element: ElementTree.Element) -> Gather:
    given = element.attrib
    _check_gather(element)
    says = []
    for child in element:
        _check_attributes(child)
        if child.tag not in {"Say", "Play", "Pause"}:
            raise BadRequest(f"<{child.tag}> cannot stand in a <Gather>")
        says += [_say(child)] if child.tag == "Say" else []
    return Gather(
        tuple(says),
        given.get("action"),
        given.get("actionOnEmptyResult") == "true",
        _method(element),
        frozenset(given.get("input", "dtmf").split()),
        _link(element, "partialResultCallback", "partialResultCallbackMethod", error=13329),
        given.get("finishOnKey", "#"),
        int(given["numDigits"]) if "numDigits" in given else None,
        _seconds(element, "timeout", 5),
    )


def _check_gather(element: ElementTree.Element) -> None:
    given = element.attrib
    if given.get("input", "dtmf") not in INPUTS:
        raise BadRequest(f"<Gather> cannot listen to {given['input']!r}")
    _check_patience("speechTimeout", given.get("speechTimeout", "auto"), 13327, also_auto=True)
    _check_patience("maxSpeechTime", given.get("maxSpeechTime", "60"), 13328)
    if given.get("speechTimeout") == "auto" and "speechModel" in given:
        raise BadRequest('Twilio warning 13335: speechTimeout="auto" does not go with a speechModel')
    if given.get("actionOnEmptyResult", "false") not in {"true", "false"}:
        raise BadRequest("<Gather> actionOnEmptyResult is neither true nor false")
    if not set(given.get("finishOnKey", "#")) <= KEYS:
        raise BadRequest(f"<Gather> finishOnKey is {given['finishOnKey']!r}; only 0 to 9, # and * are keys")
    if not given.get("numDigits", "1").isdigit() or not int(given.get("numDigits", "1")):
        raise BadRequest(f"<Gather> numDigits is {given['numDigits']!r}; a whole number from 1")
    hints = [hint.strip() for hint in given.get("hints", "").split(",")]
    if len(hints) > MAX_HINTS or any(len(hint) > MAX_HINT_CHARS for hint in hints):
        raise BadRequest(f"<Gather> takes {MAX_HINTS} hints of {MAX_HINT_CHARS} characters")


def _check_patience(name: str, value: str, code: int, *, also_auto: bool = False) -> None:
    if not (also_auto and value == "auto") and not (value.isdigit() and int(value) > 0):
        takes = "whole seconds or auto" if also_auto else "whole seconds"
        raise BadRequest(f"Twilio warning {code}: {name} is {value!r}; {takes}")


def _dial(element: ElementTree.Element) -> Dial:
    nouns = list(element)
    for noun in nouns:
        _check_attributes(noun)
        if noun.tag not in {"Number", "Sip"}:
            raise BadRequest(f"<{noun.tag}> cannot stand in a <Dial>")
    if len(nouns) != 1:
        raise BadRequest(f"<Dial> has {len(nouns)} nouns; a phone agent dials one")
    to, noun = _text(nouns[0]), nouns[0]
    is_sip = to.startswith("sip:") and noun.tag == "Sip"
    if not is_sip and not (noun.tag == "Number" and to.removeprefix("+").isdigit()):
        raise BadRequest(f"Twilio error 13223 or 13224: {to!r} cannot be dialled")
    ring_s = _seconds(element, "timeout", 30)
    return Dial(to, element.get("action"), _method(element), ring_s, _link(noun, "url", "method"))


def _connect(element: ElementTree.Element) -> Connect:
    nouns = [child.tag for child in element]
    if nouns != ["ConversationRelay"]:
        raise BadRequest(f"<Connect> has {nouns}; one <ConversationRelay> is understood")
    return Connect(read_relay(element[0]), element.get("action"), _method(element))


def _start(element: ElementTree.Element) -> Recording:
    for child in element:
        _check_attributes(child)
    if [child.tag for child in element] != ["Recording"]:
        raise BadRequest("<Start> starts one <Recording>; nothing else is understood")
    return Recording(_link(element[0], "recordingStatusCallback", "recordingStatusCallbackMethod"))


def _link(element: ElementTree.Element, url: str, method: str, *, error: int | None = None) -> Link | None:
    """The URL in one attribute, with the method in another one."""
    return Link(element.attrib[url], _method(element, method, error)) if element.get(url) else None


def _method(element: ElementTree.Element, name: str = "method", error: int | None = None) -> str:
    method = element.get(name, "POST").upper()
    if method not in METHODS:
        number = f"Twilio warning {error}: " if error else ""
        raise BadRequest(f"{number}<{element.tag}> {name} is {method!r}; GET or POST")
    return method


def _seconds(element: ElementTree.Element, name: str, usual: int) -> float:
    value = element.get(name, str(usual))
    if not value.isdigit():
        raise BadRequest(f"<{element.tag}> {name} is {value!r}; whole seconds")
    return float(value)
