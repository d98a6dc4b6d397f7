"""`offhook call` in a terminal: the agent's words appear as they are spoken, and typing stops them."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from tests.voice.cli.running import LIMIT_S, command, environment, in_process

pytestmark = [
    pytest.mark.slow,  # words appear at the pace of a voice
    pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals"),
]
LOCAL = {"OFFHOOK_STRATEGY": "local_only", "COLUMNS": "100"}
STYLES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A command in a terminal of its own: what it shows, and what is typed."""

    def __init__(self, screen: int) -> None:
        self._screen, self._shown, self._read_to = screen, "", 0

    def until(self, words: str) -> str:
        """Wait until these words are shown; what stands before them since the last time."""
        ends_at = monotonic() + LIMIT_S
        while words not in (new := STYLES.sub("", self._shown[self._read_to :])):
            ready, _, _ = select.select([self._screen], [], [], max(0.0, ends_at - monotonic()))
            assert ready, f"{words!r} is not shown within {LIMIT_S} s: {new!r}"
            self._shown += os.read(self._screen, 4096).decode(errors="replace")
        before, _, rest = new.partition(words)
        self._shown, self._read_to = rest, 0
        return before

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())


@contextmanager
def in_a_terminal(*args: str, folder: Path) -> Iterator[Terminal]:
    """The command, ended at the end of the test if it still runs."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(args), cwd=folder, env=environment(**LOCAL), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    try:
        yield Terminal(ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def the_stored_call(folder: Path) -> list[dict[str, str]]:
    listed = in_process("export", folder=folder).stdout.splitlines()
    whole = in_process("export", listed[1].split()[0], "--form", "json", folder=folder).stdout
    turns: list[dict[str, str]] = json.loads(whole)["turns"]
    return turns


@pytest.mark.parametrize("door", ["vapi", "chat"])
def test_a_reply_is_heard_to_its_end_when_nobody_types(tmp_path: Path, door: str) -> None:
    with in_a_terminal("call", "--door", door, folder=tmp_path) as terminal:
        terminal.until("you> ")
        terminal.type("\n")
        terminal.until("you> ")  # an empty line is no utterance
        terminal.type("My sink is leaking.\n")
        terminal.until("agent   ")
        shown = terminal.until("you> ")
        terminal.type("\x04")
        terminal.until("\n")

    assert "(cut" not in shown
    assert "turn 1 · answered · embedded" in shown


@pytest.mark.parametrize("door", ["vapi", "relay"])
def test_typing_over_the_agent_stops_it_and_only_what_was_heard_is_remembered(
    tmp_path: Path, door: str
) -> None:
    with in_a_terminal("call", "--door", door, folder=tmp_path) as terminal:
        terminal.until("you> ")
        terminal.type("My sink is leaking.\n")
        terminal.until("agent   ")
        terminal.type("Wait, it is the tap.\n")
        cut = terminal.until("agent   ")
        after = terminal.until("you> ")
        terminal.type("\x04")
        terminal.until("\n")

    assert "(cut" in cut
    assert "turn 1 · " in after
    assert "turn 2 · answered" in after
    first, second = the_stored_call(tmp_path)
    assert (first["said"], second["said"]) == ("My sink is leaking.", "Wait, it is the tap.")
    assert first["heard"] is not None
    assert len(first["heard"]) < len(first["sent"] or "x")


def test_typing_over_the_agent_stops_it_where_a_gather_listens(tmp_path: Path) -> None:
    with in_a_terminal("call", "--door", "gather", folder=tmp_path) as terminal:
        terminal.until("you> ")
        terminal.type("My sink is leaking.\n")
        terminal.until("agent   ")
        terminal.type("Wait, it is the tap.\n")
        cut = terminal.until("agent   ")
        terminal.until("you> ")
        terminal.type("\x04")
        terminal.until("\n")

    assert "(cut" in cut
    assert [turn["said"] for turn in the_stored_call(tmp_path)] == [
        "My sink is leaking.",
        "Wait, it is the tap.",
    ]


def test_hanging_up_while_the_agent_speaks_ends_the_call_at_once(tmp_path: Path) -> None:
    with in_a_terminal("call", folder=tmp_path) as terminal:
        terminal.until("you> ")
        terminal.type("My sink is leaking.\n")
        terminal.until("agent   ")
        terminal.type("\x04")
        terminal.until("(cut")
        terminal.until("turn 1 · ")
