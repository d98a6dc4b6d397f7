"""Takes out of texts and fields what must not leave: callers' words, numbers, secrets.

Logs and crash reports go through here. An exception's own text is never trusted: a library
quotes in it whatever it was given. Its class and the places it came through are code, so they stay.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from datetime import date
from enum import Enum
from functools import lru_cache
from math import isfinite
from pathlib import Path

from voice.errors import BadRequest, VoiceError
from voice.types import Json

REMOVED = "[removed]"
NUMBER = "[number]"
SECRET = "[secret]"
MAX_DEPTH = 6  # deeper fields are a mistake, and may be a cycle
MAX_EXCEPTIONS = 8  # of one chain, groups included
MAX_FRAMES = 40  # of one exception, the innermost
OWN = ("voice", "handlers", "runpod_handler")

_ROOT = Path(__file__).resolve().parents[2].as_posix() + "/"
_LIBRARY = re.compile(r"^.*(?:site-packages|/lib/python3\.\d+)/")
_PII_KEY = re.compile(r"(?:^|[._\s-])pii(?:$|[._\s-])", re.IGNORECASE)
_SECRET_KEY = re.compile(
    r"(?:^|[._\s-])(?:secret|password|authorization|cookie|dsn|token|api[_-]?key|signature)(?:$|[._\s-])",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # the user and password of a URL
    r"|(?<=\bBearer )[^\s\"',;]+"
    r"|(?<=\bBasic )[^\s\"',;]+"
    r"|\b(?:sk|rpa|whsec)[-_][A-Za-z0-9_-]{8,}"  # how keys of model hosts begin
    r"|(?<=[?&;\s])((?:[\w-]*(?:key|token|secret|password|signature))=)[^&\s\"']+",
    re.IGNORECASE,
)
_E164 = re.compile(r"(?:\+|%2[Bb])\d{7,15}(?!\d)")
_PHONE = re.compile(r"(?:\+|%2[Bb]|(?<![\w.-]))\(?\d(?:[ ().\-/]{0,2}\d){6,14}(?![\w-])")
_NO_PHONE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,3}(?:\.\d{1,3}){3}$|\d+\.\d+$")  # dates, addresses, decimals


def is_ours(name: str) -> bool:
    """Whether a module or logger of this name is the product's own."""
    return name.partition(".")[0] in OWN


def is_pii(key: str) -> bool:
    """Whether a field's name has the part `pii`."""
    return _PII_KEY.search(key) is not None


def without_secrets(text: str, secrets: tuple[str, ...] = ()) -> str:
    """The text without the given secrets, and without what has the shape of one."""
    for secret in secrets:
        text = text.replace(secret, SECRET)
    if text.isalnum():  # most fields are one word, and what is found by its shape has a sign in it
        return text
    return _SECRET_TEXT.sub(lambda found: (found[1] or "") + SECRET, text)


def without_numbers(text: str, *, foreign: bool) -> str:
    """Telephone numbers masked. Ours are in E.164 if anything; in `foreign` texts any spelling counts."""
    if not foreign:
        return _E164.sub(NUMBER, text) if "+" in text or "%2" in text else text
    return _PHONE.sub(lambda found: found[0] if _NO_PHONE.match(found[0]) else NUMBER, text)


@lru_cache(maxsize=1024)
def _told_by(key: str) -> tuple[bool, bool]:
    """What a field's name says of its value: that it is a secret, and that it is nobody's words."""
    return _SECRET_KEY.search(key) is not None, not is_pii(key)


def is_telling(key: str) -> bool:
    """Whether a field's name says of its value that it is a secret or somebody's words."""
    return _told_by(key) != (False, True)


class Scrub:
    """Makes any field's value fit for a log line: JSON, with nothing in it that must not leave."""

    def __init__(self, *, keep_pii: bool, secrets: tuple[str, ...] = ()) -> None:
        self.keep_pii = keep_pii
        self.known = lru_cache(maxsize=512)(self.text)  # names of lines, doors, routes: they come again
        self._secrets = tuple(sorted((one for one in secrets if one), key=len, reverse=True))

    def text(self, text: str, *, foreign: bool = False) -> str:
        """A text without secrets and, unless callers' words are kept, without numbers."""
        text = without_secrets(text, self._secrets)
        return text if self.keep_pii else without_numbers(text, foreign=foreign)

    def field(self, key: str, value: object, *, foreign: bool = False, depth: int = 0) -> Json:
        """The value of one field, and of all that is nested in it."""
        is_secret, may_be_kept = _told_by(key)
        if not may_be_kept and not self.keep_pii:
            return REMOVED
        if is_secret and value is not None:
            return SECRET
        return self._value(value, foreign, depth)

    def _value(self, value: object, foreign: bool, depth: int) -> Json:
        if type(value) is str:
            return self.text(value, foreign=foreign)
        match value:
            case None | bool():
                return value
            case Enum():
                return self._value(value.value, foreign, depth)
            case int():
                return value if abs(value) < 2**63 else str(value)
            case float():
                return value if isfinite(value) else None
            case str() | Path():
                return self.text(str(value), foreign=foreign)
            case date():
                return value.isoformat()
            case _ if depth >= MAX_DEPTH:
                return f"<{type(value).__name__}>"
            case Mapping():
                return {
                    self.text(str(key), foreign=True): self.field(
                        str(key), one, foreign=foreign, depth=depth + 1
                    )
                    for key, one in value.items()
                }
            case list() | tuple() | set() | frozenset():
                return [self._value(one, foreign, depth + 1) for one in value]
            case _:
                return f"<{type(value).__name__}>"  # a repr may quote a caller

    def exception(self, exc: BaseException) -> list[Json]:
        """An exception and its causes, the raised one first: type, places and, where safe, the message."""
        return [self._exception(one) for one in chain_of(exc)]

    def _exception(self, exc: BaseException) -> Json:
        told: dict[str, Json] = {"type": type_of(exc)}
        if says_nothing_foreign(exc):
            told["message"] = self.text(str(exc), foreign=True)
        elif self.keep_pii:
            told["pii.message"] = self.text(text_of(exc), foreign=True)
        told["frames"] = [f"{frame.file}:{frame.line} {frame.function}" for frame in frames_of(exc)]
        return told


def says_nothing_foreign(exc: BaseException) -> bool:
    """Whether an exception's text is ours alone. A BadRequest quotes its sender."""
    own = isinstance(exc, VoiceError) and is_ours(type(exc).__module__)
    return own and not isinstance(exc, BadRequest)


def type_of(exc: BaseException) -> str:
    """The class of an exception with its module, as in "sqlite3.OperationalError"."""
    kind = type(exc)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def chain_of(exc: BaseException) -> list[BaseException]:
    """The exception, then its members and causes, each once; at most MAX_EXCEPTIONS."""
    found: list[BaseException] = []
    waiting = [exc]
    while waiting and len(found) < MAX_EXCEPTIONS:
        one = waiting.pop(0)
        if any(one is known for known in found):
            continue
        found.append(one)
        if isinstance(one, BaseExceptionGroup):
            waiting.extend(one.exceptions)
        if one.__cause__ is not None:
            waiting.append(one.__cause__)
        elif one.__context__ is not None and not one.__suppress_context__:
            waiting.append(one.__context__)
    return found


class Frame:
    """One place that an exception came through. `file` is short: no home folder, no machine."""

    __slots__ = ("file", "function", "line", "module")

    def __init__(self, file: str, line: int, function: str, module: str) -> None:
        self.file, self.line, self.function, self.module = file, line, function, module


def frames_of(exc: BaseException) -> Iterator[Frame]:
    """The innermost places that an exception came through, the outermost of them first."""
    for frame, line in list(traceback.walk_tb(exc.__traceback__))[-MAX_FRAMES:]:
        code = frame.f_code
        yield Frame(
            _short(code.co_filename), line, code.co_qualname, str(frame.f_globals.get("__name__", ""))
        )


def _short(file: str) -> str:
    file = file.replace("\\", "/")
    return _LIBRARY.sub("", file) if _LIBRARY.match(file) else file.removeprefix(_ROOT)


def text_of(exc: BaseException) -> str:
    """The exception's own text, whatever its class makes of that."""
    try:
        return str(exc)
    except Exception:  # noqa: BLE001 – a foreign __str__ may raise anything, and a log line must come out
        return ""
