"""Which call a request is about, read before any door has looked at it.

Where several processes serve, a request has to reach the one that owns its call. The rules are the doors'
own (`wire/`), so that nobody owns a call under one id and serves it under another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from starlette.types import Scope

from handlers.relay.ticket import Tickets
from handlers.wire.openai import an_id_in
from handlers.wire.reading import an_id, header_in, read_object
from handlers.wire.vapi import CALL_HEADERS, chat_call_id, is_chat, server_message
from voice.errors import BadRequest
from voice.types import CallId

RELAY, TWILIO, CALLS, CHAT, OPENAI = "/twilio/relay/", "/twilio/", "/admin/calls/", "/chat", "/v1"
COMPLETIONS = "/chat/completions"
SID = "CallSid"

RawHeaders = Sequence[tuple[bytes, bytes]]


def call_named(scope: Scope, body: bytes, tickets: Tickets) -> CallId | None:
    """The call that a request names; None: it names none, or its door will find it wrong."""
    path: str = scope["path"].rstrip("/")
    if path.startswith(CALLS):
        found: str | None = path.removeprefix(CALLS).split("/")[0]
    elif path.startswith(TWILIO):
        found = _at_twilio(scope, path, body, tickets)
    elif scope["type"] == "http" and scope["method"] == "POST":
        found = _in_json(path, scope["headers"], body)
    else:
        found = None
    return CallId(found) if found else None


def _at_twilio(scope: Scope, path: str, body: bytes, tickets: Tickets) -> str | None:
    if scope["type"] == "websocket":
        return tickets.call_of(path.removeprefix(RELAY))
    for form in (body, scope["query_string"]):
        sids: list[str] = parse_qs(form.decode("latin-1")).get(SID, [])
        if sids:
            return sids[0]
    return None


def _in_json(path: str, headers: RawHeaders, body: bytes) -> str | None:
    try:
        found = read_object(body)
    except BadRequest:
        return None
    if path == CHAT:
        return an_id(found.get("call_id"))
    if path == OPENAI + COMPLETIONS and not isinstance(found.get("call"), dict):
        return _by_client(found, headers)
    named = [header_in(headers, name) for name in CALL_HEADERS]
    if not is_chat(found):
        if (message := server_message(found, named[0])) is not None:
            return message.call_id
        if not path.endswith(COMPLETIONS):
            return an_id(found.get("call_id"))
    return chat_call_id(found, *named)


def _by_client(found: Mapping[str, Any], headers: RawHeaders) -> str | None:
    metadata = found.get("metadata")
    named = an_id_in(metadata if isinstance(metadata, dict) else None, "call_id")
    return an_id(header_in(headers, CALL_HEADERS[0])) or named or an_id(found.get("user"))
