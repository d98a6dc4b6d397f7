"""Writes TwiML in an agent's language: what is said, and what Twilio does after it.

Twilio ends a call over a document that it cannot take, so what it would refuse cannot be written here:
attributes of a <Gather> that do not go together, a <Say> or a document that is too long, a character
that no XML holds. Nothing stands before the XML declaration.

Source: Twilio's "TwiML for Programmable Voice", "Gather" and "Say" pages, its error pages 11750, 12100,
13327 and 13335.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Protocol, TypeAlias
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from starlette.responses import Response
from twilio.twiml.voice_response import VoiceResponse  # type: ignore[import-untyped]  # it ships no types

from handlers.wire.place import Place
from voice.agents.agent import Agent
from voice.agents.twilio import Preset
from voice.speech.output import Markup, Piece, pieces_of
from voice.turn.own import markup_at, own_line
from voice.types import DETECTED, Chunk, Door

Document: TypeAlias = VoiceResponse
"""TwiML while it is written: <Response> and the verbs in it."""

ACTION, PARTIAL = "/twilio/gather", "/twilio/partial"
# Twilio's connection overrides, in a fragment that it neither sends nor signs: by itself it asks again only
# once, and only where nobody has answered at all. So a server that is restarted, or a proxy whose server is
# away for a moment, ended the call with Twilio's own message.
OVERRIDES = "#rc=5&rp=ct,5xx"
MAX_SAY_CHARS = 4096  # of one <Say>
MAX_SPOKEN_BYTES = 48 * 1024  # of a document's 64 kB; an hour of talk, as it stands in XML
SAY_TAGS_BYTES = 100  # around each part
SPELL_TAGS_BYTES = len('<say-as interpret-as="characters"></say-as>')
# One attribute is both the wait for an utterance and the wait after a key, and who has typed a number waits
# for us: so longer silences are several of these in a row. "#" ends keys at once.
KEYS_S = 4
NUMBERS_S = 5  # people look for the next group of a number, not for longer
PROVIDERS = {"Amazon": "Polly", "Google": "Google"}  # as <Say> names them; it knows no others

_WORDS = re.compile(r"\s*\S{1,1000}|\s+")
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # not even when escaped


@dataclass(frozen=True, slots=True)
class Listening:
    """When an utterance has ended: at its first pause (`pause_s` None), or after so many seconds of silence.

    `model` is a speech model of Twilio's. Without one, Twilio changes over to another provider when its
    own fails; with one, it does not. One that ends at the first pause cannot be had (warning 13335).
    """

    pause_s: int | None = None
    model: str | None = None
    waits_s: int | None = None  # at the most for its beginning, whatever the agent's file says

    def __post_init__(self) -> None:
        if self.pause_s is None and self.model is not None:
            raise ValueError("Twilio takes no speechModel where speechTimeout is auto")
        if self.pause_s is not None and self.pause_s < 1:
            raise ValueError("Twilio takes whole seconds from 1 as speechTimeout")

    def rounds(self, silence_s: float) -> int:
        """In how many documents in a row a silence is borne; `silence_s` is the agent's."""
        return max(1, ceil((self._patience_s(silence_s) - 1) / KEYS_S))

    def attributes(self, silence_s: float) -> dict[str, Any]:
        """As a <Gather> of one such document has them."""
        waits_s = min(KEYS_S, round(self._patience_s(silence_s) / self.rounds(silence_s)))
        found: dict[str, Any] = {"timeout": waits_s, "speech_timeout": self.pause_s or "auto"}
        return found | ({"speech_model": self.model} if self.model else {})

    def _patience_s(self, silence_s: float) -> int:
        return max(1, round(min(silence_s, self.waits_s or silence_s)))


PRESETS: Mapping[Preset, Listening] = {
    "quick": Listening(),
    "patient": Listening(pause_s=2),
    # People read a number in groups, with a pause after each, and look for the next one.
    "numbers": Listening(pause_s=3, model="numbers_and_commands", waits_s=NUMBERS_S),
}


Line: TypeAlias = str | Chunk
"""What is said: a line as it is written, or what has been read aloud already."""


class Speaks(Protocol):
    """A verb of the library that takes <Say>."""

    def say(self, message: str | None, **attributes: Any) -> Any: ...


class Writer:
    """Writes an agent's documents. URLs are absolute where the public one is known."""

    def __init__(self, agent: Agent, public_url: str | None) -> None:
        self._agent, self._base = agent, public_url or ""

    def ask(self, place: Place, *lines: Line, document: Document | None = None) -> Document:
        """Say it, and listen; the caller may speak while it is said. `document` is what comes before."""
        line, url = self._agent.twilio, self.url(ACTION, place)
        extra: dict[str, Any] = {"hints": ",".join(line.hints)} if line.hints else {}
        extra |= {"num_digits": line.digits} if line.digits else {}
        extra |= {} if line.profanity_filter else {"profanity_filter": False}
        if line.partials:
            partial = self.url(PARTIAL, Place(place.turn, agent=place.agent))
            extra["partial_result_callback"] = partial.removesuffix(OVERRIDES)  # too late, it is of no use
        document = document if document is not None else Document()
        gather = document.gather(
            input="speech dtmf",
            action=url,
            method="POST",
            action_on_empty_result=True,
            language=language_of(self._agent),
            **PRESETS[line.preset].attributes(self._agent.silence_s),
            **extra,
        )
        self.say(gather, lines)
        document.redirect(url, method="POST")  # reached when the Gather itself fails; counts as silence
        return document

    def go_on(self, place: Place, *lines: Line) -> Document:
        """Say it, then fetch the rest."""
        document = Document()
        self.say(document, lines)
        document.redirect(self.url(ACTION, place), method="POST")
        return document

    def end(self, *lines: Line) -> Document:
        """Say it, and hang up."""
        document = Document()
        self.say(document, lines)
        document.hangup()
        return document

    def say(self, parent: Speaks, lines: Iterable[Line], language: str | None = None) -> None:
        """Say lines in the agent's voice, or in Twilio's own for another language."""
        read = [
            own_line(self._agent, line, language=language) if isinstance(line, str) else line
            for line in lines
        ]
        is_plain = language is not None or markup_at(self._agent, Door.GATHER) is Markup.NONE
        spoken = {"language": language or language_of(self._agent)}
        if language is None and (voice := voice_of(self._agent)):
            spoken["voice"] = voice
        # In one breath: each <Say> begins with a pause, and its voice falls at the end.
        if is_plain or not any(one.spelled for line in read for one in line.readings):
            for part in bounded(say_parts(" ".join(line.text for line in read))):
                parent.say(part, **spoken)
            return
        for pieces in spelled_parts(read):
            say = parent.say(None, **spoken)
            for piece in pieces:
                if piece.is_spelled:
                    say.say_as(piece.text, interpret_as="characters")
                else:
                    say.append(piece.text)

    def url(self, path: str, place: Place, **more: str) -> str:
        """Where Twilio goes on, with our note of where the call stands."""
        query = "&".join(part for part in (place.query(), urlencode(more)) if part)
        return f"{self._base}{path}{'?' if query else ''}{query}{OVERRIDES}"


def is_borne(agent: Agent, place: Place) -> bool:
    """Whether the caller is listened to for longer, before they are asked."""
    return place.quiet + 1 < PRESETS[agent.twilio.preset].rounds(agent.silence_s)


def language_of(agent: Agent) -> str | None:
    """An agent's language as <Gather> and <Say> name it; None: a detected one, which they do not know."""
    return None if agent.language == DETECTED else agent.language


def voice_of(agent: Agent) -> str | None:
    """An agent's voice as <Say> names it; None: the account's own."""
    provider = PROVIDERS.get(agent.twilio.tts_provider or "")
    return f"{provider}.{agent.twilio.voice}" if provider and agent.twilio.voice else None


def say_parts(text: str) -> list[str]:
    """A text in pieces that one <Say> takes, cut at spaces; what XML cannot hold is left out."""
    rest, parts = _NO_XML.sub("", text).strip(), []
    while len(rest) > MAX_SAY_CHARS:
        end = rest.rfind(" ", 1, MAX_SAY_CHARS)
        end = end if end > 0 else MAX_SAY_CHARS
        parts.append(rest[:end].strip())
        rest = rest[end:].strip()
    return [*parts, rest] if rest else parts


def bounded(parts: Iterable[str]) -> Iterable[str]:
    """As many of these parts as one document holds."""
    left = MAX_SPOKEN_BYTES
    for part in parts:
        left -= len(escape(part).encode()) + SAY_TAGS_BYTES
        if left < 0:
            return
        yield part


def spelled_parts(lines: Sequence[Chunk]) -> Iterator[list[Piece]]:
    """Lines for a voice that spells, in pieces that one <Say> takes, and as many as one document holds.

    A tag stands whole in one of them: it is cut as the word is that it stands for.
    """
    parts: list[list[Piece]] = [[]]
    room, left = MAX_SAY_CHARS, MAX_SPOKEN_BYTES
    for place, line in enumerate(lines):
        for piece in [*([Piece(" ")] if place else []), *pieces_of(line)]:
            whole = [piece.text] if piece.is_spelled else _WORDS.findall(_NO_XML.sub("", piece.text))
            for text in whole:
                size = len(escape(text).encode()) + (SPELL_TAGS_BYTES if piece.is_spelled else 0)
                if size > room:
                    parts.append([])
                    room, left = MAX_SAY_CHARS, left - SAY_TAGS_BYTES
                room, left = room - size, left - size
                if left < 0:
                    break
                _append(parts[-1], Piece(text, piece.is_spelled))
    # Twilio takes no <Say> in which nothing is said.
    yield from (part for part in parts if any(piece.text.strip() for piece in part))


def _append(part: list[Piece], piece: Piece) -> None:
    """Add a piece; words stand together, or the library would forget the first of them."""
    if part and not (piece.is_spelled or part[-1].is_spelled):
        part[-1] = Piece(part[-1].text + piece.text)
    else:
        part.append(piece)


def hung_up() -> Document:
    """The end of a call without another word."""
    document = Document()
    document.hangup()
    return document


def xml(document: Document | str) -> Response:
    """A document as it leaves."""
    return Response(str(document), media_type="text/xml")
