"""Reads TwiML as strictly as Twilio does: what it would refuse is refused here, with its error number.

Only the verbs of a Gather loop are understood. Source: Twilio's "TwiML for Programmable Voice",
"Gather", "Say" and "Dial" pages and its error pages 11750, 12100, 13223, 13224, 13327 and 13335.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from voice.errors import BadRequest

MAX_BYTES = 64 * 1024
MAX_SAY_CHARS = 4096
MEDIA_TYPES = {"text/xml", "application/xml", "text/html"}
INPUTS = {"dtmf", "speech", "dtmf speech", "speech dtmf"}

_ATTRIBUTES = {
    "Say": {"voice", "language", "loop"},
    "Pause": {"length"},
    "Redirect": {"method"},
    "Hangup": set[str](),
    "Reject": {"reason"},
    "Dial": {"action", "method", "timeout", "answerOnBridge", "callerId", "timeLimit", "hangupOnStar"},
    "Number": {"sendDigits", "url", "method"},
    "Sip": {"url", "method", "username", "password"},
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
class Say:
    """Words for the caller."""

    text: str


@dataclass(frozen=True, slots=True)
class Gather:
    """Listen to the caller. `says` is spoken meanwhile; `action` None: the document itself."""

    says: tuple[Say, ...]
    action: str | None
    on_empty: bool


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on with another document."""

    url: str


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""


@dataclass(frozen=True, slots=True)
class Dial:
    """Put the caller through. `action`: where Twilio goes on afterwards; None: with the next verb."""

    to: str
    action: str | None


Verb = Say | Gather | Redirect | Hangup | Dial


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
            case "Gather":
                yield _gather(element)
            case "Redirect":
                yield Redirect(_text(element))
            case "Hangup" | "Reject":
                yield Hangup()
            case "Dial":
                yield _dial(element)


def _check_attributes(element: ElementTree.Element) -> None:
    known = _ATTRIBUTES.get(element.tag)
    if known is None:
        raise BadRequest(f"<{element.tag}> is no verb of a Gather loop")
    if unknown := set(element.attrib) - known:
        raise BadRequest(f"<{element.tag}> has no attribute {sorted(unknown)[0]!r}")


def _say(element: ElementTree.Element) -> Say:
    text = _text(element)
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
    if given.get("input", "dtmf") not in INPUTS:
        raise BadRequest(f"<Gather> cannot listen to {given['input']!r}")
    patience = given.get("speechTimeout", "auto")
    if patience != "auto" and not (patience.isdigit() and int(patience) > 0):
        raise BadRequest(f"Twilio warning 13327: speechTimeout is {patience!r}; whole seconds or auto")
    if given.get("speechTimeout") == "auto" and "speechModel" in given:
        raise BadRequest('Twilio warning 13335: speechTimeout="auto" does not go with a speechModel')
    if given.get("actionOnEmptyResult", "false") not in {"true", "false"}:
        raise BadRequest("<Gather> actionOnEmptyResult is neither true nor false")
    says = []
    for child in element:
        _check_attributes(child)
        if child.tag not in {"Say", "Pause"}:
            raise BadRequest(f"<{child.tag}> cannot stand in a <Gather>")
        says += [_say(child)] if child.tag == "Say" else []
    return Gather(tuple(says), given.get("action"), given.get("actionOnEmptyResult") == "true")


def _dial(element: ElementTree.Element) -> Dial:
    nouns = list(element)
    for noun in nouns:
        _check_attributes(noun)
        if noun.tag not in {"Number", "Sip"}:
            raise BadRequest(f"<{noun.tag}> cannot stand in a <Dial>")
    if len(nouns) != 1:
        raise BadRequest(f"<Dial> has {len(nouns)} nouns; the Gather loop knows of one")
    to = _text(nouns[0])
    is_sip = to.startswith("sip:") and nouns[0].tag == "Sip"
    if not is_sip and not (nouns[0].tag == "Number" and to.removeprefix("+").isdigit()):
        raise BadRequest(f"Twilio error 13223 or 13224: {to!r} cannot be dialled")
    return Dial(to, element.attrib.get("action"))
