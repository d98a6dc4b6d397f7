"""Whole Twilio calls from files, through the real doors: interrupted, broken, restarted, passed on.

On a played clock, with Twilio's side played too, and a model that is told what to write.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.conftest import VirtualTime
from tests.handlers.office import TRANSFER, an_office, who_says
from tests.handlers.twilio_door import BASE, Door, a_door
from tests.voice.simulate.played_sockets import AppSockets
from voice.models.base import ModelClient
from voice.models.scripted import ScriptedClient
from voice.simulate.caller import CHARS_PER_S, perform, play, prepare
from voice.simulate.report import TurnReport
from voice.simulate.script import Script, packaged
from voice.simulate.twilio.documents import TwilioPlay
from voice.simulate.twilio.line import PLAIN, TwilioDoor, TwilioLine
from voice.simulate.twilio.socket import Socket
from voice.store.base import StoredCall
from voice.store.memory import MemoryStore
from voice.types import CallId, Ending, words

TOKEN, PUBLIC = "twilio-token-of-a-test", "https://voice.example.com"
REPLY = "The office is open from nine to five, and on Saturday until noon. Is there anything else?"
REFUSES = 4  # requests; the next one waits until the server is back
DOORS: tuple[TwilioDoor, ...] = ("gather", "relay")


@dataclass
class House(httpx.AsyncBaseTransport):
    """A server that can be restarted: the same settings and store, a new app; and a line to it.

    While it is away it refuses what is asked, more often than Twilio asks of its own accord.
    """

    door_name: TwilioDoor
    client: ModelClient
    settings: Mapping[str, object] = field(default_factory=dict)
    store: MemoryStore = field(default_factory=MemoryStore)
    told: list[str] = field(default_factory=list)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _is_up: asyncio.Event = field(default_factory=asyncio.Event)
    _refused: int = 0  # requests, since it went away
    _door: Door | None = None
    _sockets: AppSockets | None = None

    async def restart(self) -> None:
        """Stop the server, and start it again."""
        self._is_up.clear()
        self._refused = 0
        await self._stack.aclose()
        opened = a_door(
            self.client,
            store=self.store,
            twilio_auth_token=TOKEN,
            public_url=PUBLIC,
            twilio_mode=self.door_name,
            **self.settings,
        )
        self._door = await self._stack.enter_async_context(opened)
        self._sockets = AppSockets(self._door.app)
        self._stack.push_async_callback(self._sockets.stop)
        self._is_up.set()

    async def close(self) -> None:
        await self._stack.aclose()

    @property
    def door(self) -> Door:
        assert self._door is not None
        return self._door

    def line(self, play: TwilioPlay = PLAIN) -> TwilioLine:
        return TwilioLine(
            BASE,
            play=play,
            door=self.door_name,
            auth_token=TOKEN,
            public_url=PUBLIC,
            http=httpx.AsyncClient(transport=self),
            sockets=self.socket,
            told=self.told.append,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self._is_up.is_set() and self._refused < REFUSES:
            self._refused += 1
            raise httpx.ConnectError("nobody listens")
        await self._is_up.wait()
        return await self.door.http.send(request)

    async def socket(self, url: str, headers: Mapping[str, str]) -> Socket:
        await self._is_up.wait()
        assert self._sockets is not None
        return await self._sockets.open(url, headers)

    async def stored(self, call_id: str) -> StoredCall:
        found = await self.store.find(CallId(call_id))
        assert found is not None
        return found


@asynccontextmanager
async def a_house(
    door: TwilioDoor, client: ModelClient | None = None, **settings: object
) -> AsyncIterator[House]:
    house = House(door, client or ScriptedClient(reply=REPLY, first_s=0.3, every_s=0.05), settings)
    await house.restart()
    try:
        yield house
    finally:
        await house.close()


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", ["ac-repair", "leak", "keys", "restarted", "dropped"])
async def test_a_packaged_call_is_answered_in_time_to_its_end(
    virtual_time: VirtualTime, door: TwilioDoor, name: str
) -> None:
    script = packaged(name)
    async with a_house(door) as house:
        line = house.line()
        report = await play(line, script, restart=house.restart)
        live = house.door.brain.calls.live

    assert report.good, report
    assert live == 0
    stored = await house.stored(line.call_id)
    assert stored.record.ended_reason == "completed"
    assert [turn.said for turn in stored.turns if turn.said in script.says] == list(script.says)


async def test_after_an_interruption_the_thread_holds_exactly_the_words_that_were_played(
    virtual_time: VirtualTime,
) -> None:
    async with a_house("relay") as house:
        line = house.line()
        report = await play(line, packaged("interrupted"))

    assert report.error is None
    stored = await house.stored(line.call_id)
    cut = [(turn, heard) for turn, heard in zip(stored.turns, report.turns, strict=True) if heard.cut]
    assert len(cut) == 3
    for turn, heard in cut:
        assert turn.heard is not None
        assert words(turn.heard) == words(heard.heard)
        assert turn.ending is Ending.INTERRUPTED
    assert report.turns[2].said == "It's unit 4B."


async def test_the_model_reads_only_what_was_played_of_an_interrupted_reply(
    virtual_time: VirtualTime,
) -> None:
    model = ScriptedClient(reply=REPLY, first_s=0.3, every_s=0.05)
    async with a_house("relay", model) as house:
        report = await play(house.line(), packaged("interrupted"))

    before = [part.text for part in model.asked[1].messages if part.role == "assistant"][-1]
    assert words(before)[: len(words(report.turns[0].heard))] == words(report.turns[0].heard)
    assert "noon" not in before


async def turns_of(house: House, line: TwilioLine, script: Script) -> list[TurnReport]:
    prepare(line, script)
    await line.dial()
    return [turn async for turn in perform(line, script, restart=house.restart)]


@pytest.mark.parametrize("breaks", ["drop", "restart"])
async def test_a_reply_that_breaks_off_in_mid_sentence_goes_on_and_is_heard_whole(
    virtual_time: VirtualTime, tmp_path: Path, breaks: str
) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(f'[[steps]]\nsay = "When are you open?"\n[[steps]]\nafter_words = 6\n{breaks} = true\n')
    async with a_house("relay") as house:
        line = house.line()
        (turn,) = await turns_of(house, line, Script.load(path))
        await line.hang_up()

    heard = words(turn.heard)
    assert heard[: len(words("The office is open from nine"))] == words("The office is open from nine")
    assert turn.heard.endswith("to five, and on Saturday until noon. Is there anything else?")
    assert len(heard) <= len(words(REPLY)) + 4, "what is said twice is a few words"
    (stored,) = (await house.stored(line.call_id)).turns
    assert stored.spoken == REPLY


async def test_a_silent_caller_is_asked_whether_they_are_there(virtual_time: VirtualTime) -> None:
    async with a_house("relay") as house:
        report = await play(house.line(), packaged("silent"))

    assert report.good, report
    asked = report.turns[1]
    assert (asked.said, asked.silent) == ("", False)


@pytest.mark.parametrize("door", DOORS)
async def test_a_caller_who_wants_a_person_comes_back_until_somebody_takes_the_call(
    virtual_time: VirtualTime, tmp_path: Path, door: TwilioDoor
) -> None:
    async with a_house(door, who_says("One moment.", TRANSFER), **an_office(tmp_path)) as house:
        line = house.line()
        line.aloud.chars_per_s = CHARS_PER_S
        report = await play(line, packaged("put-through"))

    assert report.error is None
    assert [text.rpartition(": ")[2] for text in house.told if "is dialled" in text] == [
        "no-answer",
        "declines",
        "accepts",
    ]
    assert "both are put together" in house.told
    stored = await house.stored(line.call_id)
    assert stored.record.ended_on is not None
    assert len(stored.turns) == 3


async def test_a_slow_answer_that_is_asked_for_again_while_it_runs_is_one_turn(
    virtual_time: VirtualTime,
) -> None:
    model = ScriptedClient(reply=REPLY, first_s=3.0)
    async with a_house("gather", model) as house:
        line = house.line(TwilioPlay(overrides="rt=1000&rc=5&rp=rt"))
        report = await play(line, packaged("leak"))

    assert report.error is None
    stored = await house.stored(line.call_id)
    assert [turn.said for turn in stored.turns] == list(packaged("leak").says)
    assert len(model.asked) == len(stored.turns), "the model is asked once for each turn"
    assert [turn.heard.endswith("Is there anything else?") for turn in report.turns] == [True] * 5
