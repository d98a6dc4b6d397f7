"""From written text to its spoken form: what may be heard of it, cleaned, and read aloud in a language."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from voice.speech.chunk import MOST_CHARS, Chunker
from voice.speech.clean import clean, tidied
from voice.speech.firewall import heard_of
from voice.speech.lexicon import NONE, Lexicon
from voice.speech.locales.base import Locale
from voice.speech.locales.english import ENGLISH
from voice.speech.normalise import spans, spoken
from voice.speech.patterns import Pattern
from voice.speech.span import Span, replaced
from voice.speech.technical import may_be_technical
from voice.speech.tongue import is_neutral, tongue_of
from voice.types import DETECTED, Chunk, Reading, Spelled

_SENTENCE_END = Pattern(r"[.!?…][\"'”’)]*\s+")
CONTEXT_CHARS = 60  # of what was written before: "your code is" decides how "4821" is read


@lru_cache(maxsize=64)
def locale_of(language: str) -> Locale | None:
    """The locale of a BCP 47 language ("en-US"); None: what is written in it is cleaned only."""
    code = language.lower().partition("-")[0]
    if code == "es":
        from voice.speech.locales.spanish import SPANISH  # most agents need English alone

        return SPANISH
    return ENGLISH if code == "en" else None


@lru_cache(maxsize=256)
def lexicon_of(names: tuple[tuple[str, str], ...]) -> Lexicon:
    """The lexicon of an agent."""
    return Lexicon(dict(names)) if names else NONE


def written(text: str) -> str:
    """What of a whole text may be heard, without what was written for the eye: of its first MOST_CHARS."""
    return clean(_let_through(heard_of(text)[:MOST_CHARS]))


def _let_through(text: str) -> str:
    """What of a text is said when it is spoken chunk by chunk: some of its sentences are for nobody's ear."""
    if not may_be_technical(text):
        return text
    chunker = Chunker(joins=False)
    return "".join(chunk.sent for chunk in [*chunker.feed(text), *chunker.end()])


def aloud(text: str, locale: Locale | None = ENGLISH, lexicon: Lexicon = NONE) -> str:
    """A whole text as it is said; "" when nothing of it can be."""
    words = written(text)
    if locale is None:
        return replaced(words, list(lexicon.find(words)))
    said = spoken(words, locale, lexicon)
    return said if said is words else tidied(said)


class Reader:
    """Reads the chunks of one reply aloud, one after the other.

    In `multi` each sentence is read in the language that it is in (`tongue`), where that is sure; one that
    tells nothing of it, as the sentence before, or as the first of `asked` that tells one: the words that are
    answered, then what was said before them, the newest first. Where nothing tells, in English.
    """

    def __init__(
        self, language: str, names: tuple[tuple[str, str], ...], asked: str | Iterable[str] = ()
    ) -> None:
        self._locale, self._lexicon = locale_of(language), lexicon_of(names)
        self._detects = language == DETECTED
        self._is_told = False  # whether anything has told the language
        if self._detects:
            words = (asked,) if isinstance(asked, str) else asked
            told = next((said for said in words if not is_neutral(said)), None)
            self._is_told = told is not None
            self._locale = ENGLISH if told is None else _detected(told, None)
        self._before = ""  # the end of a sentence that the next chunk goes on with

    def read(self, chunk: Chunk) -> Chunk:
        """The chunk in its spoken form, with the places that are written otherwise."""
        words, before = chunk.text, self._before
        self._before = "" if words.endswith((".", "!", "?", "…")) else f"{words[-CONTEXT_CHARS:]} "
        found = _tight(words, self._spans(before, words))
        text = replaced(words, found)
        if not found or not text.strip():
            return chunk
        return replace(chunk, text=text, readings=tuple(_readings(words, found)))

    def places(self, words: str) -> list[Span]:
        """The places of a text that stands alone which are read differently from how they are written."""
        return _tight(words, self._spans("", words))

    def _spans(self, before: str, words: str) -> list[Span]:
        if not self._detects:
            return self._spans_of_one(before, words)
        found: list[Span] = []
        for start, end, locale in self._parts(before, words):
            self._locale = locale
            read = self._spans_of_one("" if start else before, words[start:end])
            found += [Span(one.start + start, one.end + start, one.kind, one.spoken) for one in read]
        return found

    def _parts(self, before: str, words: str) -> list[tuple[int, int, Locale | None]]:
        """From where to where a text is in one language, and its locale."""
        parts: list[tuple[int, int, Locale | None]] = []
        at, locale, is_open = 0, self._locale, not self._is_told  # is_open: nothing has told a language yet
        for end in [*(one.end() for one in _SENTENCE_END.finditer(words)), len(words)]:
            sentence = words[at:end] if at else before + words[:end]
            locale = _detected(sentence, locale)
            if parts and (is_open or parts[-1][2] is locale):  # "Dr. Lee" is one text, not two
                parts[-1] = (parts[-1][0], end, locale)
            else:
                parts.append((at, end, locale))
            at, is_open = end, is_open and is_neutral(sentence)
        self._is_told = not is_open
        return parts

    def _spans_of_one(self, before: str, words: str) -> list[Span]:
        if self._locale is None:
            return list(self._lexicon.find(words))
        if not before:
            return spans(words, self._locale, self._lexicon)
        at = len(before)
        found = spans(before + words, self._locale, self._lexicon)
        if any(one.start < at < one.end for one in found):
            return spans(words, self._locale, self._lexicon)  # its beginning was said: the rest is read alone
        return [Span(one.start - at, one.end - at, one.kind, one.spoken) for one in found if one.start >= at]


def _detected(sentence: str, before: Locale | None) -> Locale | None:
    """The locale of a sentence; None in another language. One that tells nothing goes on as `before`."""
    tongue = tongue_of(sentence)
    return locale_of(tongue) if tongue else before if is_neutral(sentence) else None


def _tight(words: str, found: list[Span]) -> list[Span]:
    """The same places without a space that stands there already: beside a space, or behind another place."""
    tight: list[Span] = []
    ended = True  # what was said before ends with a space
    done = 0
    for span in found:
        ended = words[span.start - 1].isspace() if span.start > done else ended
        said = span.spoken.lstrip() if ended else span.spoken
        if said.endswith(" ") and words[span.end : span.end + 1] in ("", " "):
            said = said.rstrip()
        ended, done = said.endswith(" ") if said else ended, span.end
        tight.append(span if len(said) == len(span.spoken) else span._replace(spoken=said))
    return tight


def _readings(words: str, found: list[Span]) -> list[Reading]:
    """The same places within the spoken form."""
    readings, ahead = [], 0  # how much longer the spoken form is so far
    for span in found:
        start = span.start + ahead
        spelled: Spelled = "code" if span.kind == "code" else "phone" if span.kind == "phone" else ""
        written = words[span.start : span.end]
        readings.append(Reading(start, start + len(span.spoken), written, spelled))
        ahead += len(span.spoken) - (span.end - span.start)
    return readings
