"""What a file of Vapi's is, and which assistants are in it.

People pipe in whatever they have: an assistant, a squad, an answer to assistant-request, and quite
often the refusal that Vapi's API gave instead. A refusal looked through as an assistant would be a page
of wrong advice, so what is no assistant is named in one sentence.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voice.cli.screen import Failed
from voice.errors import BadRequest

MAX_BYTES = 2_000_000
MAX_SHOWN_CHARS = 120
OF_AN_ASSISTANT = (
    "model",
    "voice",
    "transcriber",
    "firstMessage",
    "firstMessageMode",
    "server",
    "serverUrl",
    "serverMessages",
    "startSpeakingPlan",
    "stopSpeakingPlan",
    "analysisPlan",
    "hooks",
    "endCallPhrases",
)
KEPT = {"assistantId": "assistant", "squadId": "squad", "workflowId": "workflow"}

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One assistant of a file. `place` is where it stands; "" for the whole file.

    `is_answer`: it answers an assistant-request, so events go on to the URL that asked.
    """

    place: str
    assistant: Json
    is_answer: bool = False


@dataclass(slots=True)
class Contents:
    """The assistants of a file, and what is in it that cannot be looked through from here."""

    parts: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_json(file: str) -> object:
    """What is in a file, or in the standard input for "-". Raises Failed, with one line."""
    try:
        raw = sys.stdin.buffer.read(MAX_BYTES + 1) if file == "-" else Path(file).read_bytes()
        if len(raw) > MAX_BYTES:
            raise Failed(f"{file}: has more than {MAX_BYTES // 1_000_000} MB: that is no assistant")
        if not raw.strip():
            raise Failed(f"{file}: is empty")
        return json.loads(raw)  # the mark that Windows writes at a file's beginning is understood
    except OSError as exc:
        raise Failed(f"{file}: {exc.strerror or 'cannot be read'}") from exc
    except UnicodeDecodeError:
        raise Failed(f"{file}: is not UTF-8") from None
    except (ValueError, RecursionError):
        raise Failed(f"{file}: is not JSON") from None


def assistants_in(found: object, file: str) -> Contents:
    """The assistants in what Vapi's API gives, or in an answer to assistant-request.

    Raises BadRequest with one sentence that says what else it is.
    """
    if isinstance(found, list):
        raise BadRequest(
            f"{file}: is a list of {len(found)} entries: an assistant is a JSON object, so give one of them"
        )
    if not isinstance(found, Mapping):
        raise BadRequest(f"{file}: is no assistant: an assistant is a JSON object")
    for says in _is_something_else(found):
        raise BadRequest(f"{file}: {says}")
    squad = found.get("squad") if isinstance(found.get("squad"), Mapping) else found
    if isinstance(squad, Mapping) and isinstance(squad.get("members"), list):
        try:
            return _members(squad, is_answer=squad is not found)
        except BadRequest as exc:
            raise BadRequest(f"{file}: {exc}") from None
    inner = found.get("assistant")
    if not isinstance(inner, Mapping):
        return Contents([Part("", found)])
    is_answer = not set(found) - {"assistant", "assistantOverrides"}  # else a call, which has one in it
    return Contents([Part("", _over(inner, found.get("assistantOverrides")), is_answer)])


def _is_something_else(found: Json) -> Iterator[str]:
    """In a sentence what a JSON object is, where no assistant is in it. The first one counts, as for Vapi."""
    if refusal := _refusal(found):
        yield refusal
    message = found.get("message")
    if isinstance(message, Mapping):
        yield f"is a message of Vapi's to a server ({_short(message.get('type'))}), no assistant"
    if isinstance(found.get("error"), str):
        yield (
            "is an answer to assistant-request that takes no call, no assistant: the caller hears "
            f"{_short(found['error'])}"
        )
    if isinstance(place := found.get("destination"), Mapping):
        to = place.get("number") or place.get("sipUri") or place.get("type")
        yield f"is an answer that transfers the call to {_short(to)}, no assistant"
    if any(isinstance(found.get(key), Mapping) for key in ("assistant", "squad")) or "members" in found:
        return
    if isinstance(found.get("workflow"), Mapping):
        yield "is a workflow, no assistant"
    is_one = any(key in found for key in OF_AN_ASSISTANT if key != "server")  # a number has a server, too
    for key, kind in KEPT.items():
        if isinstance(found.get(key), str) and not is_one:
            yield (
                f"names the {kind} {_short(found[key])}, which is kept at Vapi: lint what "
                f"https://api.vapi.ai/{kind}/{_short(found[key])} gives"
            )
    if not is_one and "server" not in found:
        yield f"is no assistant: it has none of {', '.join(OF_AN_ASSISTANT[:4])} …"


def _refusal(found: Json) -> str | None:
    """Vapi's body to a request that it refuses: statusCode, error, and one message or several."""
    if not isinstance(found.get("statusCode"), int) and not {"error", "message"} <= set(found):
        return None
    if isinstance(found.get("message"), Mapping):
        return None
    said = found.get("message") or found.get("error") or "no reason given"
    text = "; ".join(str(one) for one in said) if isinstance(said, list) else str(said)
    status = found.get("statusCode")
    key = ": the private key of the organisation is needed" if status in (401, 403) else ""
    return f"is a refusal of Vapi's ({status or 'error'}: {_short(text)}), no assistant{key}"


def _members(squad: Json, *, is_answer: bool) -> Contents:
    found = Contents()
    for index, member in enumerate(squad["members"]):
        place, member = f"members[{index}]", member if isinstance(member, Mapping) else {}
        if isinstance(inner := member.get("assistant"), Mapping):
            whole = _over(_over(inner, member.get("assistantOverrides")), squad.get("membersOverrides"))
            found.parts.append(Part(f"{place}.assistant", whole, is_answer))
        elif isinstance(kept := member.get("assistantId"), str):
            found.notes.append(
                f"{place} is the assistant {_short(kept)}, which is kept at Vapi: lint it, too"
            )
        else:
            raise BadRequest(
                f"{place} names no assistant, so Vapi refuses the squad: write assistantId or assistant"
            )
    if not squad["members"]:
        raise BadRequest("the squad has no members, so Vapi refuses it: write members = [{assistantId}]")
    return found


def _over(assistant: Json, overrides: object) -> Json:
    """Overrides as Vapi takes them: each replaces a setting as a whole."""
    return {**assistant, **overrides} if isinstance(overrides, Mapping) else assistant


def _short(text: object) -> str:
    return " ".join(str(text).split())[:MAX_SHOWN_CHARS]
