"""Scripts of callers, and what is reported of their calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from pathlib import Path

import pytest

from voice.errors import BadRequest
from voice.simulate.aloud import Aloud
from voice.simulate.caller import CHARS_PER_S, play, spoken
from voice.simulate.report import CallReport, TurnReport, percentile, summary
from voice.simulate.script import AC_REPAIR, CALLER, Script, Step
from voice.simulate.twilio.dial import Person
from voice.simulate.twilio.status import Status


def a_turn_report(ttfc_ms: float | None = 200.0, heard: str = "Which unit?") -> TurnReport:
    return TurnReport("Hello.", heard, ttfc_ms, total_ms=500.0, budget_ms=1200.0)


def test_a_script_is_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "leak.toml"
    path.write_text('says = ["My sink leaks.", "Bye."]\ncaller = "+12025550111"\n')

    assert Script.load(path) == Script.saying("leak", "My sink leaks.", "Bye.", caller="+12025550111")


def test_a_script_is_read_from_lines_of_text(tmp_path: Path) -> None:
    path = tmp_path / "leak.txt"
    path.write_text("# a leak\nMy sink leaks.\n\n  Bye.  \n")

    assert Script.load(path) == Script.saying("leak", "My sink leaks.", "Bye.", caller=CALLER)


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


class APhone:
    """A line that writes down what is done to it, and hangs up after so many turns."""

    door = "gather"
    call_id = "CA1"

    def __init__(self, turns: int = 99) -> None:
        self.done: list[str] = []
        self.aloud, self.cut = Aloud(), None
        self.person: Person = "accepts"
        self.dialled = 0
        self.statuses: Sequence[Status] = ()
        self._left = turns

    @property
    def is_over(self) -> bool:
        return self._left <= 0

    async def dial(self) -> str:
        self.done.append(f"dial with {self.aloud.chars_per_s}")
        return "Hello."

    async def say(self, text: str) -> TurnReport:
        self.done.append(f"say {text} ({self.person})")
        self._left -= 1
        return a_turn_report()

    async def press(self, keys: str) -> TurnReport:
        self.done.append(f"press {keys}")
        return a_turn_report()

    async def keep_silent(self, for_s: float) -> TurnReport:
        self.done.append(f"silent {for_s}")
        return a_turn_report()

    async def drop(self) -> None:
        self.done.append("drop")

    async def survives(self, breaking: Awaitable[None]) -> None:
        await breaking

    async def listens(self) -> None:
        return

    async def hang_up(self) -> None:
        self.done.append("hang up")


async def test_a_script_is_played_step_by_step() -> None:
    line, restarted = APhone(), asyncio.Event()

    async def restart() -> None:
        restarted.set()

    steps = (
        Step("say", "one"),
        Step("press", "1#"),
        Step("silent_s", for_s=9.0),
        Step("drop"),
        Step("restart"),
        Step("say", "two", person="busy"),
        Step("hang_up"),
    )
    report = await play(line, Script("all", steps, statuses=("ringing",)), restart=restart)

    assert report.error is None
    assert line.done == [
        "dial with None",
        "say one (accepts)",
        "press 1#",
        "silent 9.0",
        "drop",
        "say two (busy)",
        "hang up",
    ]
    assert restarted.is_set()
    assert line.statuses == ("ringing",)


async def test_a_script_in_which_something_overlaps_needs_a_voice_that_takes_its_time() -> None:
    line = APhone()

    await play(line, Script("cut", (Step("say", "one"), Step("hang_up", after_words=1))))

    assert line.done[0] == f"dial with {CHARS_PER_S}"


async def test_a_chat_is_read_as_soon_as_it_comes_also_where_something_overlaps() -> None:
    line = APhone()
    line.door = "chat"

    await play(line, Script("cut", (Step("say", "one"), Step("hang_up", after_words=1))))

    assert line.done[0] == "dial with None"


async def test_an_agent_who_hangs_up_too_soon_is_told() -> None:
    report = await play(APhone(turns=1), AC_REPAIR)

    assert report.error == "the agent hung up before the caller had said everything"
    assert len(report.turns) == 1


async def test_what_ended_a_call_is_told_rather_than_what_came_of_hanging_up() -> None:
    class Broken(APhone):
        async def say(self, text: str) -> TurnReport:
            raise BadRequest("the first")

        async def hang_up(self) -> None:
            raise BadRequest("the second")

    report = await play(Broken(), AC_REPAIR)

    assert report.error == "the first"


async def test_a_server_that_is_not_ours_is_not_restarted() -> None:
    line = APhone()

    report = await play(line, Script("restart", (Step("say", "Hi."), Step("restart"))))

    assert report.error == "step 2: only a server of our own can be restarted; leave out --url"
    assert "say Hi. (accepts)" not in line.done, "it is told before anybody is called"


@pytest.mark.parametrize(
    ("typed", "done"),
    [("12#", "press 12#"), ("12 apples", "say 12 apples (accepts)"), ("", "say  (accepts)")],
)
async def test_keys_that_are_typed_are_pressed_and_words_are_said(typed: str, done: str) -> None:
    line = APhone()

    await spoken(line, typed)

    assert line.done == [done]
