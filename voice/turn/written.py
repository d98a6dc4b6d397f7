"""Written: the text of one route so far, as chunks that may be said.

Pieces go in as a model writes them, cut anywhere. Out come chunks: none that the caller has heard, none
twice. When the text goes wrong (it goes in circles, it begins anew, it has no end), it comes to a
`verdict`, and takes no more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from voice.errors import ModelError, ReplyBroken, ReplyLoops
from voice.speech.chunk import Chunker, is_whole
from voice.speech.loops import Loops, goes_round, says_again
from voice.turn.seam import BegunAgain, Seam
from voice.types import Chunk, Finish, words

ANY_WORD = re.compile(r"[^\W_]")
SAID_AGAIN = 3  # words: one who goes on for another says no sentence that the caller has heard
BEGINNING = 4  # words of what was heard; whoever writes them again has begun anew, whatever comes before
MOST_ECHOES = 2  # of a short sentence; then it is a circle


@dataclass(slots=True)
class Written:
    """What one route has written.

    `so_far`: words of the same reply, written by another and heard. `said`: what the caller has heard in
    this turn before this reply, as before a tool.
    """

    name: str  # of the route, for what is said of it
    max_chars: int
    so_far: str = ""
    said: str = ""
    ready: list[Chunk] = field(default_factory=list)  # few: a deque takes 700 bytes before the first one
    verdict: ModelError | Finish | None = None  # it must be stopped: it goes wrong, or it is long enough
    has_chunks: bool = False
    _seam: Seam | None = None
    _heard: list[str] = field(default_factory=list)
    _chunker: Chunker = field(default_factory=Chunker)
    _loops: Loops = field(default_factory=Loops)
    _length: int = 0  # characters of the answer
    _echoes: int = 0  # short sentences that were written twice in a row, and left out

    def __post_init__(self) -> None:
        if self.so_far or self.said:
            self._heard = words(self.so_far or self.said)
        if self.so_far:
            self._seam = Seam(self.so_far)

    def take(self, piece: str, at: float) -> tuple[bool, bool]:
        """Take a piece that came at an instant. Whether it was a sign of an answer, and completed a chunk.

        What is thought aloud, or is no word, is no sign of an answer.
        """
        if self.verdict is not None:
            return False, False
        if self._seam is not None:
            piece = self._joined(self._seam.feed, piece)
        chunks = self._chunker.feed(piece, at)
        if not chunks and self._chunker.is_hiding:
            return False, False
        # Of the answer: a model may think as long as the deadline lets it.
        self._length += len(piece)
        if self._loops.hears_one(piece):
            self.verdict = ReplyLoops(f"route {self.name!r} wrote the same words again and again")
        elif self._length > self.max_chars:
            self.verdict = Finish("length")
        if chunks:
            return True, self._add(chunks)
        return ANY_WORD.search(piece) is not None, False

    def end(self, finish: Finish) -> bool:
        """The writing has ended by itself. True when chunks are left to be said.

        A sentence that the token limit cut off is left out, if others stand without it.
        """
        chunks = []
        if self._seam is not None:
            chunks = self._chunker.feed(self._joined(lambda _: self._seam.end() if self._seam else "", ""))
        tail = [*chunks, *self._chunker.end(is_cut=finish.reason == "length" or not finish.is_told)]
        is_whole_tail = not tail or is_whole(tail[-1].text)
        if not finish.is_told and not is_whole_tail:
            self.verdict = ReplyBroken(f"route {self.name!r} stopped in the middle of a sentence")
            return False
        is_cut = finish.reason == "length" and not is_whole_tail and (self.has_chunks or len(tail) > 1)
        return self._add(tail[:-1] if is_cut else tail)

    @property
    def began_in_thought(self) -> bool | None:
        """As its chunker tells."""
        return self._chunker.began_in_thought

    def flush(self) -> bool:
        """Make the words usable that wait for the end of their sentence. True when there are some."""
        chunks = self._chunker.flush()
        if any(goes_round(words(chunk.text)) for chunk in chunks):
            self.verdict = ReplyLoops(f"route {self.name!r} wrote the same words again and again")
            return False
        return self._add(chunks)

    def pause(self) -> bool:
        """No more words will come: a whole sentence need not wait for the next one to begin."""
        return self._chunker.waits_for_nothing and self._add(self._chunker.feed("\n"))

    def keep_whole(self) -> bool:
        """It was broken off: keep a whole sentence that was waiting, and no more."""
        return self._add([chunk for chunk in self._chunker.end(is_cut=True) if is_whole(chunk.text)])

    def _joined(self, join: Callable[[str], str], piece: str) -> str:
        try:
            return join(piece)
        except BegunAgain:
            self._begins_anew()
            return ""

    def _begins_anew(self) -> None:
        self.verdict = ReplyBroken(f"route {self.name!r} began anew instead of going on")

    def _add(self, chunks: Sequence[Chunk]) -> bool:
        """Make chunks usable, unless the caller has heard them."""
        added = False
        for chunk in chunks:
            if self._heard:
                said = words(chunk.text)
                if says_again(self._heard, said, SAID_AGAIN):
                    continue
                if self.so_far and says_again(said, self._heard[:BEGINNING], BEGINNING):
                    self._begins_anew()
                    return added
            is_echo = self._loops.echoes(chunk.text)
            self._echoes += is_echo
            if self._loops.repeats(chunk.text) or self._echoes >= MOST_ECHOES:
                self.verdict = ReplyLoops(f"route {self.name!r} wrote a sentence for the second time")
                return added
            if not is_echo:  # a short sentence said twice: once is enough
                self.ready.append(chunk)
                added = self.has_chunks = True
        return added
