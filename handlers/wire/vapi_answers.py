"""What we answer to Vapi's server messages, in its shapes: who takes a call, where it goes, what a tool said.

Source: vapi_server_sdk 1.9, ServerMessageResponse* and ToolCallResult.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handlers.wire.vapi_tools import ToolRequest
from voice.settings import LineSettings
from voice.types import Action, Effect, Json

# What a tool may want that no answer to a tool call can say. The model reads it and uses Vapi's own tool.
NOT_HERE = "This cannot be done from here. Use the phone system's own tool for it, or offer a call back."


def line_answer(line: LineSettings | None, assistant: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to assistant-request. `assistant` is our agent, unless the line names another."""
    if line is None:
        return {"assistant": assistant}
    if line.refuse:
        return {"error": line.refuse}  # spoken to the caller
    if line.transfer:
        return {"destination": destination(line.transfer, line.say)}
    overrides = {**line.overrides, **({"variableValues": line.variables} if line.variables else {})}
    if line.squad_id or line.squad:
        who: dict[str, Any] = {"squadId": line.squad_id} if line.squad_id else {"squad": line.squad}
        return {**who, **({"squadOverrides": overrides} if overrides else {})}
    who = {"assistantId": line.assistant_id} if line.assistant_id else {"assistant": assistant}
    return {**who, **({"assistantOverrides": overrides} if overrides else {})}


def destination(to: str, say: str | None) -> dict[str, Any]:
    """A telephone number or a SIP address. Without `message` Vapi would say a sentence of its own."""
    is_sip = to.lower().startswith(("sip:", "sips:"))
    place: dict[str, Any] = {"type": "sip", "sipUri": to} if is_sip else {"type": "number", "number": to}
    if not is_sip and not to.startswith("+"):
        place["numberE164CheckEnabled"] = False  # a listed short code: Vapi refuses it otherwise
    return place if say is None else {**place, "message": say}


def transfer_answer(to: str, say: str) -> dict[str, Any]:
    """The answer to transfer-destination-request."""
    return {"destination": destination(to, say)}


def handoff_answer(to: str, say: str, *, is_id: bool = True) -> dict[str, Any]:
    """The answer to handoff-destination-request; `result` stands in the history of the call.

    `to` is an assistant's id, or its name within the squad of the call.
    """
    told = one_line(say) or "The call is handed over."
    key = "assistantId" if is_id else "assistantName"
    return {"destination": {"type": "assistant", key: to}, "result": told}


def tool_result(asked: ToolRequest, answer: str | Effect, *, ok: bool) -> dict[str, Any]:
    """One entry of the answer to tool-calls. Vapi drops a result that has a line break or is no string."""
    head = {"toolCallId": asked.id, "name": asked.name or "unknown"}  # the library wants one
    if isinstance(answer, str):
        return {**head, "result" if ok else "error": one_line(answer)}
    if answer.action is Action.END_CALL:
        return {**head, "result": "The call is being ended.", "message": _last_words(answer.say)}
    return {**head, "error": NOT_HERE}


def _last_words(say: str) -> dict[str, Json]:
    """What Vapi says before it hangs up. It hangs up only behind words."""
    return {
        "type": "request-complete",
        "role": "assistant",
        "content": one_line(say) or "Goodbye.",
        "endCallAfterSpokenEnabled": True,
    }


def one_line(text: str) -> str:
    return " ".join(text.split())
