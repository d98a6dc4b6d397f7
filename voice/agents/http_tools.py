"""Reads `[[http_tools]]`: requests that an agent may have made, each a tool of its own.

Where a request can go is decided here and not by a model: the host stands in the URL, the URL's host in
`http_hosts`, and only a host in `http_private_hosts` may have an address that is not public.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from voice.agents.schema import wrong_in_schema
from voice.agents.targets import Wrong
from voice.settings import from_env
from voice.types import PLACEHOLDER, HttpTool, ToolSpec

HTTP_TOOL_KEYS = ("name", "description", "method", "url", "parameters", "headers", "timeout_ms")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
TIMEOUT_MS = (100, 5000, 30_000)  # least, default, most; the turn's clock ends it sooner
MAX_TOOLS = 20  # the model reads all of them on every turn
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")  # as every model host takes it
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
SECRET = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")  # in a header: an environment variable
OURS = ("host", "content-length", "content-type", "transfer-encoding", "connection", "accept-encoding")
NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


class HttpTables:
    """Takes the tables of one agent's file apart, checking as it goes."""

    def __init__(self, hosts: Sequence[str], private: Sequence[str], wrong: Wrong) -> None:
        self._hosts, self._private, self._wrong = hosts, private, wrong

    def tools(self, found: object, built_in: Collection[str]) -> tuple[HttpTool, ...]:
        """The tools, in order. Raises what `wrong` makes."""
        if not isinstance(found, list) or len(found) > MAX_TOOLS:
            write = f"[[http_tools]] on a line of its own, {MAX_TOOLS} times at most"
            raise self._wrong("http_tools", "is not a list of tables", write)
        tools = [self._tool(f"http_tools[{place}]", table) for place, table in enumerate(found)]
        names: set[str] = set(built_in)
        for place, tool in enumerate(tools):
            if tool.spec.name in names:
                told = f"{tool.spec.name!r} is the name of another tool"
                raise self._wrong(f"http_tools[{place}].name", told, "a name of its own")
            names.add(tool.spec.name)
        return tuple(tools)

    def _tool(self, place: str, table: object) -> HttpTool:
        if not isinstance(table, Mapping):
            raise self._wrong(place, f"{table!r} is not a table", "[[http_tools]] on a line of its own")
        for key in table:
            if key not in HTTP_TOOL_KEYS:
                raise self._wrong(f"{place}.{key}", "no such key", f"one of {', '.join(HTTP_TOOL_KEYS)}")
        name, description = self._text(table, "name", place), self._text(table, "description", place)
        if not NAME.fullmatch(name):
            told = "a letter, then letters, digits, '_' and '-', 64 at most"
            raise self._wrong(f"{place}.name", f"{name!r} is no tool's name", told)
        parameters = self._parameters(table.get("parameters", NO_PARAMETERS), f"{place}.parameters")
        url = self._text(table, "url", place)
        is_private = self._check_url(url, parameters, f"{place}.url")
        return HttpTool(
            ToolSpec(name, description, parameters),
            self._method(table.get("method", "GET"), f"{place}.method"),
            url,
            self._headers(table.get("headers", {}), f"{place}.headers"),
            self._timeout_s(table.get("timeout_ms", TIMEOUT_MS[1]), f"{place}.timeout_ms"),
            is_private,
        )

    def _text(self, table: Mapping[str, Any], key: str, place: str) -> str:
        value = table.get(key)
        if not isinstance(value, str) or not value.strip():
            told = "is missing" if value is None else f"{value!r} is not text"
            raise self._wrong(f"{place}.{key}", told, f'{key} = "…"')
        return " ".join(value.split())

    def _method(self, value: object, place: str) -> str:
        if value not in METHODS:
            raise self._wrong(place, f"{value!r} is no method", f"one of {', '.join(METHODS)}")
        return str(value)

    def _timeout_s(self, value: object, place: str) -> float:
        least, _, most = TIMEOUT_MS
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self._wrong(place, f"{value!r} does not fit", f"a whole number from {least} to {most}")
        return value / 1000

    # Where it goes

    def _check_url(self, url: str, parameters: Mapping[str, Any], place: str) -> bool:
        """Check that the URL leads to one allowed host; returns whether that host may be a private one."""
        parts = self._parts(url, place)
        host = str(parts.hostname)
        is_private = _lists(self._private, parts)
        if not is_private and not _lists(self._hosts, parts):
            told = f"{host!r} is not among http_hosts"
            raise self._wrong(place, told, f'http_hosts = ["{host}"] at the top of the file')
        if parts.scheme == "http" and not is_private:
            raise self._wrong(place, "would send everything in the clear", f"https://{parts.netloc}…")
        required = parameters.get("required", [])
        for name in PLACEHOLDER.findall(url):
            if name not in parameters.get("properties", {}) or name not in required:
                told = f"{{{name}}} is no required parameter"
                raise self._wrong(place, told, f'required = ["{name}"] and its property in parameters')
        return is_private

    def _parts(self, url: str, place: str) -> SplitResult:
        try:
            parts = urlsplit(url)
            is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_whole = False
        if not is_whole or not url.isascii() or any(char in url for char in ' \\#<>"^`|'):
            raise self._wrong(place, f"{url!r} is no URL", 'url = "https://host/path"')
        if "{" in parts.netloc or "@" in parts.netloc:
            told = "a host without name, password and placeholders: secrets stand in headers"
            raise self._wrong(place, f"{parts.netloc!r} is no host", told)
        if any(brace in PLACEHOLDER.sub("", url) for brace in "{}"):
            raise self._wrong(place, f"{url!r} has a brace too many", "{name} for each parameter")
        return parts

    # What it carries

    def _parameters(self, found: object, place: str) -> Mapping[str, Any]:
        if not isinstance(found, Mapping) or found.get("type") != "object":
            raise self._wrong(place, "is no schema of an object", 'type = "object" and its properties')
        try:
            parameters: dict[str, Any] = json.loads(json.dumps(found))  # TOML has dates, JSON has none
        except TypeError:
            raise self._wrong(place, "holds a date", "text in its place") from None
        if problem := wrong_in_schema(parameters):
            raise self._wrong(f"{place}{problem.where}", problem.told, "what JSON Schema 2020-12 allows")
        return parameters

    def _headers(self, found: object, place: str) -> Mapping[str, str]:
        if not isinstance(found, Mapping):
            raise self._wrong(place, f"{found!r} is not a table", 'headers = {Name = "…"}')
        return {name: self._header(name, value, f"{place}.{name}") for name, value in found.items()}

    def _header(self, name: str, value: object, place: str) -> str:
        if not HEADER.fullmatch(name) or name.lower() in (*OURS, "idempotency-key"):
            raise self._wrong(place, "is no header that can be set", "another name")
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise self._wrong(place, "is not plain text", f'{name} = "Bearer ${{NAME_OF_A_VARIABLE}}"')
        for variable in SECRET.findall(value):
            if from_env(variable) is None:
                raise self._wrong(
                    place, f"${{{variable}}} is not set", f"{variable}=… in the environment or .env"
                )
        filled = SECRET.sub(lambda found: from_env(found[1]) or "", value)
        if not filled.isascii() or not filled.isprintable():
            raise self._wrong(place, "its secret is not plain text", "letters, digits and marks only")
        return filled


def _lists(hosts: Sequence[str], parts: SplitResult) -> bool:
    """Whether a list names this host: alone, for every port, or with this port."""
    named = {one.lower() for one in hosts}
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return not named.isdisjoint({str(parts.hostname), host, f"{host}:{port}"})
