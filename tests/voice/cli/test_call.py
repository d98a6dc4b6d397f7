"""`offhook export` and `offhook call`: a call is made, drawn, listed, written down."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.handlers.office import TRANSFER, an_office
from tests.voice.cli.running import in_process, offhook, started
from voice.cli.call import steerable
from voice.cli.lines import open_line
from voice.cli.server import bind, running
from voice.models.scripted import ScriptedClient
from voice.settings import load_settings
from voice.simulate.vapi.line import CALM, VapiLine
from voice.store.memory import MemoryStore
from voice.types import Finish, words

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


@pytest.mark.parametrize("door", ["vapi", "gather", "relay", "chat"])
def test_a_call_from_a_script_prints_each_turn_and_its_times(tmp_path: Path, door: str) -> None:
    (tmp_path / "script.txt").write_text("# two utterances\nMy sink is leaking.\nIt's unit 4B.\n")

    told = in_process("call", "--door", door, "--script", "script.txt", folder=tmp_path, **LOCAL)

    assert told.exit_code == 0, told.stderr
    lines = told.stdout.splitlines()
    callers = [line for line in lines if line.startswith("caller")]
    assert callers == ["caller  My sink is leaking.", "caller  It's unit 4B."]
    assert sum(" ms to the first words · " in line and line.endswith("embedded") for line in lines) == 2
    assert lines[0].startswith("agent   Thanks for calling") or door == "chat"


@pytest.mark.parametrize("door", ["vapi", "relay", "chat"])
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
    assert {"My sink is leaking.", "It's unit 4B."} <= {turn["said"] for turn in stored["turns"]}
    statuses = [note["payload"]["status"] for note in stored["notes"] if note["kind"] == "status"]
    assert statuses == ["queued", "ringing", "in-progress", "ended"]


@pytest.mark.parametrize("option", [["--whole"], ["--asks", "2"]])
def test_what_only_vapi_does_is_refused_at_other_doors(tmp_path: Path, option: list[str]) -> None:
    told = in_process("call", "--door", "gather", *option, folder=tmp_path, **LOCAL)

    assert told.exit_code == 2
    assert "use --door vapi" in told.stderr


KIM = 'name = "kim"\ngreeting = "Hi."\npersona = "You are Kim."\nfallbacks = ["Once more?"]\n'


def a_script(folder: Path, *steps: str, head: str = "") -> tuple[str, ...]:
    """The options that play these steps through Twilio's relay, to an agent whose greeting is short."""
    (folder / "agents").mkdir()
    (folder / "agents" / "kim.toml").write_text(KIM)
    (folder / "mine.toml").write_text(head + "".join(f"\n[[steps]]\n{step}\n" for step in steps))
    return ("call", "--door", "relay", "--agent", "kim", "--script", "mine.toml")


def the_stored_call(folder: Path) -> dict[str, Any]:
    whole = in_process("export", only_call(folder), "--form", "json", folder=folder).stdout
    found: dict[str, Any] = json.loads(whole)
    return found


def test_a_call_survives_a_server_that_is_restarted_between_two_turns(tmp_path: Path) -> None:
    args = a_script(tmp_path, 'say = "My sink is leaking."', "restart = true", 'say = "It\'s unit 4B."')

    told = in_process(*args, folder=tmp_path, OFFHOOK_AGENTS_DIR="agents", **LOCAL)

    assert told.exit_code == 0, told.stderr
    assert "(the server is restarted)" in told.stdout
    assert "(the agent says: " in told.stdout
    said = [turn["said"] for turn in the_stored_call(tmp_path)["turns"]]
    assert said == ["My sink is leaking.", "It's unit 4B."]


def test_a_call_in_a_file_may_press_keys_and_come_from_any_number(tmp_path: Path) -> None:
    head = 'caller = "+12025550111"'
    args = a_script(tmp_path, 'say = "My sink is leaking."', 'press = "12#"', head=head)

    told = in_process(*args, folder=tmp_path, OFFHOOK_AGENTS_DIR="agents", **LOCAL)

    assert told.exit_code == 0, told.stderr
    assert "caller  (presses 12#)" in told.stdout
    stored = the_stored_call(tmp_path)
    assert stored["record"]["caller"] == "+12025550111"
    assert [turn["said"] for turn in stored["turns"]] == ["My sink is leaking.", "one two"]


def test_a_caller_who_hangs_up_in_mid_sentence_has_heard_what_is_printed(tmp_path: Path) -> None:
    args = a_script(tmp_path, 'say = "My sink is leaking."', "after_words = 2\nhang_up = true")

    told = in_process(*args, folder=tmp_path, OFFHOOK_AGENTS_DIR="agents", **LOCAL)

    assert told.exit_code == 0, told.stderr
    lines = told.stdout.splitlines()
    printed = next(line for line in lines[1:] if line.startswith("agent   ")).removeprefix("agent   ")
    assert "        (cut: the caller heard no more)" in lines
    (turn,) = the_stored_call(tmp_path)["turns"]
    assert words(turn["heard"]) == words(printed)


@pytest.mark.parametrize(
    ("args", "step", "says"),
    [
        (["--door", "vapi"], 'press = "1"', "press: the door vapi has no such thing; use gather or relay"),
        (["--door", "chat"], "drop = true", "drop: the door chat has no such thing; use gather or relay"),
        (["--door", "vapi"], 'say = "Hi."\ndialled = "busy"', "step 1: dialled: the door vapi has no such"),
        (["--url", "http://127.0.0.1:9"], "restart = true", "step 1: only a server of our own can be"),
        (["--url", "http://127.0.0.1:9"], 'say = "Hi."', "nobody answers at http://127.0.0.1:9"),
        (
            ["--door", "relay", "--url", "http://127.0.0.1:9"],
            "drop = true",
            "Twilio error 11205: nobody answers at http://127.0.0.1:9/twilio/voice",
        ),
        (["--door", "relay"], 'drop = true\ndialled = "busy"', "dialled goes with say, press, silent_s"),
        (["--door", "relay"], "jump = true", "mine.toml: step 1: a step has no key 'jump'"),
    ],
)
def test_a_step_that_cannot_be_done_is_one_line(
    tmp_path: Path, args: list[str], step: str, says: str
) -> None:
    (tmp_path / "mine.toml").write_text(f"[[steps]]\n{step}\n")

    told = in_process("call", *args, "--script", "mine.toml", folder=tmp_path, **LOCAL)

    assert told.exit_code == 1
    assert says in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_a_signature_that_does_not_fit_is_told_with_what_to_look_at(tmp_path: Path) -> None:
    settings = {**LOCAL, "TWILIO_AUTH_TOKEN": "theirs"}
    with started("serve", "--port", "0", folder=tmp_path, settings=settings) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[4]

        told = offhook(
            "call", "--door", "gather", "--url", url, folder=tmp_path, says="Hi.\n", TWILIO_AUTH_TOKEN="mine"
        )

    assert told.returncode == 1
    assert "11200: /twilio/voice answered 403; is TWILIO_AUTH_TOKEN the server's" in told.stderr


@pytest.mark.parametrize("door", ["gather", "relay"])
def test_the_documented_way_to_see_a_transfer_shows_one(tmp_path: Path, door: str) -> None:
    told = in_process("call", "--door", door, "--script", "put-through", folder=tmp_path, **LOCAL)

    assert told.exit_code == 0, told.stderr
    assert [line.rpartition(": ")[2] for line in told.stdout.splitlines() if "is dialled" in line] == [
        "no-answer)",
        "declines)",
        "accepts)",
    ]
    assert "(both are put together)" in told.stdout


def test_a_script_whose_person_was_never_dialled_has_not_worked(tmp_path: Path) -> None:
    args = ("call", "--door", "gather", "--agent", "jamie", "--script", "put-through")

    told = in_process(*args, folder=tmp_path, **LOCAL)

    assert told.exit_code == 1
    assert "nobody was dialled: the agent's file needs the tool transfer" in told.stderr


def test_an_agent_that_a_server_does_not_have_is_told_before_another_one_answers(tmp_path: Path) -> None:
    with started("serve", "--port", "0", folder=tmp_path, settings=LOCAL) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[4]

        told = offhook("call", "--agent", "jamy", "--url", url, folder=tmp_path, says="Hi.\n", **LOCAL)

    assert told.returncode == 1
    assert f"the server at {url} has no agent 'jamy'; it has jamie" in told.stderr


def test_words_that_come_too_late_to_be_spoken_over_are_told_so(tmp_path: Path) -> None:
    args = a_script(tmp_path, 'say = "My sink is leaking."', 'after_words = 90\nsay = "Unit 4B."')

    told = in_process(*args, folder=tmp_path, OFFHOOK_AGENTS_DIR="agents", **LOCAL)

    assert told.exit_code == 0, told.stderr
    assert "(after_words = 90: the reply was over before, so this comes behind it)" in told.stdout


def test_a_number_in_a_script_that_no_platform_would_send_is_wrong_usage(tmp_path: Path) -> None:
    args = a_script(tmp_path, 'say = "Hi."', head='caller = "banana"')

    told = in_process(*args, folder=tmp_path, OFFHOOK_AGENTS_DIR="agents", **LOCAL)

    assert told.exit_code == 2
    assert "caller 'banana' is no number" in told.stderr


def test_a_house_of_telnyxs_alone_may_still_play_twilio_to_its_own_server(tmp_path: Path) -> None:
    key = base64.b64encode(bytes(32)).decode()

    told = offhook("call", "--door", "gather", folder=tmp_path, says="Hi.\n", TELNYX_PUBLIC_KEY=key, **LOCAL)

    assert told.returncode == 0, told.stderr


def test_keys_that_are_typed_are_pressed_at_twilios_doors(tmp_path: Path) -> None:
    told = offhook("call", "--door", "relay", folder=tmp_path, says="My sink is leaking.\n12#\n", **LOCAL)

    assert told.returncode == 0, told.stderr
    said = [turn["said"] for turn in the_stored_call(tmp_path)["turns"]]
    assert said == ["My sink is leaking.", "one two"]


def test_the_number_that_is_dialled_decides_who_takes_the_call(tmp_path: Path) -> None:
    (tmp_path / "offhook.toml").write_text(
        '[[lines]]\nnumber = "+14155550188"\nrefuse = "This line is closed."\n'
    )
    (tmp_path / "script.txt").write_text("My sink is leaking.\n")

    closed = offhook("call", "--number", "+1 (415) 555-0188", folder=tmp_path, says="Hello?\n", **LOCAL)
    other = in_process("call", "--script", "script.txt", folder=tmp_path, **LOCAL)

    assert closed.stdout.splitlines()[0] == "agent   This line is closed."
    assert "This line is closed." not in other.stdout


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--caller", "nonsense"), "--caller 'nonsense' is no number"),
        (("--caller", "2025550123"), "write + and digits"),
        (("--number", "anonymous"), "--number 'anonymous' is no number"),
        (("--number", "+14155550188", "--door", "chat"), "--number is Vapi's"),
    ],
)
def test_a_number_that_no_platform_would_send_is_wrong_usage(
    tmp_path: Path, args: tuple[str, ...], says: str
) -> None:
    told = in_process("call", *args, folder=tmp_path, **LOCAL)

    assert told.exit_code == 2
    assert says in " ".join(told.stderr.replace("│", " ").split())


def test_a_calm_call_says_nothing_of_steering(tmp_path: Path) -> None:
    told = offhook("call", folder=tmp_path, says="Hello.\n", **LOCAL)

    assert "steer this call" not in told.stdout


async def test_a_transfer_behind_words_is_made_without_whole_too(tmp_path: Path) -> None:
    settings = load_settings(Path("/nonexistent"), **an_office(tmp_path))
    slow = Finish("tool_calls", tool_calls=(TRANSFER,))
    model = ScriptedClient(reply="I see. Let me look who is there for you today.", every_s=0.05, finish=slow)
    steered = steerable(settings)

    async with running(steered, bind("127.0.0.1", 0), clients=(model,), store=MemoryStore()) as server:
        line = open_line("vapi", server.url, steered, play=replace(CALM, steers=True))
        await line.dial()
        turn = await line.say("Somebody, please.")
        is_on_its_way = isinstance(line, VapiLine) and await line.acts(within_s=5.0)
        await line.hang_up()

    assert turn.heard == "I see. Let me look who is there for you today."
    assert is_on_its_way


def test_a_call_that_a_server_lets_nobody_steer_is_not_said_to_be_steered(tmp_path: Path) -> None:
    with started("serve", "--port", "0", folder=tmp_path, settings=LOCAL) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[4]

        told = offhook("call", "--whole", "--url", url, folder=tmp_path, says="Hello.\n", **LOCAL)
    own = offhook("call", "--whole", folder=tmp_path, says="Hello.\n", **LOCAL)

    assert "steer this call: curl" not in told.stdout
    assert "OFFHOOK_VAPI_CONTROL_HOSTS needs 127.0.0.1" in told.stdout
    assert "steer this call: curl" in own.stdout
