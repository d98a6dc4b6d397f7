"""Whatever the model hosts do, callers are answered: in time, in words, once, and nothing stale.

The real brain and the real clients, on hosts and callers that are played on a played clock.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from voice.cli.lab_run import Outcome, Plan, run
from voice.settings import load_settings
from voice.simulate.faults import BY_NAME, FAULTS, HEALTHY
from voice.simulate.lab_figures import Figures, broken, figures
from voice.simulate.virtual_time import VirtualLoop

SEED = 20261121
SETTINGS = load_settings(Path("/nonexistent"))


def played(plan: Plan) -> Outcome:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(run(plan, SETTINGS))


def a_row(plan: Plan) -> Figures:
    """The figures of a run that kept every promise; a broken one is shown with its turns."""
    outcome = played(plan)
    row = figures(plan.name, outcome.verdicts)
    told = [one.told() for one in outcome.verdicts if one.broken]
    assert broken(row, outcome.limits) == [], "\n".join(told[:5])
    assert outcome.crashes == []
    return row


def test_with_every_fault_drawn_at_random_each_turn_is_answered_in_time_and_once() -> None:
    every = tuple(FAULTS)

    row = a_row(Plan("mixed", 300, 50, SEED, every, every, rests=False))

    assert row.turns == 300
    assert row.in_budget == 100
    assert (row.silent, row.technical, row.doubled, row.stale) == (0, 0, 0, 0)


@pytest.mark.parametrize("fault", [fault.name for fault in FAULTS])
def test_one_fault_at_the_first_host_breaks_no_promise(fault: str) -> None:
    row = a_row(Plan(fault, 40, 10, SEED, (BY_NAME[fault],)))

    assert row.in_budget == 100
    assert row.silent == row.technical == row.doubled == row.stale == row.cut_off == 0


@pytest.mark.parametrize("fault", ["cut", "closes-early", "garbage", "hang", "thinks"])
def test_a_reply_that_breaks_is_heard_whole_and_once(fault: str) -> None:
    row = a_row(Plan(fault, 60, 10, SEED, (BY_NAME[fault],)))

    assert row.whole == 100


@pytest.mark.parametrize("fault", ["cold", "cut", "hang", "html-502", "loop-words", "dribble"])
def test_the_same_fault_at_every_remote_host_leaves_the_local_model(fault: str) -> None:
    row = a_row(Plan(fault, 40, 10, SEED, (BY_NAME[fault],), (BY_NAME[fault],)))

    assert row.in_budget == 100
    assert row.local > 50


def test_healthy_hosts_are_asked_once_a_turn_and_answer_by_themselves() -> None:
    row = a_row(Plan("healthy", 60, 10, SEED, (HEALTHY,)))

    assert row.whole == 100
    assert row.paid_twice == 0
    assert row.local == 0
    assert row.slowest is not None
    assert row.slowest < 700


def test_a_healthy_second_host_answers_for_a_first_one_that_fails_all_day() -> None:
    row = a_row(Plan("hang-later", 200, 20, SEED, (BY_NAME["hang-later"],)))

    assert row.local < 50


@pytest.mark.parametrize("fault", ["heavy-tail", "slow-start", "hang"])
def test_who_loses_is_stopped_at_its_host(fault: str) -> None:
    outcome = played(Plan(fault, 60, 10, SEED, (BY_NAME[fault],)))

    assert sum(one.not_stopped for one in outcome.verdicts) == 0
    assert all(host.counts.open == 0 for host in outcome.hosts)
    assert sum(host.counts.cancelled for host in outcome.hosts) > 0


@pytest.mark.slow
def test_over_real_sockets_fifty_calls_at_once_are_answered_in_time() -> None:
    every = tuple(FAULTS)
    plan = Plan("mixed", 50, 50, SEED, every, every, sockets=True, rests=False)

    with asyncio.Runner() as runner:
        outcome = runner.run(run(plan, SETTINGS))

    late = [one.told() for one in outcome.verdicts if one.late or one.silent or one.technical or one.stale]
    assert late == []
