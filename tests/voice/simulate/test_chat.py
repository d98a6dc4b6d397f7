"""A developer's chat, played: what an answer wants done to the call is no silence."""

from __future__ import annotations

from pathlib import Path

from tests.handlers.house import a_house
from tests.handlers.office import TRANSFER, an_office, who_says
from voice.simulate.chat import ChatLine

BASE = "http://127.0.0.1:8000"


async def test_a_transfer_without_a_word_is_neither_silent_nor_late_at_the_chat_door(tmp_path: Path) -> None:
    async with a_house(who_says("", TRANSFER), **an_office(tmp_path)) as house:
        line = ChatLine(BASE, http=house.http)
        turn = await line.say("I want to talk to somebody.")

    assert (turn.acted, turn.silent, turn.late) == (True, False, False)


async def test_an_answer_of_words_alone_does_nothing_to_the_call() -> None:
    async with a_house() as house:
        turn = await ChatLine(BASE, http=house.http).say("My sink leaks.")

    assert (turn.acted, turn.silent) == (False, False)
