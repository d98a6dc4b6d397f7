"""`offhook replay`: a stored call once more, beside what it was."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.handlers.office import CONNECTING, END, KIM, OFFICE, TRANSFER, an_office, who_says
from tests.voice.cli.running import in_process, offhook, started
from voice.cli.replay import replayed
from voice.cli.replayed import Answer, answer_of, compared
from voice.cli.server import bind, running
from voice.cli.stored import opened_store
from voice.models.scripted import ScriptedClient
from voice.settings import load_settings
from voice.simulate.report import TurnReport
from voice.simulate.vapi.posts import OUR_NUMBER
from voice.store.base import StoredCall
from voice.store.memory import MemoryStore
from voice.types import (
    Action,
    CallId,
    CallRecord,
    Door,
    Effect,
    Ending,
    Finish,
    Message,
    Timing,
    ToolCall,
    Turn,
)

LOCAL = {"OFFHOOK_STRATEGY": "local_only"}
OLD = CallId("old")
TICKET = Message("assistant", "", (ToolCall("call_1", "ticket", "{}"),))


def keep(folder: Path, *turns: Turn, agent: str = "jamie") -> None:
    """A call of the past, in the folder's own database."""

    async def write() -> None:
        async with opened_store(load_settings(folder, data_dir=folder / "data")) as store:
            store.keep_call(CallRecord(OLD, Door.GATHER, agent, caller="+14155550100"))
            for turn in turns:
                store.keep_turn(OLD, turn)

    asyncio.run(write())


def a_turn(position: int, said: str, **facts: Any) -> Turn:
    known: dict[str, Any] = {"timing": Timing(ttfc_ms=900.0, total_ms=1800.0), "ending": Ending.ANSWERED}
    known |= {"spoken": "Which unit are you in?", "route": "runpod", **facts}
    return Turn(position, said, key=str(position), **known)


def told_in_json(folder: Path, *args: str) -> dict[str, Any]:
    """What --json tells."""
    found: dict[str, Any] = json.loads(
        in_process("replay", OLD, "--json", *args, folder=folder, **LOCAL).stdout
    )
    return found


def stored(folder: Path, call_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(in_process("export", call_id, "--form", "json", folder=folder).stdout)
    return found


def test_a_call_is_played_again_and_shown_beside_what_it_was(tmp_path: Path) -> None:
    keep(tmp_path, a_turn(0, "My sink is leaking."), a_turn(1, "It's unit 4B."))

    told = in_process("replay", OLD, folder=tmp_path, **LOCAL)

    assert told.exit_code == 0, told.stdout + told.stderr
    lines = told.stdout.splitlines()
    assert [line for line in lines if line.startswith("caller")] == [
        "caller  My sink is leaking.",
        "caller  It's unit 4B.",
    ]
    assert lines[1] == "then    Which unit are you in?"
    assert "900 ms to the first words · 1800 ms in all · runpod" in lines[2]
    assert lines[3].startswith("now     ")
    assert lines[4].endswith("embedded)")
    assert lines[-1].startswith("0 of 2 turns are different enough; the replay is call ")


def test_a_replay_is_a_call_of_its_own_and_says_of_which(tmp_path: Path) -> None:
    keep(tmp_path, a_turn(0, "My sink is leaking."))

    replay_id = told_in_json(tmp_path)["replay_id"]

    new, old = stored(tmp_path, replay_id), stored(tmp_path, OLD)
    assert [note["payload"] for note in new["notes"] if note["kind"] == "replay"] == [{"of": OLD}]
    assert (new["record"]["caller"], new["record"]["agent"]) == ("+14155550100", "jamie")
    assert len(old["turns"]) == 1


def test_a_tool_that_is_not_used_any_more_is_a_difference(tmp_path: Path) -> None:
    keep(tmp_path, a_turn(0, "Hello.", tools=(TICKET,)))

    told = in_process("replay", OLD, folder=tmp_path, **LOCAL)

    assert told.exit_code == 1
    assert "        different: no ticket" in told.stdout.splitlines()


def test_other_words_count_only_when_it_is_strict(tmp_path: Path) -> None:
    keep(tmp_path, a_turn(0, "Hello.", spoken="Nobody says this today."))

    loose, strict = told_in_json(tmp_path), told_in_json(tmp_path, "--strict")

    assert (loose["same"], loose["turns"][0]["differs"]) == (True, [])
    assert (strict["same"], strict["turns"][0]["differs"]) == (False, ["other words"])


def test_words_that_grew_as_the_caller_talked_on_are_said_once(tmp_path: Path) -> None:
    keep(
        tmp_path,
        a_turn(0, "My sink", heard="", ending=Ending.INTERRUPTED),
        a_turn(1, "My sink is leaking."),
        a_turn(2, "Hello?", heard=""),  # its answer was cut before a word, but these words are its own
        a_turn(3, "It's unit 4B."),
    )

    assert [turn["said"] for turn in told_in_json(tmp_path)["turns"]] == [
        "My sink is leaking.",
        "Hello?",
        "It's unit 4B.",
    ]


def test_a_call_is_played_against_a_server_that_runs(tmp_path: Path) -> None:
    keep(tmp_path, a_turn(0, "My sink is leaking."))
    with started("serve", "--port", "0", folder=tmp_path, settings=LOCAL) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[4]

        told = offhook("replay", OLD, "--json", "--url", url, folder=tmp_path)

    found = json.loads(told.stdout)
    assert found["turns"][0]["now"]["route"] == "embedded"
    reports = [
        note["payload"] for note in stored(tmp_path, found["replay_id"])["notes"] if note["kind"] == "report"
    ]
    assert reports[0]["raw"]["artifact"]["variableValues"] == {"replay_of": OLD}


def test_a_server_that_does_not_tell_its_routes_is_compared_by_what_is_heard(tmp_path: Path) -> None:
    keep(tmp_path, a_turn(0, "My sink is leaking.", tools=(TICKET,)))
    guarded = {**LOCAL, "OFFHOOK_ADMIN_TOKEN": "t0ken"}
    with started("serve", "--port", "0", folder=tmp_path, settings=guarded) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[4]

        told = offhook("replay", OLD, "--json", "--url", url, folder=tmp_path)

    now = json.loads(told.stdout)["turns"][0]["now"]
    assert (told.returncode, now["route"], now["tools"], now["silent"]) == (0, None, None, False)
    assert "only with the server's OFFHOOK_ADMIN_TOKEN" in told.stderr


async def test_the_tools_of_both_times_are_compared() -> None:
    files = ScriptedClient(tool_calls=(ToolCall("c", "ticket", '{"unit": "4B", "problem": "A leak."}'),))
    settings = load_settings(Path("/nonexistent"))
    call = StoredCall(CallRecord(OLD, Door.VAPI, "jamie"), [a_turn(0, "My sink leaks.", tools=(TICKET,))])

    async with running(settings, bind("127.0.0.1", 0), clients=(files,), store=MemoryStore()) as server:
        _, turns = await replayed(settings, call, server.url, None, strict=False)

    assert turns[0].now is not None
    assert (turns[0].now.tools, turns[0].differs) == (["ticket"], [])


async def test_a_call_that_the_agent_ends_too_soon_is_different(tmp_path: Path) -> None:
    settings = load_settings(Path("/nonexistent"), **an_office(tmp_path))
    talk = [a_turn(0, "Bye."), a_turn(1, "Wait!")]
    call = StoredCall(CallRecord(OLD, Door.VAPI, "kim"), talk)
    model = who_says("Have a good day.", END)

    async with running(settings, bind("127.0.0.1", 0), clients=(model,), store=MemoryStore()) as server:
        _, turns = await replayed(settings, call, server.url, None, strict=False)

    assert [turn.differs for turn in turns] == [["new: end_call"], ["the line was over"]]


PUT_THROUGH = Effect(Action.TRANSFER, OFFICE, say="I'm putting you through.")
WANTS = Message("assistant", "", (TRANSFER,))


async def replay_of_a_transfer(
    folder: Path, model: ScriptedClient, **facts: Any
) -> tuple[list[str], list[str]]:
    """What differs, and what the agent says now, where a call was passed on."""
    settings = load_settings(Path("/nonexistent"), vapi_control_hosts=("127.0.0.1",), **an_office(folder))
    turn = a_turn(0, "Somebody, please.", effect=PUT_THROUGH, tools=(WANTS,), **facts)
    call = StoredCall(CallRecord(OLD, Door.VAPI, "kim"), [turn])
    async with running(settings, bind("127.0.0.1", 0), clients=(model,), store=MemoryStore()) as server:
        _, turns = await replayed(settings, call, server.url, None, strict=False)
    return [*turns[0].differs], [turns[0].now.words if turns[0].now else ""]


async def test_a_transfer_that_is_made_again_is_no_difference_and_not_silent(tmp_path: Path) -> None:
    silent = {"spoken": "", "timing": Timing(total_ms=400.0)}

    found = await replay_of_a_transfer(tmp_path, who_says("", TRANSFER), **silent)

    assert found == ([], [CONNECTING])


async def test_a_transfer_behind_words_goes_by_the_control_url_as_on_a_real_line(tmp_path: Path) -> None:
    slow = ScriptedClient(
        reply="I see. Let me look who is there for you today.",
        every_s=0.05,
        finish=Finish("tool_calls", tool_calls=(TRANSFER,)),
    )

    differs, _ = await replay_of_a_transfer(tmp_path, slow)

    assert differs == []


async def test_a_transfer_that_is_not_made_any_more_is_a_difference(tmp_path: Path) -> None:
    differs, _ = await replay_of_a_transfer(tmp_path, ScriptedClient(reply="I cannot do that."))

    assert differs == ["no transfer", f"no transfer to {OFFICE}"]


async def test_words_that_are_taken_back_with_a_fallback_are_a_difference(tmp_path: Path) -> None:
    (wrong := tmp_path / "wrong").mkdir()
    kim = KIM.replace(OFFICE, OUR_NUMBER)  # the line itself: nobody may be passed on to it
    settings = load_settings(Path("/nonexistent"), **an_office(wrong, kim))
    turn = a_turn(0, "Somebody, please.", effect=PUT_THROUGH, tools=(WANTS,))
    call = StoredCall(CallRecord(OLD, Door.VAPI, "kim"), [turn])

    clients = (who_says("Let me connect you.", TRANSFER),)
    async with running(settings, bind("127.0.0.1", 0), clients=clients, store=MemoryStore()) as server:
        _, turns = await replayed(settings, call, server.url, None, strict=False)

    assert f"no transfer to {OFFICE}" in turns[0].differs


@pytest.mark.parametrize(
    ("call_id", "args", "says"),
    [
        ("CA1", [], "no call 'CA1' is stored; `offhook export` lists the newest"),
        (OLD, [], "the agent 'gone' of this call is gone; choose one with --agent"),
        (OLD, ["--url", "http://127.0.0.1:9"], "nobody answers at http://127.0.0.1:9 (ConnectError)"),
    ],
)
def test_a_call_that_cannot_be_played_is_one_line(
    tmp_path: Path, call_id: str, args: list[str], says: str
) -> None:
    keep(tmp_path, a_turn(0, "Hello."), agent="gone")

    told = in_process("replay", call_id, *args, folder=tmp_path, **LOCAL)

    assert (told.exit_code, told.stderr) == (1, f"offhook: {says}\n")


def test_an_unknown_call_makes_no_database(tmp_path: Path) -> None:
    told = in_process("replay", "CA1", folder=tmp_path)

    assert told.exit_code == 1
    assert list(tmp_path.iterdir()) == []


GOOD = Answer("Hello.", 200.0, 400.0, late=False, silent=False, fell_back=False, route="a", tools=["ticket"])
LATE = Answer("Hello.", 3000.0, 4000.0, late=True, silent=False, fell_back=False, route="a", tools=["ticket"])
FALLBACK = Answer("Once more?", 200.0, 400.0, late=False, silent=False, fell_back=True, route=None, tools=[])
UNTOLD = Answer("Hello.", 200.0, 400.0, late=False, silent=False, fell_back=False, route=None, tools=None)
SILENT = Answer("", None, 400.0, late=True, silent=True, fell_back=False, route="a", tools=["ticket"])


@pytest.mark.parametrize(
    ("then", "now", "differs"),
    [
        (GOOD, GOOD, []),
        (GOOD, LATE, ["late"]),
        (LATE, LATE, []),  # it was no better then
        (LATE, GOOD, []),
        (GOOD, SILENT, ["late", "silent"]),
        (GOOD, FALLBACK, ["a fallback", "no ticket"]),
        (GOOD, UNTOLD, []),  # nobody says which tools there were
        (GOOD, None, ["the line was over"]),
    ],
)
def test_what_is_worse_than_it_was_counts(then: Answer, now: Answer | None, differs: list[str]) -> None:
    assert compared("Hi.", then, now, strict=False).differs == differs


def told(**facts: Any) -> dict[str, Any]:
    """A turn as the server's /admin tells it."""
    timing = {"ttfc_ms": 200.0, "total_ms": 400.0}
    whole = {"timing": timing, "tools": [], "handed": [], "ending": "answered", "route": "a", "effect": None}
    return {**whole, "filler": "", "spoken": "Hello.", **facts}


def heard(words: str, *, acted: bool = False) -> TurnReport:
    return TurnReport("Hi.", words, 200.0, 400.0, 1200.0, acted=acted)


@pytest.mark.parametrize(
    ("report", "facts", "done", "fell_back"),
    [
        (heard("Hello."), {}, [], False),
        (heard("Hello.", acted=True), {"effect": {"action": "end_call", "to": None}}, ["end_call"], False),
        (heard("Hello. Sorry?"), {"effect": {"action": "transfer", "to": OFFICE}}, [], True),
        (heard("Sorry?"), {"spoken": ""}, [], True),  # a tool that leads nowhere did not leave
        (heard("Hello."), {"effect": {"action": "handoff", "to": "sam"}}, ["handoff to sam"], False),
        (heard("Hello."), {"effect": {"action": "dtmf", "to": None}}, ["dtmf"], False),
    ],
)
def test_what_was_done_to_the_call_is_told_and_a_fallback_in_its_place_too(
    report: TurnReport, facts: dict[str, Any], done: list[str], fell_back: bool
) -> None:
    answer = answer_of(report, told(**facts), due_ms=1200.0)

    assert (answer.done, answer.fell_back) == (done, fell_back)
