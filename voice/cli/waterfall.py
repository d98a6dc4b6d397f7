"""Waterfalls in the terminal: asked of the server that took the turns, and coloured."""

from __future__ import annotations

import re
import shutil
from urllib.parse import quote

import httpx
import typer

from voice.cli.conversation import INDENT
from voice.cli.screen import dim
from voice.settings import Settings, secret
from voice.telemetry.waterfall import LEGEND, SPEAKABLE, WRITING

LIMIT_S = 5.0  # a server that answered a turn answers this at once
REFUSED = "the server shows waterfalls only with its OFFHOOK_ADMIN_TOKEN (--no-waterfall hides this line)"


class Waterfalls:
    """Prints the newest turns of a call. When the server does not tell, it says so once."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._url = f"{url.rstrip('/')}/admin/calls/"
        token = secret(settings.admin_token)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._is_off = self._is_explained = False

    async def show(self, call_id: str, last: int = 1) -> None:
        """The newest `last` turns, the oldest of them first."""
        if self._is_off:
            return
        width = max(1, shutil.get_terminal_size().columns - len(INDENT))
        query = {"format": "text", "last": str(last), "width": str(width)}
        try:
            async with httpx.AsyncClient(timeout=LIMIT_S, trust_env=False, headers=self._headers) as http:
                answer = await http.get(self._url + quote(call_id, safe=""), params=query)
        except httpx.HTTPError as exc:
            self._give_up(f"no waterfall: {type(exc).__name__}")
            return
        if answer.status_code in (401, 403):
            self._give_up(REFUSED)
        elif answer.status_code != 200:
            self._give_up(f"no waterfall: the server answered {answer.status_code} to /admin/calls")
        else:
            self._print(answer.text)

    def _print(self, text: str) -> None:
        if not self._is_explained:
            self._is_explained = True
            typer.echo(INDENT + dim(LEGEND))
        for line in text.splitlines():
            typer.echo((INDENT + coloured(line)).rstrip())

    def _give_up(self, why: str) -> None:
        self._is_off = True
        typer.echo(INDENT + dim(f"({why})"))


def coloured(line: str) -> str:
    """The line with its bars in colour; colours vanish where nobody sees them."""
    for glyph, colour in ((SPEAKABLE, typer.colors.GREEN), (WRITING, typer.colors.YELLOW)):
        line = re.sub(f"{glyph}+", typer.style(r"\g<0>", fg=colour), line)
    return line
