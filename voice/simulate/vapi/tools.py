"""The tools of a played Vapi assistant: how they are declared to the model, and what asking for one does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voice.simulate.vapi.stream import Asked

NO_RESULT = "No result returned."  # what Vapi tells the model where nothing usable came back
KEYS_PRESSED = "The keys were pressed."
ENDED, FORWARDED = "assistant-ended-call", "assistant-forwarded-call"
TRANSFERRING = "Transferring the call now."  # what Vapi says where nobody wrote anything, not even ""


@dataclass(frozen=True, slots=True)
class VapiTool:
    """One tool of an assistant. `kind` is Vapi's: endCall, transferCall, dtmf, function, …

    `destinations` are in Vapi's shape. `says` is its own request-start message; None: it has none.
    """

    kind: str
    name: str
    description: str
    parameters: Mapping[str, Any]
    destinations: tuple[Mapping[str, Any], ...] = ()
    says: str | None = None

    def declared(self) -> dict[str, Any]:
        """As a request names it: every tool is a function there, under its name in the dashboard."""
        function = {"name": self.name, "description": self.description, "parameters": dict(self.parameters)}
        return {"type": "function", "function": function}

    def destination(self, named: object) -> Mapping[str, Any]:
        """The destination that the model named, else the first one; {}: there is none."""
        known = next((one for one in self.destinations if named and named in addresses(one)), None)
        if known is None and isinstance(named, str) and named:
            return {"number": named}
        return known or next(iter(self.destinations), {})

    def words_before(self, destination: Mapping[str, Any], answered: object = None) -> str:
        """What the caller hears before they are connected.

        What the webhook has `answered` beside the destination, else the destination's words, else the tool's.
        """
        said = _words(destination.get("message")) if _words(answered) is None else _words(answered)
        says = self.says if said is None else said
        return TRANSFERRING if says is None else says


def addresses(destination: Mapping[str, Any]) -> list[str]:
    """How a model may name a destination."""
    found = (destination.get(key) for key in ("number", "sipUri", "assistantName", "assistantId"))
    return [one for one in found if isinstance(one, str) and one]


def _words(message: object) -> str | None:
    """The words of a message, which is text or an object with `content`; None: none is written."""
    content = message.get("content") if isinstance(message, Mapping) else message
    return content.strip() if isinstance(content, str) else None


def tools_of(assistant: Mapping[str, Any]) -> list[VapiTool]:
    """The tools of an assistant in Vapi's shape, as its API and the answer to assistant-request give it."""
    model = assistant.get("model")
    listed = model.get("tools") if isinstance(model, dict) else None
    return [_tool(one) for one in listed or () if isinstance(one, dict)]


def _tool(found: Mapping[str, Any]) -> VapiTool:
    kind, function = str(found.get("type", "function")), found.get("function") or {}
    places = tuple(one for one in found.get("destinations") or () if isinstance(one, Mapping))
    named = [addresses(one)[0] for one in places if addresses(one)]
    parameters = function.get("parameters") or {"type": "object", "properties": _properties(kind, named)}
    name, description = function.get("name") or kind, function.get("description") or ""
    return VapiTool(kind, str(name), str(description), parameters, places, _says(found.get("messages")))


def _says(messages: object) -> str | None:
    """What a tool says as it begins."""
    listed = [one for one in messages if isinstance(one, Mapping)] if isinstance(messages, list) else []
    return next((_words(one) for one in listed if one.get("type") == "request-start"), None)


def _properties(kind: str, places: Sequence[str]) -> dict[str, Any]:
    if kind == "dtmf":
        return {"dtmf": {"type": "string"}}
    return {"destination": {"type": "string", "enum": list(places)}} if places else {}


def arguments_of(asked: Asked) -> dict[str, Any]:
    """The arguments as an object; {} where they are none."""
    try:
        found = json.loads(asked.arguments or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def tool_calls_message(asked: Sequence[Asked], tools: Sequence[VapiTool]) -> dict[str, Any]:
    """What a tool-calls message says of the tools that are to be run: three lists of the same."""
    calls: list[dict[str, Any]] = [
        {"id": one.id, "type": "function", "function": {"name": one.name, "arguments": arguments_of(one)}}
        for one in asked
    ]
    known = {tool.name: tool.declared() for tool in tools}
    with_tool = [{**known[one["function"]["name"]], "toolCall": one} for one in calls]
    return {"toolCallList": calls, "toolCalls": calls, "toolWithToolCallList": with_tool}


@dataclass(frozen=True, slots=True)
class Results:
    """What the webhook answered to tool-calls: a text for each id; what to say; whether to hang up then."""

    texts: Mapping[str, str]
    say: str = ""
    ends: bool = False


def results_of(answer: Mapping[str, Any], asked: Sequence[Asked]) -> Results:
    """The results as strictly as Vapi reads them: exact ids, one line of text each, or there is no result."""
    listed = answer.get("results")
    found = {one.get("toolCallId"): one for one in listed or () if isinstance(one, dict)}
    spoken = [message for one in found.values() if isinstance(message := one.get("message"), dict)]
    return Results(
        {one.id: _text(found.get(one.id, {})) for one in asked},
        " ".join(str(message.get("content") or "") for message in spoken).strip(),
        any(message.get("endCallAfterSpokenEnabled") is True for message in spoken),
    )


def _text(result: Mapping[str, Any]) -> str:
    text = result.get("result", result.get("error"))
    return text if isinstance(text, str) and "\n" not in text else NO_RESULT
