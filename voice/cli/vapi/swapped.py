"""Whether the two URLs of Vapi's doors are swapped: in the assistant that is answered, and in what came.

A server that is kind answers at the wrong one, too. So only the assistant, and the server's own count of
what came to the wrong place, show it before another server takes its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from voice.cli.checks import Check
from voice.cli.vapi.reach import DOOR_ALONE, OF_MODEL, OF_SERVER
from voice.settings import Settings, secret

RIGHT = "the model's URL is …/vapi, the server's …/vapi/webhook"
WHAT = "urls at Vapi"


def swapped_in(assistant: object) -> Iterator[Check]:
    """What is wrong with the URLs of an assistant that answered an assistant-request."""
    table = assistant if isinstance(assistant, Mapping) else {}
    if re.search(OF_SERVER, _url(table.get("model"))):
        yield Check(WHAT, "broken", "the answered assistant's model URL leads to the webhook", RIGHT)
    if re.search(f"{OF_MODEL}|{DOOR_ALONE}", _url(table.get("server"))):
        yield Check(WHAT, "broken", "the answered assistant's server URL leads to the model's door", RIGHT)


async def swapped_by(http: httpx.AsyncClient, door: str, settings: Settings) -> list[Check]:
    """What has come to the other URL since the server's start; nothing where the server does not tell."""
    parts = urlsplit(door)
    root = parts._replace(path=parts.path.partition("/vapi")[0]).geturl().rstrip("/")
    token = secret(settings.admin_token)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = await http.get(f"{root}/admin/refused", headers=headers)
        count = answer.json()["doors"]["vapi"]["misplaced"] if answer.status_code == 200 else 0
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return []  # another server, or one that tells operators only
    if not isinstance(count, int) or count < 1:
        return []
    says = f"{count} of Vapi's requests came to the other URL: they are served here, and nowhere else"
    return [Check(WHAT, "warn", says, f"put the two right: {RIGHT}")]


def _url(found: Any) -> str:
    url = found.get("url") if isinstance(found, Mapping) else None
    return url if isinstance(url, str) else ""
