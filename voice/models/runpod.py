"""Asks a model behind RunPod: one route, with its ways in the order that settings give.

`lb` is a load-balancing endpoint's events, `openai` the queue endpoint's (runpod_streams.py); `stream`,
`runsync` and `run` are jobs in its queue (runpod/queue.py). A way that fails by its own fault before a
word was said is left for the next one, and for a while the turns begin there; a model that fails is not
asked again here.

A job that nobody waits for any longer is cancelled at RunPod, as an errand of the client's own: the
turn that cancelled it goes on at once. `close` waits for these errands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import httpx

from voice.clock import Deadline, now
from voice.errors import ModelError, ReplyBroken, RouteRefused
from voice.models.base import Health
from voice.models.http import Host, translated
from voice.models.runpod_api import Endpoint, _OperationRefused
from voice.models.runpod_errands import Errands
from voice.models.runpod_job import Ask
from voice.models.runpod_queue import Queue
from voice.models.runpod_streams import Balanced, OpenAIRoute
from voice.models.runpod_ways import QUEUE, REFUSED_S, Way, Ways, rest_after
from voice.models.runpod_workers import QUEUED_S, Workers, health_of
from voice.models.text import bounded
from voice.types import Finish, Hear, Prompt

HEALTH_S = 5.0  # asked between calls, not within a turn
LB_LOOK_S = 1.0  # for a ping, in a turn whose load balancer is silent
LB_RESTS_S = 15.0  # a load balancer without a worker; the next look at it comes before
ALL_WAYS: tuple[Way, ...] = ("lb", "openai", "stream", "runsync", "run")


class RunPodClient:
    """One RunPod route: a queue endpoint, a load balancer (`lb_url`), or both for the same model.

    Ways that have no address are left out. `model` None: the worker's own. `http` is shared and closed by
    whoever opened it.
    """

    def __init__(
        self,
        name: str,
        endpoint_id: str | None,
        key: str,
        base_url: str = "https://api.runpod.ai/v2",
        ways: Sequence[Way] = ("stream", "runsync", "run"),
        *,
        http: httpx.AsyncClient,
        key_env: str = "RUNPOD_API_KEY",
        lb_url: str | None = None,
        model: str | None = None,
    ) -> None:
        self.name = name
        self._host = Host(name, key=key_env, place="RUNPOD_ENDPOINT_ID and RUNPOD_BASE_URL")
        root = f"{base_url.rstrip('/')}/{endpoint_id}"
        self._endpoint = Endpoint(root, key, self._host, http)
        self._workers = Workers()
        self._errands = Errands(self._endpoint, self._workers, model)
        self._queue = Queue(self._endpoint, self._workers, self._errands, model)
        self._openai = OpenAIRoute(self._endpoint, root, model, key, http)
        lb_host = Host(name, key=key_env, place="RUNPOD_LB_URL")
        self._balanced = None if lb_url is None else Balanced(lb_host, lb_url, model, key, http)
        self._ways = Ways(name, _usable(ways, has_queue=endpoint_id is not None, has_lb=lb_url is not None))
        self._has_queue = bool({*QUEUE} & {*self._ways.names})
        self._asks: dict[Way, Callable[[Ask], Awaitable[Finish]]] = {
            "lb": self._by_lb,
            "openai": self._openai.write,
            "stream": self._by_stream,
            "runsync": self._queue.by_runsync,
            "run": self._queue.by_run,
        }
        self._limits: set[asyncio.Timeout] = set()  # of replies in flight

    async def open(self) -> None:
        """Nothing to do: the first request connects."""

    async def close(self) -> None:
        """Ends replies in flight with a ModelError, and waits for their jobs to be cancelled."""
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(now())
        while self._limits:  # noqa: ASYNC110 – the replies see it within a few steps of the loop
            await asyncio.sleep(0)
        await self._errands.end()

    async def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Finish:
        """Have one reply written; see ModelClient."""
        ask = Ask(self.name, prompt, deadline, bounded(hear, prompt, self.name))
        try:
            async with asyncio.timeout_at(deadline.reply_at) as limit:
                self._limits.add(limit)
                with translated(self._host):
                    return await self._ask(ask)
        except TimeoutError as exc:
            if ask.finish is not None:  # only the job's times were still asked for
                return ask.finish
            raise ask.too_late() from exc
        except _OperationRefused as exc:
            raise (ReplyBroken if ask.said else RouteRefused)(str(exc)) from exc
        except ModelError as exc:
            if ask.said and not isinstance(exc, ReplyBroken):
                raise ReplyBroken(str(exc)) from exc
            raise
        finally:
            self._limits.discard(limit)

    async def health(self) -> Health:
        """What RunPod tells of the workers; where a load balancer comes first, what a ping there tells."""
        self._workers.told = None
        if self._balanced is None or (self._has_queue and self._ways.names[0] != "lb"):
            return await self._health_of_queue()
        health = await self._balanced.health()
        if health.state in ("warm", "busy"):
            self._ways.wake("lb")
            self._workers.saw_health(health)
            return health
        if not self._has_queue:
            return health
        self._ways.rest("lb", LB_RESTS_S)
        queue = await self._health_of_queue()
        return Health(queue.state, f"{queue.detail}; {health.detail}")

    def told(self) -> Health | None:
        """What a job told of the workers: known while its turn still runs."""
        return self._workers.told

    async def wake(self) -> bool:
        """Has RunPod start a worker, unless one is awake; see ModelClient."""
        if self._balanced is not None and self._ways.now_open()[0] == "lb":
            return self._errands.wake(self._look_at_lb)
        return self._errands.wake() if self._has_queue else False

    async def _ask(self, ask: Ask) -> Finish:
        rests: dict[Way, float] = {}
        ways = self._ways.now_open()
        for way in ways:
            try:
                finish = await self._asks[way](ask)
            except ModelError as exc:
                rest_s = rest_after(way, exc)
                if ask.said or rest_s is None or way == ways[-1]:  # all are refused: it is not about the way
                    raise
                rests[way] = rest_s
                ask.begin_again()
            else:
                for failed, rest_s in rests.items():
                    self._ways.rest(failed, rest_s)
                return finish
            finally:
                self._queue.let_go(ask)
        raise AssertionError("the last way answers or raises")

    async def _by_stream(self, ask: Ask) -> Finish:
        def refused() -> bool:
            if self._ways.names[-1] == "stream":
                return False
            self._ways.rest("stream", REFUSED_S)
            return True

        return await self._queue.by_stream(ask, refused)

    async def _by_lb(self, ask: Ask) -> Finish:
        """A load balancer without a worker holds a request for two minutes: one that is silent is pinged."""
        assert self._balanced is not None

        def look() -> None:
            if not ask.began:
                self._errands.do("look", LB_LOOK_S, self._look_at_lb)

        looking = asyncio.get_running_loop().call_later(QUEUED_S, look)
        try:
            finish = await self._balanced.write(ask)
        finally:
            looking.cancel()
        self._workers.saw_health(Health("warm"))
        return finish

    async def _look_at_lb(self) -> None:
        assert self._balanced is not None
        health = Health("cold", f"the load balancer gave no worker in {LB_LOOK_S:.0f} s")
        try:
            health = await self._balanced.health()
        finally:  # the look has a limit of its own
            self._workers.saw_health(health)
            is_awake = health.state in ("warm", "busy")
            if is_awake or not self._has_queue:
                self._workers.told = health
            elif health.state != "unknown":
                self._ways.rest("lb", LB_RESTS_S)  # the next turns ask the queue

    async def _health_of_queue(self) -> Health:
        try:
            async with asyncio.timeout(HEALTH_S):
                with translated(self._host):
                    health = health_of(await self._endpoint.send("GET", "health"))
        except TimeoutError:
            return Health("unknown", f"RunPod did not answer in {HEALTH_S:.0f} s")
        except RouteRefused as exc:
            return Health("refused", str(exc))
        except ModelError as exc:
            return Health("unknown", str(exc))
        self._workers.saw_health(health)
        return health


def _usable(ways: Sequence[Way], *, has_queue: bool, has_lb: bool) -> tuple[Way, ...]:
    """The ways that have an address; where none is left, all that have one."""
    there: set[Way] = {*(QUEUE if has_queue else ()), *(("lb",) if has_lb else ())}
    return tuple(way for way in ways if way in there) or tuple(way for way in ALL_WAYS if way in there)
