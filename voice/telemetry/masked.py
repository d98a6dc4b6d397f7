"""A foreign message as it may be kept: without the secrets that platforms send along.

Vapi sends Twilio's token, a server's secret and API keys within ordinary messages. A field is known
by its name, a key inside a text by its shape, our own secrets by their value; of headers only the names
stay, since anything may be a key there. A text that is JSON is read as such. Each name is looked at once
in the life of the process, since platforms use few of them, and texts are searched all together before
any is read: 20 kB cost about 0.1 ms. What a tool is asked and what it answers go by the same rule: they
are used as they are, what is kept of them does not have the secrets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from voice.telemetry.known import NO_SECRETS, KnownSecrets
from voice.telemetry.scrub import SECRET, without_secrets

SECRET_WORDS = (
    "token", "secret", "password", "passwd", "apikey", "api_key", "api-key", "privatekey", "private_key",
    "authorization", "credential", "signature", "cookie",
    "controlurl", "control_url", "listenurl", "listen_url",  # whoever knows one steers or hears the call
)  # fmt: skip
# Words that are secrets only where they stand alone, or behind what they open.
SECRET_NAME = re.compile(
    r"(?<![a-z])(?:pin|cvv|cvc|otp|ssn|pass(?:code|phrase))(?![a-z])"
    r"|(?<![a-z])(?:pin|gate|door|access|entry|security|verification|alarm|lock|safe)[ _-]?code(?![a-z])"
)
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # of a name such as gateCode
REMOVED = "[removed]"
MAX_NAMES = 20_000  # of fields that are remembered; a sender may make them up
MAX_NAME_CHARS = 100
MIN_CHARS = 8  # a shorter text holds no key of any host, and none of ours that is told by its value
# What keys look like as platforms and hosts write them; whoever writes BEARER is not one of them.
HINTS = ("=", "@", "\x00", "earer ", "asic ", "sk-", "sk_", "rpa_", "whsec", "/vapi/", '":', '" :')
# A part of a path that may be a key: long, or with digits in it and not short.
KEYLIKE = re.compile(r"(?=.*\d)[^/]{10,}|[^/]{25,}")
_BEHIND_VAPI = re.compile(r"(?<=/vapi/)[^\s\"'<>?#\\]+")  # where our URLs for Vapi may have a key in them
# One field of a table that was written into a text, or into a text of a text; it may end in its midst.
_PAIR = re.compile(r'"([^"\\]{1,100})"(\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|-?\d[\d.eE+-]*)')
_INNER_PAIR = re.compile(
    r'(\\{1,7})"([^"\\]{1,100})\1"(\s*:\s*)(?:\1"(?:(?!\1").)*(?:\1")?|-?\d[\d.eE+-]*)', re.DOTALL
)

# What a field's name says of its value: nothing; a secret; one that may be a number; a table of headers.
_PLAIN, _SECRET, _CODE, _HEADERS = range(4)
_known: dict[str, int] = {}


def mask(found: dict[str, Any], secrets: KnownSecrets = NO_SECRETS) -> None:
    """Take the secrets out of a payload, in its place, and what a database cannot keep.

    `secrets` are our own. Counters such as llmPromptTokens are numbers and stay.
    """
    texts: list[str] = []
    _mask_table(found, texts)
    together = "\n".join(texts)
    hints = [hint for hint in HINTS if hint in together]
    if not hints and not secrets.are_in(together):
        return
    changed = {text: _kept(text, hints, secrets) for text in set(texts)}
    _replace(found, {text: mended for text, mended in changed.items() if mended != text})


def without_secrets_in(found: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of JSON as it may be kept; of what a tool is asked numbers may be secrets, too."""
    kept: dict[str, Any] = _copy(found)
    mask(kept)
    return kept


def text_to_keep(text: str, secrets: KnownSecrets = NO_SECRETS) -> str:
    """A text as it may be kept: what a tool is asked or answers. One that is JSON is read as such."""
    if not text.lstrip().startswith(("{", "[")):
        return secrets.without(clean(text))
    try:
        found = {"": json.loads(text, strict=False)}
        kept: dict[str, Any] = _copy(found)
        mask(kept, secrets)
    except ValueError:  # no JSON, or cut off
        return secrets.without(clean(text))
    except RecursionError:
        return REMOVED
    if kept == found:
        return secrets.without(clean(text))  # a key that stands in it twice is read once
    return json.dumps(kept[""], ensure_ascii=False).encode(errors="ignore").decode()  # no half of a pair


def looks_clean(text: str) -> bool:
    """Whether nothing in a text looks like a secret: cheaper than `clean`, for what is kept on every turn."""
    return not any(map(text.__contains__, HINTS))


def clean(text: str) -> str:
    """A text without keys, and without the one character that no database keeps."""
    text = without_secrets(text.replace("\x00", ""))
    if "/vapi/" in text:
        text = _BEHIND_VAPI.sub(_without_keys, text)
    if '"' in text:
        text = _PAIR.sub(_without_value, text)
        text = _INNER_PAIR.sub(_without_inner_value, text) if '\\"' in text else text
    return text


def _kept(text: str, hints: list[str], secrets: KnownSecrets) -> str:
    if '":' in text or '" :' in text:
        return text_to_keep(text, secrets)
    return secrets.without(clean(text) if any(hint in text for hint in hints) else text)


def _without_keys(path: re.Match[str]) -> str:
    return "/".join(SECRET if KEYLIKE.fullmatch(part) else part for part in path[0].split("/"))


def _without_value(pair: re.Match[str]) -> str:
    return f'"{pair[1]}"{pair[2]}"{REMOVED}"' if _is_secret(pair[1]) else pair[0]


def _without_inner_value(pair: re.Match[str]) -> str:
    mark, name, between = pair.groups()
    return f'{mark}"{name}{mark}"{between}{mark}"{REMOVED}{mark}"' if _is_secret(name) else pair[0]


def _mask_table(table: dict[str, Any], texts: list[str]) -> None:
    """Mask what is known by its name, and collect the texts that may hold a key."""
    # `type`, not isinstance, and a plain dict, not one that fills itself: this is run for every field.
    for name, value in table.items():
        try:
            sort = _known[name]
        except KeyError:
            sort = _sort_of(name)
        kind = type(value)
        if kind is str:
            if sort:
                table[name] = REMOVED
            elif len(value) >= MIN_CHARS or "\x00" in value:
                texts.append(value)
        elif kind is float or kind is int:
            if sort == _CODE:
                table[name] = REMOVED
        elif kind is dict or kind is list:
            if sort:
                table[name] = _emptied(value) if sort == _HEADERS else REMOVED
            elif kind is dict:
                _mask_table(value, texts)
            else:
                _mask_list(value, texts)


def _emptied(found: Any) -> Any:
    """Headers without their values, in whatever way they are listed."""
    if isinstance(found, dict):
        return {name: _emptied(value) for name, value in found.items()}
    if isinstance(found, list):
        return [_emptied(value) for value in found]
    return REMOVED


def _copy(found: Any) -> Any:
    """The same in tables and lists of its own, without numbers whose name is a secret's."""
    if isinstance(found, Mapping):
        return {name: REMOVED if _holds_number(name, one) else _copy(one) for name, one in found.items()}
    return [_copy(one) for one in found] if isinstance(found, list | tuple) else found


def _holds_number(name: str, value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and _is_secret(name)


def _is_secret(name: str) -> bool:
    sort = _known.get(name)
    return (_sort_of(name) if sort is None else sort) in (_SECRET, _CODE)


def _sort_of(name: str) -> int:
    shown = name[:MAX_NAME_CHARS]
    lowered = shown.lower()
    sort = _PLAIN
    if SECRET_NAME.search(HUMP.sub("_", shown).lower()):
        sort = _CODE
    elif any(word in lowered for word in SECRET_WORDS):
        sort = _SECRET
    elif lowered.endswith("headers"):
        sort = _HEADERS
    if len(_known) < MAX_NAMES and len(name) <= MAX_NAME_CHARS:
        _known[name] = sort
    return sort


def _mask_list(listed: list[Any], texts: list[str]) -> None:
    for value in listed:
        kind = type(value)
        if kind is dict:
            _mask_table(value, texts)
        elif kind is str:
            texts.append(value)
        elif kind is list:
            _mask_list(value, texts)


def _replace(found: Any, changed: dict[str, str]) -> None:
    """Put some texts in place of others, wherever they stand."""
    if not changed:
        return
    places = found.items() if isinstance(found, dict) else enumerate(found)
    for place, value in places:
        if isinstance(value, dict | list):
            _replace(value, changed)
        elif isinstance(value, str) and value in changed:
            found[place] = changed[value]
