"""Keys on a relay call: what ends a number."""

from __future__ import annotations

from handlers.relay.keys import Keys
from tests.conftest import VirtualTime


async def test_a_number_of_known_length_is_complete_with_its_last_key(virtual_time: VirtualTime) -> None:
    keys, any_length = Keys(digits=4), Keys()

    assert [keys.press(key) for key in "4711"] == [False, False, False, True]
    assert keys.take("en-US") == "four seven one one"
    assert [any_length.press(key) for key in "4711#"] == [False, False, False, False, True]
