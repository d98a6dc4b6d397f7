"""The frames of a ConversationRelay session: what Twilio sends first, and how strictly it reads ours."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from voice.simulate.twiml_relay import Relay

_DIGITS = re.compile(r"[0-9w#*]+\Z")


class BadFrame(Exception):
    """A frame that Twilio drops (error 64107). Its text says why."""


def setup_frame(who: Mapping[str, str], relay: Relay) -> dict[str, Any]:
    """The first frame. `who` holds the fields of a webhook."""
    return {
        "type": "setup",
        "sessionId": f"VX{uuid4().hex}",
        "accountSid": who["AccountSid"],
        "callSid": who["CallSid"],
        "parentCallSid": "",
        "from": who["From"],
        "to": who["To"],
        "forwardedFrom": "",
        "callType": "PSTN",
        "callerName": "",
        "direction": who["Direction"],
        "callStatus": "RINGING",
        "customParameters": dict(relay.parameters),
    }


def read_frame(text: str | bytes) -> dict[str, Any]:
    """One message of ours, checked as Twilio checks it. Raises BadFrame."""
    try:
        frame = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        frame = None
    if not isinstance(frame, dict):
        raise BadFrame("it is no JSON object in a text frame")
    check = _CHECKS.get(str(frame.get("type")))
    if check is None:
        raise BadFrame(f"the type {frame.get('type')!r} is unknown")
    check(frame)
    return frame


def _text(frame: Mapping[str, Any]) -> None:
    _is(frame, "token", str)
    _flags(frame, "last", "interruptible", "preemptible")


def _play(frame: Mapping[str, Any]) -> None:
    _is(frame, "source", str)
    _flags(frame, "interruptible", "preemptible")


def _digits(frame: Mapping[str, Any]) -> None:
    if not isinstance(frame.get("digits"), str) or not _DIGITS.match(frame["digits"]):
        raise BadFrame(f"digits are {frame.get('digits')!r}; 0 to 9, w, # and *")


def _language(frame: Mapping[str, Any]) -> None:
    if not any(isinstance(frame.get(name), str) for name in ("ttsLanguage", "transcriptionLanguage")):
        raise BadFrame("neither ttsLanguage nor transcriptionLanguage is there")


def _end(frame: Mapping[str, Any]) -> None:
    if "handoffData" in frame:
        _is(frame, "handoffData", str)


def _is(frame: Mapping[str, Any], name: str, kind: type) -> None:
    if not isinstance(frame.get(name), kind):
        raise BadFrame(f"{name} is {frame.get(name)!r}")


def _flags(frame: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not isinstance(frame.get(name, False), bool):
            raise BadFrame(f"{name} is {frame[name]!r}; true or false")


_CHECKS = {"text": _text, "play": _play, "sendDigits": _digits, "language": _language, "end": _end}
