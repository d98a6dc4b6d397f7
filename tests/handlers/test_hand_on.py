"""A request that comes to one process and belongs to a call of another: the client notices nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from handlers.hand_on import PEER, Handed
from handlers.siblings import KEY, MOVED, Siblings
from tests.handlers.house import House, Visitor, Watched, a_house, a_request, said_in
from tests.handlers.relay_line import Socket
from voice.cli.server import serving
from voice.models.base import ModelClient
from voice.models.scripted import ScriptedClient
from voice.store.memory import MemoryStore
from voice.types import CallId

PATH = "/vapi/chat/completions"
WATCHDOG_S = 20.0  # a test that waits for what never comes ends; no claim depends on it
NAMES = [CallId(f"c{number}") for number in range(99)]
SIDS = [CallId(f"CA{number:032}") for number in range(99)]
MINE, HERS = (next(one for one in NAMES if Siblings(place, 2).owns(one)) for place in (0, 1))


class Two:
    """Two processes' apps, each behind its own Unix socket; `mine` is asked, `hers` owns HERS."""

    def __init__(self, houses: Sequence[House], places: Sequence[Siblings]) -> None:
        self.mine, self.hers = houses
        self._places = places
        self._hers = AsyncExitStack()

    @property
    def hers_door(self) -> Path:
        return self._places[1].http

    async def open_hers(self) -> None:
        await self._hers.enter_async_context(behind(self.hers, self._places[1]))
        self._places[1].has_moved()

    async def close_hers(self) -> None:
        """As if the process had been killed."""
        await self._hers.aclose()
        self._places[1].http.unlink()


@asynccontextmanager
async def two(folder: Path, *clients: ModelClient, **settings: object) -> AsyncIterator[Two]:
    store = MemoryStore()
    (folder / KEY).write_bytes(b"a key of ours")
    places = [Siblings(place, 2, place + 1, folder) for place in (0, 1)]
    async with AsyncExitStack() as stack:
        houses = [
            await stack.enter_async_context(a_house(*clients, store=store, siblings=one, **settings))
            for one in places
        ]
        await stack.enter_async_context(behind(houses[0], places[0]))
        both = Two(houses, places)
        await both.open_hers()
        (folder / MOVED).unlink()
        stack.push_async_callback(both._hers.aclose)
        async with asyncio.timeout(WATCHDOG_S):
            yield both


@asynccontextmanager
async def behind(house: House, siblings: Siblings) -> AsyncIterator[None]:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(siblings.http))
    async with serving(Handed(house.app), listener):
        siblings.take_place()
        yield


def a_turn(words: str, call_id: str = HERS) -> dict[str, object]:
    return a_request(words, call={"id": call_id})


async def test_a_turn_is_taken_by_its_calls_owner(tmp_path: Path) -> None:
    async with two(tmp_path) as both:
        answer = await both.mine.http.post(PATH, json=a_turn("My sink leaks."))

        assert said_in(answer.text) == "Which unit are you in?"
        assert both.hers.brain.calls.get(HERS) is not None
        assert both.mine.brain.calls.get(HERS) is None


async def test_a_handed_on_answer_has_the_same_headers(tmp_path: Path) -> None:
    async with two(tmp_path) as both:
        ours = await both.hers.http.post(PATH, json=a_turn("Hello."), headers={"x-request-id": "r1"})
        handed = await both.mine.http.post(PATH, json=a_turn("Hello."), headers={"x-request-id": "r1"})

    assert dict(handed.headers) == dict(ours.headers)


async def test_words_leave_as_they_come(tmp_path: Path) -> None:
    model = ScriptedClient(reply="The plumber comes on Monday. " * 3, every_s=0.01)
    async with two(tmp_path, model) as both:
        visitor = Visitor(both.mine.app)
        asking = asyncio.create_task(visitor.post(PATH, a_turn("When?")))
        await visitor.heard.wait()
        was_whole = "[DONE]" in visitor.text
        await asking

    assert not was_whole
    assert "[DONE]" in visitor.text


async def test_a_hang_up_reaches_the_owners_model(tmp_path: Path) -> None:
    model = Watched(reply="A long answer.", first_s=60.0)
    async with two(tmp_path, model) as both:
        visitor = Visitor(both.mine.app)
        asking = asyncio.create_task(visitor.post(PATH, a_turn("Hello?")))
        await model.begun.wait()
        visitor.hang_up()
        await model.stopped.wait()
        await asking


async def test_a_stranger_stays_a_stranger(tmp_path: Path) -> None:
    async with two(tmp_path) as both, both.mine.from_elsewhere() as http:
        refused = await http.post("/chat", json={"message": "Hello", "call_id": HERS})
        posing = {PEER.decode(): "127.0.0.1 50000"}
        still = await http.post("/chat", json={"message": "Hello", "call_id": HERS}, headers=posing)
        seen = (await both.mine.http.get("/admin/refused")).json()

    assert (refused.status_code, still.status_code) == (403, 403)
    assert seen["doors"]["chat"]["requests"] == 2
    assert seen["doors"]["chat"]["refused"] == 2


async def test_a_call_without_an_owner_goes_on_next_door(tmp_path: Path) -> None:
    async with two(tmp_path) as both:
        await both.mine.http.post("/chat", json={"message": "My sink leaks.", "call_id": HERS})
        await both.close_hers()
        answer = await both.mine.http.post("/chat", json={"message": "Unit four.", "call_id": HERS})

        assert answer.status_code == 200
        call = both.mine.brain.calls.get(HERS)
        assert call is not None
        assert len(call.thread.turns) == 2


async def test_a_call_that_strayed_comes_home_with_all_its_turns(tmp_path: Path) -> None:
    async with two(tmp_path) as both:
        await both.close_hers()
        await say(both.mine, "My sink leaks.")
        await both.open_hers()
        await say(both.mine, "Unit four.")

        call = both.hers.brain.calls.get(HERS)
        assert call is not None
        assert [turn.said for turn in call.thread.turns] == ["My sink leaks.", "Unit four."]
        assert both.mine.brain.calls.get(HERS) is None


async def test_a_turn_that_strayed_is_spoken_to_its_end(tmp_path: Path) -> None:
    model = Watched(reply="The plumber comes on Monday.", first_s=0.5)
    async with two(tmp_path, model) as both:
        await both.close_hers()
        asking = asyncio.create_task(both.mine.http.post(PATH, json=a_turn("When?")))
        await model.begun.wait()
        await both.open_hers()
        shown = await both.mine.http.get(f"/admin/calls/{HERS}")  # anybody's question about the call
        answer = await asking

    assert said_in(answer.text) == "The plumber comes on Monday."
    assert shown.json()["live"]


async def test_newer_words_end_a_turn_that_strayed(tmp_path: Path) -> None:
    model = Watched(reply="A long answer.", first_s=60.0)
    async with two(tmp_path, model) as both:
        await both.close_hers()
        asking = asyncio.create_task(both.mine.http.post(PATH, json=a_turn("Hello?")))
        await model.begun.wait()
        await both.open_hers()
        newer = Visitor(both.mine.app)
        again = asyncio.create_task(newer.post(PATH, a_turn("Never mind.")))
        await model.stopped.wait()
        await asking
        newer.hang_up()
        await again

        homes = [house for house in (both.mine, both.hers) if house.brain.calls.get(HERS) is not None]
        assert len(homes) == 1
        call = homes[0].brain.calls.get(HERS)
        assert call is not None
        assert call.thread.turns[-1].said == "Never mind."


async def test_a_process_that_leaves_hands_on_what_still_comes_to_it(tmp_path: Path) -> None:
    async with two(tmp_path) as both:
        old = both.mine
        async with a_house(store=old.store, siblings=Siblings(0, 2, 9, tmp_path)) as new:
            async with behind(new, Siblings(0, 2, 9, tmp_path)):
                await say(old, "Hello.", MINE)

            assert old.brain.calls.get(MINE) is None
            assert new.brain.calls.get(MINE) is not None


async def test_headers_come_byte_for_byte(tmp_path: Path) -> None:
    secret = "k3y-für-vapi-0123456789"
    async with two(tmp_path, vapi_secret=secret) as both:
        shown = {"x-vapi-secret": secret.encode(), "content-type": b"application/json"}
        answers = [
            await house.http.post(PATH, json=a_turn(f"Hello {turn}."), headers=shown)
            for turn, house in enumerate((both.mine, both.hers))
        ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert all(said_in(answer.text) for answer in answers)


async def test_two_hosts_pass_no_door_that_one_would_not_pass(tmp_path: Path) -> None:
    hosts = [("host", "evil.example.com"), ("host", "127.0.0.1")]
    async with two(tmp_path) as both:
        answers = [
            await house.http.post("/chat", json={"message": "Hello.", "call_id": HERS}, headers=hosts)
            for house in (both.mine, both.hers)
        ]

    assert [answer.status_code for answer in answers] == [403, 403]


async def test_a_sibling_that_hangs_holds_up_nobody_who_watches(tmp_path: Path) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # whatever is asked
        writer.close()

    async with two(tmp_path) as both:
        await both.close_hers()
        async with await asyncio.start_unix_server(hang, both.hers_door):
            told = await both.mine.http.get("/metrics")

    assert told.status_code == 200


async def test_a_call_stays_with_whoever_holds_its_socket(tmp_path: Path) -> None:
    async with two(tmp_path) as both:
        await both.close_hers()
        await say(both.mine, "My sink leaks.")
        both.mine.app.state.relays[HERS] = object()
        await both.open_hers()

        await say(both.hers, "Unit four.")

        assert both.hers.brain.calls.get(HERS) is None
        kept = both.mine.brain.calls.get(HERS)
        assert kept is not None
        assert len(kept.thread.turns) == 2


async def test_a_relay_socket_speaks_with_its_calls_owner(tmp_path: Path) -> None:
    async with two(tmp_path) as both:
        call = next(one for one in SIDS if Siblings(1, 2).owns(one))
        socket = a_socket(both.mine, call)
        running = asyncio.create_task(socket.run())
        socket.set_up(callSid=call)
        socket.say("My sink leaks.")
        await socket.hears("Which unit are you in?")
        live = both.hers.brain.calls.get(call)
        socket.drop()
        await running

    assert live is not None


async def test_a_second_socket_of_a_call_outlives_the_first(tmp_path: Path) -> None:
    async with two(tmp_path) as both:
        call = next(one for one in SIDS if Siblings(1, 2).owns(one))
        old, new = a_socket(both.mine, call), a_socket(both.mine, call)
        running = []
        for socket in (old, new):
            running.append(asyncio.create_task(socket.run()))
            socket.set_up(callSid=call)
            socket.say("My sink leaks.")
            await socket.hears("Which unit")
        old.drop()
        await running[0]
        known = [of for of, _ in both.mine.app.state.joined.values()]
        new.drop()
        await running[1]

    assert known == [call]
    assert both.mine.app.state.joined == {}


async def test_a_relay_socket_that_is_refused_is_refused_to_the_client(tmp_path: Path) -> None:
    async with two(tmp_path, twilio_auth_token="12345") as both:
        call = next(one for one in SIDS if Siblings(1, 2).owns(one))
        socket = a_socket(both.mine, call)
        await socket.run()

    assert not socket.accepted


async def test_the_operator_sees_the_calls_of_all(tmp_path: Path) -> None:
    async with two(tmp_path) as both:
        await say(both.mine, "Hello.", HERS)
        await say(both.mine, "Hello.", MINE)
        told = (await both.mine.http.get("/admin/calls")).json()["calls"]
        one = (await both.mine.http.get(f"/admin/calls/{HERS}")).json()

    assert {call["call_id"]: call["live"] for call in told} == {HERS: True, MINE: True}
    assert one["live"]


async def test_metrics_say_which_process_counted(tmp_path: Path) -> None:
    async with two(tmp_path) as both:
        await say(both.mine, "Hello.", HERS)
        told = (await both.mine.http.get("/metrics")).text

    assert 'offhook_calls_live{process="0"} 0.0' in told
    assert 'offhook_calls_live{process="1"} 1.0' in told
    assert told.count("# TYPE offhook_calls_live gauge") == 1


async def test_strangers_see_nobodys_calls(tmp_path: Path) -> None:
    async with two(tmp_path) as both, both.mine.from_elsewhere() as http:
        answers = [await http.get(path) for path in ("/admin/calls", "/metrics", "/admin/refused")]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


async def test_what_is_too_large_is_refused_before_it_is_handed_on(tmp_path: Path) -> None:
    async with two(tmp_path, max_body_bytes=10_000) as both:
        answer = await both.mine.http.post("/chat", json={"message": "a" * 20_000, "call_id": HERS})

    assert answer.status_code == 413


def a_socket(house: House, call: CallId) -> Socket:
    ticket = house.app.state.tickets.issue(call, "jamie")
    return Socket(house.app, f"/twilio/relay/{ticket}")


async def say(house: House, words: str, call_id: str = HERS) -> None:
    answer = await house.http.post("/chat", json={"message": words, "call_id": call_id})
    assert answer.status_code == 200
