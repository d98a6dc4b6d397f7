"""Reads server-sent events strictly: one field a line, a blank line after each event."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx

from voice.errors import BadRequest


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event. `name` is "message" where the stream gives none."""

    data: str
    name: str = "message"


async def read_events(answer: httpx.Response) -> AsyncIterator[ServerEvent]:
    """The events of an open response, as they come. Raises BadRequest where it is no event stream."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    if answer.status_code != 200 or kind != "text/event-stream":
        raise BadRequest(
            f"{answer.request.url.path} answered {answer.status_code} {kind or 'without a type'}"
        )
    name, data = "message", list[str]()
    async for line in answer.aiter_lines():
        field, _, value = line.partition(":")
        match field:
            case "" if not line:
                if data:
                    yield ServerEvent("\n".join(data), name)
                name, data = "message", []
            case "data":
                data.append(value.removeprefix(" "))
            case "event":
                name = value.strip()
            case "" | "id" | "retry":
                continue  # a comment, or what only browsers use
            case _:
                raise BadRequest(f"a line of the stream is no event: {line[:80]!r}")
    if data:
        raise BadRequest("the stream ended within an event")
