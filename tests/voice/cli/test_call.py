"""`offhook export` and `offhook call`: a call is made, drawn, listed, written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.voice.cli.running import in_process, offhook, started

LOCAL = {"OFFHOOK_STRATEGY": "local_only"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which one call of two turns was made."""
    told = offhook("call", folder=tmp_path, says="My sink is leaking.\n\nIt's unit 4B.\n", **LOCAL)
    assert told.returncode == 0, told.stderr
    return tmp_path


def only_call(folder: Path) -> str:
    listed = in_process("export", folder=folder).stdout.splitlines()
    assert len(listed) == 2
    return listed[1].split()[0]


def test_a_stored_call_is_listed_and_written_in_each_form(folder: Path) -> None:
    call_id = only_call(folder)

    text, chat, whole = (
        in_process("export", call_id, "--form", form, folder=folder).stdout
        for form in ("text", "chat", "json")
    )

    said = [line.split("caller  ")[1] for line in text.splitlines() if " caller  " in line]
    assert said == ["My sink is leaking.", "It's unit 4B."]
    roles = [message["role"] for message in json.loads(chat)["messages"]]
    assert roles == ["assistant", "user", "assistant", "user", "assistant"]
    assert json.loads(whole)["record"]["call_id"] == call_id


def test_a_call_is_written_into_a_file(folder: Path) -> None:
    call_id = only_call(folder)

    told = in_process("export", call_id, "--form", "chat", "--out", "call.jsonl", folder=folder)
    refused = in_process("export", call_id, "--out", "no/such/folder.txt", folder=folder)

    assert told.exit_code == 0
    assert json.loads((folder / "call.jsonl").read_text())["messages"]
    assert refused.exit_code == 1
    assert refused.stderr == "offhook: no/such/folder.txt: cannot be written: No such file or directory\n"


def test_an_unknown_call_is_one_line_and_makes_no_database(tmp_path: Path) -> None:
    told = in_process("export", "CA1", folder=tmp_path)

    assert told.exit_code == 1
    assert told.stderr == "offhook: no call 'CA1' is stored; `offhook export` lists the newest\n"
    assert list(tmp_path.iterdir()) == []


def test_without_any_call_it_says_how_to_make_one(tmp_path: Path) -> None:
    told = in_process("export", folder=tmp_path)

    assert told.exit_code == 0
    assert "`offhook call`" in told.stdout


@pytest.mark.parametrize("door", ["vapi", "gather", "chat"])
def test_a_call_from_a_script_prints_each_turn_and_its_times(tmp_path: Path, door: str) -> None:
    (tmp_path / "script.txt").write_text("# two utterances\nMy sink is leaking.\nIt's unit 4B.\n")

    told = in_process("call", "--door", door, "--script", "script.txt", folder=tmp_path, **LOCAL)

    assert told.exit_code == 0, told.stderr
    lines = told.stdout.splitlines()
    callers = [line for line in lines if line.startswith("caller")]
    assert callers == ["caller  My sink is leaking.", "caller  It's unit 4B."]
    assert sum(" ms to the first words · " in line and line.endswith("embedded") for line in lines) == 2
    assert lines[0].startswith("agent   Thanks for calling") or door == "chat"


@pytest.mark.parametrize("door", ["vapi", "gather", "chat"])
def test_each_turn_is_drawn_under_its_reply_unless_that_is_not_wanted(tmp_path: Path, door: str) -> None:
    (tmp_path / "script.txt").write_text("My sink is leaking.\nIt's unit 4B.\n")
    args = ("call", "--door", door, "--script", "script.txt")

    drawn = in_process(*args, folder=tmp_path, **LOCAL).stdout.splitlines()
    bare = in_process(*args, "--no-waterfall", folder=tmp_path, **LOCAL).stdout.splitlines()

    headlines = [place for place, line in enumerate(drawn) if line.startswith("        turn ")]
    assert [drawn[place].split(" · ")[:3] for place in headlines] == [
        ["        turn 1", "answered", "embedded"],
        ["        turn 2", "answered", "embedded"],
    ]
    bars = [line for line in drawn if line.startswith("        embedded  first ")]
    assert len(bars) == 2
    assert all("█" in bar and "won" in bar for bar in bars)
    assert sum("█ speakable" in line for line in drawn) == 1
    assert not any("turn 1" in line or "█" in line for line in bare)


def test_a_call_reaches_a_server_that_runs(tmp_path: Path) -> None:
    with started("serve", "--port", "0", folder=tmp_path, settings=LOCAL) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[4]

        told = offhook("call", "--url", url, folder=tmp_path, says="When is the office open?")

    assert told.returncode == 0, told.stderr
    assert "caller  When is the office open?" in told.stdout
    assert told.stdout.count("\nagent ") == 1
    assert "        turn 1 · answered · embedded · first words " in told.stdout


def test_a_server_that_shows_no_waterfall_is_explained_once(tmp_path: Path) -> None:
    guarded = {**LOCAL, "OFFHOOK_ADMIN_TOKEN": "t0ken"}
    with started("serve", "--port", "0", folder=tmp_path, settings=guarded) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[4]

        told = offhook("call", "--url", url, folder=tmp_path, says="Hello.\nBye.\n")
        known = offhook("call", "--url", url, folder=tmp_path, says="Hello.\n", OFFHOOK_ADMIN_TOKEN="t0ken")

    assert told.returncode == known.returncode == 0
    assert told.stdout.count("the server shows waterfalls only with its OFFHOOK_ADMIN_TOKEN") == 1
    assert "turn 1 · " not in told.stdout
    assert "turn 1 · " in known.stdout


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--url", "http://127.0.0.1:9"], "nobody answers at http://127.0.0.1:9 (ConnectError)"),
        (["--script", "no-such-script"], "no-such-script: not readable as a script"),
        (["--agent", "bob"], "no agent is called 'bob'"),
    ],
)
def test_a_call_that_cannot_be_made_is_one_line(tmp_path: Path, args: list[str], says: str) -> None:
    told = in_process("call", *args, folder=tmp_path, **LOCAL)

    assert told.exit_code == 1
    assert says in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_the_whole_of_vapi_can_be_played(tmp_path: Path) -> None:
    (tmp_path / "script.txt").write_text("My sink is leaking.\nIt's unit 4B.\n")
    args = ("call", "--whole", "--asks", "3", "--no-waterfall", "--script", "script.txt")

    told = in_process(*args, folder=tmp_path, **LOCAL)

    assert told.exit_code == 0, told.stderr
    lines = told.stdout.splitlines()
    assert lines[0].startswith("        (steer this call: curl -d ")
    assert sum("the voice began a piece after " in line for line in lines) == 2
    stored = json.loads(in_process("export", only_call(tmp_path), "--form", "json", folder=tmp_path).stdout)
    assert {"My sink", "My sink is leaking."} <= {turn["said"] for turn in stored["turns"]}
    statuses = [note["payload"]["status"] for note in stored["notes"] if note["kind"] == "status"]
    assert statuses == ["queued", "ringing", "in-progress", "ended"]


@pytest.mark.parametrize("option", [["--whole"], ["--asks", "2"]])
def test_what_only_vapi_does_is_refused_at_other_doors(tmp_path: Path, option: list[str]) -> None:
    told = in_process("call", "--door", "gather", *option, folder=tmp_path, **LOCAL)

    assert told.exit_code == 2
    assert "use --door vapi" in told.stderr
