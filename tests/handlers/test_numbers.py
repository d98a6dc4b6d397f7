"""Whom a call can be connected to: what the agent's file lists, and nothing that somebody made up."""

from __future__ import annotations

from pathlib import Path

import pytest
from vapi.types import ServerMessageResponseTransferDestinationRequest

from handlers.wire.numbers import dialable
from tests.handlers.house import a_house, a_message, in_shape

LINE, CALLER = "+14155550199", "+14155550100"
EMERGENCY = """
name = "sam"
persona = "You are Sam."
greeting = "Sam here."
fallbacks = ["Again?"]
tools = ["transfer"]
[transfer.emergency]
short_code = "911"
for = "Fire or gas."
"""


async def test_a_caller_who_smells_gas_is_put_through_to_the_short_code_that_the_file_lists(
    tmp_path: Path,
) -> None:
    (tmp_path / "sam.toml").write_text(EMERGENCY)

    async with a_house(agents_dir=tmp_path, agent="sam") as house:
        answer = await house.http.post("/vapi/webhook", json=a_message("transfer_destination_request"))

    in_shape(ServerMessageResponseTransferDestinationRequest, answer)
    place = answer.json()["destination"]
    assert (place["type"], place["number"]) == ("number", "911")
    assert place["numberE164CheckEnabled"] is False  # Vapi dials no other number that has no plus


@pytest.mark.parametrize("listed", ["911", "112", "+15551234567", "sip:desk@example.com"])
def test_a_listed_target_is_dialled_as_it_stands(listed: str) -> None:
    assert dialable(listed, LINE, CALLER, near=LINE, listed=[listed]) == listed
    assert dialable(f" {listed} ", LINE, CALLER, near=LINE, listed=[listed]) == listed


@pytest.mark.parametrize("made_up", ["911", "112", "4155", "+15551234567", "+1415555"])
def test_a_number_that_a_model_made_up_is_not_dialled(made_up: str) -> None:
    assert dialable(made_up, LINE, CALLER, near=LINE, listed=["988"]) is None


@pytest.mark.parametrize("own", [LINE, CALLER, "sip:+14155550199@trunk.example.com"])
def test_nobody_is_put_through_to_who_is_on_the_call_though_the_file_lists_them(own: str) -> None:
    assert dialable(own, LINE, CALLER, near=LINE, listed=[own]) is None
