"""The id in a relay socket's path: whom it lets in, and how often."""

from __future__ import annotations

import base64
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.relay.ticket import LIFE_S, Ticket, Tickets
from voice.errors import StoreError
from voice.settings import Settings, load_settings
from voice.store.base import Store
from voice.store.memory import MemoryStore
from voice.types import CallId

CALL = CallId("CA" + "1" * 32)


def tickets(store: Store | None = None, clock: Clock | None = None, **settings: str) -> Tickets:
    read: Settings = load_settings(Path("/nonexistent"), **{"twilio_auth_token": "one", **settings})
    return Tickets(read, store or MemoryStore(), b"a key of ours", clock or Clock())


class Clock:
    """A wall clock that is set."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


class NoStore(MemoryStore):
    """A store that cannot be asked."""

    async def claim(self, key: str) -> bool:
        raise StoreError("away")


async def test_a_ticket_says_whose_call_it_is() -> None:
    ours = tickets()

    found = await ours.take(ours.issue(CALL, "jamie", is_back=True))

    assert found == Ticket(CALL, "jamie", is_back=True)


async def test_a_ticket_is_taken_once_by_whatever_process() -> None:
    store = MemoryStore()
    one, other = tickets(store), tickets(store)
    ticket = one.issue(CALL, "jamie")

    taken = [await process.take(ticket) for process in (other, one, other)]

    assert [found is not None for found in taken] == [True, False, False]


async def test_a_ticket_holds_for_a_minute() -> None:
    clock = Clock()
    ours = tickets(clock=clock)
    soon, late = ours.issue(CALL, "jamie"), ours.issue(CALL, "jamie")

    clock.now += LIFE_S - 1
    taken = await ours.take(soon)
    clock.now += 2

    assert taken is not None
    assert await ours.take(late) is None


async def test_a_ticket_holds_while_one_token_takes_the_place_of_another() -> None:
    before, during = tickets(), tickets(twilio_auth_token="two,one")

    assert await during.take(before.issue(CALL, "jamie")) is not None


async def test_a_ticket_of_another_server_is_none_of_ours() -> None:
    assert await tickets().take(tickets(twilio_auth_token="other").issue(CALL, "jamie")) is None


async def test_a_store_that_is_away_lets_the_caller_in_once() -> None:
    ours = tickets(NoStore())
    ticket = ours.issue(CALL, "jamie")

    assert await ours.take(ticket) is not None
    assert await ours.take(ticket) is None


@pytest.mark.parametrize("shown", ["", "=", "é", "a", "A" * 131, "A" * 5000, "../../admin", "\x00"])
async def test_what_is_no_ticket_lets_nobody_in(shown: str) -> None:
    assert await tickets().take(shown) is None


async def test_a_ticket_has_one_spelling() -> None:
    ours = tickets()
    ticket = ours.issue(CALL, "jamie")
    letters = string.ascii_letters + string.digits + "-_"
    same = [ticket[:-1] + one for one in letters if decoded(ticket[:-1] + one) == decoded(ticket)]

    taken = [await ours.take(one) for one in same if one != ticket]

    assert taken
    assert not any(taken)


@given(place=st.integers(0, 10_000), letter=st.characters(codec="ascii"))
async def test_a_ticket_with_one_letter_changed_lets_nobody_in(place: int, letter: str) -> None:
    ours = tickets()
    ticket = ours.issue(CALL, "jamie")
    at = place % len(ticket)
    changed = ticket[:at] + letter + ticket[at + 1 :]

    assert (await ours.take(changed) is not None) == (changed == ticket)


def decoded(ticket: str) -> bytes:
    return base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
