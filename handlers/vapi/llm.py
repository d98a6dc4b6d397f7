"""POST …/chat/completions: Vapi's custom LLM, on every spelling of its path.

Vapi appends /chat/completions to whatever URL an assistant names, so people arrive with a doubled
path, with /v1 or without, with a segment of their own. All of it is served.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp

from handlers.refused import misplaced
from handlers.vapi.answers import answer_event
from handlers.vapi.auth import vapi_guard
from handlers.vapi.control import Controls
from handlers.vapi.turn import answer_vapi_chat, excuse
from handlers.wire.reading import read_object
from handlers.wire.vapi import is_chat, server_message
from voice.brain import Brain
from voice.clock import now
from voice.errors import BadRequest, NotAllowed


async def completions(request: Request) -> ASGIApp:
    """One turn. A server message that was sent here by mistake is answered as one."""
    heard_at = now()
    brain: Brain = request.app.state.brain
    try:  # a signature is made over the body, so the guard may be who reads it
        await vapi_guard(request, brain.settings.api_key)
        found = read_object(await request.body())
    except NotAllowed:
        raise
    except BadRequest as exc:
        return excuse(brain, exc)
    message = None if is_chat(found) else server_message(found, request.headers.get("x-call-id"))
    if message is not None:
        misplaced()
        controls: Controls = request.app.state.controls
        controls.notice(message.call_id, message.body, found.get("call"))
        return await answer_event(request, message)
    return await answer_vapi_chat(request, found, heard_at)
