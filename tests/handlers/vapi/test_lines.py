"""Which table of `[[lines]]` takes a call."""

from __future__ import annotations

import pytest

from handlers.vapi.lines import Lines
from voice.agents.load import load_agents
from voice.settings import LineSettings
from voice.tools.all import TOOLS

NUMBER, OFFICE, CALLER = "+14155550199", "+14155550100", "+12025550123"


def lines(*tables: dict[str, str]) -> Lines:
    return Lines([LineSettings.model_validate(one) for one in tables], load_agents(None, "jamie", TOOLS))


@pytest.mark.parametrize(
    ("caller", "taken_by"),
    [(CALLER, 0), ("+1 (202) 555-0123", 0), ("+12025550124", 1), ("+442079460018", 2), (None, 2)],
)
def test_the_first_table_that_fits_number_and_caller_takes_the_call(
    caller: str | None, taken_by: int
) -> None:
    tables = (
        {"number": NUMBER, "caller": CALLER, "agent": "jamie"},
        {"number": "+1 (415) 555-0199", "caller": "+1*", "refuse": "Not from here."},
        {"transfer": OFFICE},
    )

    found = lines(*tables).line([NUMBER, "pn_1"], caller)

    assert found == LineSettings.model_validate(tables[taken_by])


def test_a_number_may_be_named_by_the_platforms_id() -> None:
    found = lines({"number": "pn_1", "agent": "jamie"}).line([NUMBER, "pn_1"], CALLER)

    assert found is not None


@pytest.mark.parametrize(("called", "caller"), [(OFFICE, CALLER), (NUMBER, OFFICE)])
def test_a_call_is_not_transferred_to_who_is_on_it_already(called: str, caller: str) -> None:
    assert lines({"transfer": OFFICE}).line([called], caller) is None  # our agent answers
