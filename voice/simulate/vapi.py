"""Vapi's side of a call, played against a running server.

Each turn sends the whole conversation again, as the caller heard it, and reads the stream as
strictly as Vapi does: a frame without `choices` would end a real call. The call's beginning,
its end and the report go to the webhook.

Source: Vapi's custom-LLM and server-message pages and `vapi_server_sdk`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx

from voice.clock import now
from voice.errors import BadRequest
from voice.simulate.caller import CALLER
from voice.simulate.report import TurnReport, milliseconds
from voice.simulate.sse import read_events

LIMIT_S = 20.0  # Vapi's default for its model's first token, and for webhooks
BUDGET_S = 1.2  # until the first words: an agent's first_chunk_ms
FLUSH = re.compile(r"<\s*/?\s*flush\s*/?>", re.IGNORECASE)  # "speak what you have": not spoken itself


@dataclass(slots=True)
class _Stream:
    """What has come of one reply."""

    asked_at: float
    words: str = ""
    first_at: float | None = None
    last_at: float = 0.0
    gap_ms: float = 0.0
    finished: bool = False
    done: bool = False

    def add(self, text: str) -> None:
        self.words += text
        if not text.strip():
            return
        at = now()
        if self.first_at is None:
            self.first_at = at
        else:
            self.gap_ms = max(self.gap_ms, milliseconds(self.last_at, at))
        self.last_at = at


@dataclass(slots=True)
class _Talk:
    """The conversation as Vapi keeps it."""

    system: str
    said: list[dict[str, Any]] = field(default_factory=list)

    def messages(self) -> list[dict[str, Any]]:
        return [{"role": "system", "content": self.system}, *self.said] if self.system else list(self.said)

    def count(self, role: str) -> int:
        return sum(message["role"] == role for message in self.said)


class VapiLine:
    """One call through the Vapi doors at `base_url` (such as http://127.0.0.1:8000/vapi).

    `agent` is named in the webhook's URL and as the model.
    `greeting` is the assistant's firstMessage; None asks the webhook for an assistant, as Vapi does for a
    number that has none. `retell` is how speech recognition would spell what the caller heard.
    A client that is handed in is not closed.
    """

    door = "vapi"

    def __init__(
        self,
        base_url: str,
        *,
        secret: str | None = None,
        caller: str = CALLER,
        greeting: str | None = None,
        system: str = "",
        model: str = "offhook",
        agent: str | None = None,
        budget_s: float = BUDGET_S,
        call_id: str | None = None,
        retell: Callable[[str], str] = str.strip,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self.call_id = call_id or str(uuid4())
        self.is_over = False
        self._base, self._caller, self._model = base_url.rstrip("/"), caller, agent or model
        self._webhook = f"{self._base}/webhook" + (f"?agent={quote(agent)}" if agent else "")
        self._greeting, self._talk = greeting, _Talk(system)
        self._budget_s, self._retell = budget_s, retell
        # Vapi shows the webhook's secret under its own name, the model's key as a bearer token.
        self._webhook_headers = {"x-vapi-secret": secret} if secret else {}
        self._model_headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        self._http = http or httpx.AsyncClient(timeout=LIMIT_S, trust_env=False)
        self._owns_http = http is None
        self._began_at: float | None = None

    async def dial(self) -> str:
        """Ring, and hear the greeting."""
        self._began_at = now()
        if self._greeting is None:
            self._greeting = await self._ask_assistant()
        await self._tell("status-update", status="in-progress")
        if self._greeting:
            self._talk.said.append({"role": "assistant", "content": self._retell(self._greeting)})
        return self._greeting

    async def say(self, text: str) -> TurnReport:
        """Speak, and hear the reply to the end of its stream. Raises BadRequest where Vapi's client would."""
        self._talk.said.append({"role": "user", "content": text})
        stream = _Stream(now())
        url = f"{self._base}/chat/completions"
        async with self._http.stream("POST", url, json=self._body(), headers=self._model_headers) as answer:
            async for event in read_events(answer):
                _take_frame(stream, event.data)
        if not stream.done:
            raise BadRequest("the stream ended without [DONE]")
        heard = " ".join(FLUSH.sub(" ", stream.words).split())
        self._talk.said.append({"role": "assistant", "content": self._retell(heard)})
        first = None if stream.first_at is None else milliseconds(stream.asked_at, stream.first_at)
        total = milliseconds(stream.asked_at, now())
        return TurnReport(text, heard, first, total, self._budget_s * 1000, stream.gap_ms)

    async def hang_up(self) -> None:
        """End the call: Vapi tells the status, then sends its report."""
        if self.is_over:
            return
        self.is_over = True
        try:
            if self._began_at is not None:
                await self._tell("status-update", status="ended", endedReason="customer-ended-call")
                await self._tell("end-of-call-report", **self._report(now() - self._began_at))
        finally:
            if self._owns_http:
                await self._http.aclose()

    def _body(self) -> dict[str, Any]:
        """The request of one turn, as Vapi sends it with its metadata on."""
        counters = {
            "numAssistantTurns": self._talk.count("assistant"),
            "numUserTurns": self._talk.count("user"),
        }
        return {
            "model": self._model,
            "stream": True,
            "temperature": 0,
            "max_tokens": 250,
            "messages": self._talk.messages(),
            "call": self._call(),
            "phoneNumber": {"number": "+12025550199"},
            "customer": {"number": self._caller},
            "metadata": counters,
            "timestamp": time.time_ns() // 1_000_000,
        }

    def _call(self) -> dict[str, Any]:
        return {"id": self.call_id, "type": "inboundPhoneCall", "customer": {"number": self._caller}}

    async def _ask_assistant(self) -> str:
        """The first message of the assistant that the webhook names; "" when it names none."""
        found = await self._tell("assistant-request")
        for key in ("assistant", "assistantOverrides"):
            part = found.get(key)
            if isinstance(part, dict) and isinstance(part.get("firstMessage"), str):
                return str(part["firstMessage"])
        return ""

    async def _tell(self, kind: str, **fields: Any) -> dict[str, Any]:
        """One server message; Vapi expects 200 and JSON for each."""
        customer = {"number": self._caller}
        message = {"type": kind, "timestamp": time.time_ns() // 1_000_000, **fields}
        body = {"message": {**message, "call": self._call(), "customer": customer}}
        answer = await self._http.post(self._webhook, json=body, headers=self._webhook_headers)
        if answer.status_code != 200:
            raise BadRequest(f"the webhook answered {answer.status_code} to {kind}")
        try:
            found = answer.json()
        except ValueError:
            raise BadRequest(f"the webhook's answer to {kind} is not JSON") from None
        return found if isinstance(found, dict) else {}

    def _report(self, lasted_s: float) -> dict[str, Any]:
        names = {"assistant": "AI", "user": "User"}
        transcript = "\n".join(f"{names[one['role']]}: {one['content']}" for one in self._talk.said)
        return {
            "endedReason": "customer-ended-call",
            "durationSeconds": round(lasted_s, 3),
            "transcript": transcript,
            "summary": "",
            "analysis": {},
            "artifact": {"transcript": transcript, "messagesOpenAIFormatted": self._talk.messages()},
        }


def _take_frame(stream: _Stream, data: str) -> None:
    """One frame. Raises BadRequest where a strict client would end the call."""
    if stream.done:
        raise BadRequest("a frame follows [DONE]")
    if data == "[DONE]":
        if not stream.finished:
            raise BadRequest("[DONE] came without a finish_reason")
        stream.done = True
        return
    try:
        frame = json.loads(data)
    except ValueError:
        raise BadRequest(f"a frame is not JSON: {data[:80]!r}") from None
    choices = frame.get("choices") if isinstance(frame, dict) else None
    if not isinstance(choices, list):
        raise BadRequest(f"a frame has no choices: {data[:80]!r}")
    for choice in choices:
        content = (choice.get("delta") or {}).get("content")
        if content and stream.finished:
            raise BadRequest("words follow the finish_reason")
        stream.add(content or "")
        stream.finished = stream.finished or choice.get("finish_reason") is not None
