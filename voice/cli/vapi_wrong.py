"""When a setting of a Vapi assistant is wrong: the conditions that the linter's rules are made of."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

Assistant = Mapping[str, Any]
Wrong = Callable[[Any, Assistant], bool]
"""Takes a value, and the whole assistant around it."""

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
NUMBER = re.compile(r"\+[1-9]\d{6,14}")
EVERYDAY = {"bye", "okay", "ok", "thanks", "thank you", "great", "sure", "no problem", "alright"}
HOOKS = (
    "call.ending",
    "call.timeElapsed",
    "assistant.speech.interrupted",
    "assistant.transcriber.endpointedSpeechLowConfidence",
    "customer.speech.interrupted",
    "customer.speech.timeout",
    "model.response.timeout",
    "session.created",
)


def above(limit: float) -> Wrong:
    return lambda value, _: is_number(value) and value > limit


def below(limit: float) -> Wrong:
    return lambda value, _: is_number(value) and value < limit


def equals(wanted: object) -> Wrong:
    return lambda value, _: value == wanted and type(value) is type(wanted)


def holds(entry: str) -> Wrong:
    return lambda value, _: isinstance(value, list) and entry in value


def lacks(entry: str) -> Wrong:
    return lambda value, _: isinstance(value, list) and not any(str(one).startswith(entry) for one in value)


def matches(pattern: str) -> Wrong:
    return lambda value, _: isinstance(value, str) and re.search(pattern, value) is not None


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_empty(value: Any, _: Assistant) -> bool:
    return not value


def is_private(value: Any, _: Assistant) -> bool:
    """Whether a URL names a machine that Vapi cannot reach."""
    try:
        host = urlsplit(str(value or "")).hostname or ""
        return host == "localhost" or host.endswith(".local") or ipaddress.ip_address(host).is_private
    except ValueError:
        return False


def waits_for_no_one(value: Any, whole: Assistant) -> bool:
    return not value and whole.get("firstMessageMode", "assistant-speaks-first") == "assistant-speaks-first"


def has_no_smart_plan(wrong: Wrong) -> Wrong:
    """Only where the transcript's punctuation decides: a smart plan stands above it."""
    return lambda value, whole: (
        wrong(value, whole) and not table_in(whole, "startSpeakingPlan").get("smartEndpointingPlan")
    )


def table_in(found: Any, key: str) -> Mapping[str, Any]:
    inner = found.get(key) if isinstance(found, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def is_flux(value: Any, whole: Assistant) -> bool:
    return bool(value) and str(table_in(whole, "transcriber").get("model", "")).startswith("flux")


def is_not_english(value: Any, whole: Assistant) -> bool:
    language = str(table_in(whole, "transcriber").get("language", "en"))
    return value == "livekit" and not language.startswith("en")


def is_everyday(value: Any, _: Assistant) -> bool:
    return isinstance(value, str) and value.strip().strip(".!").lower() in EVERYDAY


def has_bad_name(value: Any, _: Assistant) -> bool:
    function = value.get("function") if isinstance(value, Mapping) else None
    return isinstance(function, Mapping) and not NAME.fullmatch(str(function.get("name", "")))


def has_long_description(value: Any, _: Assistant) -> bool:
    return len(str(table_in(value, "function").get("description", ""))) > 1000


def is_deaf(value: Any, whole: Assistant) -> bool:
    """Whether a function tool has nobody to run it."""
    server = table_in(whole, "server").get("url") or whole.get("serverUrl")
    return kind_of(value) == "function" and not table_in(value, "server").get("url") and not server


def kind_of(value: Any) -> object:
    return value.get("type") if isinstance(value, Mapping) else None


def talks_over(value: Any, _: Assistant) -> bool:
    return kind_of(value) == "transferCall" and not value.get("messages")


def is_undialable(value: Any, _: Assistant) -> bool:
    return kind_of(value) == "number" and not NUMBER.fullmatch(str(value.get("number", "")))


def is_unknown_hook(value: Any, _: Assistant) -> bool:
    return isinstance(value, Mapping) and str(value.get("on")) not in HOOKS


def has_no_net(value: Any, _: Assistant) -> bool:
    hooks = value if isinstance(value, list) else []
    return not any(isinstance(hook, Mapping) and hook.get("on") == "call.ending" for hook in hooks)


def asks_us(whole: Assistant) -> bool:
    return table_in(whole, "model").get("provider") == "custom-llm"
