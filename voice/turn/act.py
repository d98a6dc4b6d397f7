"""Does what the model asked for: runs its tools and gives their answers back to it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from voice.call import Call
from voice.clock import Deadline, now
from voice.errors import BadRequest, ToolFailed
from voice.events import ToolUsed
from voice.speech.clean import clean
from voice.telemetry.masked import text_to_keep, without_secrets_in
from voice.threads.journal import Step, step_note
from voice.tools.base import Tool, ToolUse
from voice.turn.offered import offered
from voice.types import Action, Effect, Ending, Finish, Json, Message, Note, Prompt, ToolCall, Turn

log = logging.getLogger(__name__)

Answer = str | Effect  # of a tool: for whoever asked, or what the door is to do to the call

TELL_S = 1.5  # of a turn's time is left when a tool must have answered: a model needs it to tell the caller
PLATFORM_S = 12.0  # for a tool that a platform asks for; Vapi gives up after 20 s, other processes after 15
STOPPED = (
    Ending.INTERRUPTED,
    Ending.HUNG_UP,
)  # a process that is told to stop hangs up, and the call goes on
BROKE = "The tool did not work. Offer the caller a call back."
WITHHELD = "The call goes on, since something else was not done: tell the caller that first."


async def act(
    call: Call, turn: Turn, prompt: Prompt, finish: Finish, said: str, deadline: Deadline
) -> Prompt | None:
    """The prompt to ask with next: the old one, what the model asked for, and what came of it.

    None when the turn is over: the door has something to do to the call (`turn.effect`), its platform
    runs the tool (`turn.handed`), or both. Ours run first: what they did is known whatever follows.
    `said` is what the caller was told in the same breath. Raises TimeoutError when the reply's time is up.
    """
    begun, theirs = len(turn.tools), _theirs(call)
    wanted = [_with_id(one, turn, begun + place) for place, one in enumerate(finish.tool_calls)]
    handed = tuple(one for one in wanted if one.name in theirs)
    ours = tuple(one for one in wanted if one.name not in theirs)
    if ours:
        async with asyncio.timeout_at(deadline.reply_at):
            answers = await _answers(call, turn, ours, deadline.reply_at - TELL_S)
        told = [
            Message("tool", told_of(answer), tool_call_id=one.id)
            for one, answer in zip(ours, answers, strict=True)
        ]
        kept = tuple(to_keep(one) for one in ours)
        turn.tools = (*turn.tools, Message("assistant", said, kept), *told)
        turn.effect = next((answer for answer in answers if isinstance(answer, Effect)), None)
    turn.handed = handed
    if turn.effect is not None or handed:
        return None
    return replace(prompt, messages=(*prompt.messages, *turn.tools[begun:]))


def to_keep(wanted: ToolCall) -> ToolCall:
    """What was asked as it is kept and read again: the tool alone is given the secrets in it."""
    return replace(wanted, arguments=text_to_keep(wanted.arguments))


def told_of(answer: str | Effect) -> str:
    """What a model or a platform reads of a tool's answer."""
    return answer.told if isinstance(answer, Effect) else answer


async def answer_platform(call: Call, wanted: ToolCall) -> Answer:
    """What a tool that a platform asks for answers; once per id.

    Raises ToolFailed, with what is to be told, where it was refused or did not work.
    """
    answer = await answer_tool(call, wanted, wanted.id)
    if wanted.id in call.tools_failed:
        raise ToolFailed(told_of(answer))
    return answer


def accepted(call: Call, use_ids: Iterable[str]) -> None:
    """Write down that whoever asked for these uses has taken the answers. Unknown ids change nothing."""
    for use_id in use_ids:
        answer = call.tool_answers.get(use_id)
        if answer is not None and answer.done() and use_id not in call.tools_accepted:
            call.tools_accepted |= {use_id}
            call.note(step_note(call.call_id, use_id, Step.ACCEPTED, {}))


def accepted_in(call: Call, turn: Turn) -> None:
    """The same for all that was asked for within a turn: its model has gone on, its door has done it."""
    accepted(call, [use_id for use_id in call.tool_answers if use_id.startswith(f"{turn.position}.")])


async def answer_tool(
    call: Call, wanted: ToolCall, key: str, turn: Turn | None = None, until: float | None = None
) -> str | Effect:
    """What a tool answers: one line of text, for the model or a platform, or an effect for the door.

    The same `key` acts once. `turn` is the one in which our model asks; None: a platform's asks, and sees
    to an effect itself. `until` is when the answer is needed.

    What is wrong with the request is told to whoever asked, as text; a tool that crashes, too.
    A tool that has begun ends its work, though the turn that asked for it is stopped.
    """
    if key not in call.tool_answers:
        call.tool_answers[key] = asyncio.get_running_loop().create_future()
        call.tools_asked[key] = wanted
        _note(call, key, Step.ASKED, name=wanted.name, arguments=to_keep(wanted).arguments)
        tools = call.tools if turn is None else offered(call)
        call.spawn(_use(call, wanted, _tool_use(call, key, until), tools))
    return await asyncio.shield(call.tool_answers[key])


async def _answers(call: Call, turn: Turn, wanted: Sequence[ToolCall], until: float) -> list[str | Effect]:
    """What our tools answer, one after the other.

    Hanging up comes last, and not at all where another has failed: the caller must hear of that.
    """
    begun, answers, failed = len(turn.tools), dict[int, str | Effect](), False
    for place in sorted(range(len(wanted)), key=lambda place: _hangs_up(call, wanted[place])):
        one = wanted[place]
        key = _key(call, turn, one, begun + place)
        if failed and _hangs_up(call, one):
            answers[place] = _withhold(call, one, key)
            continue
        answers[place] = await answer_tool(call, one, key, turn, until)
        failed = failed or key in call.tools_failed
    return [answers[place] for place in range(len(wanted))]


def _ours(call: Call) -> Mapping[str, Tool]:
    """The tools that run here when our model asks. A request that named a route has its client's only."""
    return {} if call.as_is is not None else call.tools


def _theirs(call: Call) -> set[str]:
    """The names of the tools that the platform runs."""
    return {spec.name for spec in call.platform_tools} - set(_ours(call))


def _hangs_up(call: Call, wanted: ToolCall) -> bool:
    tool = _ours(call).get(wanted.name)
    return tool is not None and tool.action is Action.END_CALL


def _withhold(call: Call, wanted: ToolCall, key: str) -> str:
    """Answer a use that is not begun."""
    call.tool_answers[key] = asyncio.get_running_loop().create_future()
    call.tool_answers[key].set_result(WITHHELD)
    _note(call, key, Step.ASKED, name=wanted.name, arguments=to_keep(wanted).arguments)
    _note(call, key, Step.ANSWERED, name=wanted.name, ok=False, answer=WITHHELD, effect=None)
    call.publish(ToolUsed(call.call_id, wanted.name, False))
    return WITHHELD


def _key(call: Call, turn: Turn, wanted: ToolCall, place: int) -> str:
    """What tells one use from another: its place in the call, since a model's own ids begin anew each time.

    Who goes on talking has the turn begun anew, and so has a restart: what the stopped turn has asked for
    is not done twice, unless its model had the answer and the caller heard it speak. Nor is what one turn
    asks for twice, be it before and after the platform has run a tool. What a tool wants done to the call
    each turn's words decide anew.
    """
    tool = _ours(call).get(wanted.name)
    if tool is None or tool.action is not None:
        return _free_key(call, turn, place)
    if key := _asked_in(call, turn, wanted):
        return key
    if (told := _told_in(turn, wanted)) is not None:  # by the turn whose place this one has taken
        return _recalled(call, *told)
    for stopped in reversed(call.thread.turns[:-1]):
        told = _told_in(stopped, wanted)
        goes_on = bool(stopped.handed) and stopped.said == turn.said  # the platform has run its tools since
        if not goes_on and (stopped.ending not in STOPPED or (stopped.was_heard and told is not None)):
            break
        if key := _asked_in(call, stopped, wanted):
            return key
        if told is not None:
            return _recalled(call, *told)
    return _free_key(call, turn, place)


def _free_key(call: Call, turn: Turn, place: int) -> str:
    """The first key from this place on that no use has: a stopped turn may have had the same position."""
    while (key := f"{turn.position}.{place}") in call.tool_answers:
        place += 1
    return key


def _asked_in(call: Call, turn: Turn, wanted: ToolCall) -> str | None:
    """The same use in a turn that this process has begun, answered or not."""
    uses = ((key, one) for key, one in call.tools_asked.items() if key.startswith(f"{turn.position}."))
    return next((key for key, one in uses if _is_same(one, wanted)), None)


def _told_in(turn: Turn, wanted: ToolCall) -> tuple[str, str] | None:
    """The key of the same use in a turn whose model was given the answer, and that answer."""
    answers = {one.tool_call_id: one.text for one in turn.tools if one.role == "tool"}
    for at, message in enumerate(turn.tools):
        for place, one in enumerate(message.tool_calls):
            if _is_same(one, to_keep(wanted)) and one.id in answers:
                return f"{turn.position}.{at + place}", answers[one.id]
    return None


def _recalled(call: Call, key: str, answer: str) -> str:
    """The key of a use of another process, once its answer is known here, too."""
    if key not in call.tool_answers:
        call.tool_answers[key] = asyncio.get_running_loop().create_future()
        call.tool_answers[key].set_result(answer)
    return key


def _is_same(one: ToolCall, other: ToolCall) -> bool:
    return one.name == other.name and _plain(one.arguments) == _plain(other.arguments)


def _plain(arguments: str) -> str:
    """Arguments without what their writer was free in: blanks, and the order of the keys."""
    try:
        return json.dumps(json.loads(arguments or "{}"), sort_keys=True)
    except (ValueError, RecursionError):
        return arguments


def _tool_use(call: Call, key: str, until: float | None) -> ToolUse:
    """What a tool is told besides its arguments: the newest words, and what they may have answered."""
    turns = call.thread.turns
    said = turns[-1].said if turns else None
    asked = next((turn.was_heard for turn in reversed(turns[:-1]) if turn.was_heard), call.thread.greeting)
    ends_at = until if until is not None else now() + PLATFORM_S
    caller = call.record.caller
    return ToolUse(call.call_id, key, {}, said, _noting(call), asked, caller, call.line, until=ends_at)


def _noting(call: Call) -> Callable[[Note], None]:
    """Keeps what a tool writes down, without the secrets in it."""
    return lambda note: call.note(replace(note, payload=without_secrets_in(note.payload)))


async def _use(call: Call, wanted: ToolCall, use: ToolUse, tools: Mapping[str, Tool]) -> None:
    key, answer, ok = use.tool_call_id, "", False
    effect: Effect | None = None
    try:
        found, ok = await _run(call, wanted, use, tools)
        if isinstance(found, Effect):
            effect = replace(found, say=clean(found.say))
        answer = " ".join(told_of(found).split())
    except Exception as exc:  # fence: one job
        log.exception("tool.failed", extra={"tool": wanted.name, "error": type(exc).__name__})
    finally:
        if not ok:
            call.tools_failed |= {key}
        call.tool_answers[key].set_result(effect or answer or BROKE)
    action = effect.action.value if effect is not None else None
    _note(
        call, key, Step.ANSWERED, name=wanted.name, ok=ok, answer=text_to_keep(answer) or BROKE, effect=action
    )
    call.publish(ToolUsed(call.call_id, wanted.name if wanted.name in call.tools else "unknown", ok))


async def _run(
    call: Call, wanted: ToolCall, use: ToolUse, tools: Mapping[str, Tool]
) -> tuple[str | Effect, bool]:
    try:
        tool = _tool(call, tools, wanted)
        arguments = _arguments(wanted)
        _note(call, use.tool_call_id, Step.RAN, name=wanted.name)
        return await tool.use(replace(use, arguments=arguments)), True
    except BadRequest as exc:
        call.tools_asked.pop(use.tool_call_id, None)  # nothing was done: it may be asked for again
        return str(exc), False
    except ToolFailed as exc:
        return str(exc), False


def _tool(call: Call, tools: Mapping[str, Tool], wanted: ToolCall) -> Tool:
    tool = tools.get(wanted.name)
    if tool is not None:
        return tool
    if wanted.name in _ours(call):
        # A model may ask for what it was not offered: nobody says that it is done.
        raise BadRequest("That cannot be done on this line. Offer the caller a call back.")
    raise BadRequest(f"There is no tool called {wanted.name}.")


def _arguments(wanted: ToolCall) -> dict[str, Json]:
    try:
        arguments = json.loads(wanted.arguments or "{}")
    except (ValueError, RecursionError):
        raise BadRequest("The arguments are not JSON.") from None
    if not isinstance(arguments, dict):
        raise BadRequest("The arguments must be a JSON object.")
    return arguments


def _note(call: Call, key: str, step: Step, **facts: Json) -> None:
    call.note(step_note(call.call_id, key, step, facts))


def _with_id(wanted: ToolCall, turn: Turn, place: int) -> ToolCall:
    """The same with an id that is not empty: its answer must name it."""
    return wanted if wanted.id else replace(wanted, id=f"call_{turn.position}_{place}")
