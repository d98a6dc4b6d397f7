"""The RunPod job: what goes in and what comes out, read by both sides.

The web host writes a job with `job_input`; the worker in the GPU container reads it with
`parse_job`, and answers with the chunks built at the end of this file. Foreign clients may
send the older shapes, too: a bare prompt, `sampling_params`, or RunPod's OpenAI route.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from voice.errors import BadJob
from voice.types import CallId, Finish, Json, Message, Prompt, Role, ToolCall, ToolSpec

MAX_TOKENS: Final = 4096  # the longest reply one job may ask for; a spoken turn needs about 120
MAX_MESSAGES: Final = 1000  # a call of an hour has about 400
MAX_CHARS: Final = 400_000  # of all messages together: about 100,000 tokens
MAX_STOPS: Final = 16
MAX_TOOLS: Final = 128  # as OpenAI
MAX_DEPTH: Final = 100  # of what a tool takes; a JSON writer ends at 254
MAX_NAME_CHARS: Final = 200  # of call ids, model and tool names
MAX_SO_FAR_CHARS: Final = 16_384  # what the caller has heard of a reply: MAX_TOKENS of four characters
MAX_REPLY_MS: Final = 600_000  # RunPod's own limit of a job's execution, as it stands by default

ROLES: Final = get_args(Role)
DEFAULTS: Final = Prompt(())

# How a model that cannot be given the beginning of its own reply is asked to go on behind it. The user
# says it: many templates take a system message at the beginning only.
GO_ON: Final = Message(
    "user",
    "[Your reply above was cut off. Write only the words that come next, from exactly where it stopped."
    " Repeat nothing, and do not mention this.]",
)


@dataclass(frozen=True, slots=True)
class Job:
    """One job, checked. `stream` false: the answer is one piece; `openai`: it is written in OpenAI's shapes.

    `asks` "models" is OpenAI's list of models: the prompt is then empty. `reply_s` is how long after the
    worker began nobody listens any longer; None: there is no such limit.
    """

    prompt: Prompt
    stream: bool = True
    openai: bool = False
    model: str | None = None
    asks: Literal["reply", "models"] = "reply"
    reply_s: float | None = None


# Reading


def parse_job(given: object) -> Job:
    """The job that an `input` asks for. Raises BadJob with one sentence that names the field."""
    if given is None:
        raise BadJob('input is missing: send {"messages": [...]} or {"prompt": "..."}.')
    fields = _object(given, "input")
    if not fields:
        raise BadJob('input is empty: send {"messages": [...]} or {"prompt": "..."}.')
    if "openai_route" in fields:
        return _openai_job(fields)
    return _reply_job(fields, stream=True)


def _openai_job(fields: Mapping[str, object]) -> Job:
    route = fields["openai_route"]
    if not isinstance(route, str):
        raise BadJob("openai_route must be text.")
    asked = route.strip("/").removeprefix("openai/").removeprefix("v1/")
    if asked == "models":
        return Job(Prompt(()), stream=False, openai=True, asks="models")
    if asked != "chat/completions":
        raise BadJob("openai_route must be /v1/chat/completions or /v1/models.")
    body = _object(fields.get("openai_input"), "openai_input")
    if body.get("n") not in (None, 1):
        raise BadJob("n must be 1: one reply is written per job.")
    return _reply_job(body, stream=False, openai=True)


def _reply_job(fields: Mapping[str, object], *, stream: bool, openai: bool = False) -> Job:
    """`stream`: whether the reply comes in pieces where the fields do not say."""
    return Job(
        _prompt(fields),
        stream=_flag(fields, "stream", stream),
        openai=openai,
        model=_name(fields, "model"),
        reply_s=_reply_s(fields.get("reply_ms")),
    )


def _reply_s(given: object) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MAX_REPLY_MS:
        raise BadJob(f"reply_ms must be a whole number of milliseconds from 1 to {MAX_REPLY_MS}.")
    return given / 1000


def _prompt(fields: Mapping[str, object]) -> Prompt:
    """Fields beside the messages win over the same ones in the older `sampling_params`."""
    sampling = {**_object(fields.get("sampling_params") or {}, "sampling_params"), **fields}
    longest = sampling.get("max_completion_tokens", sampling.get("max_tokens"))
    call_id = _name(fields, "call_id")
    so_far, messages = _so_far(fields.get("so_far")), _messages(fields)
    goes_on = _flag(fields, "continue_final_message", False) and len(messages) > 1
    if goes_on and not so_far and messages[-1].role == "assistant":
        so_far, messages = messages[-1].text, messages[:-1]  # as vLLM is asked for the same
    if so_far and messages[-2:] == _cut_off(so_far):
        messages = messages[:-2]  # the engine goes on by itself
    return Prompt(
        messages=messages,
        max_tokens=_max_tokens(longest),
        temperature=_temperature(sampling.get("temperature")),
        tools=() if fields.get("tool_choice") == "none" else _tools(fields.get("tools")),
        stop=_stops(sampling.get("stop")),
        call_id=None if call_id is None else CallId(call_id),
        so_far=so_far,
    )


def _so_far(given: object) -> str:
    if given is None:
        return ""
    if not isinstance(given, str) or len(given) > MAX_SO_FAR_CHARS:
        raise BadJob(f"so_far must be text of at most {MAX_SO_FAR_CHARS} characters.")
    return _whole(given)


def _messages(fields: Mapping[str, object]) -> tuple[Message, ...]:
    given = fields.get("messages")
    if given is None:
        asked = fields.get("prompt")
        if not isinstance(asked, str) or not asked.strip():
            raise BadJob("messages is missing: send a list of messages, or a prompt that is text.")
        given = [{"role": "user", "content": asked}]
    if not isinstance(given, list) or not given:
        raise BadJob("messages must be a list with at least one message.")
    if len(given) > MAX_MESSAGES:
        raise BadJob(f"messages has {len(given)} entries; at most {MAX_MESSAGES} are read.")
    messages = tuple(_message(entry, f"messages[{place}]") for place, entry in enumerate(given))
    chars = sum(len(message.text) for message in messages)
    chars += sum(len(call.arguments) for message in messages for call in message.tool_calls)
    if chars > MAX_CHARS:
        raise BadJob(f"messages has {chars} characters; at most {MAX_CHARS} are read.")
    return messages


def _message(given: object, where: str) -> Message:
    fields = _object(given, where)
    role = fields.get("role")
    if role == "developer":  # OpenAI's newer word for it
        role = "system"
    if role not in ROLES:
        raise BadJob(f"{where}.role must be one of {', '.join(ROLES)}.")
    answers = fields.get("tool_call_id")
    if answers is not None and not isinstance(answers, str):
        raise BadJob(f"{where}.tool_call_id must be text.")
    calls = fields.get("tool_calls") or []
    if not isinstance(calls, list):
        raise BadJob(f"{where}.tool_calls must be a list.")
    made = tuple(_tool_call(call, f"{where}.tool_calls[{place}]") for place, call in enumerate(calls))
    text = _content(fields.get("content"), where, may_lack=bool(made))
    return Message(cast(Role, role), text, made, answers)


def _content(given: object, where: str, *, may_lack: bool) -> str:
    """Text, or OpenAI's list of parts that are text."""
    if isinstance(given, str):
        return _whole(given)
    if given is None and may_lack:
        return ""
    if isinstance(given, list):
        parts = [_object(part, f"{where}.content[{place}]").get("text") for place, part in enumerate(given)]
        if all(isinstance(part, str) for part in parts):
            return _content("".join(cast("list[str]", parts)), where, may_lack=may_lack)
    raise BadJob(f"{where}.content must be text.")


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()  # half an emoji would break the tokenizer


def _tool_call(given: object, where: str) -> ToolCall:
    fields = _object(given, where)
    function = _object(fields.get("function"), f"{where}.function")
    name, arguments, called = function.get("name"), function.get("arguments", "{}"), fields.get("id", "")
    if not (isinstance(name, str) and name and isinstance(arguments, str) and isinstance(called, str)):
        raise BadJob(f"{where} must have an id, a function name and arguments, each as text.")
    return ToolCall(called, name, arguments)


def _tools(given: object) -> tuple[ToolSpec, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > MAX_TOOLS:
        raise BadJob(f"tools must be a list of at most {MAX_TOOLS}.")
    return tuple(_tool(tool, f"tools[{place}]") for place, tool in enumerate(given))


def _tool(given: object, where: str) -> ToolSpec:
    function = _object(_object(given, where).get("function"), f"{where}.function")
    description = function.get("description") or ""
    if not isinstance(description, str):
        raise BadJob(f"{where}.function.description must be text.")
    name = _name(function, "name", f"{where}.function.")
    if name is None:
        raise BadJob(f"{where}.function.name is missing.")
    parameters = _object(function.get("parameters") or {}, f"{where}.function.parameters")
    if _is_deeper(parameters, MAX_DEPTH):
        raise BadJob(f"{where}.function.parameters is nested deeper than {MAX_DEPTH} levels.")
    return ToolSpec(name, description, cast("Mapping[str, Json]", parameters))


def _is_deeper(given: object, levels: int) -> bool:
    within = given.values() if isinstance(given, dict) else given if isinstance(given, list) else ()
    return levels == 0 or any(_is_deeper(one, levels - 1) for one in within)


def _max_tokens(given: object) -> int:
    if given is None:
        return DEFAULTS.max_tokens
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MAX_TOKENS:
        raise BadJob(f"max_tokens must be a whole number from 1 to {MAX_TOKENS}.")
    return given


def _temperature(given: object) -> float:
    if given is None:
        return DEFAULTS.temperature
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 2:  # NaN is neither
        raise BadJob("temperature must be a number from 0 to 2.")
    return float(given)


def _stops(given: object) -> tuple[str, ...]:
    stops = [given] if isinstance(given, str) else given
    if stops is None:
        return ()
    words = isinstance(stops, list) and all(isinstance(stop, str) and stop for stop in stops)
    if not isinstance(stops, list) or not words or len(stops) > MAX_STOPS:
        raise BadJob(f"stop must be text, or a list of at most {MAX_STOPS} texts that are not empty.")
    return tuple(stops)


def _object(given: object, where: str) -> Mapping[str, object]:
    if not isinstance(given, dict):
        raise BadJob(f"{where} must be an object.")
    return given


def _flag(fields: Mapping[str, object], key: str, default: bool) -> bool:
    given = fields.get(key)
    if given is None:
        return default
    if not isinstance(given, bool):
        raise BadJob(f"{key} must be true or false.")
    return given


def _name(fields: Mapping[str, object], key: str, where: str = "") -> str | None:
    given = fields.get(key)
    if given is None:
        return None
    if not isinstance(given, str) or not 0 < len(given) <= MAX_NAME_CHARS:
        raise BadJob(f"{where}{key} must be text of 1 to {MAX_NAME_CHARS} characters.")
    return given


# Writing


def job_input(
    prompt: Prompt, *, stream: bool = True, model: str | None = None, reply_s: float | None = None
) -> dict[str, Json]:
    """The `input` of a job, also understood by RunPod's own vLLM worker (which reads `sampling_params`).

    `max_tokens` is always said: where it is not, some workers stop after 16 tokens. A reply to be gone on
    with is told twice: in messages that any model understands, and as `so_far` for our own worker.
    After `reply_s` our own worker stops writing.
    """
    sampling: dict[str, Json] = {"max_tokens": prompt.max_tokens, "temperature": prompt.temperature}
    if prompt.stop:
        sampling["stop"] = list(prompt.stop)
    fields: dict[str, Json] = {"messages": message_objects(prompt)}
    fields |= sampling
    fields["sampling_params"] = dict(sampling)
    fields["stream"] = stream
    if prompt.tools:
        fields["tools"] = [tool_object(tool) for tool in prompt.tools]
    if model is not None:
        fields["model"] = model
    return fields | own_fields(prompt, reply_s)


def own_fields(prompt: Prompt, reply_s: float | None = None) -> dict[str, Json]:
    """What our own worker takes beside a chat completion's fields."""
    fields: dict[str, Json] = {}
    if prompt.call_id is not None:
        fields["call_id"] = prompt.call_id
    if prompt.so_far:
        fields["so_far"] = prompt.so_far
    if reply_s is not None:
        fields["reply_ms"] = min(MAX_REPLY_MS, max(1, round(reply_s * 1000)))
    return fields


def message_objects(prompt: Prompt) -> list[Json]:
    """The messages as chat completions write them. With `so_far` the last two ask for the words behind it."""
    cut_off = _cut_off(prompt.so_far) if prompt.so_far else ()
    return [message_object(message) for message in (*prompt.messages, *cut_off)]


def _cut_off(so_far: str) -> tuple[Message, ...]:
    return Message("assistant", so_far), GO_ON


def message_object(message: Message) -> dict[str, Json]:
    """A message as chat completions write it."""
    fields: dict[str, Json] = {"role": message.role, "content": message.text}
    if message.tool_calls:
        fields["tool_calls"] = tool_call_objects(message.tool_calls)
    if message.tool_call_id is not None:
        fields["tool_call_id"] = message.tool_call_id
    return fields


def tool_object(tool: ToolSpec) -> dict[str, Json]:
    """A tool as chat completions write it."""
    function: dict[str, Json] = {"name": tool.name, "description": tool.description}
    function["parameters"] = dict(tool.parameters)
    return {"type": "function", "function": function}


def tool_call_objects(calls: Sequence[ToolCall]) -> list[Json]:
    """Tool calls as chat completions write them."""
    return [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in calls
    ]


def text_chunk(text: str) -> dict[str, Json]:
    """A piece of the reply."""
    return {"text": text}


def last_chunk(finish: Finish, told: Mapping[str, Json], text: str = "") -> dict[str, Json]:
    """The end of the reply. `told` is what the worker says of its work; see `worker_facts`."""
    fields: dict[str, Json] = {"text": text, "finish_reason": finish.reason, "usage": usage_object(finish)}
    fields |= told
    if finish.tool_calls:
        fields["tool_calls"] = tool_call_objects(finish.tool_calls)
    return fields


def worker_facts(finish: Finish, timing_ms: Mapping[str, float], *, is_late: bool) -> dict[str, Json]:
    """What stands in the last chunk besides the reply's end. `timing_ms`: since the worker began with it.

    `is_late`: the writing was stopped at the job's `reply_ms`.
    """
    facts: dict[str, Json] = {"timing": dict(timing_ms)}
    if finish.dropped_turns:
        facts["dropped_turns"] = finish.dropped_turns
    if finish.ignored:
        facts["ignored"] = list(finish.ignored)
    if is_late:
        facts["stopped_at"] = "reply_ms"
    return facts


def usage_object(finish: Finish) -> dict[str, Json]:
    """Tokens as chat completions count them."""
    read, written = finish.usage.prompt_tokens, finish.usage.completion_tokens
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def is_json(value: object) -> bool:
    """Whether a value comes back the same through JSON, as RunPod's worker loop needs it.

    What does not is never delivered: the job hangs until the platform gives up.
    """
    try:
        written = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()  # as the SDK sends it
        return bool(json.loads(written) == value)
    except (TypeError, ValueError, RecursionError):
        return False
