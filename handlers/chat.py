"""POST /chat: a plain text chat with an agent, whole or as events."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp

from handlers.plain import answer_plain, hear_plain, stream_plain
from handlers.signatures import door_guard
from handlers.wire.plain import PlainMessage
from handlers.wire.reading import read_as, read_object
from voice.brain import Brain
from voice.clock import now
from voice.types import Door


async def chat(request: Request) -> ASGIApp:
    """The agent's answer to one message; `Accept: text/event-stream` asks for it as it is spoken."""
    heard_at = now()
    brain: Brain = request.app.state.brain
    door_guard(request, "chat", brain.settings.api_key)
    body = read_as(PlainMessage, read_object(await request.body()))
    heard = await hear_plain(request, body, Door.CHAT, heard_at)
    if "text/event-stream" in request.headers.get("accept", ""):
        return stream_plain(heard)
    return await answer_plain(request, heard)
