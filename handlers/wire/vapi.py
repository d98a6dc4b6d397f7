"""Vapi's messages: the custom-LLM request and the server messages.

Vapi tells a server about a call in many spellings; every field may be missing, and nothing here
makes a call fail because a field it does not need is odd.

Source: Vapi's OpenAPI schema as in vapi_server_sdk 1.9 and the docs under docs.vapi.ai/server-url and
docs.vapi.ai/customization/custom-llm. Examples: tests/wire/vapi/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handlers.wire.declared import NOTHING, Declared, declared_in
from handlers.wire.masked import KnownSecrets, mask
from handlers.wire.openai import (
    ROLES,
    ChatRequest,
    Conversation,
    an_id_in,
    answer_of_tool,
    as_switch,
    conversation_of,
    said_by_us,
    text_of,
)
from handlers.wire.reading import an_id, newest, read_as
from handlers.wire.vapi_tools import ToolRequest, tool_requests
from voice.types import CallId, Json, Message

MODEL_SPEAKS_FIRST = "assistant-speaks-first-with-model-generated-message"
LINE_KEYS = ("number", "twilioPhoneNumber")
ALONG = ("call", "customer", "phoneNumber", "assistant", "artifact")  # what Vapi sends with most messages
WRAPPERS = ("message", "messsage")  # the second is the library's own slip
SERVER_MESSAGES = frozenset({  # every type that Vapi sends to a server, or has sent
    "assistant-request", "assistant.speechStarted", "assistant.started", "call.delete.failed", "call.deleted",
    "call.endpointing.request", "chat.created", "chat.deleted", "conversation-update", "end-of-call-report",
    "function-call", "handoff-destination-request", "hang", "knowledge-base-request",
    "language-change-detected", "language-changed", "model-output", "phone-call-control", "session.created",
    "session.deleted", "session.updated", "speech-update", "status-update", "tool-calls", "transcript",
    'transcript[transcriptType="final"]', "transfer-destination-request", "transfer-update",
    "user-interrupted", "voice-input", "voice-request",
})  # fmt: skip
SORTS: Mapping[type, str] = {  # of JSON
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "empty",  # asked for text only where there is none
    list: "a list",
    dict: "an object",
}


def _table(found: object) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


# The first is Vapi's own, on webhooks; an assistant's model.headers can set either.
CALL_HEADERS = (b"x-call-id", b"x-vapi-call-id")


def call_id_of(*places: object) -> CallId | None:
    """The id of the call that these `call` objects speak of."""
    for place in places:
        if isinstance(place, dict) and (found := an_id_in(place, "id", "callId")):
            return CallId(found)
    return None


def caller_of(*places: object) -> str | None:
    """The caller's number, from a `customer` object or a `call` that holds one. Web calls have none."""
    for place in places:
        if isinstance(place, dict) and place:
            number = an_id(place.get("number")) or an_id(_table(place.get("customer")).get("number"))
            if number:
                return number
    return None


def line_of(*places: object) -> str | None:
    """The number that was called, from `phoneNumber` objects: nobody can be transferred to it."""
    for place in places:
        if isinstance(place, dict) and (number := an_id_in(place, *LINE_KEYS)):
            return number
    return None


# The custom-LLM request


class VapiChatRequest:
    """What Vapi sends to a model: a chat-completions request, and what its metadataSendMode adds.

    "variable" (the default): `metadata`, with Vapi's own turn counters in it, `call`, `phoneNumber` and
    `customer`. "destructured": what is in `metadata` stands at top level. "off": none of it; then only
    a header can name the call. A web call has no numbers.

    Read by hand, in one pass: this is read on every turn, and its history grows.
    """

    __slots__ = ("_found", "_metadata", "call", "messages", "model", "stream")

    def __init__(self, found: Mapping[str, Any]) -> None:
        """Raises BadRequest where no messages can be found."""
        model = found.get("model")
        self._found = found
        self.model: str | None = model if isinstance(model, str) and model else None
        self.stream = as_switch(found.get("stream"))
        self.messages = _messages_in(found)
        self.call = _table(found.get("call"))
        self._metadata = _metadata_of(self.call, found.get("metadata"))

    def conversation(self) -> Conversation:
        """The messages as the brain takes them."""
        return conversation_of(self.messages)

    def declared(self) -> Declared:
        """The tools that the model may ask for; none where the client forbids them."""
        found = self._found
        if found.get("tool_choice") == "none":
            return NOTHING
        return declared_in(found.get("tools"), found.get("functions"))

    def caller(self) -> str | None:
        return caller_of(self._found.get("customer"), self.call)

    def line(self) -> str | None:
        """The number that was called: nobody can be transferred to it."""
        number = self._found.get("phoneNumber")
        return line_of(number, self.call.get("phoneNumber")) or an_id(number)

    def wants_first_words(self) -> bool:
        """Whether the assistant lets its model write the first message.

        Vapi sends an assistant's settings along where it was described with the call; of a stored one
        only `metadata` comes. Where nothing tells the mode, both counters at 0 do: for a first message of
        any other kind Vapi does not ask.
        """
        places = (*self._assistants(), self._metadata, self._found)
        mode = next((mode for place in places if (mode := _table(place).get("firstMessageMode"))), None)
        return mode == MODEL_SPEAKS_FIRST if mode is not None else self._counts() == (0, 0)

    def end_phrases(self) -> tuple[str, ...]:
        """What Vapi hangs up at, once it has spoken it; as far as it tells."""
        for place in self._assistants():
            if isinstance(place, dict) and isinstance(listed := place.get("endCallPhrases"), list):
                return tuple(text for one in listed if isinstance(one, str) and (text := one.strip()))
        return ()

    def _assistants(self) -> tuple[object, ...]:
        """Where an assistant's settings may stand, the strongest first."""
        call = self.call
        return call.get("assistantOverrides"), call.get("assistant"), self._found.get("assistant")

    def turn_key(self, talk: Conversation) -> str:
        """What tells this turn from a repeat: Vapi's counters, else how often the caller has spoken.

        The number of messages would not do: an interrupted transcript is replaced, not added to. Tools
        that have answered since make a turn of their own, though the counters may stand still.
        """
        mine, theirs = self._counts()
        counted = f"u{talk.said}" if mine is None or theirs is None else f"{mine}.{theirs}"
        return f"{counted}+{talk.answers}" if talk.answers else counted

    def sent_ms(self) -> float | None:
        """When Vapi sent this, by its own clock, in milliseconds. None: it does not say, or in no number."""
        at = self._found.get("timestamp")
        return (
            float(at) if isinstance(at, int | float) and not isinstance(at, bool) and 0 < at < 1e15 else None
        )

    def _counts(self) -> tuple[int | None, int | None]:
        """How many turns the assistant and the caller have had, as Vapi counts them."""
        found, metadata = self._found, self._metadata
        mine = _count(metadata.get("numAssistantTurns", found.get("numAssistantTurns")))
        return mine, _count(metadata.get("numUserTurns", found.get("numUserTurns")))


def _messages_in(found: Mapping[str, Any]) -> list[Message]:
    """The messages of a request, without the entries that are none.

    Where there is nothing else its sender is told why, as it is told at other doors.
    """
    listed = newest(found.get("messages"))
    read = [said for one in listed if (said := _message_in(one))] if isinstance(listed, list) else []
    if not read:
        read_as(ChatRequest, {"messages": listed} if "messages" in found else {})
    return read


def _message_in(found: object) -> Message | None:
    if not isinstance(found, dict):
        return None
    role = found.get("role")
    known = ROLES.get(role) if isinstance(role, str) else None
    if known is None:
        return None
    content = found.get("content")
    text = content if isinstance(content, str) else text_of(content)
    if known == "tool":
        return answer_of_tool(text, an_id(found.get("tool_call_id")), an_id(found.get("name")))
    if known == "assistant":
        return said_by_us(text, found.get("tool_calls"), found.get("function_call"))
    return Message(known, text)


def chat_call_id(body: Mapping[str, Any], *headers: str | None) -> CallId | None:
    """The id of the call that a chat-completions request belongs to, wherever Vapi put it."""
    call = body.get("call")
    metadata = _metadata_of(call, body.get("metadata"))
    if found := call_id_of(call, metadata.get("call")):
        return found
    named = an_id_in(metadata, "call_id", "callId") or an_id_in(body, "callId", "call_id")
    for header in headers:
        named = named or an_id(header)
    return CallId(named) if named else None


def _metadata_of(call: object, metadata: object) -> dict[str, Any]:
    """What the assistant's metadata holds, and over it what the call's own does."""
    own = _table(metadata)
    overrides = call.get("assistantOverrides") if isinstance(call, dict) else None
    if not isinstance(overrides, dict) or not (theirs := _table(overrides.get("metadata"))):
        return own
    return {**theirs, **own}


def _count(found: object) -> int | None:
    """A counter, as a number or as text."""
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 9:
        return int(found)
    is_whole = isinstance(found, int | float) and not isinstance(found, bool) and found == int(found)
    return int(found) if is_whole and isinstance(found, int | float) and 0 <= found < 10**9 else None


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

    def note(self, secrets: KnownSecrets) -> dict[str, Json]:
        """The whole message as it may be kept, without `secrets` and whatever else looks like one.

        They are gone from `body`, too: read them before.
        """
        kept = dict(self.body)
        mask(kept, secrets)
        return kept

    def line(self) -> str | None:
        """The number that was called."""
        return line_of(self.body.get("phoneNumber"), self.table("call").get("phoneNumber"))

    def called(self) -> list[str]:
        """The number that was called, and the platform's ids of it."""
        call = _table(self.body.get("call"))
        numbers = (_table(self.body.get("phoneNumber")), _table(call.get("phoneNumber")))
        found = (an_id(one.get(key)) for one in numbers for key in ("number", "id", "sipUri"))
        return [one for one in (*found, an_id(call.get("phoneNumberId"))) if one]

    def table(self, key: str) -> dict[str, Any]:
        """A field that should hold a table; an empty one where it does not."""
        return _table(self.body.get(key))


def server_message(body: Mapping[str, Any], header: str | None) -> ServerMessage | None:
    """The server message in a body, in one of WRAPPERS or bare. None: no such."""
    message = _unwrapped(body)
    kind = message.get("type")
    if not isinstance(kind, str) or not kind:
        return None
    places = (message.get("call"), body.get("call"))
    named = an_id(message.get("callId")) or an_id(header)
    call_id = call_id_of(*places) or (CallId(named) if named else None)
    caller = caller_of(message.get("customer"), *places, body.get("customer"))
    return ServerMessage(kind, call_id, caller, message)


def oddity(body: Mapping[str, Any]) -> str | None:
    """Why a body in which no server message was found is one of Vapi's all the same; None: it is not.

    A developer's plain body has text in `message`, and none of what Vapi sends along.
    """
    told = body.get("message")
    is_vapis = _holds_tables(told) or any(isinstance(body.get(key), dict) for key in (*WRAPPERS, *ALONG))
    if isinstance(told, str) or not is_vapis:
        return None
    if "message" in body and not isinstance(told, dict):
        return f"`message` is {SORTS[type(told)]}."
    message = _unwrapped(body)
    return f"`type` is {SORTS[type(message['type'])]}." if "type" in message else "The message has no `type`."


def _unwrapped(body: Mapping[str, Any]) -> Mapping[str, Any]:
    found = (body[key] for key in WRAPPERS if isinstance(body.get(key), dict))
    return next(found, body)


def _holds_tables(found: object) -> bool:
    return isinstance(found, dict) or (
        isinstance(found, list) and any(isinstance(one, dict) for one in found)
    )


def is_chat(body: Mapping[str, Any]) -> bool:
    """Whether a body is a chat-completions request, whatever door it came to.

    What an assistant's metadata holds may stand beside `messages`, under any name: `type`, `message`.
    """
    if not isinstance(body.get("messages"), list):
        return False
    for key in WRAPPERS:
        wrapped = body.get(key)
        if isinstance(wrapped, dict) and "type" in wrapped:
            return False
    kind = body.get("type")
    return not (isinstance(kind, str) and kind in SERVER_MESSAGES)
