"""The hosts behind the routes: woken by a ring, looked at while calls are live, remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from tests.builders import a_brain, a_route
from tests.conftest import VirtualTime
from voice.errors import StoreError
from voice.events import Bus, Event, RouteChanged, RouteWoken
from voice.hosts import KEEP_S, LOOK_S, LOOK_SOON_S, TOGETHER_S, WOKEN_S, Hosts
from voice.models.base import Health
from voice.models.scripted import ScriptedClient
from voice.routing.table import Route
from voice.store.base import Store
from voice.store.memory import MemoryStore
from voice.types import CallId, Door, Json

COLD, WARM, UNKNOWN = Health("cold", "no worker"), Health("warm"), Health("unknown")


class Host(ScriptedClient):
    """A client whose host is in these states, one after the other; the last one from then on."""

    def __init__(
        self, name: str = "runpod", *healths: Health, wakes: bool = True, told: Health | None = None
    ) -> None:
        super().__init__(name, told=told)
        self._healths, self._wakes = healths or (UNKNOWN,), wakes
        self.looks = 0

    async def health(self) -> Health:
        self.looks += 1
        return self._healths[min(self.looks, len(self._healths)) - 1]

    async def wake(self) -> bool:
        await super().wake()
        return self._wakes


class AwayStore(MemoryStore):
    """A store whose database cannot be reached."""

    async def learned(self) -> Mapping[str, Json]:
        raise StoreError("no database at postgres://db.example")


class Scene:
    """Hosts that are watched, and what was told of them."""

    def __init__(self, *routes: Route, store: Store | None = None) -> None:
        self.events: list[Event] = []
        self.is_busy = False
        bus = Bus()
        bus.subscribe(self.events.append)
        self.hosts = Hosts(routes, store or MemoryStore(), bus, lambda: self.is_busy)


async def test_a_ring_wakes_every_remote_host(virtual_time: VirtualTime) -> None:
    remote, local = Host("runpod"), Host("embedded")
    scene = Scene(Route(remote), Route(local, is_local=True))

    async with scene.hosts:
        scene.hosts.wake()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    assert (remote.woken, local.woken) == (1, 0)
    assert scene.events == [RouteWoken("runpod")]


async def test_of_rings_that_come_together_the_first_one_wakes(virtual_time: VirtualTime) -> None:
    host = Host("runpod", wakes=False)
    scene = Scene(Route(host))

    async with scene.hosts:
        for _ in range(5):
            scene.hosts.wake()
        await asyncio.sleep(TOGETHER_S)
        scene.hosts.wake()
        await asyncio.sleep(0)

    assert host.woken == 2


async def test_of_two_endpoints_of_one_model_a_ring_wakes_the_one_that_will_be_asked(
    virtual_time: VirtualTime,
) -> None:
    """Each start is paid for, and a throttled endpoint has no worker to start."""
    throttled, cold = Host("runpod"), Host("runpod-2", wakes=False)
    routes = [Route(throttled, twins="runpod"), Route(cold, twins="runpod")]
    scene = Scene(*routes)

    async with scene.hosts:
        routes[0].warmth.saw(Health("throttled"))
        routes[1].warmth.saw(COLD)
        scene.hosts.wake()
        await asyncio.sleep(0.1)

    assert (throttled.woken, cold.woken) == (0, 1)


async def test_a_host_that_starts_is_looked_at_more_often_while_calls_are_live(
    virtual_time: VirtualTime,
) -> None:
    host = Host("runpod", Health("starting"), Health("starting"), WARM)
    route = Route(host)
    scene = Scene(route)
    scene.is_busy = True

    async with scene.hosts:
        await asyncio.sleep(2 * LOOK_SOON_S + 0.1)
        state, looks = route.warmth.health.state, host.looks
        await asyncio.sleep(LOOK_S - 0.2)
        later = host.looks

    assert (state, looks, later) == ("warm", 3, 3)


async def test_a_ring_learns_that_its_worker_is_awake_before_the_caller_has_spoken(
    virtual_time: VirtualTime,
) -> None:
    route = Route(Host("runpod", COLD, told=WARM))
    scene = Scene(route)

    async with scene.hosts:
        await asyncio.sleep(0.1)
        scene.hosts.wake()
        await asyncio.sleep(WOKEN_S + 0.1)

    assert route.warmth.health == WARM
    assert scene.events[-2:] == [RouteWoken("runpod"), RouteChanged("runpod", "warm", "")]


async def test_a_host_that_needs_no_waking_is_not_said_to_be_woken(virtual_time: VirtualTime) -> None:
    scene = Scene(Route(Host("llm", wakes=False)))

    async with scene.hosts:
        scene.hosts.wake()
        await asyncio.sleep(0.1)

    assert scene.events == []


async def test_a_call_wakes_the_hosts_when_it_rings(virtual_time: VirtualTime) -> None:
    host = Host("runpod")

    async with a_brain(host) as brain:
        await brain.calls.pick_up(CallId("c1"), Door.CHAT)
        await asyncio.sleep(0.1)

    assert host.woken >= 1


async def test_a_host_that_does_not_wake_keeps_nobody_waiting(virtual_time: VirtualTime) -> None:
    class Deaf(Host):
        async def wake(self) -> bool:
            await asyncio.Event().wait()
            return True

    scene = Scene(Route(Deaf()))

    async with scene.hosts:
        scene.hosts.wake()

    assert virtual_time.elapsed_s == 0.0


async def test_hosts_are_looked_at_while_calls_are_live(virtual_time: VirtualTime) -> None:
    remote, local = Host("runpod"), Host("embedded")
    scene = Scene(Route(remote), Route(local, is_local=True))
    scene.is_busy = True

    async with scene.hosts:
        await asyncio.sleep(3 * LOOK_S + 1)

    assert (remote.looks, local.looks) == (1 + 3, 0)


async def test_hosts_are_left_alone_while_nobody_calls(virtual_time: VirtualTime) -> None:
    host = Host()
    scene = Scene(Route(host))

    async with scene.hosts:
        await asyncio.sleep(100 * LOOK_S)

    assert host.looks == 1  # at the start


async def test_a_change_is_told_once(virtual_time: VirtualTime) -> None:
    route = Route(Host("runpod", COLD, COLD, COLD, WARM, WARM))
    scene = Scene(route)
    scene.is_busy = True

    async with scene.hosts:
        await asyncio.sleep(2 * LOOK_S + 1)
        assert route.warmth.is_asleep
        await asyncio.sleep(2 * LOOK_S)

    assert scene.events == [RouteChanged("runpod", "cold", "no worker"), RouteChanged("runpod", "warm", "")]
    assert not route.warmth.is_asleep


async def test_a_host_that_cannot_tell_is_as_it_was(virtual_time: VirtualTime) -> None:
    route = Route(Host("runpod", COLD, UNKNOWN))
    scene = Scene(route)
    scene.is_busy = True

    async with scene.hosts:
        await asyncio.sleep(LOOK_S + 1)

    assert route.warmth.health == COLD


async def test_what_was_learned_survives_a_restart(virtual_time: VirtualTime) -> None:
    store = MemoryStore()
    async with Scene(a_route(Host(), usually_s=(0.4,)), store=store).hosts:
        pass

    route = Route(Host())
    async with Scene(route, store=store).hosts:
        assert route.latency.p95_s("clause", 9.0) == pytest.approx(0.4, rel=0.05)


async def test_what_was_learned_is_written_down_now_and_then(virtual_time: VirtualTime) -> None:
    store = MemoryStore()
    route = Route(Host())

    async with Scene(route, store=store).hosts:
        route.latency.saw("clause", 0.4)
        await asyncio.sleep(KEEP_S + LOOK_S + 1)

        assert set(await store.learned()) == {"latency/runpod"}  # a process that is killed loses a minute
        assert not route.latency.has_news


async def test_nothing_is_written_of_a_route_that_was_not_asked(virtual_time: VirtualTime) -> None:
    store = MemoryStore()

    async with Scene(Route(Host()), store=store).hosts:
        await asyncio.sleep(2 * KEEP_S)

    assert await store.learned() == {}


async def test_routes_do_not_learn_from_each_other(virtual_time: VirtualTime) -> None:
    store = MemoryStore()
    async with Scene(a_route(Host("runpod"), usually_s=(0.4,)), store=store).hosts:
        pass

    other = Route(Host("llm"))
    async with Scene(other, store=store).hosts:
        assert not other.latency.is_learned("clause")


async def test_a_store_that_is_away_does_no_harm(virtual_time: VirtualTime) -> None:
    host = Host("runpod", COLD)
    route = a_route(host, usually_s=(0.4,))
    scene = Scene(route, store=AwayStore())

    async with scene.hosts:
        scene.hosts.wake()
        await asyncio.sleep(1)

    assert host.woken == 1
    assert route.warmth.is_asleep
    assert route.latency.p95_s("clause", 9.0) == pytest.approx(0.4, rel=0.05)
