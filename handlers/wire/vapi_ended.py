"""Why a Vapi call ended, in words for whoever reads the record, and what to do about it.

Vapi has several hundred reasons. Those that are only one thing have a sentence of their own; the rest
come in families, told by how they begin and end. Source: CallEndedReason of vapi_server_sdk 1.9.
"""

from __future__ import annotations

import re
from collections.abc import Callable

OURS = "our own server"

REASONS = {
    "customer-ended-call": "The caller hung up.",
    "customer-ended-call-before-warm-transfer": "The caller hung up before the transfer was made.",
    "customer-ended-call-after-warm-transfer-attempt": "The caller hung up after a transfer was tried.",
    "customer-busy": "The number that was called is busy.",
    "customer-did-not-answer": "Nobody answered.",
    "customer-did-not-give-microphone-permission": "The caller's browser did not let us hear them.",
    "assistant-ended-call": "The agent hung up.",
    "assistant-said-end-call-phrase": "The agent said one of the phrases that end a call.",
    "assistant-ended-call-with-hangup-task": "The agent hung up.",
    "assistant-ended-call-after-message-spoken": "The agent hung up after its last words.",
    "assistant-forwarded-call": "The agent put the caller through to somebody else.",
    "assistant-join-timed-out": "The agent did not come on the line in time.",
    "assistant-not-valid": "Vapi refused the assistant as it is set up; `offhook vapi lint` explains it.",
    "assistant-not-found": "There is no assistant of this id at Vapi.",
    "assistant-request-failed": "Our server could not be asked who answers: check the server URL.",
    "assistant-request-returned-error": "We told the caller why we do not take the call.",
    "assistant-request-returned-unspeakable-error": "Our answer to who takes the call could not be read.",
    "assistant-request-returned-invalid-assistant": "Vapi refused the assistant that we answered with.",
    "assistant-request-returned-no-assistant": "We answered without naming anybody to take the call.",
    "assistant-request-returned-forwarding-phone-number": "The call went straight on to another number.",
    "call-start-error-neither-assistant-nor-server-set": "The number has no assistant and no server URL.",
    "silence-timed-out": "Nobody said anything for too long.",
    "exceeded-max-duration": "The call reached its longest duration.",
    "voicemail": "An answering machine took the call.",
    "manually-canceled": "Somebody cancelled the call.",
    "scheduled-call-deleted": "The call was planned, and deleted before it began.",
    "call-deleted": "The call was deleted.",
    "pipeline-error-custom-voice-failed": "Vapi asked a server for speech and got none.",
    "worker-shutdown": "Vapi took down the machine of this call.",
    "vonage-completed": "The telephone company ended the call.",
    "vonage-disconnected": "The telephone company cut the call.",
    "vonage-rejected": "The telephone company refused the call.",
    "vonage-failed-to-connect-call": "The telephone company could not connect the call.",
    "twilio-failed-to-connect-call": "The telephone company could not connect the call.",
    "twilio-reported-customer-misdialed": "The number that was called does not exist.",
    "phone-call-provider-closed-websocket": "The telephone company cut the sound of the call.",
    "phone-call-provider-bypass-enabled-but-no-call-received": "Our own telephone company sent no call.",
    "call.forwarding.operator-busy": "The person it was transferred to is busy.",
    "call.in-progress.twilio-completed-call": "The telephone company ended the call.",
    "call.in-progress.sip-completed-call": "The telephone company ended the call.",
    "call.in-progress.error-transfer-failed": "The transfer failed, and that ended the call.",
    "call.in-progress.error-assistant-did-not-receive-customer-audio": "No sound of the caller reached Vapi.",
    "call.in-progress.error-pipeline-no-available-llm-model": "No model could be reached.",
    "call.in-progress.error-pipeline-ws-model-connection-failed": "The model's WebSocket did not answer.",
    "call.in-progress.error-vapifault-chat-pipeline-failed-to-start": "Vapi could not begin the call.",
}  # fmt: skip

TO_MEND = {
    "assistant-not-valid",
    "assistant-not-found",
    "assistant-request-failed",
    "assistant-request-returned-unspeakable-error",
    "assistant-request-returned-invalid-assistant",
    "assistant-request-returned-no-assistant",
    "call-start-error-neither-assistant-nor-server-set",
    "pipeline-error-custom-voice-failed",
}

STATUSES = {
    "400": "found the request wrong",
    "401": "did not accept the key",
    "403": "does not allow this model or voice",
    "404": "does not know this model or voice",
    "407": "wants to know who calls",
    "429": "had no room: a limit or the credit is used up",
    "480": "could not be reached",
    "500": "broke",
    "502": "could not be reached",
    "503": "is overloaded",
    "504": "took too long",
    "522": "took too long",
}
PARTS = (
    ("transcriber", "speech recognition"),
    ("voice", "voice"),
    ("video", "video"),
    ("llm", "model"),
)

_START = re.compile(r"call\.start\.error-(?:vapifault-)?(.+)")
_FAULT = re.compile(r"(?:pipeline-error-|call\.in-progress\.error-(?:vapifault-|providerfault-)?)(.+)")
_STATUS = re.compile(r"(.*?)-?(?:returning-)?\b([1-5]\d\d)-(.+)")
_FAILED = re.compile(r"(.*?)-(transcriber|voice|video|llm)-(?:failed|api-key-missing)")
_HOOK = re.compile(r"call\.(ringing|ending)\.hook-executed-(say|transfer)")


def is_ours_to_mend(reason: str) -> bool:
    """Whether a call ended because of our server, or of how Vapi was told to reach it."""
    return reason in TO_MEND or "custom-llm" in reason


def in_words(reason: str) -> str:
    """A sentence for any reason, those of tomorrow included."""
    if reason in REASONS:
        return REASONS[reason]
    for pattern, told in FAMILIES:
        if found := pattern.fullmatch(reason):
            return told(found)
    return f"Vapi calls the reason {reason[:100]!r}."


def _status(found: re.Match[str]) -> str:
    """A host that answered an error."""
    who, status, why = found[1], found[2], found[3].replace("-", " ")
    did = STATUSES.get(status, "answered an error")
    if who == "custom-llm":
        return f"{OURS.capitalize()} {did} ({status}, {why})."
    return f"{_named(who)} {did} ({status}, {why})."


def _failed(found: re.Match[str]) -> str:
    """A part of the pipeline that failed."""
    who, part = found[1], dict(PARTS)[found[2]]
    if who == "custom-llm":
        return f"{OURS.capitalize()} gave no reply that Vapi could read."
    return f"The {part} of {_named(who)} failed."


def _fault(found: re.Match[str]) -> str:
    """Whatever else broke while the call was running."""
    inner = found[1]
    if by_part := _FAILED.fullmatch(inner):
        return _failed(by_part)
    if by_status := _STATUS.fullmatch(inner):
        return _status(by_status)
    if inner.startswith(("warm-transfer", "sip-", "outbound-sip", "transport-", "worker-", "call-started")):
        return f"The line broke: {inner.replace('-', ' ')}."
    return f"A service that Vapi uses refused or failed: {inner.replace('-', ' ')}."


def _start(found: re.Match[str]) -> str:
    return f"The call could not begin: {found[1].replace('-', ' ')}."


def _hook(found: re.Match[str]) -> str:
    did = "said its words" if found[2] == "say" else "transferred the call"
    return f"A hook of the assistant {did} while the call was {found[1]}."


def _sip(found: re.Match[str]) -> str:
    return f"The caller's line was not connected: {found[1].replace('-', ' ')}."


def _named(who: str) -> str:
    return who.replace("-", " ").title() if who else "A service"


FAMILIES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_START, _start),
    (_HOOK, _hook),
    (re.compile(r"call\.ringing\.(?:error-)?(.+)"), _sip),
    (_FAULT, _fault),
)
