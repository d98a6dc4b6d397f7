"""What leaves with a turn's last word: the calls of tools that its platform runs.

What a tool of ours wants done to the call, and what the model asks of the platform's own tools, leave
under the names that the request declared. A transfer leaves alone: Vapi speaks whatever text stands
beside it and skips the transfer. One that leads nowhere does not leave at all, since a transfer that
fails ends the call; the caller hears a sentence instead. What the request declares no tool for is done
past the answer, where its platform has another way.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from handlers.problems import STOPPED
from handlers.reach import Reach, Use
from handlers.wire.declared import LEAVES, Declared
from voice.agents.agent import Agent, Agents
from voice.call import Call
from voice.turn.filler import ONE_MOMENT
from voice.turn.live import LiveTurn
from voice.turn.own import own_line
from voice.types import Action, CallId, Chunk, Effect, Outcome, ToolCall, Turn, join_words

log = logging.getLogger(__name__)

LOOK_S = 0.002  # between two looks whether a tool that was asked for has something done to the call
LOOKS = 25  # such a tool decides in memory; one that is slower finds the words said already


@dataclass(frozen=True, slots=True)
class Parting:
    """How a turn's answer ends: `line` is said last (None: nothing more), then `calls` leave.

    `past`: what is to be done to the call when the answer is out, past the answer itself.
    """

    line: Chunk | None = None
    calls: tuple[ToolCall, ...] = ()
    past: Effect | None = None


@dataclass(slots=True)  # not frozen: made on each turn, and that would take four times as long
class Handover:
    """What one request lets its turn hand over. `line` and `caller` are the numbers of the call's ends.

    `leaves_alone`: words beside a transfer would undo it. `steer` does past an answer what it cannot
    carry: a transfer whose words have been said already, and what no tool is declared for. `beyond` is
    what it can do. `is_steered`: an earlier answer of the same turn has had that done.
    `phrases`: the platform hangs up when it has spoken one of them. `ours` are the agents of this house:
    who hands a call to one of them asks the platform for nothing.
    """

    call_id: CallId
    agent: Agent
    declared: Declared
    line: str | None = None
    caller: str | None = None
    leaves_alone: bool = False
    steer: Callable[[Effect], None] | None = None
    beyond: frozenset[Action] = frozenset()
    is_steered: bool = False
    phrases: tuple[str, ...] = ()
    ours: Agents | None = None

    def may_silence(self, live: LiveTurn) -> bool:
        """Whether the turn's words wait until it is known how it ends: the request declares a transfer."""
        may_leave = self.leaves_alone and not self.is_steered and not live.is_spoken
        return may_leave and not LEAVES.isdisjoint(self.declared.actions)

    async def silences(self, live: LiveTurn) -> bool:
        """Whether words that are ready must not be said, because the turn ends with a transfer.

        A reply's last sentence comes together with what the model asks for; what that does to the call
        is known a moment later. What one request has said is said to its repeat, too.
        """
        if not self.may_silence(live):
            return False
        for _ in range(LOOKS):
            if live.finished or not _waits_for_tools(live.turn):
                break
            await asyncio.sleep(LOOK_S)
        live.is_spoken = not self._leaves(live.turn)
        return not live.is_spoken

    def part(self, turn: Turn, *, has_spoken: bool) -> Parting:
        """The end of a turn's answer; `has_spoken`: words of it have left."""
        if turn.ending in STOPPED or self.is_steered:
            return Parting()
        if turn.effect is None and not turn.handed:  # nearly always
            return Parting(None if has_spoken else self._excuse)
        effect = turn.effect
        handed = [use for one in turn.handed if (use := self._reach.use_of(one))]
        wanted = self._reach.use_for(self._as_said(effect)) if effect is not None else None
        calls = self._calls(turn, [*handed, wanted] if wanted is not None else handed)
        if len(handed) < len(turn.handed):
            return Parting(self._excuse, calls)  # nobody is led there, whatever words have said
        if not calls:
            return self._without_tool(turn, has_spoken=has_spoken)
        if has_spoken and self.leaves_alone and any(self._is_skipped(one) for one in calls):
            return self._past_words(effect, calls)
        ends = effect is not None and effect.action is Action.END_CALL
        return Parting(self._goodbye if ends and not has_spoken else None, calls)

    def _as_said(self, effect: Effect) -> Effect:
        """The same with its words as they are said: a voicemail, for one, is spoken by the platform."""
        return replace(effect, say=own_line(self.agent, effect.say).text) if effect.say else effect

    @property
    def _excuse(self) -> Chunk:
        return own_line(self.agent, self.agent.fallbacks[0])

    @property
    def _goodbye(self) -> Chunk:
        return own_line(self.agent, self.agent.goodbye)

    @property
    def _reach(self) -> Reach:
        return Reach(self.agent, self.declared, self.beyond, self.line, self.caller)

    def _past_words(self, effect: Effect | None, calls: tuple[ToolCall, ...]) -> Parting:
        """How a call is left when words are out: past the answer, or not at all and the caller is told."""
        if effect is not None and effect.action in LEAVES & self.beyond:
            to = self._reach.dialled(effect)
            if to is not None and to.to is not None:
                return Parting(past=to)
        log.warning("effect.not_possible", extra={"to_do": "Its words were out; Vapi would skip the tool."})
        return Parting(self._excuse, tuple(one for one in calls if not self._is_skipped(one)))

    def _without_tool(self, turn: Turn, *, has_spoken: bool) -> Parting:
        """How a turn ends that hands nothing over, though its model may want something done."""
        effect = self._reach.dialled(turn.effect) if turn.effect is not None else None
        match effect.action if effect is not None else None:
            case Action.END_CALL:
                line = None if has_spoken else self._goodbye
                if self.phrases:
                    return Parting(_with_phrase(self.phrases, turn.spoken if has_spoken else "", line))
                return Parting(line, past=effect if self.steer else None)
            case Action.HANDOFF | Action.TRANSFER if effect and effect.to and effect.action in self.beyond:
                said = own_line(self.agent, effect.say or _one_moment(self.agent))
                return Parting(None if has_spoken else said, past=effect)
        # Words that promised a transfer are taken back.
        return Parting(self._excuse if turn.effect is not None or not has_spoken else None)

    def _is_skipped(self, one: ToolCall) -> bool:
        """Whether Vapi would not do this behind words."""
        tool = self.declared.named(one.name)
        return tool is not None and tool.is_skipped

    def _calls(self, turn: Turn, uses: Sequence[Use]) -> tuple[ToolCall, ...]:
        """What the platform is asked to do, each under an id that no other turn has given.

        Models number their calls anew in each reply, and whoever runs the tools takes the same id for
        the same request.
        """
        return tuple(
            ToolCall(_use_id(self.call_id, turn, place), name, json.dumps(arguments, ensure_ascii=False))
            for place, (name, arguments) in enumerate(uses)
        )

    def _leaves(self, turn: Turn) -> bool:
        effect = turn.effect
        is_ours = self.ours is not None and self.ours.next_one(self.agent, effect) is not None
        if effect is not None and effect.action in LEAVES and not is_ours:
            return True
        tools = (self.declared.named(one.name) for one in turn.handed)
        return any(tool is not None and tool.action in LEAVES for tool in tools)


def is_newest(call: Call, turn: Turn) -> bool:
    """Whether the caller has said nothing since: a late reader of an old turn must not hang up on them."""
    return bool(call.thread.turns) and call.thread.turns[-1] is turn


def _use_id(call_id: CallId, turn: Turn, place: int) -> str:
    made_of = f"{call_id}/{turn.key}/{place}".encode(errors="replace")
    return f"call_{hashlib.blake2b(made_of, digest_size=12).hexdigest()}"


def _with_phrase(phrases: Sequence[str], spoken: str, line: Chunk | None) -> Chunk | None:
    """The last line of a call that ends when one of the platform's phrases is spoken."""
    said = join_words(spoken, line.text if line else "").casefold()
    if any(phrase.casefold() in said for phrase in phrases):
        return line
    with_phrase = join_words(line.text if line else "", phrases[0])
    return Chunk(with_phrase, with_phrase, readings=line.readings if line else ())


def _one_moment(agent: Agent) -> str:
    return next(iter(agent.fillers), ONE_MOMENT)


def _waits_for_tools(turn: Turn) -> bool:
    """Whether the model has asked for tools and nobody writes: what they do is not known yet."""
    if turn.effect is not None or turn.handed or any(rung.outcome is None for rung in turn.rungs):
        return False
    told = [rung for rung in turn.rungs if rung.outcome is Outcome.WON]
    return bool(told) and told[-1].finish_reason == "tool_calls"
