"""Vapi's messages: the custom-LLM request, the server messages, and the shapes of our answers.

Vapi tells a server about a call in many spellings; every field may be missing, and nothing here
makes a call fail because a field it does not need is odd.

Source: Vapi's OpenAPI schema as in vapi_server_sdk 1.9 and the docs under docs.vapi.ai/server-url and
docs.vapi.ai/customization/custom-llm. Examples: tests/wire/vapi/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from handlers.wire.openai import ROLES, ChatMessage, ChatRequest, an_id_in
from handlers.wire.reading import an_id
from handlers.wire.vapi_tools import ToolRequest, tool_requests
from voice.agents.agent import Agent
from voice.types import CallId, Json

# What an assistant that we describe tells us; the defaults add every word's history, twice per turn.
SERVER_MESSAGES = (
    "status-update",
    'transcript[transcriptType="final"]',
    "tool-calls",
    "user-interrupted",
    "hang",
    "end-of-call-report",
)
SECRET_KEYS = ("token", "secret", "password", "apikey", "api_key", "api-key", "authorization", "credential")
REMOVED = "[removed]"


def _table(found: object) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def call_id_of(*places: object) -> CallId | None:
    """The id of the call that these `call` objects speak of."""
    found = (an_id_in(_table(place), "id", "callId") for place in places)
    return next((CallId(one) for one in found if one), None)


def caller_of(*places: object) -> str | None:
    """The caller's number, from a `customer` object or a `call` that holds one. Web calls have none."""
    for place in places:
        table = _table(place)
        number = an_id(table.get("number")) or an_id(_table(table.get("customer")).get("number"))
        if number:
            return number
    return None


# The custom-LLM request


def _name(found: object) -> str | None:
    return found if isinstance(found, str) and found else None


def _known(found: object) -> object:
    """Messages without the entries that are none. A list of nothing else stays: its sender is told why."""
    if not isinstance(found, list):
        return found
    return [one for one in found if _is_message(one)] or found


def _is_message(found: object) -> bool:
    role = _table(found).get("role")
    return isinstance(role, str) and role in ROLES


class VapiChatRequest(ChatRequest):
    """What Vapi adds to a chat-completions request.

    `metadata` holds Vapi's own turn counters; with metadataSendMode "destructured" they stand at top level.
    """

    model: Annotated[str | None, BeforeValidator(_name)] = None
    messages: Annotated[list[ChatMessage], BeforeValidator(_known)]
    stream_options: Any = None  # never sent
    metadata: Any = None
    call: Any = None
    customer: Any = None
    assistant_turns: Any = Field(None, alias="numAssistantTurns")
    user_turns: Any = Field(None, alias="numUserTurns")
    call_id: Any = Field(None, alias="callId")

    def calls_id(self, header: str | None) -> CallId | None:
        """The id of the call, wherever Vapi put it."""
        metadata = self._metadata()
        named = an_id_in(metadata, "call_id", "callId") or an_id(self.call_id) or an_id(header)
        return call_id_of(self.call) or (CallId(named) if named else None)

    def caller(self) -> str | None:
        return caller_of(self.customer, self.call)

    def turn_key(self, said: int) -> str:
        """What tells this turn from a repeat: Vapi's counters, else how often the caller has spoken.

        The number of messages would not do: an interrupted transcript is replaced, not added to.
        """
        metadata = self._metadata()
        mine = metadata.get("numAssistantTurns", self.assistant_turns)
        theirs = metadata.get("numUserTurns", self.user_turns)
        if isinstance(mine, int) and isinstance(theirs, int):
            return f"{mine}.{theirs}"
        return f"u{said}"

    def _metadata(self) -> dict[str, Any]:
        overrides = _table(_table(self.call).get("assistantOverrides"))
        return {**_table(overrides.get("metadata")), **_table(self.metadata)}


# Server messages


@dataclass(frozen=True, slots=True)
class ServerMessage:
    """One server message: its type, the call it is about, and the rest for what only one type has."""

    type: str
    call_id: CallId | None
    caller: str | None
    body: Mapping[str, Any] = field(repr=False)

    def text(self, key: str) -> str | None:
        """A field that should hold text."""
        value = self.body.get(key)
        return value if isinstance(value, str) and value else None

    def tools(self) -> list[ToolRequest]:
        """The tools that are asked for, each id once."""
        return tool_requests(self.body)

    def note(self) -> dict[str, Json]:
        """The whole message as it may be kept."""
        kept = redacted(dict(self.body))
        assert isinstance(kept, dict)
        return kept

    def samples(self) -> int:
        """The sample rate that a voice-request wants, in hertz."""
        rate = self.body.get("sampleRate")
        return rate if isinstance(rate, int) and 8_000 <= rate <= 48_000 else 16_000


def server_message(body: Mapping[str, Any], header: str | None) -> ServerMessage | None:
    """The server message in a body, in `message`, in the misspelt `messsage`, or bare. None: no such."""
    wrapped = next((body[key] for key in ("message", "messsage") if isinstance(body.get(key), dict)), None)
    message = wrapped if wrapped is not None else body
    kind = message.get("type")
    if not isinstance(kind, str) or not kind:
        return None
    places = (message.get("call"), body.get("call"))
    named = an_id(message.get("callId")) or an_id(header)
    call_id = call_id_of(*places) or (CallId(named) if named else None)
    caller = caller_of(message.get("customer"), *places, body.get("customer"))
    return ServerMessage(kind, call_id, caller, message)


def is_chat(body: Mapping[str, Any]) -> bool:
    """Whether a body is a chat-completions request, whatever door it came to."""
    return isinstance(body.get("messages"), list) and "message" not in body and "type" not in body


def redacted(found: object) -> Json:
    """A payload without the secrets that Vapi sends along, and without characters a database cannot keep.

    Counters such as llmPromptTokens are numbers and stay.
    """
    if isinstance(found, dict):
        return {
            str(key): REMOVED if _is_secret(str(key), value) else redacted(value)
            for key, value in found.items()
        }
    if isinstance(found, list):
        return [redacted(one) for one in found]
    if isinstance(found, str):
        return found.replace("\x00", "")
    return found if isinstance(found, bool | int | float) else None


def _is_secret(key: str, value: object) -> bool:
    named = any(word in key.lower() for word in SECRET_KEYS)
    return named and value is not None and not isinstance(value, bool | int | float)


# Answers


def assistant_answer(agent: Agent, base_url: str, secret: str | None) -> dict[str, Any]:
    """The answer to assistant-request: who takes the call, and that we write their words.

    No `server` is named: events go on to the URL that asked. The secret goes back to whom it came
    from, because Vapi sends a server's secret to that server only, not to a custom LLM.
    """
    assistant: dict[str, Any] = {
        "name": agent.name[:40],
        "firstMessage": agent.greeting,
        "firstMessageMode": "assistant-speaks-first",
        "model": {"provider": "custom-llm", "url": f"{base_url}/vapi", "model": agent.name},
        "serverMessages": list(SERVER_MESSAGES),
    }
    if secret:
        assistant["credentials"] = [{"provider": "custom-llm", "apiKey": secret}]
    return {"assistant": assistant}


def tool_result(asked: ToolRequest, answer: str, *, ok: bool) -> dict[str, Any]:
    """One entry of the answer to tool-calls. Vapi drops a result that has a line break or is no string."""
    line = " ".join(answer.split())
    return {"toolCallId": asked.id, "name": asked.name, "result" if ok else "error": line}
