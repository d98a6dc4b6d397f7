"""What a caller heard besides our replies: an operator's words, the platform's own lines.

A platform's account of a turn holds all that was said to the caller, in one message or in several.
What is not ours in it is an aside, and stands where it was heard. An account is speech recognised
again, so words are compared, and a few words more than ours are no aside but a recogniser's spelling.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import Match, SequenceMatcher

from voice.threads.heard import MAX_WORDS, find_words, same_words
from voice.types import WORD, Aside, join_words, moved, words

LEAST_MORE = 3  # words beyond ours that recognition does not make: "9:30" is said in three, or in four
SURE = 3  # equal words in a row tell our reply from somebody else's; all of it where it is shorter
_ENDS = (".", "!", "?")


@dataclass(frozen=True, slots=True)
class Apart:
    """An account of a turn taken apart: what is ours in it, and what is not.

    `lead` is what was said in the same breath before it, as far as it was not found word for word.
    """

    ours: str
    asides: tuple[Aside, ...] = ()
    lead: str = ""


def take_apart(
    ours: str,
    told: Sequence[str],
    lead: str = "",
    *,
    fillers: Sequence[str] = (),
    known: Sequence[Aside] = (),
) -> Apart:
    """What a platform tells of a reply, without what others said meanwhile.

    `told` are its messages, in order. `lead` was said in the same breath before the reply, `fillers`
    before or within it; both are ours. `known` are asides that were ordered through us.
    """
    if len(told) == 1 and (told[0] == ours or (theirs := words(told[0])) == words(ours)[: len(theirs)]):
        return Apart(told[0], lead=lead)
    found = _Found([*known, *(Aside(line) for line in fillers)], words(lead) + words(ours))
    pieces = [piece for text in told for piece in found.pieces(text)]
    lead = " ".join([lead, *(one.text for one in found.waiting if one.text in fillers)]).strip()
    reply = _Reply(words(lead) + words(ours), ours, len(words(lead)))
    # To be sure costs time, and who has told one thing only has told of the reply if anything of it is in it.
    is_sure = len(pieces) > 1 and any(piece.aside is None and reply.has(piece.text) for piece in pieces)
    for piece in pieces:
        if piece.aside is None or piece.aside in known:
            reply.take(piece, is_sure=is_sure)
    return Apart(" ".join(reply.own), _joined(reply.asides, known), lead)


def interleaved(heard: str, asides: Sequence[Aside]) -> str:
    """All that the caller heard in one turn, each word where it was heard."""
    if not asides:
        return heard.strip()
    text, place = "", 0
    for aside in asides:
        until = min(max(aside.after, place), len(heard))
        text = join_words(join_words(text, heard[place:until].strip()), aside.text)
        place = until
    return join_words(text, heard[place:].strip()).strip()


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    aside: Aside | None = None  # the known one that this is


class _Message:
    """A message of an account, cut by the numbers of its words."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._begins = [found.start() for found in WORD.finditer(text)]

    def part(self, begin: int, end: int | None) -> str:
        """From one word to before another; None: to the end."""
        return self._text[self._at(begin) : len(self._text) if end is None else self._at(end)].strip()

    def has_sentence(self, begin: int, end: int) -> bool:
        """Whether these words stand as a sentence of their own behind another one."""
        before, within = self.part(0, begin), self.part(begin, end)
        return begin < end and before.endswith(_ENDS) and within.endswith(_ENDS)

    def _at(self, word: int) -> int:
        if word == 0:
            return 0
        return self._begins[word] if word < len(self._begins) else len(self._text)


class _Reply:
    """Our reply while an account of it is read: how many of its words were told, what was not among them."""

    def __init__(self, mine: Sequence[str], ours: str, lead: int) -> None:
        self._mine, self._ours, self._lead, self._told = mine, ours, lead, 0
        self._ends = [found.end() for found in WORD.finditer(ours)]
        self.own: list[str] = []
        self.asides: list[Aside] = []

    def has(self, text: str) -> bool:
        """Whether a message surely tells of what is left of the reply."""
        rest, told = self._rest(), words(text)
        least = min(len(rest), len(told))
        sizes = [match.size for match in _matches(rest, told)]
        return least > 0 and max(sizes) >= min(SURE, least) and 2 * sum(sizes) >= least

    def take(self, piece: _Piece, *, is_sure: bool) -> None:
        """Take the next piece of the account. `is_sure`: some piece of it surely tells of the reply."""
        if piece.aside is not None:
            self._put(piece.aside, self._told)
            return
        rest, told = self._rest(), words(piece.text)
        is_ours = self.has(piece.text) if is_sure or self.own else _may_be(rest, told)
        if is_ours:
            self._split(piece.text, rest, told)
        elif told:
            self._put(Aside(piece.text.strip()), self._told)

    def _rest(self) -> Sequence[str]:
        return self._mine[self._told :][:MAX_WORDS]

    def _split(self, text: str, rest: Sequence[str], told: Sequence[str]) -> None:
        """Take a message that tells of the reply; what is too much in it is an aside."""
        message = _Message(text)
        ours_from = place = covered = 0  # in their words: where ours go on, how far it is read; ours read
        for match in _matches(rest, told):
            skipped = match.a - covered  # of ours: whatever stands there tells of them
            begin, end = (place + skipped, match.b) if place else (0, match.b - skipped)
            # "555-0123" is two words of ours and seven of theirs.
            spare = sum(len(word) for word in rest[covered : match.a] if word[0].isdigit())
            if end - begin >= LEAST_MORE + spare or (not skipped and message.has_sentence(begin, end)):
                self.own.append(message.part(ours_from, begin))
                aside = Aside(message.part(begin, end))
                self._put(aside, self._told + (match.a if place else 0))
                ours_from = end
            if match.size:
                covered, place = match.a + match.size, match.b + match.size
        self.own.append(message.part(ours_from, None))
        self._told += covered

    def _put(self, aside: Aside, told: int) -> None:
        """Keep an aside that was heard after so many words of all that we said."""
        count = min(told - self._lead, len(self._ends))
        place = 0
        if count > 0:
            place = self._ends[count - 1]
            while place < len(self._ours) and not self._ours[place].isspace():
                place += 1  # the full stop belongs to the word
        self.asides.append(replace(aside, after=place))


class _Found:
    """Finds texts that are known word for word. Those that stand in our reply, too, are not looked for."""

    def __init__(self, known: Sequence[Aside], mine: Sequence[str]) -> None:
        self._ours = [one for one in known if find_words(mine, words(one.text)) is not None]
        self._sought = [one for one in known if one not in self._ours]

    @property
    def waiting(self) -> list[Aside]:
        """What was not found."""
        return [*self._ours, *self._sought]

    def pieces(self, text: str) -> Iterator[_Piece]:
        """One message of an account, cut where one of them stands in it."""
        while found := self._first(text):
            aside, (begin, end) = found
            self._sought.remove(aside)
            if before := text[:begin].strip():
                yield _Piece(before)
            yield _Piece(text[begin:end], aside)
            text = text[end:].lstrip(" .,!?;:…")
        if text:
            yield _Piece(text)

    def _first(self, text: str) -> tuple[Aside, tuple[int, int]] | None:
        """One of them, and from where to where it stands."""
        spans = [found.span() for found in WORD.finditer(text)]
        for aside in self._sought:
            theirs = words(aside.text)
            place = find_words(words(text), theirs) if theirs else None
            if place is not None:
                return aside, (spans[place][0], spans[place + len(theirs) - 1][1])
        return None


def _matches(ours: Sequence[str], theirs: Sequence[str]) -> list[Match]:
    """Equal runs of words, in order; the last one is empty and stands at both ends."""
    theirs = theirs[:MAX_WORDS]
    return SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()


def _may_be(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether a message may be our reply, badly recognised: it has a word of it, or a number in digits."""
    has_number = any(word[0].isdigit() for word in theirs)
    return bool(ours) and (has_number or not set(ours).isdisjoint(theirs))


def _joined(asides: Sequence[Aside], known: Sequence[Aside]) -> tuple[Aside, ...]:
    """The asides of one place as one, in the words in which they were ordered or told before."""
    joined: list[Aside] = []
    for aside in asides:
        if joined and joined[-1].after == aside.after:
            text = join_words(joined[-1].text, aside.text)
            readings = moved(aside.readings, len(text) - len(aside.text))
            joined[-1] = Aside(text, aside.after, (*joined[-1].readings, *readings))
        else:
            joined.append(aside)
    ours = [(one, next((old for old in known if same_words(old.text, one.text)), one)) for one in joined]
    return tuple(replace(old, after=one.after) for one, old in ours)
