"""Ends a call as people do: both have said goodbye.

A small model says goodbye and asks for no tool, so the words themselves count: the caller has taken
their leave, the reply is a goodbye and asks nothing. Where nobody can hang up, the agent has said
goodbye all the same, and whoever thanks it for that hears goodbye again.
"""

from __future__ import annotations

from dataclasses import replace

from voice.call import Call
from voice.tools.farewell import is_afterword, parts, takes_leave
from voice.turn.own import own_line
from voice.types import Action, Effect, Ending, Finish, Say, ToolCall, Turn, Utterance


def or_part(call: Call, turn: Turn, heard: Utterance, finish: Finish, said: str) -> Finish:
    """The finish, with a hang-up asked for where the caller and the model have just said goodbye.

    `said` is the model's reply. Only for an agent that lists end_call, at a door that can do it.
    """
    name = _hangs_up(call)
    if finish.tool_calls or name is None or turn.ending is not None or not parts(said):
        return finish
    before = (turn.was_heard for turn in reversed(call.thread.turns[:-1]) if turn.was_heard)
    if not takes_leave(heard.text, next(before, call.thread.greeting)):
        return finish
    return replace(finish, tool_calls=(ToolCall("", name),))


async def parted(call: Call, turn: Turn, heard: Utterance, say: Say) -> bool:
    """Whether the agent has said goodbye already and these words want no more than to hear it again."""
    if not call.has_parted:
        return False
    call.has_parted = is_afterword(heard.text)
    if not call.has_parted:
        return False
    await say(own_line(call.agent, call.agent.goodbye))
    turn.effect, turn.ending = Effect(Action.END_CALL), Ending.ANSWERED
    return True


def _hangs_up(call: Call) -> str | None:
    """The tool with which this agent hangs up; None: it has none, or nobody would do it."""
    if call.as_is is not None or Action.END_CALL not in call.actions:
        return None
    for name in call.agent.tools:
        tool = call.tools.get(name)
        if tool is not None and tool.action is Action.END_CALL:
            return name
    return None
