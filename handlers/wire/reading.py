"""Reads foreign bytes: JSON in, one sentence out when it cannot be understood."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import BaseModel, BeforeValidator, ValidationError

from voice.errors import BadRequest

MAX_ID_CHARS = 200
MAX_MESSAGES = 2_000  # of a chat: a call of several hours; each costs time before the first word
MAX_SHOWN_CHARS = 60  # of a wrong field's path: it is the sender's own text
COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")  # how gzip and zstd begin; no JSON does
MAX_DIGITS = 308  # a whole number with more is beyond a double, which JSON's readers take numbers for

Model = TypeVar("Model", bound=BaseModel)


def read_object(body: bytes, such_as: str = '{"message": "My sink leaks."}') -> dict[str, Any]:
    """A JSON object from a request's body. Raises BadRequest with one sentence for its sender.

    `such_as` is an example of what this door takes.
    """
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = _read_odd(body)
    if not isinstance(found, dict):
        raise BadRequest(f"The body must be a JSON object, such as {such_as}.")
    return found


def _read_odd(body: bytes) -> object:
    """What orjson has refused, read again: it may be JSON that is only odd."""
    if not body.strip():
        raise BadRequest("The body is empty; send a JSON object.")
    if body.startswith(COMPRESSED):
        raise BadRequest("The body is compressed; send it as it is, without Content-Encoding.")
    try:
        return orjson.loads(mended(body.decode("utf-8")))
    except UnicodeDecodeError:
        raise BadRequest("The body is not UTF-8; send JSON in UTF-8.") from None
    except ValueError:
        raise BadRequest("The body is not JSON; check its quotes and commas.") from None


def mended(text: str, *, strict: bool = True) -> str:
    """The same JSON without what its other readers refuse. Raises ValueError when it is no JSON.

    Half a surrogate pair is dropped: JavaScript's JSON.stringify writes one for a string that was cut
    in half. A number beyond a double, NaN and Infinity become null. Unless `strict`, strings may hold
    line breaks.
    """
    try:
        found = json.loads(
            text, strict=strict, parse_int=_whole, parse_float=_double, parse_constant=lambda _: None
        )
        return json.dumps(found, ensure_ascii=False).encode(errors="ignore").decode()
    except RecursionError:
        raise ValueError("nested too deep") from None


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= MAX_DIGITS else None


def _double(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def read_as(model: type[Model], found: object) -> Model:
    """Foreign data as a model. Raises BadRequest with the first wrong field's path and what it must be."""
    try:
        return model.model_validate(found)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False, include_context=False)[0]
    path = ".".join(str(part) for part in first["loc"])[:MAX_SHOWN_CHARS]
    raise BadRequest(f"{path or 'The body'}: {first['msg'].removeprefix('Value error, ').rstrip('.')}.")


def header_in(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """A request's header as it stands in its scope. Of two of a name the first counts."""
    for one, value in headers:
        if one == name:
            return value.decode("latin-1")
    return None


def newest(found: object) -> object:
    """The newest entries of a chat that is too long, and before them the first: who the model is to be."""
    if not isinstance(found, list) or len(found) <= MAX_MESSAGES:
        return found
    return [found[0], *found[1 - MAX_MESSAGES :]]


def words(text: str) -> str:
    """Text as one line without control characters: what was said, whatever a platform wrapped it in."""
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(one) == "Cc" else one for one in text)
    return " ".join(text.split())


def an_id(value: object) -> str | None:
    """An id as platforms send it; None when it cannot be one: empty, too long, with blanks in it."""
    if not isinstance(value, str):
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        value = str(value)
    text = value.strip()
    fits = 0 < len(text) <= MAX_ID_CHARS and text.isprintable() and " " not in text
    return text if fits else None


def strict_id(value: object) -> object:
    """Refuse what a developer sends as an id and what is none."""
    if value is None or (found := an_id(value)):
        return None if value is None else found
    raise ValueError(f"must be text of 1 to {MAX_ID_CHARS} characters without blanks")


ForeignId = Annotated[str | None, BeforeValidator(an_id)]
"""A platform's id: what is none is taken as absent, so that the call goes on."""

OwnId = Annotated[str | None, BeforeValidator(strict_id)]
"""An id in a developer's body: what is none is refused."""
