"""A foreign message as it may be kept: without the secrets that platforms send along.

Vapi sends Twilio's token, a server's secret and API keys within ordinary messages. A field is known
by its name, a key inside a text by its shape. Each name is looked at once in the life of the process,
since platforms use few of them, and texts are searched all together before any is read: 20 kB cost
less than 0.1 ms.
"""

from __future__ import annotations

from typing import Any

from voice.telemetry.scrub import without_secrets

SECRET_WORDS = (
    "token", "secret", "password", "passwd", "apikey", "api_key", "api-key", "privatekey", "private_key",
    "authorization", "credential", "signature", "cookie",
    "controlurl", "control_url", "listenurl", "listen_url",  # whoever knows one steers or hears the call
)  # fmt: skip
REMOVED = "[removed]"
MAX_NAMES = 20_000  # of fields that are remembered; a sender may make them up
MAX_NAME_CHARS = 100
MIN_CHARS = 12  # a shorter text holds no key of any host
# What keys look like as platforms and hosts write them; whoever writes BEARER is not one of them.
HINTS = ("=", "@", "\x00", "earer ", "asic ", "sk-", "sk_", "rpa_", "whsec")


_known: dict[str, bool] = {}  # whether a field of this name holds a secret


def mask(found: dict[str, Any]) -> None:
    """Take the secrets out of a payload, in its place, and what a database cannot keep.

    Counters such as llmPromptTokens are numbers and stay.
    """
    texts: list[str] = []
    _mask_table(found, texts)
    together = "\n".join(texts)
    hints = [hint for hint in HINTS if hint in together]
    if not hints:
        return
    changed = {text: clean(text) for text in texts if any(hint in text for hint in hints)}
    _replace(found, {text: mended for text, mended in changed.items() if mended != text})


def clean(text: str) -> str:
    """A text without keys, and without the one character that no database keeps."""
    return without_secrets(text.replace("\x00", ""))


def _mask_table(table: dict[str, Any], texts: list[str]) -> None:
    """Mask what is known by its name, and collect the texts that may hold a key."""
    # `type`, not isinstance, and a plain dict, not one that fills itself: this is run for every field.
    for name, value in table.items():
        kind = type(value)
        if kind is float or kind is int:
            continue
        try:
            is_secret = _known[name]
        except KeyError:
            is_secret = _is_secret(name)
        if kind is str:
            if is_secret:
                table[name] = REMOVED
            elif len(value) >= MIN_CHARS or "\x00" in value:
                texts.append(value)
        elif kind is dict or kind is list:
            if is_secret:
                table[name] = REMOVED
            elif kind is dict:
                _mask_table(value, texts)
            else:
                _mask_list(value, texts)


def _is_secret(name: str) -> bool:
    lowered = name[:MAX_NAME_CHARS].lower()
    found = any(word in lowered for word in SECRET_WORDS)
    if len(_known) < MAX_NAMES and len(name) <= MAX_NAME_CHARS:
        _known[name] = found
    return found


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
