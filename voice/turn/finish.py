"""Tells a reply to its end, once its first chunk is there to be said.

A reply that stalls, breaks or goes in circles is finished by another route, which goes on behind the
words that the caller has heard. It is asked a little before the pause gets too long, and is not
needed if the first one goes on after all.
"""

from __future__ import annotations

from dataclasses import replace

from voice.call import Call
from voice.clock import MARGIN_S, Deadline, now
from voice.errors import ReplyStalled
from voice.speech.chunk import is_whole
from voice.turn.ask import Asking
from voice.turn.draft import STALLED_S, Draft
from voice.turn.fallback import breaking_off
from voice.types import Ending, Finish, Say, Turn


class Telling:
    """One reply while it is told. To be closed, which stops whoever was asked to go on."""

    __slots__ = (
        "_asking", "_began", "_call", "_deadline", "_draft", "_ends_at", "_heir", "_heir_due_at", "_heirs",
        "_lead_s", "_pause_ends_at", "_say", "_turn",
    )  # fmt: skip

    def __init__(
        self, call: Call, turn: Turn, deadline: Deadline, say: Say, asking: Asking, draft: Draft
    ) -> None:
        self._call, self._turn, self._deadline, self._say = call, turn, deadline, say
        self._asking, self._draft = asking, draft
        self._heir: Asking | None = None  # who may have to go on
        self._heirs: list[Asking] = []
        self._began = len(turn.sent)
        self._ends_at = deadline.reply_at - MARGIN_S
        self._lead_s: float | None = None  # for who goes on for this draft; reckoned once for each
        self._heir_due_at = 0.0  # as things were when an heir was last looked for
        self._pause_ends_at = now() + deadline.gap_s - MARGIN_S

    def close(self) -> None:
        """Stop whoever was asked to go on."""
        for heir in reversed(self._heirs):
            heir.__exit__(None)

    async def to_its_end(self) -> Finish:
        """Say all there is. When the gap is used up words are said though their sentence has no end."""
        at = now()
        while at < self._ends_at:
            draft = self._draft
            if draft.ready:
                await self._say(draft.ready.pop(0))
                at = now()
                self._pause_ends_at = at + self._deadline.gap_s - MARGIN_S
                if self._heir is not None:
                    self._heir.close()  # it was not needed; the next one may be another
                    self._heir = self._lead_s = None
                continue
            if draft.finish is not None:
                return draft.finish
            if not self._is_silent(at):
                self._find_heir(at)
                await self._news(at)
            elif self._still_writes(at) and draft.flush():
                continue
            elif self._has_asked():
                self._asking.broke(draft, self._stalled())
                return Finish("stop")
            else:
                self._find_heir(at)
                if not self._pass_on(at) and self._is_hopeless(at):
                    break
                await self._news(at)
            at = now()
        return await self._cut_short()

    def _is_silent(self, at: float) -> bool:
        """Whether nothing more is to be expected of the draft that is being told."""
        return self._draft.failure is not None or at >= self._pause_ends_at

    def _still_writes(self, at: float) -> bool:
        """Whether its words come slowly, rather than no longer. Only then are they said as they are."""
        return at < self._draft.writes_until(self._deadline.gap_s / 2)

    def _is_hopeless(self, at: float) -> bool:
        return at >= self._pause_ends_at or self._heir is None or self._heir.ladder.is_lost

    def _has_asked(self) -> bool:
        """Whether the caller has been asked something: whatever else was to come, it is their turn."""
        return self._turn.spoken.rstrip("\"'”’)").endswith("?")

    def _find_heir(self, at: float) -> None:
        """Ask somebody to go on, as soon as they may be needed."""
        if self._heir is not None:
            self._heir.ask_due()
            return
        if self._draft.failure is None:
            self._heir_due_at = self._when_heir_is_due()
            if at < self._heir_due_at:
                return
        so_far = self._turn.sent[self._began :].strip()
        due_at = min(self._pause_ends_at, self._ends_at)
        heir = self._asking.heir(so_far, due_at, beside=self._draft.failure is None)
        if heir is not None:
            self._heir = heir.__enter__()
            self._heirs.append(heir)

    def _when_heir_is_due(self) -> float:
        gap_s = self._deadline.gap_s
        if self._lead_s is None:
            self._lead_s = self._asking.lead_s(gap_s)
        lead_at = self._pause_ends_at - self._lead_s
        return max(lead_at, self._draft.writes_until(min(STALLED_S, gap_s / 3)))

    def _pass_on(self, at: float) -> bool:
        """Let the heir go on, if it has something to say."""
        heir = self._heir
        if heir is None:
            return False
        due_at = heir.ladder.due_at
        following = heir.ladder.best(due_at, waits=True)
        if following is None and at >= due_at:
            following = heir.ladder.held() or heir.ladder.with_words(due_at)
        if following is None:
            return False
        self._asking.broke(self._draft, self._stalled())
        heir.keep_only(following)
        self._asking, self._draft, self._heir, self._lead_s = heir, following, None, None
        self._turn.route = following.route.name
        self._turn.sent = self._turn.sent.rstrip() + " "
        if following.ready:
            first = following.ready[0]
            following.ready[0] = replace(first, sent=first.sent.lstrip())
        return True

    async def _news(self, at: float) -> None:
        """Wait until somebody has written something, or a time has come."""
        if self._draft.ready or self._draft.finish is not None:
            return
        until = min(self._pause_ends_at, self._ends_at)
        if self._heir is not None:
            await self._heir.news(until)
        else:
            is_early = at < self._heir_due_at
            await self._asking.news(min(until, self._heir_due_at) if is_early else until)

    async def _cut_short(self) -> Finish:
        if self._draft.failure is not None or now() < self._ends_at:
            self._asking.broke(self._draft, self._stalled())
        elif self._draft.finish is not None:
            return await self._all_at_once(self._draft.finish)
        self._turn.ending = Ending.CUT_SHORT
        if not is_whole(self._turn.spoken):  # never leave the caller in mid-sentence
            if self._draft.ready or self._draft.flush():
                await self._say(self._draft.ready.pop(0))
            if not is_whole(self._turn.spoken):
                await self._say(breaking_off(self._call))
        return Finish("length")

    async def _all_at_once(self, finish: Finish) -> Finish:
        """The reply's time is up, and the reply is whole: it was held back until now."""
        while self._draft.ready:
            await self._say(self._draft.ready.pop(0))
        return finish

    def _stalled(self) -> ReplyStalled:
        name = self._draft.route.name
        return ReplyStalled(f"route {name!r} began to answer, then brought nothing more")
