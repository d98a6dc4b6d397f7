"""Does what the model asked for: runs its tools and gives their answers back to it."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace

from voice.call import Call
from voice.clock import Deadline
from voice.errors import BadRequest
from voice.events import ToolUsed
from voice.tools.base import ToolUse
from voice.types import Finish, Message, Note, Prompt, ToolCall, Turn

log = logging.getLogger(__name__)


async def act(
    call: Call, turn: Turn, prompt: Prompt, finish: Finish, said: str, deadline: Deadline
) -> Prompt:
    """The prompt to ask with next: the old one, what the model asked for, and what came of it.

    `said` is what the caller was told in the same breath. Raises TimeoutError when the reply's time is up.
    """
    begun = len(turn.tools)
    wanted = [_with_id(one, turn, begun + place) for place, one in enumerate(finish.tool_calls)]
    # A model's own ids begin anew with every reply: only the place in the call tells one use from another.
    keys = [f"{turn.position}.{begun + place}" for place in range(len(wanted))]
    async with asyncio.timeout_at(deadline.reply_at):
        answers = [await answer_tool(call, one, key) for one, key in zip(wanted, keys, strict=True)]
    asked = Message("assistant", said, tuple(wanted))
    told = [Message("tool", text, tool_call_id=one.id) for one, text in zip(wanted, answers, strict=True)]
    turn.tools = (*turn.tools, asked, *told)
    return replace(prompt, messages=(*prompt.messages, asked, *told))


async def answer_tool(call: Call, wanted: ToolCall, key: str) -> str:
    """What a tool answers: one line of text, for the model or a platform. The same `key` acts once.

    What is wrong with the request is told to whoever asked, as text; a tool that crashes, too.
    A tool that has begun ends its work, though the turn that asked for it is stopped.
    """
    if key not in call.tool_answers:
        call.tool_answers[key] = asyncio.get_running_loop().create_future()
        call.spawn(_use(call, wanted, key))
    return await asyncio.shield(call.tool_answers[key])


async def _use(call: Call, wanted: ToolCall, key: str) -> None:
    answer, ok = "The tool did not work. Offer the caller a call back.", False
    try:
        answer, ok = await _run(call, wanted, key)
    except Exception as exc:  # fence: one job
        log.exception("tool.failed", extra={"tool": wanted.name, "error": type(exc).__name__})
    finally:
        answer = " ".join(answer.split())
        call.tool_answers[key].set_result(answer)
    call.note(Note(call.call_id, "tool", {"id": key, "name": wanted.name, "ok": ok, "answer": answer}))
    call.publish(ToolUsed(call.call_id, wanted.name if wanted.name in call.tools else "unknown", ok))


async def _run(call: Call, wanted: ToolCall, key: str) -> tuple[str, bool]:
    tool = call.tools.get(wanted.name)
    if tool is None:
        return f"There is no tool called {wanted.name}.", False
    try:
        arguments = json.loads(wanted.arguments or "{}")
    except ValueError:
        return "The arguments are not JSON.", False
    if not isinstance(arguments, dict):
        return "The arguments must be a JSON object.", False
    try:
        return await tool.use(ToolUse(call.call_id, key, arguments, call.note)), True
    except BadRequest as exc:
        return str(exc), False


def _with_id(wanted: ToolCall, turn: Turn, place: int) -> ToolCall:
    """The same with an id that is not empty: its answer must name it."""
    return wanted if wanted.id else replace(wanted, id=f"call_{turn.position}_{place}")
