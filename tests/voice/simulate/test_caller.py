"""Scripts of callers, and what is reported of their calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from voice.errors import BadRequest
from voice.simulate.caller import CALLER, SCRIPTS, Script
from voice.simulate.report import CallReport, TurnReport, percentile, summary


def a_turn_report(ttfc_ms: float | None = 200.0, heard: str = "Which unit?") -> TurnReport:
    return TurnReport("Hello.", heard, ttfc_ms, total_ms=500.0, budget_ms=1200.0)


def test_a_script_is_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "leak.toml"
    path.write_text('says = ["My sink leaks.", "Bye."]\ncaller = "+12025550111"\n')

    assert Script.load(path) == Script("leak", ("My sink leaks.", "Bye."), "+12025550111")


def test_a_script_is_read_from_lines_of_text(tmp_path: Path) -> None:
    path = tmp_path / "leak.txt"
    path.write_text("# a leak\nMy sink leaks.\n\n  Bye.  \n")

    assert Script.load(path) == Script("leak", ("My sink leaks.", "Bye."), CALLER)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.toml", "says = 3", "says: write a list"),
        ("a.toml", 'says = ["Hi.", " "]', "says: write a list"),
        ("a.toml", "says = [", "not readable"),
        ("a.txt", "# only a note\n", "says: write a list"),
        ("missing.txt", None, "not readable"),
    ],
)
def test_a_script_that_cannot_be_used_is_named(tmp_path: Path, name: str, text: str | None, why: str) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)

    with pytest.raises(BadRequest, match=why) as caught:
        Script.load(path)
    assert name in str(caught.value)


def test_the_built_in_scripts_have_five_turns() -> None:
    assert {name: len(script.says) for name, script in SCRIPTS.items()} == {"ac-repair": 5, "leak": 5}


@pytest.mark.parametrize(
    ("turn", "late", "silent"),
    [
        (a_turn_report(), False, False),
        (a_turn_report(1200.0), False, False),
        (a_turn_report(1200.1), True, False),
        (a_turn_report(None, ""), True, True),
        (a_turn_report(100.0, " …"), False, True),
    ],
)
def test_a_turn_is_late_or_silent(turn: TurnReport, late: bool, silent: bool) -> None:
    assert (turn.late, turn.silent) == (late, silent)


def test_a_call_is_good_when_every_turn_was_answered_in_time() -> None:
    assert CallReport("vapi", "c1", turns=[a_turn_report()]).good
    assert not CallReport("vapi", "c1").good
    assert not CallReport("vapi", "c1", turns=[a_turn_report(), a_turn_report(9000.0)]).good
    assert not CallReport("vapi", "c1", turns=[a_turn_report()], error="gone").good


def test_many_calls_are_summed_up() -> None:
    calls = [CallReport("vapi", "c", turns=[a_turn_report(float(ms))]) for ms in range(1, 101)]
    calls.append(CallReport("vapi", "c", turns=[a_turn_report(None, "")], error="gone"))

    assert summary(calls) == {
        "calls": 101,
        "turns": 101,
        "late": 1,
        "silent": 1,
        "errors": 1,
        "ttfc_ms": {"p50": 50.0, "p95": 95.0, "p99": 99.0},
    }


@pytest.mark.parametrize(("share", "value"), [(0, 1.0), (50, 2.0), (75, 3.0), (100, 4.0)])
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], share) == value
    assert percentile([], share) is None
