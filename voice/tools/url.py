"""Puts arguments into the URL of an HTTP tool, so that none of them can lead it elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from voice.errors import BadRequest
from voice.types import PLACEHOLDER, Json

MAX_URL_CHARS = 4000  # hosts refuse more


def filled(template: str, arguments: Mapping[str, Json]) -> str:
    """The URL with its placeholders filled: every value is one path segment, or one value of the query.

    Raises BadRequest where a value would be empty in the path, "..", or no plain value.
    """
    url = PLACEHOLDER.sub(lambda found: _escaped(found[1], arguments.get(found[1])), template)
    for before, after in zip(_segments(template), _segments(url), strict=True):
        # Hosts resolve ".." whether it is escaped or not, and an empty segment often means the whole list.
        if before != after and after in ("", ".", ".."):
            names = " and ".join(PLACEHOLDER.findall(before))
            raise BadRequest(f"{names} cannot be {after!r}.")
    return _bounded(url)


def with_query(url: str, arguments: Mapping[str, Json]) -> str:
    """The URL with these arguments in its query; those that are null are left out."""
    pairs = [
        f"{quote(name, safe='')}={_escaped(name, one)}"
        for name, value in arguments.items()
        for one in (value if isinstance(value, list) else [value])
        if one is not None
    ]
    joint = "&" if urlsplit(url).query else "?"
    return _bounded(f"{url.rstrip('?')}{joint}{'&'.join(pairs)}") if pairs else url


def _escaped(name: str, value: Json) -> str:
    if isinstance(value, str):
        return quote(value, safe="", errors="replace")  # half a surrogate becomes "?"
    if isinstance(value, bool | int | float):
        return quote(json.dumps(value), safe="")
    raise BadRequest(f"{name} must be text or a number.")


def _segments(url: str) -> list[str]:
    return url.partition("?")[0].split("/")


def _bounded(url: str) -> str:
    if len(url) > MAX_URL_CHARS:
        raise BadRequest("The arguments are too long.")
    return url
