"""Where a chunk may end: behind a sentence, a line, or (for the first one) a clause.

A mark ends nothing within "Dr. Lee", "3.50", "March 3, 2026", "(512) 555-0134", a link or brackets. Some of
these are known only from what follows, so a place is looked at with one more character at a time, until
it is decided: however the text comes, it is cut at the same places.
"""

from __future__ import annotations

import re

from voice.speech.dots import WHOLE_WORD, dot_ends, near_start
from voice.speech.growing import growing, is_alone, is_plain
from voice.speech.lexicon import NONE, Lexicon
from voice.speech.locales.english import ENGLISH
from voice.speech.normalise import spans
from voice.speech.patterns import Pattern
from voice.speech.readers.context import ends_sentence
from voice.speech.span import Span
from voice.speech.tables import word_set
from voice.speech.thoughts import may_be_thought

MAX_CHARS = 300  # a sentence this long is cut at a space: it is about 20 s of speech
LOOK_CHARS = 64  # behind a mark, at most, until it is decided
MOST_REFUSED = 20  # places in one chunk that end nothing: no sentence has more
FORCED_TAIL_CHARS = 80  # of what may still be growing, where a chunk has become too long
FORCED_NEAR_CHARS, FORCED_LOOK_CHARS = 48, 24  # looked at around the end of a chunk that has become too long

# Without one, only a space may decide something.
MARKS = frozenset("<{[◁`&.,;:!?…-–—\n。！？，；：、")
has_no_mark = MARKS.isdisjoint
_PLACE = Pattern(
    r"(?P<sentence>[.!?…](?<![.!?…]{2})[.!?…]*+[\"'”’)\]*_]*+(?=\s)|[。！？])|(?P<line>\n)"
    r"|(?P<clause>[,;:](?=\s)|[–—](?=[^\d\s–—])|\s?[–—](?<![–—]{2})[–—]*+(?=\s)|\s-(?=\s)|[，；：、])"
)
_SIGN = Pattern(r"[.!?…\n,;:–—。！？，；：、-]")  # each of these stands in a place: a quick look
_SENTENCE_SIGN = Pattern(r"[.!?…\n。！？]")
_SENTENCE_PLACE = Pattern(
    r"(?P<sentence>[.!?…](?<![.!?…]{2})[.!?…]*+[\"'”’)\]*_]*+(?=\s)|[。！？])|(?P<line>\n)"
)
# Where a first clause without a mark may be parted: before a word of grammar that stands behind one of
# content, as in "Your lease ends | on March 14". Such words begin the phrases of speech (M. Liberman and
# K. Church, Text analysis and word pronunciation in text-to-speech synthesis, 1992).
_GRAMMAR = word_set("""
    and but or because so when while if unless until before after that which who where how what whether
    to for at from with in on by about as than into between during within of the a an your our my their
    his her this is are was were has have had will would can could may might should I you we it they he
    she somebody someone there here y pero porque cuando si que para de el la los las un una en con por
""")
# Behind a name or a number only these: "Monday to Friday" and "Kim and Lee" stay together.
_BEHIND_NAME = word_set("""
    for with from at on will can is are was has have if when because but so while who which that until
""")
_JOINING = Pattern(r"(?<=[a-z\d])\s(?=(?P<joining>[A-Za-z]{1,9})\s)")
JOINING_CHARS = 14  # so far in: three words
_UNTIL = Pattern(r"\s*(?:\S+(?:\s\S{0,3})?)?")  # a range is read when its second part has ended
_EXTENSION = Pattern(
    r"\s(?:e|ex|ext|exte|exten|extens|extensi|extensio|(?:ext|extension|x|#)[.:]?\s?\d*)?", re.IGNORECASE
)
_LAST_WORD = Pattern(r"[^\s(\"'“‘*_]*$")
_LIST_NUMBER = Pattern(r"(?:^|\n)[ \t]*(?:\*\*)?(?:\d{1,3}|[A-Za-z])$")
_ANY_WORD = Pattern(r"[^\W_]")
_ITEM_BEGUN = Pattern(r"[ \t]*(?:[-*+•>#|]|\d{1,3}[.)])")
_STAR_BEGUN = Pattern(r"(?<![\w*])\*(?=[^\s*])[^*]{0,60}$")
_TAG_BEGUN = Pattern(r"<[/A-Za-z!][^<>]{0,200}$")
_OPENING = Pattern(r"[\[(*~<|]")  # one of these stands in whatever may be open: a quick look
_BRACKET_BEGUN = Pattern(r"\[[^\[\]]{0,300}$|\([^()\n]{0,80}$|\]\([^()\n]{0,300}$")

_CALENDAR = frozenset(
    (*ENGLISH.month_forms, *ENGLISH.weekday_forms, *ENGLISH.holidays, "Day", "noon", "midnight")
)


class Boundary:
    """Finds the ends of chunks in a text that grows, and remembers what it has looked at."""

    __slots__ = (
        "_began", "_first_chars", "_from", "_has_names", "_has_sign", "_joins", "_joins_at", "_looked",
        "_names", "_refused", "_sleeps", "_unopened", "sleeps_to", "takes_clause", "wakes_at",
    )  # fmt: skip

    def __init__(self, first_chars: int, *, joins: bool, names: Lexicon = NONE) -> None:
        self._first_chars, self._joins, self._names = first_chars, joins, names
        self._has_names = bool(names)
        self.begin(takes_clause=True, sleeps=True)

    def begin(self, *, takes_clause: bool, sleeps: bool) -> None:
        """A chunk has left: the text begins anew. `sleeps`: nothing is in it that may decide something."""
        self._began = -1  # where its first word begins; it has none yet
        self._from = 0  # places before it end nothing
        self._looked = 0  # so much of the text did not decide the place in question
        self._refused = 0  # so many places ended nothing
        self._has_sign = False  # one stands behind `_from`
        self._unopened = 0  # up to here nothing has opened that may still be open
        self._joins_at = JOINING_CHARS  # from there on a space may decide something
        self._sleeps = sleeps
        self.takes_clause = takes_clause  # or a sentence alone
        self.wakes_at = 0  # at so many characters anything may decide something, not only a mark
        self.sleeps_to = 0  # at fewer, nothing but a mark
        if sleeps:
            self.wakes_at = MAX_CHARS + 1
            self.sleeps_to = JOINING_CHARS if takes_clause and self._joins else MAX_CHARS + 1

    def wait_behind(self, at: int) -> None:
        """A mark stands at `at`, behind words that decide nothing: the next character tells what it is."""
        self.wakes_at = self.sleeps_to = 0
        if at - 1 > self._from:  # a place may begin with the space before a dash
            self._from = at - 1

    def sleeps_through(self, before: str, piece: str) -> bool:
        """Whether a piece without a mark decides nothing: a clause is parted at a whole word of grammar."""
        if not (piece[1:].isalnum() and piece[0] == " "):
            return piece.isalnum()
        space = before.rfind(" ")
        word = before[space + 1 :]
        if word not in _GRAMMAR:
            return True
        return self._sleeps and (space < self._joins_at or not _may_part(_word_before(before, space), word))

    def end_in(self, text: str, *, takes_clause: bool) -> int | None:
        """Where the next chunk ends; None: not yet."""
        is_long = len(text) > MAX_CHARS
        if is_long:
            text = text[: MAX_CHARS + 1]  # what lies beyond has no say: it may not have come yet
        if self._began < 0:
            word = _ANY_WORD.search(text)
            if word is None:
                return MAX_CHARS if is_long else None
            self._began = word.start()
            self._from = max(self._from, self._began)
        self.takes_clause, self.wakes_at = takes_clause, MAX_CHARS + 1
        self._joins_at = self._began + JOINING_CHARS if takes_clause and self._joins else MAX_CHARS + 1
        self.sleeps_to = self._joins_at
        while (place := self._next(text, takes_clause=takes_clause)) is not None:
            decided = self._ends(text, place)
            if decided and self._has_names and place.lastgroup != "line":
                parted = self._names.parted_at(text, place.end())
                decided = None if parted is None else not parted
            if decided is None:
                self.wakes_at = self.sleeps_to = 0
                return _forced_end(text) if is_long else None
            if decided:
                return place.end()
            self._from, self._looked = place.end(), 0
            self._refused += place.lastgroup != "joining"
        if is_long:
            return _forced_end(text)
        # The last word may still become a place; a sign in it, by the next character.
        last = text.rfind(" ")
        if self._has_sign and _SIGN.search(text, max(last, len(text) - 3, 0)) is not None:
            self.wakes_at = self.sleeps_to = 0
        if last > self._from:
            self._from = last
        return None

    def _next(self, text: str, *, takes_clause: bool) -> re.Match[str] | None:
        """The next place where the text might be cut."""
        sign = (_SIGN if takes_clause else _SENTENCE_SIGN).search(text, self._from)
        self._has_sign = sign is not None
        place = None
        if sign is not None:  # a dash is found from the space before it on
            at = max(self._from, sign.start() - 1)
            if not takes_clause:
                return _SENTENCE_PLACE.search(text, at)
            place = _PLACE.search(text, at)
            if place is not None and place.lastgroup == "clause":
                least = self._began + self._first_chars
                while place is not None and place.lastgroup == "clause" and place.start() < least:
                    place = _PLACE.search(text, place.end())
        if not self._joins or len(text) < self._joins_at:
            return place
        end = len(text) if place is None else place.start() + 1
        one = _JOINING.search(text, max(self._from, self._joins_at), end)
        while one is not None and one["joining"] not in _GRAMMAR:
            one = _JOINING.search(text, one.end(), end)
        return one or place

    def _ends(self, text: str, place: re.Match[str]) -> bool | None:
        """Whether a chunk ends at a place; None: what follows decides it."""
        start, end, kind = place.start(), place.end(), place.lastgroup
        if self._refused > MOST_REFUSED:
            return True
        if kind == "line":
            return _line_ends(text, end)
        if kind == "joining":
            return self._parts_at(text, start, end, place["joining"])
        if self._is_enclosed(text, end):
            return False
        sign = text[start]
        if kind == "sentence":
            if sign != ".":
                return True
            word = _word_before(text, start)
            if word.isalpha() or not any(map(str.isdigit, word)):
                return dot_ends(text, start, end, word)
            if _LIST_NUMBER.search(text[:start]):
                return False
            if word.lstrip("0123456789.,") in ENGLISH.units:  # "a 50ft. cord"
                following = WHOLE_WORD.match(text, end)
                if following is None or not ends_sentence(text[: following.end()], start + 1):
                    return None if following is None else False
        elif sign in "，；：、":
            return True
        elif sign == ",":
            word = _word_before(text, start)
            if is_alone(word) and _begins_at(text, start - len(word)):
                return True
        elif sign == ":" and " " not in text[self._began : start]:
            return False  # "Note:" alone is a label, no clause
        more = _more_behind(text, end)
        if more is None and sign == "—":
            return True
        return self._is_settled(text, end, more)

    def _parts_at(self, text: str, start: int, end: int, joining: str) -> bool | None:
        """Whether a first clause is parted at a space before a word of grammar."""
        word = _word_before(text, start)
        if self._is_enclosed(text, end) or not _may_part(word, joining) or may_be_thought(text):
            return False
        if is_plain(word) and _begins_at(text, start - len(word)):
            return True
        return self._is_settled(text, end, None)

    def _is_enclosed(self, text: str, end: int) -> bool:
        """Whether `end` stands within what has opened and not closed. Nothing is searched twice for that."""
        if _OPENING.search(text, self._unopened, end) is None:
            self._unopened = end
            return False
        return _is_inside(text[:end])

    def _is_settled(self, text: str, end: int, more: Pattern | None) -> bool | None:
        """Whether nothing that is read as a whole goes on behind `end`. Looks one character on at a time.

        `more` is what the text must have gone beyond before that is known.
        """
        at = -1
        for length in range(max(end + 1, self._looked), min(len(text), end + LOOK_CHARS) + 1):
            # Of the last word its first letter decides what is open, and then the space behind it.
            if at < 0 or text[length - 1].isspace() or text[length - 2].isspace():
                at = growing(text[:length], least=end)
            if at >= end and (more is None or not more.fullmatch(text, end, length)):
                break
        else:
            self._looked = len(text) + 1
            if len(text) < end + LOOK_CHARS:
                return None
            length = end + LOOK_CHARS
        if length == end + 1:
            return True
        near = near_start(text, end)
        text = text[near:length]
        return not any(_holds(span, text, end - near) for span in spans(text))


def _more_behind(text: str, end: int) -> Pattern | None:
    """What would go on behind a mark with what stands before it: a range, an extension."""
    sign = text[end - 1]
    if sign in "-–—":
        word = _word_before(text, end - 1) or _word_before(text, end - 2)
        plain = word.rstrip(".")
        is_ranged = any(map(str.isdecimal, word)) or plain in _CALENDAR or plain.lower() in _CALENDAR
        is_ranged = is_ranged or plain in ENGLISH.halves_of_day
        return _UNTIL if is_ranged else None
    return _EXTENSION if sign == "," and text[end - 2 : end - 1].isdecimal() else None


def _holds(span: Span, text: str, end: int) -> bool:
    """Whether a cut would part what is read as a whole; a range ends behind what its sign leads to."""
    if span.start < end < span.end:
        return True
    leads_on = text[span.end - 1] in "-–—" or text[span.start] in "-–—"
    return leads_on and span.start < end <= span.end and bool(span.spoken.strip())


def _may_part(word: str, joining: str) -> bool:
    """Whether a first clause may be parted between these two words: behind one of content, or a name.

    Not behind one that thoughts speak of: of these a whole clause is needed to tell.
    """
    if word in _GRAMMAR or word in ("user", "caller") or "'" in word or "’" in word:
        return False
    return (word.isalpha() and word[0].islower()) or joining in _BEHIND_NAME


def _word_before(text: str, at: int) -> str:
    least = at - 40 if at > 40 else 0
    word = text[text.rfind(" ", least, at) + 1 or least : at]
    if word.isalnum():  # nearly always
        return word
    found = _LAST_WORD.search(word)
    return found[0] if found else ""


def _begins_at(text: str, at: int) -> bool:
    """Whether what stands there is a word from its first sign on: "cats", not the end of "12_cats"."""
    return not at or text[at - 1] == " "


def _line_ends(text: str, end: int) -> bool | None:
    """Whether a line is a thing of its own: not where the next goes on in lower case."""
    following = text[end:].lstrip(" \t")
    if not following:
        return None
    line = text[text.rfind("\n", 0, end - 1) + 1 : end]
    return not following[0].islower() or not line.strip() or _ITEM_BEGUN.match(line) is not None


def _is_inside(text: str) -> bool:
    """Whether a text ends within a link, brackets, a tag, a table's row, or what is marked as one."""
    if ("[" in text or "(" in text) and _BRACKET_BEGUN.search(text) is not None:
        return True
    if "*" in text and _STAR_BEGUN.search(text) is not None:
        return True
    if "~~" in text and text.count("~~") % 2:
        return True
    if "<" in text and _TAG_BEGUN.search(text) is not None:
        return True
    return "|" in text and text[text.rfind("\n") + 1 :].lstrip().startswith("|")


def _forced_end(text: str) -> int:
    """Where a sentence is cut that has become too long: at the last space that parts nothing."""
    head = text[:MAX_CHARS]
    tail = MAX_CHARS - FORCED_TAIL_CHARS
    end = head.rfind(" ", 0, max(1, tail + growing(head[tail:]))) + 1 if " " in head else 0
    if not end:
        return MAX_CHARS
    near = near_start(head, end, FORCED_NEAR_CHARS)
    around = spans(head[near : end + FORCED_LOOK_CHARS])
    crossing = (span.start for span in around if span.start < end - near < span.end)
    return next((near + start for start in crossing), end) or MAX_CHARS


def last_words_end(text: str) -> int:
    """Where the words end that are whole; 0 where a link or brackets are still open."""
    end = text.rfind(" ") + 1
    words = text[:end]
    return 0 if not end or _is_inside(words) else growing(words)
