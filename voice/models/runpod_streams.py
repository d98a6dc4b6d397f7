"""RunPod's ways without a job of ours: chat completions as events, straight from a worker.

`lb` asks a load-balancing endpoint: plain HTTP to a worker of RunPod's choice. A call is kept at the
worker that holds its beginning, as long as that lives. `openai` asks a queue endpoint's `/openai/v1`.
Source: RunPod's load-balancing endpoints, and its vLLM worker, 2026-08-20.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

import httpx

from voice.errors import ModelError, RouteBusy
from voice.job import own_fields
from voice.models.base import Health
from voice.models.chat import Chat
from voice.models.http import Answered, Host, check, translated
from voice.models.runpod_api import Endpoint
from voice.models.runpod_job import Ask
from voice.types import Finish

WORKER: Final = "X-Runpod-Worker-Id"  # in an answer: who wrote it; in a request: who should, if still there
CALLS: Final = 2000  # whose worker is remembered; of a call beyond them only the worker's cache is lost
HEALTH_S: Final = 5.0
JOB: Final = re.compile(r"chatcmpl-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-\w{1,8})")
STATES: Final[Mapping[int, Health]] = {
    200: Health("warm", "the load balancer's worker is ready"),
    204: Health("starting", "the load balancer's worker loads its model"),
    502: Health("broken", "502 from the load balancer: its workers do not listen on PORT or PORT_HEALTH"),
}


class Balanced:
    """A load-balancing endpoint. `url` is RUNPOD_LB_URL, with or without `/v1`."""

    def __init__(self, host: Host, url: str, model: str | None, key: str, http: httpx.AsyncClient) -> None:
        self._host, self._http = host, http
        self._root = url.rstrip("/").removesuffix("/v1")
        self._headers = {"Authorization": f"Bearer {key}"}
        self._chat = Chat(host, f"{self._root}/v1", model, key, http)
        self._worker_of: OrderedDict[str, str] = OrderedDict()  # by call

    async def write(self, ask: Ask) -> Finish:
        """Have one reply written, by the worker that wrote the call's last one if that can be."""
        call_id = ask.prompt.call_id

        def answered(response: Answered) -> None:
            if call_id and (worker := response.headers.get(WORKER)):
                self._remember(call_id, worker)
            ask.began = True

        known = self._worker_of.get(call_id) if call_id else None
        headers = {WORKER: known} if known else {}
        fields = own_fields(ask.prompt, ask.deadline.reply_left_s())
        return await self._chat.write(ask.prompt, ask.deadline, ask.say, headers, answered, fields=fields)

    def end(self) -> None:
        """Replies in flight end with a ModelError."""
        self._chat.end()

    async def health(self) -> Health:
        """What a ping tells. It is a request like any other: RunPod starts a worker for it."""
        try:
            async with asyncio.timeout(HEALTH_S):
                return await self._ping()
        except TimeoutError:
            return Health("cold", f"the load balancer gave no worker in {HEALTH_S:.0f} s")
        except RouteBusy:
            return Health("cold", "the load balancer has no worker to give")
        except ModelError as exc:
            return Health("unknown", str(exc))

    async def _ping(self) -> Health:
        with translated(self._host):
            async with self._http.stream("GET", f"{self._root}/ping", headers=self._headers) as response:
                status = response.status_code
                if status in (401, 403):
                    return Health("refused", f"the load balancer answered {status}: check {self._host.key}")
                if status not in STATES and WORKER not in response.headers:
                    await check(response, self._host)
        return STATES.get(status, STATES[200])  # a worker without /ping has answered, too

    def _remember(self, call_id: str, worker: str) -> None:
        self._worker_of[call_id] = worker
        self._worker_of.move_to_end(call_id)
        if len(self._worker_of) > CALLS:
            self._worker_of.popitem(last=False)


class OpenAIRoute:
    """A queue endpoint's chat completions: RunPod makes jobs of them, and their chunks events.

    It tells no job's id; our own worker names the completion by it, and so the job can be cancelled.
    """

    def __init__(self, endpoint: Endpoint, url: str, model: str | None, key: str, http: httpx.AsyncClient):
        self._endpoint = endpoint
        self._chat = Chat(endpoint.host, f"{url}/openai/v1", model, key, http)

    async def write(self, ask: Ask) -> Finish:
        """Have one reply written. Raises RouteBusy without asking while RunPod would say 429."""

        def answered(response: Answered) -> None:
            self._endpoint.saw("openai", response)
            ask.began = True

        def named(completion: str) -> None:
            if (found := JOB.fullmatch(completion)) is not None:
                ask.job_id = found[1]

        self._endpoint.need("openai")
        async with self._endpoint.rates.slot("openai"):
            fields = own_fields(ask.prompt, ask.deadline.reply_left_s())
            write = self._chat.write(
                ask.prompt, ask.deadline, ask.say, see=answered, fields=fields, named=named
            )
            ask.finish = await write  # a job that has ended is not cancelled
            return ask.finish

    def end(self) -> None:
        """Replies in flight end with a ModelError."""
        self._chat.end()
