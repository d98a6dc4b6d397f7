"""A call to a scripted relay: its document, its socket, and what came to both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import quoteattr

import httpx

from tests.voice.simulate.played_sockets import ScriptedRelay
from voice.simulate.twilio.line import TwilioLine
from voice.simulate.twilio.socket import OpenSocket

BASE = "http://127.0.0.1:8000"
PUBLIC = "https://voice.example.com"
SOCKET = "wss://voice.example.com/twilio/relay/t1"
GREETING = "Maple Court, this is Jamie."
EVENTS = {"events": "speaker-events tokens-played"}

Answers = Callable[[ScriptedRelay, dict[str, Any]], Coroutine[Any, Any, None]]


def connect(action: str | None = "/twilio/relay/action", **attributes: str) -> str:
    given = {"url": SOCKET, "welcomeGreeting": GREETING, **attributes}
    written = " ".join(f"{name}={quoteattr(value)}" for name, value in given.items())
    to = f' action="{action}"' if action else ""
    return f"<Response><Connect{to}><ConversationRelay {written}/></Connect></Response>"


class Call:
    """A line to a scripted relay. `documents` are answered in turn; the last one hangs up."""

    def __init__(
        self,
        answer: Answers,
        *documents: str,
        pace: float | None = None,
        sockets: OpenSocket | None = None,
    ) -> None:
        self.relay = ScriptedRelay(answer)
        self.forms: list[dict[str, str]] = []
        self.told: list[str] = []
        self._documents = list(documents or [connect()])
        self.line = TwilioLine(
            BASE,
            door="relay",
            auth_token="12345",
            public_url=PUBLIC,
            http=httpx.AsyncClient(transport=httpx.MockTransport(self._answer)),
            sockets=sockets or self.relay.open,
            told=self.told.append,
        )
        self.line.aloud.chars_per_s = pace

    def _answer(self, request: httpx.Request) -> httpx.Response:
        fields = parse_qs(request.content.decode(), keep_blank_values=True)
        self.forms.append({"": request.url.path, **{name: values[0] for name, values in fields.items()}})
        document = self._documents.pop(0) if self._documents else "<Response><Hangup/></Response>"
        return httpx.Response(200, text=document, headers={"Content-Type": "text/xml"})

    def kinds(self) -> list[str]:
        """What has come to the server, by type, `info` by what it says."""
        return [
            f"{one['name']} {one['value']}" if one["type"] == "info" else one["type"]
            for one in self.relay.came
        ]


async def echo(relay: ScriptedRelay, message: dict[str, Any]) -> None:
    """Answers each utterance after a third of a second, in two tokens."""
    if message["type"] == "prompt" and message["last"]:
        await asyncio.sleep(0.3)
        relay.say("You said ")
        relay.say(f"{message['voicePrompt']}.", last=True)
