"""POST /vapi/webhook: Vapi's server messages, and a developer's plain body.

Every server message is taken with 200: Vapi retries nothing that would help, and a refused tool
result leaves the caller with "no result". A chat-completions body that was sent here is served.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp

from handlers.plain import answer_plain, hear_plain
from handlers.signatures import door_guard
from handlers.vapi_answers import answer_event
from handlers.vapi_turn import answer_vapi_chat
from handlers.wire.plain import PlainMessage
from handlers.wire.reading import read_as, read_object
from handlers.wire.vapi import is_chat, server_message
from voice.brain import Brain
from voice.clock import now
from voice.types import Door


async def webhook(request: Request) -> ASGIApp:
    """The answer to one message, whoever sent it."""
    heard_at = now()
    brain: Brain = request.app.state.brain
    door_guard(request, "vapi", brain.settings.vapi_secret)
    found = read_object(await request.body())
    if is_chat(found):
        return await answer_vapi_chat(request, found, heard_at)
    message = server_message(found, request.headers.get("x-call-id"))
    if message is not None:
        return await answer_event(request, message)
    heard = await hear_plain(request, read_as(PlainMessage, found), Door.WEBHOOK, heard_at)
    return await answer_plain(request, heard)
