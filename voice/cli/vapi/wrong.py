"""When a setting of a Vapi assistant is wrong: the conditions that the linter's rules are made of."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

Assistant = Mapping[str, Any]
Wrong = Callable[[Any, Assistant], bool]
"""Takes a value, and the whole assistant around it."""

ONE_EACH = ("endCall", "transferCall", "dtmf", "voicemail")
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
NUMBER = re.compile(r"\+[1-9]\d{6,14}")
MIN_KEY_CHARS = 16  # of a part of a path that is a key; those of our own paths are shorter
KEY_IN_PATH = re.compile(rf"(?<=/vapi/)[^/?]{{{MIN_KEY_CHARS},}}")
EVERYDAY = {"bye", "okay", "ok", "thanks", "thank you", "great", "sure", "no problem", "alright"}
SECRET_HEADERS = ("x-vapi-secret", "vapi-secret", "authorization", "x-api-key")
PRIVATE_ENDS = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
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


def is_no_number(value: Any, _: Assistant) -> bool:
    return value is not None and not is_number(value)


def is_no_url(value: Any, _: Assistant) -> bool:
    return bool(value) and not re.match(r"https?://[^/]", str(value))


def is_empty(value: Any, _: Assistant) -> bool:
    return not value


def is_private(value: Any, _: Assistant) -> bool:
    """Whether a URL names a machine that Vapi cannot reach."""
    host = ""
    try:
        host = (urlsplit(str(value or "")).hostname or "").rstrip(".")
        return bool(host) and not ipaddress.ip_address(host).is_global
    except ValueError:  # a name, and one of this network where it has no dot
        return bool(host) and ("." not in host or host.endswith(PRIVATE_ENDS))


def waits_for_no_one(value: Any, whole: Assistant) -> bool:
    return not value and whole.get("firstMessageMode", "assistant-speaks-first") == "assistant-speaks-first"


def has_no_smart_plan(wrong: Wrong) -> Wrong:
    """Only where the transcript's punctuation decides: a smart plan stands above it."""
    return lambda value, whole: (
        wrong(value, whole) and not table_in(whole, "startSpeakingPlan").get("smartEndpointingPlan")
    )


def has_smart_plan(value: Any, whole: Assistant) -> bool:
    return bool(value) and bool(table_in(whole, "startSpeakingPlan").get("smartEndpointingPlan"))


def shows_nothing(_: Any, whole: Assistant) -> bool:
    """Whether Vapi is told of no secret, for neither of our doors."""
    return asks_us(whole) and not _shows_server(whole) and not _shows_model(whole)


def shows_server_alone(_: Any, whole: Assistant) -> bool:
    return asks_us(whole) and _shows_server(whole) and not _shows_model(whole)


def shows_model_alone(_: Any, whole: Assistant) -> bool:
    return asks_us(whole) and _shows_model(whole) and not _shows_server(whole)


def shows_two_secrets(_: Any, whole: Assistant) -> bool:
    """Whether the server is shown one secret and the model another, as far as both can be read."""
    of_server, of_model = set(_server_secrets(whole)), set(_model_secrets(whole))
    return asks_us(whole) and bool(of_server and of_model) and not of_server & of_model


def _server_secrets(whole: Assistant) -> Iterator[str]:
    server = table_in(whole, "server")
    yield from _readable(server.get("secret"), whole.get("serverUrlSecret"))
    yield from _in_headers(table_in(server, "headers"))


def _model_secrets(whole: Assistant) -> Iterator[str]:
    listed = whole.get("credentials")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, Mapping) and one.get("provider") == "custom-llm":
            yield from _readable(one.get("apiKey"))
    yield from _in_headers(table_in(table_in(whole, "model"), "headers"))


def _in_headers(headers: Mapping[str, Any]) -> Iterator[str]:
    yield from _readable(*(value for name, value in headers.items() if name.lower() in SECRET_HEADERS))


def _readable(*values: object) -> Iterator[str]:
    """Secrets that stand there as they are; Vapi's answers may hide them."""
    for value in values:
        if isinstance(value, str) and value.strip() and not re.search("[*•…]", value):
            yield value.strip().removeprefix("Bearer ")


def _shows_server(whole: Assistant) -> bool:
    server = table_in(whole, "server")
    own = (
        server.get("headers"),
        server.get("secret"),
        server.get("credentialId"),
        has_key(server.get("url")),
    )
    old = (whole.get("serverUrlSecret"), whole.get("isServerUrlSecretSet"), has_key(whole.get("serverUrl")))
    return any((*own, *old))


def _shows_model(whole: Assistant) -> bool:
    model, listed = table_in(whole, "model"), whole.get("credentials")
    inline = isinstance(listed, list) and any(
        isinstance(one, Mapping) and one.get("provider") == "custom-llm" for one in listed
    )
    return any((inline, whole.get("credentialIds"), model.get("headers"), has_key(model.get("url"))))


def has_key(url: Any) -> bool:
    """Whether a part of a URL's path is as long as a key is."""
    return any(len(part) >= MIN_KEY_CHARS for part in urlsplit(_text(url)).path.split("/"))


def without_key(text: str) -> str:
    """A URL for a screen: what may be the key of our own door is left out."""
    return KEY_IN_PATH.sub("…", text)


def _text(url: Any) -> str:
    return url if isinstance(url, str) and "[" not in url else ""  # with "[" a URL may be no URL at all


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


def name_of_tool(tool: Any) -> str:
    """What a request's `tools` will call it: the name that was chosen, else Vapi's own for its kind."""
    return str(table_in(tool, "function").get("name") or kind_of(tool) or "")


def shares_name(value: Any, whole: Assistant) -> bool:
    """Whether a tool has the name of another one. A handoff's name is made of its destination."""
    listed = table_in(whole, "model").get("tools")
    names = [name_of_tool(one) for one in listed] if isinstance(listed, list) else []
    return kind_of(value) != "handoff" and names.count(name_of_tool(value)) > 1


def does_the_same(value: Any, whole: Assistant) -> bool:
    """Whether another tool of Vapi's own kind does the same to the call, under another name."""
    listed = table_in(whole, "model").get("tools")
    alike = [one for one in listed if kind_of(one) == kind_of(value)] if isinstance(listed, list) else []
    is_once = kind_of(value) in ONE_EACH and len(alike) > 1
    return is_once and not shares_name(value, whole)


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
