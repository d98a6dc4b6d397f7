"""`offhook vapi lint FILE`: which files it looks through, what it says of others, how it is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.voice.cli.running import in_process, offhook
from tests.voice.cli.vapi_assistants import changed, ours, write


def test_status_1_with_something_harmful_and_0_without(tmp_path: Path) -> None:
    well = in_process("vapi", "lint", write(tmp_path, ours()), folder=tmp_path)
    costly = in_process(
        "vapi", "lint", write(tmp_path, changed("stopSpeakingPlan.numWords", 3)), folder=tmp_path
    )
    harmful = in_process("vapi", "lint", write(tmp_path, changed("firstMessage", "")), folder=tmp_path)

    assert (well.exit_code, well.stdout) == (0, "✓ nothing to mend\n")
    assert (costly.exit_code, costly.stdout[:27]) == (0, "! stopSpeakingPlan.numWords")
    assert (harmful.exit_code, harmful.stdout[:14]) == (1, "✗ firstMessage")


def test_an_answer_to_an_assistant_request_is_read_too_and_from_the_standard_input(tmp_path: Path) -> None:
    body = json.dumps({"assistant": changed("model.timeoutSeconds", 1)})

    told = offhook("vapi", "lint", "-", "--json", folder=tmp_path, says=body)

    assert told.returncode == 1
    found = json.loads(told.stdout)
    assert found["ok"] is False
    assert found["findings"][0]["path"] == "model.timeoutSeconds"


def test_an_answer_to_an_assistant_request_needs_no_server_of_its_own(tmp_path: Path) -> None:
    answer = ours()
    answer["model"]["tools"].append({"type": "function", "function": {"name": "a"}})
    del answer["server"]

    told = in_process("vapi", "lint", write(tmp_path, {"assistant": answer}), folder=tmp_path)
    stored = in_process("vapi", "lint", write(tmp_path, answer), folder=tmp_path)

    assert (told.exit_code, told.stdout) == (0, "✓ nothing to mend\n")
    assert stored.stdout.startswith("✗ server.url (not set) · silence: no event is sent")


def test_overrides_of_an_answer_are_looked_through_as_vapi_takes_them(tmp_path: Path) -> None:
    answer = {"assistant": ours(), "assistantOverrides": {"firstMessage": ""}}

    told = in_process("vapi", "lint", write(tmp_path, answer), folder=tmp_path)

    assert told.stdout.startswith("✗ firstMessage ()")


def test_each_assistant_of_a_squad_is_looked_through(tmp_path: Path) -> None:
    members = [
        {"assistant": ours()},
        {"assistantId": "asst_2"},
        {"assistant": ours(), "assistantOverrides": {"firstMessage": ""}},
    ]

    for squad in ({"name": "all", "members": members}, {"squad": {"members": members}}):
        told = in_process("vapi", "lint", write(tmp_path, squad), folder=tmp_path)

        lines = told.stdout.splitlines()
        assert told.exit_code == 1
        assert lines[0].startswith("✗ members[2].assistant.firstMessage ()")
        assert lines[1] == "· members[1] is the assistant asst_2, which is kept at Vapi: lint it, too"


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ("{", "is not JSON"),
        ("", "is empty"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is a list of 0 entries: an assistant is a JSON object"),
        ('"jamie"', "an assistant is a JSON object"),
        ({}, "is no assistant: it has none of model, voice"),
        ({"id": "c1", "type": "webCall"}, "is no assistant"),
        ({"message": "Invalid Key", "error": "Unauthorized", "statusCode": 401}, "(401: Invalid Key)"),
        (
            {"message": ["a must be b", "c"], "error": "Bad Request", "statusCode": 400},
            "(400: a must be b; c)",
        ),
        ({"message": "Couldn't Find Assistant", "error": "Not Found"}, "is a refusal of Vapi's"),
        (
            {"message": {"type": "end-of-call-report"}},
            "is a message of Vapi's to a server (end-of-call-report)",
        ),
        ({"error": "We are closed."}, "the caller hears We are closed."),
        ({"destination": {"type": "number", "number": "+14155550100"}}, "transfers the call to +14155550100"),
        (
            {"destination": {"type": "sip", "sipUri": "sip:a@b.example"}},
            "transfers the call to sip:a@b.example",
        ),
        ({"assistantId": "asst_1"}, "names the assistant asst_1, which is kept at Vapi"),
        ({"assistantId": "asst_1", "assistantOverrides": {}}, "https://api.vapi.ai/assistant/asst_1"),
        ({"number": "+14155550100", "server": {}, "assistantId": "asst_1"}, "names the assistant asst_1"),
        ({"squadId": "sq_1"}, "names the squad sq_1"),
        ({"workflow": {"nodes": []}}, "is a workflow"),
        ({"members": []}, "the squad has no members"),
        ({"squad": {"members": [{"assistantId": "a"}, {}]}}, "members[1] names no assistant"),
    ],
)
def test_what_is_no_assistant_is_named_in_one_line(tmp_path: Path, found: object, says: str) -> None:
    told = in_process("vapi", "lint", write(tmp_path, found), folder=tmp_path)

    assert (told.exit_code, told.stdout) == (1, "")
    assert says in told.stderr
    assert len(told.stderr.splitlines()) == 1


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16"])
def test_a_file_that_windows_wrote_is_read(tmp_path: Path, coding: str) -> None:
    file = tmp_path / "assistant.json"
    file.write_text(json.dumps(ours()), encoding=coding)

    told = in_process("vapi", "lint", str(file), folder=tmp_path)
    piped = offhook("vapi", "lint", "-", folder=tmp_path, says="\ufeff" + json.dumps(ours()))

    assert (told.exit_code, told.stdout) == (0, "✓ nothing to mend\n")
    assert piped.stdout == told.stdout


def test_bytes_that_are_no_text_are_one_line(tmp_path: Path) -> None:
    file = tmp_path / "assistant.json"
    file.write_bytes(b'{"name": "J\xe4mie"}')

    assert "is not UTF-8" in in_process("vapi", "lint", str(file), folder=tmp_path).stderr


def test_every_finding_is_one_line_where_nobody_sees_a_screen(tmp_path: Path) -> None:
    file = write(tmp_path, {"model": {"provider": "custom-llm"}, "name": "x" * 50})

    told = offhook("vapi", "lint", file, folder=tmp_path, COLUMNS="80")

    found = json.loads(offhook("vapi", "lint", file, "--json", folder=tmp_path).stdout)["findings"]
    assert len(told.stdout.splitlines()) == len(found) > 5
    assert max(map(len, told.stdout.splitlines())) > 200


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    told = in_process("vapi", "lint", "nothing.json", folder=tmp_path)

    assert told.exit_code == 1
    assert told.stderr == "offhook: nothing.json: No such file or directory\n"
