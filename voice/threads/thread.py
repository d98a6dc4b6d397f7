"""Thread: all turns of a call, in order; what was heard, not only what was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from voice.threads.account import Told, opening_of, openings, pairs_of
from voice.threads.again import (
    FINAL,
    STOPPED,
    carried,
    goes_on,
    goes_with,
    heard_before,
    is_asked_anew,
    is_older,
    is_replaced,
    makes_way,
    said_again,
    turn_key,
    with_later,
)
from voice.threads.asides import interleaved, take_apart
from voice.threads.heard import FEW_WORDS, after, begins_with, find_words, heard_part, same_words
from voice.threads.wording import (
    as_their,
    as_told,
    as_written,
    heard_wording,
    placed_asides,
    spoken_until,
    worded,
    worded_asides,
)
from voice.types import (
    SPOKE_OVER,
    Aside,
    Chunk,
    Ending,
    Message,
    Reading,
    Turn,
    Utterance,
    join_words,
    moved,
    words,
)

# Turns in a row that an account may leave out. Vapi has asked six times for one turn; to look
# through all of a long call for each line that is not ours would take 200 ms.
AHEAD = 20


@dataclass(slots=True)
class Thread:
    """The turns of one call. Belongs to the call's owner; everybody else reads."""

    greeting: str = ""  # all that was said before the caller said anything, in its spoken form
    turns: list[Turn] = field(default_factory=list)
    greeting_readings: tuple[Reading, ...] = ()
    # The last account, each pair with its turn: the next one repeats it and goes on.
    _settled: list[tuple[Told, Turn]] = field(default_factory=list, init=False, repr=False)
    _is_whole: bool = field(default=False, init=False, repr=False)

    def begin(self, heard: Utterance, told: Sequence[Message] = (), *, is_told: bool = False) -> Turn:
        """Open the turn that answers an utterance; `told` are the tools that its platform has run for it.

        It takes the place of the newest one when that was for the same utterance, and nobody has heard it.
        `is_told`: the platform's account of all before this utterance was just reconciled.
        """
        turn = Turn(self._next_position(), heard.text, turn_key(heard), tools=tuple(told))
        before = self.turns[-1] if self.turns else None
        if (
            before is not None
            and makes_way(before, turn, is_left_out=is_told)
            and not any(one is before for _, one in self._settled)
        ):
            turn.position, turn.asides = self.turns.pop().position, heard_before(before)
            turn.tools += carried(before, told)
        self.turns.append(turn)
        return turn

    def answered(self, heard: Utterance, history: Sequence[Message] = ()) -> Turn | None:
        """The turn that has answered this utterance; None when it must be answered (again).

        Only a platform's own counters tell a repeat from a caller who says "yes" twice. A turn that
        others followed is not answered anew, whatever became of it: its repeat comes late. So does a
        beginning of the newest turn's words, by `history`, the account that came with it.
        """
        if heard.key is None or not self.turns:
            return None
        key, newest = turn_key(heard), self.turns[-1]
        same = next((turn for turn in reversed(self.turns) if turn.key == key), None)
        if same is None and newest.ending not in STOPPED and is_older(heard, newest, history):
            return newest
        return same if same is not None and (same is not newest or same.ending in FINAL) else None

    def messages(self, *, marks_cuts: bool = True) -> list[Message]:
        """The call so far as a model reads it: what the caller heard, the open turn left out.

        `marks_cuts`: words that were said over a reply say so.
        """
        greeting = as_written(self.greeting, self.greeting_readings)
        read = [Message("assistant", greeting)] if greeting else []
        before: Turn | None = None
        for turn, later in with_later(self.turns):
            if not _is_read(turn, later):
                if turn.ending is not None:  # the caller has said it again, but others were heard meanwhile
                    asides = [worded(one, 0) for one in turn.asides]
                    _add(read, [Message("assistant", interleaved("", asides))])
                continue
            if turn.said:  # else the agent spoke of its own accord
                read.append(Message("user", _as_said(turn.said, before if marks_cuts else None)))
            _add(read, _answers(turn, "" if is_asked_anew(turn, later) else heard_wording(turn)))
            before = turn
        return read

    def newest_words(self, said: str) -> str:
        """The caller's words that open the newest turn, as a model reads them."""
        later: Turn | None = None
        for turn in reversed(self.turns):
            if _is_read(turn, later):
                return _as_said(said, turn)
            later = turn
        return said

    def greet(self, line: Chunk) -> None:
        """The agent says this before the caller says anything, or the caller has heard this much of it."""
        if not (line.text and self.greeting.startswith(line.text)):
            self.greeting_readings = line.readings
        self.greeting = line.text

    def overhear(self, line: Chunk) -> Turn | None:
        """Words of somebody else's are said to the caller: remember them. None: no turn has begun yet.

        A platform's account of the call says later where they were heard, if they were.
        """
        if not self.turns:
            self.greeting = join_words(self.greeting, line.text)
            ahead = len(self.greeting) - len(line.text)
            self.greeting_readings = (*self.greeting_readings, *moved(line.readings, ahead))
            return None
        turn = self.turns[-1]
        turn.asides = (*turn.asides, Aside(line.text, len(turn.spoken), line.readings))
        return turn

    def reconcile(self, history: Sequence[Message]) -> list[Turn]:
        """Bring our turns in line with a platform's account of the same call; returns those that changed.

        Platforms re-transcribe what the caller heard: where theirs is the beginning of ours, the
        caller heard only that; where only spelling differs, our words stay. Turns that we do not
        have (another server answered, or the record is lost) are taken over. A whole account that
        ends before our newest turns says that nothing of them was heard. An account may also be a
        window of the newest messages: what lies before it stays as it is. What the caller heard of
        others stands beside our words.
        """
        if not self.turns and self._is_just_greeting(history):
            self._settled, self._is_whole = [], True
            return []
        pairs = pairs_of(history)
        before_it = {id(turn): _as_told(turn) for turn in self.turns}
        if self.turns and not self.turns[0].said and begins_with(self.turns[0].spoken, opening_of(history)):
            _settle(self.turns[0], Told("", openings(history)))  # our own first words
        begun = self._begin_account(history, pairs)
        known, waiting = self.turns[:begun], self.turns[begun:]
        first = len(self._settled)
        for number, told in enumerate(pairs[first:], first + 1):
            reach = AHEAD if self._settled else len(waiting)
            place = _find(waiting[:reach], told, pairs[number] if number < len(pairs) else None)
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
        return [turn for turn in self.turns if before_it.get(id(turn)) != _as_told(turn)]

    def _begin_account(self, history: Sequence[Message], pairs: Sequence[Told]) -> int:
        """How many of our first turns an account leaves as they are; what it tells again is settled."""
        opening = opening_of(history)
        self._settled = self._told_again(pairs)
        if self._settled:
            return self._settled[-1][1].position + 1
        begun = _first_place(self.turns, pairs)
        self._is_whole = begun == 0 or self._is_greeting(opening)
        if self._is_greeting(opening):
            greeting = as_their(self.greeting, self.greeting_readings, opening)
            for aside in take_apart(greeting, openings(history)).asides:
                if find_words(words(self.greeting), words(aside.text)) is None:  # else it was told before
                    self.greeting = join_words(self.greeting, aside.text)
        elif not self.turns:
            self.greeting = self.greeting or " ".join(openings(history))
        return 0 if self._is_whole else begun or 0

    def _told_again(self, pairs: Sequence[Told]) -> list[tuple[Told, Turn]]:
        """As much of the last account as this one repeats."""
        again: list[tuple[Told, Turn]] = []
        for told, (before, turn) in zip(pairs, self._settled, strict=False):
            if told != before or self.turns[turn.position] is not turn:
                break
            again.append((told, turn))
        return again

    def _is_just_greeting(self, history: Sequence[Message]) -> bool:
        """Whether an account holds our greeting as it was said, and no more: so the usual call begins."""
        only = history[0] if len(history) == 1 and not self.greeting_readings else None
        return only is not None and only.role == "assistant" and only.text == self.greeting

    def _is_greeting(self, opening: str) -> bool:
        """Whether an account's first words are the call's. A window may begin with any answer of ours."""
        is_ours = begins_with(as_their(self.greeting, self.greeting_readings, opening), opening)
        return is_ours and not any(same_words(turn.spoken, opening) for turn in self.turns)

    def _leave_out(self, newer: int) -> None:
        """Forget what was said in turns that an account leaves out; from `newer` on they follow its end."""
        accounted = {id(turn) for _, turn in self._settled}
        told = (place for place, turn in enumerate(self.turns) if id(turn) in accounted)
        begun = 0 if self._is_whole else next(told, len(self.turns))
        for place, (turn, later) in enumerate(with_later(self.turns)):
            if id(turn) in accounted or turn.ending is None or not (turn.was_heard or turn.asides):
                continue
            if goes_with(turn, later):
                continue  # its words are told with those of the turn that goes on
            is_stopped = turn.ending is Ending.INTERRUPTED and place >= begun
            if is_stopped or (self._is_whole and place >= newer) or is_replaced(turn, later):
                turn.heard, turn.asides = "" if turn.was_heard else turn.heard, ()

    def _next_position(self) -> int:
        return self.turns[-1].position + 1 if self.turns else 0


def _is_read(turn: Turn, later: Turn | None) -> bool:
    """Whether a model reads of this turn: it is closed, and the caller has not said it again since.

    A turn that has used a tool stays, or the model would use it again.
    """
    return turn.ending is not None and (bool(turn.tools) or not said_again(turn, later))


def _as_said(said: str, before: Turn | None) -> str:
    """The caller's words, and whether they were said over the reply before them."""
    return f"{SPOKE_OVER} {said}" if before is not None and before.was_cut else said


def _answers(turn: Turn, heard: str) -> list[Message]:
    """A turn's tools and its reply: what was heard of it, each word once and where it was said.

    What others said meanwhile is read where it was heard; in a turn with tools, at its end.
    """
    if not turn.asides and not turn.tools:
        return [Message("assistant", heard.strip())]
    read = []
    for message in turn.tools:
        if message.role == "assistant" and message.text:
            text, heard = _shared(message.text, heard)
            message = replace(message, text=text)
        read.append(message)
    asides = worded_asides(turn) if not turn.tools else [worded(one, len(heard)) for one in turn.asides]
    return [*read, Message("assistant", interleaved(heard, asides))]


def _add(read: list[Message], messages: Sequence[Message]) -> None:
    """Go on with what was said; not every chat template takes two replies in a row."""
    for message in messages:
        last = read[-1] if read else None
        if message.role == "assistant" and not message.tool_calls:
            if not message.text:
                continue
            if last is not None and last.role == "assistant" and not last.tool_calls:
                read[-1] = replace(last, text=join_words(last.text, message.text))
                continue
        read.append(message)


def _shared(spoken: str, heard: str) -> tuple[str, str]:
    """What was heard of the words before a tool, and what was heard after them."""
    if (rest := after(heard, spoken)) is not None:
        return spoken, rest
    is_cut = after(spoken, heard) is not None
    return (heard, "") if is_cut else (spoken, heard)


def _first_place(turns: Sequence[Turn], pairs: Sequence[Told]) -> int | None:
    """Where an account begins among our turns; None when it cannot be told.

    Callers say "yes" often: the newest place where the whole account has room comes first.
    """
    if not pairs:
        return None
    newest = max(0, len(turns) - len(pairs))
    places = [*range(min(newest, len(turns) - 1), -1, -1), *range(newest + 1, len(turns))]
    fitting = (place for place in places if _fits(turns[place], pairs[0]))
    alike = (place for place in places if _is_same(turns[place], pairs[0]))
    place = next(chain(fitting, alike), None)
    while place and goes_with(turns[place - 1], turns[place]):
        place -= 1  # their answers are told as one
    return place


def _find(turns: Sequence[Turn], told: Told, following: Told | None) -> int | None:
    """Which of these turns a platform tells of: by words and answer, else by one of them.

    Of several for one utterance the last was heard, unless the platform tells of that one next.
    """
    fitting = (place for place, turn in enumerate(turns) if _fits(turn, told))
    alike = (place for place, turn in enumerate(turns) if _is_same(turn, told))
    place = next(chain(fitting, alike), None)
    while place is not None and place + 1 < len(turns) and _was_stopped(turns[place], turns[place + 1]):
        later = turns[place + 1]
        if not _fits(later, told) or (following is not None and _fits(later, following)):
            break
        place += 1
    return place


def _was_stopped(turn: Turn, later: Turn) -> bool:
    """Whether a turn was stopped and the next one is for the same words, or more of them."""
    return turn.ending in STOPPED and not turn.handed and goes_on(turn, later)


def _fits(turn: Turn, told: Told) -> bool:
    """Whether the caller's words are the same and the answer may be a part of ours."""
    if not same_words(turn.said, told.said):
        return False
    return not told.answer or heard_part(as_told(turn, told.answer), told.answer, turn.filler) != ""


def _is_same(turn: Turn, told: Told) -> bool:
    """Whether a platform's turn is ours: by the caller's words, else by the answer that we gave."""
    return same_words(turn.said, told.said) or _is_our_answer(turn, told.answer)


def _is_our_answer(turn: Turn, answer: str) -> bool:
    if not turn.spoken or not answer:
        return False
    ours = as_told(turn, answer)
    if same_words(ours, answer) or same_words(join_words(turn.filler, ours), answer):
        return True
    # Many replies begin alike ("I am sorry"): a few words do not tell one from another.
    return len(words(answer)) >= FEW_WORDS and begins_with(ours, answer)


def _settle(turn: Turn, told: Told, lead: str = "") -> Turn:
    """Our turn, as far as a platform says that it was heard. `lead` was said in the same breath before it."""
    if turn.ending is not None:
        ours = as_told(turn, told.answer)
        known = turn.asides if ours is turn.spoken else placed_asides(turn)
        apart = take_apart(ours, told.answers, lead, fillers=turn.fillers, known=known)
        turn.heard, turn.asides = heard_part(ours, apart.ours, apart.lead), apart.asides
        if ours is not turn.spoken:
            turn.heard = None if turn.heard is None else spoken_until(turn, turn.heard)
            turn.asides = tuple(
                replace(one, after=len(spoken_until(turn, ours[: one.after]))) for one in turn.asides
            )
    return turn


def _settle_leads(turns: Sequence[Turn], place: int, told: Told) -> tuple[int, str]:
    """Which turn has the last of an account's answer, and what the turns of its tools have said before.

    A platform that has run a tool tells what was said before it and after it as one answer. What others
    said meanwhile is kept with the last turn.
    """
    lead = ""
    while place + 1 < len(turns) and goes_with(turns[place], turns[place + 1]):
        _settle(turns[place], told, lead)
        turns[place].asides = ()
        lead = join_words(lead, join_words(turns[place].filler, turns[place].spoken))
        place += 1
    return place, lead


def _taken_over(told: Told) -> Turn:
    return Turn(0, told.said, "", sent=told.answer, spoken=told.answer, ending=Ending.ANSWERED)


def _as_told(turn: Turn) -> tuple[object, ...]:
    """What a platform's account decides of a turn."""
    return turn.position, turn.heard, turn.asides
