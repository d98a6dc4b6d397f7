"""Keeps an eye on the hosts behind the routes, so that no caller finds one asleep.

A ring wakes whoever may be asleep while the greeting plays. While calls are live the hosts' health
is looked at now and then, once for all calls. What was learned of each route's pace is kept, and
taken up again after a restart.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from voice.clock import now
from voice.errors import StoreError
from voice.events import Bus, RouteChanged, RouteWoken
from voice.models.base import Health
from voice.routing.strategy import first_twins
from voice.routing.table import Route
from voice.store.base import Store

log = logging.getLogger(__name__)

LOOK_S = 10.0  # between two looks at a host's health while calls are live; a cold start takes longer
LOOK_SOON_S = 2.0  # the same while a host starts: the next turn should not miss that it is there
WOKEN_S = 0.7  # from a job that wakes a host until it has been seen whether a worker took it
TOGETHER_S = 0.25  # of rings: no host falls asleep so soon, and each wake is a task of its own, 30 µs
KEEP_S = 60.0  # between two writings-down of what was learned
LEARNED = "latency/"  # before a route's name, among all that is learned


class Hosts:
    """The hosts of all routes. Used as a context, with `watch` running in it."""

    def __init__(self, routes: Sequence[Route], store: Store, bus: Bus, is_busy: Callable[[], bool]) -> None:
        self._routes, self._store, self._bus, self._is_busy = routes, store, bus, is_busy
        self._watching: asyncio.Task[None] | None = None
        self._waking: set[asyncio.Task[None]] = set()
        self._kept_at = 0.0
        self._woken_at: float | None = None

    async def __aenter__(self) -> Hosts:
        await self._recall()
        self._kept_at = now()
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [task for task in (self._watching, *self._waking) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._keep()

    def wake(self) -> None:
        """A call rings, or a turn has passed over a host that sleeps: wake it. Returns at once.

        Of several endpoints of one model only the one that would be asked: each start is paid for. Of rings
        that come together only the first wakes.
        """
        at = now()
        if self._woken_at is not None and at - self._woken_at < TOGETHER_S:
            return
        self._woken_at = at
        for route in first_twins(self._routes, at):
            if not route.is_local:
                self._start(self._wake(route))

    async def look(self) -> None:
        """Ask every remote host how it is."""
        await asyncio.gather(*(self._look_at(route) for route in self._routes if not route.is_local))

    async def _watch(self) -> None:
        is_first = True
        while True:
            if is_first or self._is_busy():
                await self._look_safely()
            is_first = False
            if now() - self._kept_at >= KEEP_S:
                self._keep()
            await asyncio.sleep(self._pause_s())

    def _pause_s(self) -> float:
        starts = any(route.warmth.health.state == "starting" for route in self._routes)
        return LOOK_SOON_S if starts and self._is_busy() else LOOK_S

    async def _look_safely(self) -> None:
        try:
            await self.look()
        except Exception as exc:  # fence: one job
            log.exception("hosts.look_failed", extra={"error": type(exc).__name__})

    async def _look_at(self, route: Route) -> None:
        health = await route.client.health()
        self._saw(route, health)

    def _saw(self, route: Route, health: Health) -> None:
        if health.state != "unknown" and route.warmth.saw(health):
            self._bus.publish(RouteChanged(route.name, health.state, health.detail))

    async def _wake(self, route: Route) -> None:
        if await route.client.wake():
            self._bus.publish(RouteWoken(route.name))
            await asyncio.sleep(WOKEN_S)
        # That a host is awake turns learn too late: they ask one that sleeps last. That it sleeps they learn.
        if (told := route.client.told()) is not None and told.state == "warm":
            self._saw(route, told)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._waking.add(task)
        task.add_done_callback(self._waking.discard)

    def _keep(self) -> None:
        self._kept_at = now()
        for route in self._routes:
            if route.latency.has_news:
                self._store.keep_learned(_key(route), route.latency.known())

    async def _recall(self) -> None:
        try:
            learned = await self._store.learned()
        except StoreError as exc:
            log.warning("hosts.nothing_recalled", extra={"error": type(exc).__name__})
            return
        for route in self._routes:
            route.latency.recall(learned.get(_key(route)))


def _key(route: Route) -> str:
    return f"{LEARNED}{route.name}@{route.place}" if route.place else LEARNED + route.name
