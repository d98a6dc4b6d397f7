"""What leaves on a relay socket: talks that are opened, cut and closed."""

from __future__ import annotations

import json
from typing import Any

from handlers.relay.voice import Voice
from tests.builders import a_turn, an_agent
from tests.conftest import VirtualTime
from voice.types import Chunk, ChunkKind


class Frames:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send(self, frame: str, *, may_be_dropped: bool = False) -> None:
        self.sent.append(json.loads(frame))

    def drop(self) -> None:
        """Everything has left already."""

    @property
    def tokens(self) -> list[tuple[str, bool]]:
        return [(one["token"], one["last"]) for one in self.sent]


def a_voice() -> tuple[Voice, Frames]:
    frames = Frames()
    voice = Voice(frames, an_agent())
    voice.begin(a_turn())
    return voice, frames


async def test_a_filler_in_the_middle_of_a_reply_is_a_talk_of_its_own(virtual_time: VirtualTime) -> None:
    voice, frames = a_voice()

    voice.say(Chunk("Let me look.", "Let me look."))
    voice.say(Chunk("One moment.", "", ChunkKind.FILLER))
    voice.say(Chunk("Here it is.", "Here it is."))
    voice.end()

    assert frames.tokens == [
        ("Let me look. ", False),
        ("", True),
        ("One moment.", True),
        ("Here it is. ", False),
        ("", True),
    ]


async def test_a_reply_without_words_opens_and_closes_nothing(virtual_time: VirtualTime) -> None:
    voice, frames = a_voice()

    voice.end()

    assert frames.sent == []


async def test_the_next_reply_is_a_talk_of_its_own(virtual_time: VirtualTime) -> None:
    voice, frames = a_voice()

    voice.say(Chunk("Which unit?", "Which unit?"))
    voice.begin(a_turn())
    voice.say(Chunk("Tomorrow.", "Tomorrow."))

    assert frames.tokens == [("Which unit? ", False), ("", True), ("Tomorrow. ", False)]
