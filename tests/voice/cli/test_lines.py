"""The lines that commands open: what happens on them as it would on a real one."""

from __future__ import annotations

from pathlib import Path

from tests.handlers.house import a_house
from tests.handlers.office import END, OFFICE, TRANSFER, an_office, who_says
from voice.cli.lines import open_line
from voice.settings import load_settings
from voice.simulate.vapi.line import VapiLine

SETTINGS = load_settings(Path("/nonexistent"))
URL = "http://127.0.0.1:8000"


async def test_an_agent_hangs_up_on_an_ordinary_call_through_vapis_door(tmp_path: Path) -> None:
    async with a_house(who_says("Have a good day.", END), **an_office(tmp_path)) as house:
        line = open_line("vapi", URL, SETTINGS, http=house.http)
        await line.dial()
        turn = await line.say("That was all, thank you, bye.")

    assert isinstance(line, VapiLine)
    assert (turn.heard, line.is_over) == ("Have a good day.", True)


async def test_an_agent_transfers_an_ordinary_call_through_vapis_door(tmp_path: Path) -> None:
    told: list[str] = []
    async with a_house(who_says("", TRANSFER), **an_office(tmp_path)) as house:
        line = open_line("vapi", URL, SETTINGS, http=house.http)
        assert isinstance(line, VapiLine)
        line.told = told.append
        await line.dial()
        await line.say("I want to talk to somebody.")

    assert told == [f"Vapi transfers the call to {OFFICE}"]


async def test_a_key_in_the_path_lets_a_call_in_where_no_other_secret_is_set() -> None:
    settings = load_settings(Path("/nonexistent"), vapi_path_key="k3y-of-sixteen-characters")
    async with a_house(vapi_path_key="k3y-of-sixteen-characters") as house:
        line = open_line("vapi", URL, settings, http=house.from_elsewhere())
        greeting = await line.dial()

    assert greeting.startswith("Thanks for calling Maple Court")


async def test_the_url_of_vapis_own_door_is_called_as_well() -> None:
    async with a_house() as house:
        greeting = await open_line("vapi", f"{URL}/vapi", SETTINGS, http=house.http).dial()

    assert greeting.startswith("Thanks for calling Maple Court")
