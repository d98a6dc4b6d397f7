"""Whatever a caller does, and whatever breaks: Twilio's calls are answered, kept, and over when they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.acceptance.test_calls_in_files import DOORS, REPLY, a_house
from voice.models.scripted import ScriptedClient
from voice.simulate.caller import play
from voice.simulate.report import CallReport
from voice.simulate.script import FIRST, Script, Step
from voice.simulate.twilio.documents import TwilioPlay
from voice.simulate.twilio.line import TwilioDoor
from voice.simulate.vapi.stream import retold
from voice.simulate.virtual_time import VirtualLoop
from voice.store.base import StoredCall
from voice.types import words

POLITE_END = "the agent hung up before the caller had said everything"

SPOKEN = (
    st.builds(Step, st.just("say"), st.sampled_from(["My sink leaks.", "No, wait.", "Unit 4B, please."])),
    st.builds(Step, st.just("press"), st.sampled_from(["1", "12#", "*"])),
    st.builds(Step, st.just("silent_s"), for_s=st.sampled_from([1.0, 9.0, 30.0])),
)
BROKEN = (st.just(Step("drop")), st.just(Step("restart")))
END = st.just(Step("hang_up"))
AFTER_WORDS = st.none() | st.integers(1, 14)


@st.composite
def calls(draw: st.DrawFn, *kinds: st.SearchStrategy[Step]) -> Script:
    """Up to seven steps, each perhaps in the middle of the reply to the one before."""
    steps: list[Step] = []
    for step in [
        *draw(st.lists(st.one_of(*kinds), min_size=1, max_size=6)),
        *draw(st.lists(END, max_size=1)),
    ]:
        may_overlap = bool(steps) and steps[-1].kind in FIRST
        steps.append(replace(step, after_words=draw(AFTER_WORDS) if may_overlap else None))
    return Script("any", tuple(steps))


def last_clause(spoken: str) -> str:
    """As Twilio tells an interruption at times: some words from the end."""
    return " ".join(spoken.split()[-4:])


async def a_call(
    door: TwilioDoor, script: Script, first_s: float, retell: Callable[[str], str]
) -> tuple[CallReport, StoredCall]:
    """The call, from both sides; its model writes its first word after `first_s`."""
    async with a_house(door, ScriptedClient(reply=REPLY, first_s=first_s, every_s=0.05)) as house:
        line = house.line(TwilioPlay(retell=retell))
        report = await play(line, script, restart=house.restart)
        assert house.door.brain.calls.live == 0
    return report, await house.stored(line.call_id)


def played(
    door: TwilioDoor, script: Script, first_s: float, retell: Callable[[str], str] = str
) -> tuple[CallReport, StoredCall]:
    """The same on a played clock; a call that is stuck never ends, so an hour of it is the limit."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(asyncio.wait_for(a_call(door, script, first_s, retell), 3600))


@pytest.mark.parametrize("door", DOORS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(script=calls(*SPOKEN, *BROKEN), first_s=st.sampled_from([0.0, 0.3, 2.0, 5.0]))
def test_a_caller_is_answered_whatever_they_do_and_whatever_breaks(
    door: TwilioDoor, script: Script, first_s: float
) -> None:
    report, stored = played(door, script, first_s)

    assert report.error in (None, POLITE_END)
    assert [turn for turn in report.turns if turn.said and turn.silent] == []
    assert stored.record.ended_on is not None
    assert all(turn.ending is not None for turn in stored.turns)


def heard_of_each(report: CallReport) -> list[list[str]]:
    """The words of each reply that were played, those included that followed a cough and a silence."""
    heard: list[list[str]] = []
    for turn in report.turns:
        if turn.said:
            heard.append(words(turn.heard))
            continue
        told, rest = words(turn.heard), words(REPLY)[len(heard[-1]) :] if heard else []
        if rest and rest[:1] == told[:1]:  # else it is a question whether they are there
            heard[-1] += told[: len(rest)]
    return heard


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(script=calls(*SPOKEN), retell=st.sampled_from([str, retold, last_clause]))
def test_the_thread_of_a_relay_call_holds_exactly_the_words_that_were_played(
    script: Script, retell: Callable[[str], str]
) -> None:
    report, stored = played("relay", script, 0.3, retell)

    kept = [words(turn.spoken if turn.heard is None else turn.heard) for turn in stored.turns]
    assert kept == heard_of_each(report)
