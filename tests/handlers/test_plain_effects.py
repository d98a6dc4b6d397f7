"""What is to be done to a call, as the plain doors tell it: whoever asked does it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.handlers.house import a_house, events_of
from tests.handlers.office import CONNECTING, END, OFFICE, TRANSFER, an_office, who_says

DOORS = ["/chat", "/vapi/webhook"]
ASKS = {"message": "I want to talk to somebody.", "call_id": "c1"}


@pytest.mark.parametrize("path", DOORS)
async def test_an_effect_stands_in_the_answer(tmp_path: Path, path: str) -> None:
    async with a_house(who_says("", TRANSFER), **an_office(tmp_path)) as house:
        moved = await house.http.post(path, json=ASKS)
    async with a_house(who_says("Bye.", END), **an_office(tmp_path)) as house:
        ended = await house.http.post(path, json=ASKS)
    async with a_house() as house:
        nothing = await house.http.post(path, json=ASKS)

    assert moved.json()["reply"] == CONNECTING
    assert moved.json()["effect"] == {"action": "transfer", "to": OFFICE, "digits": ""}
    assert ended.json()["reply"] == "Bye."
    assert ended.json()["effect"] == {"action": "end_call", "to": None, "digits": ""}
    assert nothing.json()["effect"] is None


async def test_an_effect_stands_in_the_last_event(tmp_path: Path) -> None:
    async with a_house(who_says("", TRANSFER), **an_office(tmp_path)) as house:
        answer = await house.http.post("/chat", json=ASKS, headers={"Accept": "text/event-stream"})

    said, done = events_of(answer.text)
    assert said == ("chunk", {"text": CONNECTING})
    assert done[1]["effect"]["to"] == OFFICE
