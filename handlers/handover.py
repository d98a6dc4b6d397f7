"""What leaves with a turn's last word: the calls of tools that its platform runs.

What a tool of ours wants done to the call, and what the model asks of the platform's own tools, leave
under the names that the request declared. A transfer leaves alone: Vapi speaks whatever text stands
beside it and skips the transfer. One that leads nowhere does not leave at all, since a transfer that
fails ends the call; the caller hears a sentence instead.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from handlers.problems import STOPPED
from handlers.wire.declared import LEAVES, TO, Declared
from handlers.wire.numbers import dialable
from voice.agents.agent import Agent
from voice.call import Call
from voice.turn.live import LiveTurn
from voice.types import Action, CallId, Effect, Json, Outcome, ToolCall, Turn

log = logging.getLogger(__name__)

LOOK_S = 0.002  # between two looks whether a tool that was asked for has something done to the call
LOOKS = 25  # such a tool decides in memory; one that is slower finds the words said already


@dataclass(frozen=True, slots=True)
class Parting:
    """How a turn's answer ends: `line` is said last (None: nothing more), then `calls` leave.

    `transfer_to`: whom the call is to be transferred to when the answer is out, past the answer itself.
    """

    line: str | None = None
    calls: tuple[ToolCall, ...] = ()
    transfer_to: str | None = None


@dataclass(frozen=True, slots=True)
class Handover:
    """What one request lets its turn hand over. `line` and `caller` are the numbers of the call's ends.

    `leaves_alone`: words beside a transfer would undo it. `steer` transfers the call past its answer,
    where the platform can be asked to; it is for a transfer whose words have been said already.
    `is_steered`: an earlier answer of the same turn has had that done.
    """

    call_id: CallId
    agent: Agent
    declared: Declared
    line: str | None = None
    caller: str | None = None
    leaves_alone: bool = False
    steer: Callable[[str], None] | None = None
    is_steered: bool = False

    async def silences(self, live: LiveTurn) -> bool:
        """Whether words that are ready must not be said, because the turn ends with a transfer.

        A reply's last sentence comes together with what the model asks for; what that does to the call
        is known a moment later.
        """
        if self.is_steered or not self.leaves_alone or not LEAVES & self.declared.actions:
            return False
        for _ in range(LOOKS):
            if live.finished or not _waits_for_tools(live.turn):
                break
            await asyncio.sleep(LOOK_S)
        return self._leaves(live.turn)

    def part(self, turn: Turn, *, has_spoken: bool) -> Parting:
        """The end of a turn's answer; `has_spoken`: words of it have left."""
        if turn.ending in STOPPED or self.is_steered:
            return Parting()
        calls, effect = self._calls(turn), turn.effect
        if not calls:
            return Parting(self._instead(effect, has_spoken=has_spoken))
        if has_spoken and self.leaves_alone and any(self._is_leaving(one.name) for one in calls):
            return self._past_words(effect, calls)
        ends = effect is not None and effect.action is Action.END_CALL
        return Parting(self.agent.goodbye if ends and not has_spoken else None, calls)

    def _past_words(self, effect: Effect | None, calls: tuple[ToolCall, ...]) -> Parting:
        """How a call is left when words are out: past the answer, or not at all and the caller is told."""
        if self.steer and effect is not None and effect.action is Action.TRANSFER:
            to = self._dialled(effect)
            if to is not None and to.to is not None:
                return Parting(transfer_to=to.to)
        log.warning("effect.not_possible", extra={"to_do": "Its words were out; Vapi would skip the tool."})
        stays = tuple(one for one in calls if not self._is_leaving(one.name))
        return Parting(self.agent.fallbacks[0], stays)

    def _is_leaving(self, name: str) -> bool:
        tool = self.declared.named(name)
        return tool is not None and tool.action in LEAVES

    def _calls(self, turn: Turn) -> tuple[ToolCall, ...]:
        """What the platform is asked to do, each under an id that no other turn has given.

        Models number their calls anew in each reply, and whoever runs the tools takes the same id for
        the same request.
        """
        asked = [use for one in turn.handed if (use := self._use_of(one))]
        if turn.effect is not None and (use := self._use_for(turn.effect)):
            asked.append(use)
        return tuple(
            ToolCall(self._id(turn, place), name, json.dumps(arguments, ensure_ascii=False))
            for place, (name, arguments) in enumerate(asked)
        )

    def _use_of(self, handed: ToolCall) -> tuple[str, dict[str, Json]] | None:
        """What a tool of the platform is asked with. A number that the model has made up is not dialled."""
        tool, arguments = self.declared.named(handed.name), _as_object(handed.arguments)
        if tool is None:
            return None
        place = tool.argument(TO) if tool.action is Action.TRANSFER else None
        if place is not None and place in arguments and arguments[place] not in tool.choices(place):
            to = self._dialled(Effect(Action.TRANSFER, str(arguments[place])))
            if to is None:
                log.warning("effect.not_possible", extra={"action": Action.TRANSFER.value})
                return None
            arguments[place] = to.to
        return handed.name, arguments

    def _use_for(self, effect: Effect) -> tuple[str, dict[str, Json]] | None:
        possible = self._dialled(effect)
        use = self.declared.use_for(possible) if possible is not None else None
        if use is None:
            log.warning("effect.not_possible", extra={"action": effect.action.value})
        return use

    def _dialled(self, effect: Effect) -> Effect | None:
        """The effect with its number as it can be dialled; None: it leads nowhere."""
        if effect.action is not Action.TRANSFER or effect.to is None:
            return effect
        to = dialable(effect.to, self.line, self.caller, near=self.line)
        return replace(effect, to=to) if to is not None else None

    def _instead(self, effect: Effect | None, *, has_spoken: bool) -> str | None:
        """What is said where nothing is handed over. Words that promised a transfer are taken back."""
        if effect is not None and effect.action is Action.END_CALL:
            return None if has_spoken else self.agent.goodbye
        return self.agent.fallbacks[0] if effect is not None or not has_spoken else None

    def _leaves(self, turn: Turn) -> bool:
        effects = [turn.effect.action] if turn.effect is not None else []
        return any(one in LEAVES for one in effects) or any(self._is_leaving(one.name) for one in turn.handed)

    def _id(self, turn: Turn, place: int) -> str:
        made_of = f"{self.call_id}/{turn.key}/{place}".encode(errors="replace")
        return f"call_{hashlib.blake2b(made_of, digest_size=12).hexdigest()}"


def is_newest(call: Call, turn: Turn) -> bool:
    """Whether the caller has said nothing since: a late reader of an old turn must not hang up on them."""
    return bool(call.thread.turns) and call.thread.turns[-1] is turn


def _waits_for_tools(turn: Turn) -> bool:
    """Whether the model has asked for tools and nobody writes: what they do is not known yet."""
    if turn.effect is not None or turn.handed or any(rung.outcome is None for rung in turn.rungs):
        return False
    told = [rung for rung in turn.rungs if rung.outcome is Outcome.WON]
    return bool(told) and told[-1].finish_reason == "tool_calls"


def _as_object(arguments: str) -> dict[str, Json]:
    """Arguments as a model wrote them; what is no JSON object would break the platform's reader."""
    try:
        found = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
