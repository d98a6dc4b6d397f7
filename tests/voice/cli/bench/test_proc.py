"""What the kernel tells of processes, as far as it does."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from voice.cli.bench.proc import cores, has_proc, machine, pin, tree, usage

pytestmark = pytest.mark.skipif(not has_proc(), reason="this system does not tell")


def test_work_is_seen_in_the_cpu_of_its_process() -> None:
    before, began_s = usage(os.getpid()), time.process_time()
    while time.process_time() - began_s < 0.05:
        pass
    after = usage(os.getpid())

    assert before is not None
    assert after is not None
    assert after.cpu_s - before.cpu_s >= 0.045
    assert after.own_rss <= after.rss


def test_what_a_process_has_started_belongs_to_it() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; print(1, flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        found = tree(os.getpid())
        used = usage(os.getpid())
        child.communicate()

    assert found[0] == os.getpid()
    assert child.pid in found
    assert used is not None
    assert used.processes >= 2


def test_nothing_is_known_of_a_process_that_has_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()

    found = usage(child.pid)

    assert found is not None
    assert (found.cpu_s, found.rss) == (0.0, 0)


def test_every_core_of_the_machine_is_told() -> None:
    found = machine()

    assert found is not None
    assert len(found.busy_s) == os.cpu_count()


@pytest.mark.skipif(not cores(), reason="CPUs cannot be chosen here")
def test_a_process_stays_where_it_is_put() -> None:
    own = cores()
    try:
        pin(own[:1])
        assert cores() == own[:1]
        pin(())  # no choice, no change
        assert cores() == own[:1]
    finally:
        pin(own)
