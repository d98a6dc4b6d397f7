"""What Vapi sends about one call: server messages to the webhook, chat requests to the custom LLM."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any
from urllib.parse import quote

import httpx

from voice.errors import BadRequest
from voice.simulate.sse import read_events
from voice.simulate.vapi.talk import Talk

LIMIT_S = 20.0  # Vapi's default for its model's first token, and for webhooks
OUR_NUMBER = "+12025550199"


class Posts:
    """The requests of one call to `number`. A client that is handed in is not closed.

    `model` is the name that requests to the custom LLM bear.
    """

    def __init__(
        self,
        base_url: str,
        call_id: str,
        *,
        caller: str,
        model: str,
        agent: str | None,
        secret: str | None,
        http: httpx.AsyncClient | None,
        number: str = OUR_NUMBER,
    ) -> None:
        self.control_url: str | None = None
        self.model = model
        self._base, self._call_id, self._caller, self._number = base_url, call_id, caller, number
        self._webhook = f"{base_url}/webhook" + (f"?agent={quote(agent)}" if agent else "")
        # Vapi shows the webhook's secret under its own name, the model's key as a bearer token.
        self._webhook_headers = {"x-vapi-secret": secret} if secret else {}
        self._model_headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        self._http = http or httpx.AsyncClient(timeout=LIMIT_S, trust_env=False)
        self._owns_http = http is None

    async def close(self) -> None:
        if self._owns_http:
            await self._http.aclose()

    async def tell(self, kind: str, **fields: Any) -> dict[str, Any]:
        """One server message; Vapi expects 200 and JSON for each."""
        customer = {"number": self._caller}
        message = {"type": kind, "timestamp": time.time_ns() // 1_000_000, **fields}
        ends = {"customer": customer, "phoneNumber": {"number": self._number}}
        body = {"message": {**message, "call": self._call(), **ends}}
        answer = await self._http.post(self._webhook, json=body, headers=self._webhook_headers)
        if answer.status_code != 200:
            raise BadRequest(f"the webhook answered {answer.status_code} to {kind}")
        try:
            found = answer.json()
        except ValueError:
            raise BadRequest(f"the webhook's answer to {kind} is not JSON") from None
        return found if isinstance(found, dict) else {}

    async def ask(
        self, talk: Talk, tools: Sequence[dict[str, Any]], words: str | None = None
    ) -> AsyncGenerator[str]:
        """The data of the frames that answer the conversation; `words` are what the caller says just now."""
        url, body = f"{self._base}/chat/completions", self._body(talk, tools, words)
        async with self._http.stream("POST", url, json=body, headers=self._model_headers) as answer:
            async for event in read_events(answer):
                yield event.data

    def _body(self, talk: Talk, tools: Sequence[dict[str, Any]], words: str | None) -> dict[str, Any]:
        """The request of one turn, as Vapi sends it with its metadata on."""
        return {
            "model": self.model,
            "stream": True,
            "temperature": 0,
            "max_tokens": 250,
            "messages": talk.messages(words),
            **({"tools": list(tools)} if tools else {}),
            "call": self._call(),
            "phoneNumber": {"number": self._number},
            "customer": {"number": self._caller},
            "metadata": talk.counters(words),
            "timestamp": time.time_ns() // 1_000_000,
        }

    def _call(self) -> dict[str, Any]:
        monitor = {"monitor": {"controlUrl": self.control_url}} if self.control_url else {}
        return {
            "id": self._call_id,
            "type": "inboundPhoneCall",
            "customer": {"number": self._caller},
            **monitor,
        }
