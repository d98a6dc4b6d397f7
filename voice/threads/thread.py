"""Thread: all turns of a call, in order; what was heard, not only what was sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from voice.threads.heard import FEW_WORDS, after, begins_with, heard_part, same_words
from voice.types import SPOKE_OVER, Ending, Message, Turn, Utterance, join_words, words

FINAL = (Ending.ANSWERED, Ending.FELL_BACK, Ending.CUT_SHORT)
# Turns in a row that an account may leave out. Vapi has asked six times for one turn; to look
# through all of a long call for each line that is not ours would take 200 ms.
AHEAD = 20
_ANEW = re.compile(r"\+\d+$")  # of a counter: so many tools have answered, and the platform asks again


@dataclass(frozen=True, slots=True)
class _Told:
    """What was said and answered in one turn, by a platform's account."""

    said: str
    answer: str


@dataclass(slots=True)
class Thread:
    """The turns of one call. Belongs to the call's owner; everybody else reads."""

    greeting: str = ""
    turns: list[Turn] = field(default_factory=list)
    # The last account, each pair with its turn: the next one repeats it and goes on.
    _settled: list[tuple[_Told, Turn]] = field(default_factory=list, init=False, repr=False)
    _is_whole: bool = field(default=False, init=False, repr=False)

    def begin(self, heard: Utterance) -> Turn:
        """Open the turn that answers an utterance."""
        turn = Turn(position=self._next_position(), said=heard.text, key=turn_key(heard))
        self.turns.append(turn)
        return turn

    def answered(self, heard: Utterance) -> Turn | None:
        """The turn that has answered exactly this utterance; None when it must be answered (again).

        Only a platform's own counters tell a repeat from a caller who says "yes" twice. A turn that
        others followed is not answered anew, whatever became of it: its repeat comes late.
        """
        if heard.key is None:
            return None
        key = turn_key(heard)
        same = next((turn for turn in reversed(self.turns) if turn.key == key), None)
        return same if same is not None and (same is not self.turns[-1] or same.ending in FINAL) else None

    def messages(self, *, marks_cuts: bool = True) -> list[Message]:
        """The call so far as a model reads it: what the caller heard, the open turn left out.

        `marks_cuts`: words that were said over a reply say so.
        """
        read = [Message("assistant", self.greeting)] if self.greeting else []
        before: Turn | None = None
        for turn, later in _with_later(self.turns):
            if not _is_read(turn, later):
                continue
            if turn.said:  # else the agent spoke first
                read.append(Message("user", _as_said(turn.said, before if marks_cuts else None)))
            read.extend(_answers(turn, "" if _is_asked_anew(turn, later) else turn.was_heard))
            before = turn
        return read

    def newest_words(self, said: str) -> str:
        """The caller's words that open the newest turn, as a model reads them."""
        read = [turn for turn, later in _with_later(self.turns) if _is_read(turn, later)]
        return _as_said(said, read[-1] if read else None)

    def reconcile(self, history: Sequence[Message]) -> list[Turn]:
        """Bring our turns in line with a platform's account of the same call; returns those that changed.

        Platforms re-transcribe what the caller heard: where theirs is the beginning of ours, the
        caller heard only that; where only spelling differs, our words stay. Turns that we do not
        have (another server answered, or the record is lost) are taken over. A whole account that
        ends before our newest turns says that nothing of them was heard. An account may also be a
        window of the newest messages: what lies before it stays as it is.
        """
        pairs = _pairs(history)
        before_it = {id(turn): (turn.position, turn.heard) for turn in self.turns}
        if self.turns and not self.turns[0].said and begins_with(self.turns[0].spoken, _opening(history)):
            _settle(self.turns[0], _Told("", _opening(history)))  # our own first words
        begun = self._begin_account(history, pairs)
        known, waiting = self.turns[:begun], self.turns[begun:]
        for told in pairs[len(self._settled) :]:
            reach = AHEAD if self._settled else len(waiting)
            place = _find(waiting[:reach], told)
            if place is None:
                turn = _taken_over(told)
            else:
                place, lead = _settle_leads(waiting, place, told)
                known.extend(waiting[:place])
                turn = _settle(waiting[place], told, lead)
            del waiting[: 0 if place is None else place + 1]
            known.append(turn)
            self._settled.append((told, turn))
        self.turns = [*known, *waiting]
        self._leave_out(len(known))
        for position, turn in enumerate(self.turns):
            turn.position = position
        return [turn for turn in self.turns if before_it.get(id(turn)) != (turn.position, turn.heard)]

    def _begin_account(self, history: Sequence[Message], pairs: Sequence[_Told]) -> int:
        """How many of our first turns an account leaves as they are; what it tells again is settled."""
        opening = _opening(history)
        self._settled = self._told_again(pairs)
        if self._settled:
            return self._settled[-1][1].position + 1
        begun = _first_place(self.turns, pairs)
        self._is_whole = begun == 0 or self._is_greeting(opening)
        if not self.turns:
            self.greeting = self.greeting or opening
        return 0 if self._is_whole else begun or 0

    def _told_again(self, pairs: Sequence[_Told]) -> list[tuple[_Told, Turn]]:
        """As much of the last account as this one repeats."""
        again: list[tuple[_Told, Turn]] = []
        for told, (before, turn) in zip(pairs, self._settled, strict=False):
            if told != before or self.turns[turn.position] is not turn:
                break
            again.append((told, turn))
        return again

    def _is_greeting(self, opening: str) -> bool:
        """Whether an account's first words are the call's. A window may begin with any answer of ours."""
        is_ours = begins_with(self.greeting, opening)
        return is_ours and not any(same_words(turn.spoken, opening) for turn in self.turns)

    def _leave_out(self, newer: int) -> None:
        """Forget what was said in turns that an account leaves out; from `newer` on they follow its end."""
        accounted = {id(turn) for _, turn in self._settled}
        told = (place for place, turn in enumerate(self.turns) if id(turn) in accounted)
        begun = 0 if self._is_whole else next(told, len(self.turns))
        for place, (turn, later) in enumerate(_with_later(self.turns)):
            if id(turn) in accounted or turn.ending is None or not turn.was_heard:
                continue
            if _is_asked_anew(turn, later):
                continue  # its words are told with those of the turn that goes on
            is_stopped = turn.ending is Ending.INTERRUPTED and place >= begun
            if is_stopped or (self._is_whole and place >= newer) or _is_replaced(turn, later):
                turn.heard = ""

    def _next_position(self) -> int:
        return self.turns[-1].position + 1 if self.turns else 0


def turn_key(heard: Utterance) -> str:
    """What tells this turn from every other of its call: the platform's counters and the words."""
    text = hashlib.blake2b(heard.text.encode(errors="replace"), digest_size=8).hexdigest()
    return f"{heard.key}:{text}" if heard.key is not None else text


def _with_later(turns: Sequence[Turn]) -> Iterator[tuple[Turn, Turn | None]]:
    """Each turn with the one that follows it."""
    return zip(turns, chain(turns[1:], [None]), strict=False)


def _said_again(turn: Turn, later: Turn | None) -> bool:
    """Whether an unheard turn's words begin the next one: the caller just went on talking."""
    if _is_asked_anew(turn, later):
        return True
    if not turn.was_heard:
        return later is not None and _goes_on(turn, later)
    return _is_replaced(turn, later)


def _is_replaced(turn: Turn, later: Turn | None) -> bool:
    """Whether a platform has put longer words in a turn's place: its counters have not moved on."""
    if later is None or turn.heard is not None:
        return False
    counter = _counter(turn)
    return bool(counter) and _counter(later) == counter and _goes_on(turn, later)


def _is_asked_anew(turn: Turn, later: Turn | None) -> bool:
    """Whether the next turn answers the same words, now that the platform has run the tools of this one.

    What was said before those tools is read there, too.
    """
    if later is None or not turn.handed or turn.said != later.said:
        return False
    return bool(_counter(turn)) and _counter(turn) == _counter(later)


def _counter(turn: Turn) -> str:
    """What the platform counts the caller's words by; the same though it asks again with what tools told."""
    return _ANEW.sub("", turn.key.rpartition(":")[0])


def _goes_on(turn: Turn, later: Turn) -> bool:
    return later.said.startswith(turn.said) or begins_with(later.said, turn.said)


def _is_read(turn: Turn, later: Turn | None) -> bool:
    """Whether a model reads of this turn: it is closed, and the caller has not said it again since.

    A turn that has used a tool stays, or the model would use it again.
    """
    return turn.ending is not None and (bool(turn.tools) or not _said_again(turn, later))


def _as_said(said: str, before: Turn | None) -> str:
    """The caller's words, and whether they were said over the reply before them."""
    return f"{SPOKE_OVER} {said}" if before is not None and before.was_cut else said


def _answers(turn: Turn, heard: str) -> list[Message]:
    """A turn's tools and its reply: what was heard of it, each word once and where it was said."""
    read = []
    for message in turn.tools:
        if message.role == "assistant" and message.text:
            text, heard = _shared(message.text, heard)
            message = replace(message, text=text)
        read.append(message)
    return [*read, Message("assistant", heard)] if heard else read


def _shared(spoken: str, heard: str) -> tuple[str, str]:
    """What was heard of the words before a tool, and what was heard after them."""
    if (rest := after(heard, spoken)) is not None:
        return spoken, rest
    is_cut = after(spoken, heard) is not None
    return (heard, "") if is_cut else (spoken, heard)


def _first_place(turns: Sequence[Turn], pairs: Sequence[_Told]) -> int | None:
    """Where an account begins among our turns; None when it cannot be told.

    Callers say "yes" often: the newest place where the whole account has room comes first.
    """
    if not pairs:
        return None
    newest = max(0, len(turns) - len(pairs))
    places = [*range(min(newest, len(turns) - 1), -1, -1), *range(newest + 1, len(turns))]
    fitting = (place for place in places if _fits(turns[place], pairs[0]))
    alike = (place for place in places if _is_same(turns[place], pairs[0]))
    return next(chain(fitting, alike), None)


def _find(turns: Sequence[Turn], told: _Told) -> int | None:
    """Which of these turns a platform tells of: by words and answer, else by one of them."""
    fitting = (place for place, turn in enumerate(turns) if _fits(turn, told))
    alike = (place for place, turn in enumerate(turns) if _is_same(turn, told))
    return next(chain(fitting, alike), None)


def _fits(turn: Turn, told: _Told) -> bool:
    """Whether the caller's words are the same and the answer may be a part of ours."""
    if not same_words(turn.said, told.said):
        return False
    return not told.answer or heard_part(turn.spoken, told.answer, turn.filler) != ""


def _is_same(turn: Turn, told: _Told) -> bool:
    """Whether a platform's turn is ours: by the caller's words, else by the answer that we gave."""
    return same_words(turn.said, told.said) or _is_our_answer(turn, told.answer)


def _is_our_answer(turn: Turn, answer: str) -> bool:
    if not turn.spoken or not answer:
        return False
    if same_words(turn.spoken, answer) or same_words(join_words(turn.filler, turn.spoken), answer):
        return True
    # Many replies begin alike ("I am sorry"): a few words do not tell one from another.
    return len(words(answer)) >= FEW_WORDS and begins_with(turn.spoken, answer)


def _settle(turn: Turn, told: _Told, lead: str = "") -> Turn:
    """Our turn, as far as a platform says that it was heard. `lead` was said in the same breath before it."""
    if turn.ending is not None:
        turn.heard = heard_part(turn.spoken, told.answer, join_words(lead, turn.filler))
    return turn


def _settle_leads(turns: Sequence[Turn], place: int, told: _Told) -> tuple[int, str]:
    """Which turn has the last of an account's answer, and what the turns of its tools have said before.

    A platform that has run a tool tells what was said before it and after it as one answer.
    """
    lead = ""
    while place + 1 < len(turns) and _is_asked_anew(turns[place], turns[place + 1]):
        _settle(turns[place], told, lead)
        lead = join_words(lead, join_words(turns[place].filler, turns[place].spoken))
        place += 1
    return place, lead


def _taken_over(told: _Told) -> Turn:
    return Turn(0, told.said, "", sent=told.answer, spoken=told.answer, ending=Ending.ANSWERED)


def _opening(history: Sequence[Message]) -> str:
    """What the agent said before the caller said anything."""
    if history and history[0].role == "assistant":
        return history[0].text.strip()
    return ""


def _pairs(history: Sequence[Message]) -> list[_Told]:
    """What was said and what was answered, turn by turn; an opening line by the agent is no turn."""
    pairs: list[tuple[str, list[str]]] = []
    for message in history:
        text = message.text.strip()
        if message.role == "user" and text:
            pairs.append((text, []))
        elif message.role == "assistant" and pairs and text:
            pairs[-1][1].append(text)
    return [_Told(said, " ".join(answers)) for said, answers in pairs]
