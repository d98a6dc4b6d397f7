"""POST /vapi/webhook: Vapi's server messages, and a developer's plain body.

Every server message is taken with 200, also one that nobody can understand: Vapi retries nothing that
would help, and a refused tool result leaves the caller with "no result". Only a voice is declined. A
chat-completions body that was sent here is served.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp

from handlers.plain import answer_plain, hear_plain
from handlers.problems import json_answer
from handlers.refused import ODD, misplaced
from handlers.vapi.answers import answer_event
from handlers.vapi.auth import vapi_guard
from handlers.vapi.control import Controls
from handlers.vapi.turn import answer_vapi_chat
from handlers.wire.plain import PlainMessage
from handlers.wire.reading import read_as, read_object
from handlers.wire.vapi import is_chat, oddity, server_message
from voice.brain import Brain
from voice.clock import now
from voice.events import RequestRefused
from voice.types import Door

MEND_IT = "Look at what sends it: a message of Vapi's has its kind as text in `type`."


async def webhook(request: Request) -> ASGIApp:
    """The answer to one message, whoever sent it."""
    heard_at = now()
    await vapi_guard(request)
    found = read_object(await request.body())
    if is_chat(found):
        misplaced()
        return await answer_vapi_chat(request, found, heard_at)
    message = server_message(found, request.headers.get("x-call-id"))
    if message is not None:
        controls: Controls = request.app.state.controls
        controls.notice(message.call_id, message.body, found.get("call"))
        return await answer_event(request, message)
    if (odd := oddity(found)) is not None:
        return _taken_all_the_same(request, odd)
    heard = await hear_plain(request, read_as(PlainMessage, found), Door.WEBHOOK, heard_at)
    return await answer_plain(request, heard)


def _taken_all_the_same(request: Request, reason: str) -> ASGIApp:
    """The answer to what must be Vapi's and cannot be read: it costs no call, and operators are told."""
    brain: Brain = request.app.state.brain
    brain.bus.publish(RequestRefused("vapi", 200, ODD, reason=reason, to_do=MEND_IT))
    return json_answer({})
