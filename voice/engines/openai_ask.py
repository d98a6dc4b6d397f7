"""What a model server on loopback is asked: a prompt as a chat completion, or the newer half of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Final, Literal

from voice.job import message_object, tool_object
from voice.types import Json, Message, Prompt

Tools = Literal["parsed", "shown", "unseen"]
"""What a server does with tools: it reads the calls itself, or shows the tools only, or takes none at all."""

LESS: Final[Mapping[Tools, Tools]] = {"parsed": "shown", "shown": "unseen"}

# How servers say that a prompt does not fit: vLLM, SGLang, llama.cpp, OpenAI's own code.
TOO_LONG = ("context length", "context_length", "context size", "max_model_len", "longer than")
NO_TOOLS = ("tool choice", "tool_choice", "tool-call-parser", "tools param", "tools are not supported")
TURNS_AT_ONCE = 4  # what stays begins at the same place for some turns, and its prefix need not be read again


def request_body(prompt: Prompt, model: str, context: int | None, tools: Tools = "parsed") -> dict[str, Json]:
    """A chat completion's request. `context` is the model's, in tokens: a reply gets half of it at most."""
    longest = prompt.max_tokens if context is None else min(prompt.max_tokens, max(1, context // 2))
    messages: list[Json] = [message_object(message) for message in prompt.messages]
    body: dict[str, Json] = {
        "model": model,
        "max_tokens": longest,
        "temperature": prompt.temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if prompt.stop:
        body["stop"] = list(prompt.stop)
    if prompt.tools and tools != "unseen":
        body["tools"] = [tool_object(tool) for tool in prompt.tools]
        if tools == "shown":  # vLLM shows them all the same; what the model then writes, we read
            body |= {"tool_choice": "none", "skip_special_tokens": False}
    if prompt.so_far:
        messages.append({"role": "assistant", "content": prompt.so_far})
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    return body | {"messages": messages}


def fits_not(told: str) -> bool:
    """Whether a server's refusal says that the prompt is too long."""
    told = told.lower()
    return any(words in told for words in TOO_LONG)


def takes_no_tools(told: str) -> bool:
    """Whether a server's refusal is about tools, as those say it that were not set up for them."""
    told = told.lower()
    return any(words in told for words in NO_TOOLS)


def without_older_half(prompt: Prompt) -> tuple[Prompt, int]:
    """The prompt without the older half of its turns, and how many went. The last turn always stays."""
    system, turns = _split(prompt.messages)
    gone = min(-(-len(turns) // 2 // TURNS_AT_ONCE) * TURNS_AT_ONCE or len(turns) // 2, len(turns) - 1)
    if gone <= 0:
        return prompt, 0
    kept = [message for turn in turns[gone:] for message in turn]
    return replace(prompt, messages=(*system, *kept)), gone


def _split(messages: tuple[Message, ...]) -> tuple[tuple[Message, ...], list[tuple[Message, ...]]]:
    """The system messages at the beginning, and the turns, each from a user's message to the next."""
    begin = next((i for i, one in enumerate(messages) if one.role != "system"), len(messages))
    starts = [i for i in range(begin, len(messages)) if i == begin or messages[i].role == "user"]
    return messages[:begin], [messages[start:end] for start, end in pairwise([*starts, len(messages)])]
