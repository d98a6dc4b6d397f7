"""`offhook vapi assistant` and `push`: what is written, shown, asked and sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result
from vapi import Vapi

from tests.voice.cli.running import in_process
from tests.voice.cli.vapi_host import KEY, VapiHost, a_vapi_host
from voice.cli.vapi_push import merged

URL = "https://voice.example.com"
SECRET = "s3cret-of-both-doors"
BROKEN = {"type": "oneOf", "key": "call.endedReason", "oneOf": ["pipeline-error"]}


def run(folder: Path, host: VapiHost, *args: str, **settings: str) -> Result:
    known = {"VAPI_API_KEY": KEY, "VAPI_BASE_URL": host.url, "OFFHOOK_PUBLIC_URL": URL, "VAPI_SECRET": SECRET}
    return in_process("vapi", "push", *args, folder=folder, **known | settings)


def test_the_assistant_is_printed_for_the_url_that_is_set_and_without_its_secret(tmp_path: Path) -> None:
    told = in_process(
        "vapi", "assistant", "jamie", folder=tmp_path, OFFHOOK_PUBLIC_URL=URL, VAPI_SECRET=SECRET
    )

    found = json.loads(told.stdout)
    assert found["model"]["url"] == f"{URL}/vapi"
    assert found["server"]["url"] == f"{URL}/vapi/webhook?agent=jamie"
    assert SECRET not in told.output
    assert "--with-secret" in told.stderr


def test_with_its_secret_it_can_be_created_as_it_is(tmp_path: Path) -> None:
    args = ("assistant", "jamie", "--url", URL, "--with-secret")
    told = in_process("vapi", *args, folder=tmp_path, VAPI_SECRET=f"{SECRET},the-old-one")

    found = json.loads(told.stdout)
    assert found["credentials"] == [{"provider": "custom-llm", "apiKey": SECRET}]
    assert found["server"]["headers"] == {"X-Vapi-Secret": SECRET}


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("assistant", "jamie"), "set OFFHOOK_PUBLIC_URL or give --url"),
        (("assistant", "jamie", "--url", "voice.example.com"), "is no URL"),
        (("assistant", "bob", "--url", URL), "no agent is called 'bob'"),
        (("assistant", "jamie", "--url", URL, "--rescue", "911"), "cannot be dialled"),
        (("push", "jamie", "--url", URL), "VAPI_API_KEY is not set"),
    ],
)
def test_what_is_missing_is_one_line(tmp_path: Path, args: tuple[str, ...], says: str) -> None:
    told = in_process("vapi", *args, folder=tmp_path)

    assert told.exit_code == 1
    assert says in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_a_new_assistant_is_shown_and_created(tmp_path: Path) -> None:
    with a_vapi_host() as host:
        told = run(tmp_path, host, "jamie", "--yes")

    assert told.exit_code == 0, told.output
    assert '+  "name": "jamie",' in told.stdout
    assert told.stdout.endswith("✓ assistant a1 is created\n")
    assert [method for method, _ in host.asked] == ["GET", "POST"]
    assert host.kept["a1"]["model"]["url"] == f"{URL}/vapi"
    assert host.kept["a1"]["credentials"][0]["apiKey"] == SECRET
    assert SECRET not in told.output


def test_vapis_own_client_reads_back_what_was_created(tmp_path: Path) -> None:
    with a_vapi_host() as host:
        run(tmp_path, host, "jamie", "--yes", "--rescue", "+14155550100")
        vapi = Vapi(token=KEY, base_url=host.url)
        read, listed = vapi.assistants.get("a1"), vapi.assistants.list(limit=1000)
        vapi.assistants.update("a1", first_message="Hi.")
        told = run(tmp_path, host, "jamie", "--yes")

    assert (read.name, len(listed)) == ("jamie", 1)
    assert read.server is not None
    assert read.server.url == f"{URL}/vapi/webhook?agent=jamie"
    assert '-  "firstMessage": "Hi.",' in told.stdout
    assert ("PATCH", "/assistant/a1") == host.asked[-3] == host.asked[-1]  # theirs, then ours


def test_a_second_push_finds_nothing_to_do(tmp_path: Path) -> None:
    with a_vapi_host() as host:
        run(tmp_path, host, "jamie", "--yes")
        again = run(tmp_path, host, "jamie", "--yes")

    assert again.stdout == "✓ assistant a1 is as it should be; nothing to do\n"
    assert [method for method, _ in host.asked] == ["GET", "POST", "GET"]


def test_only_what_differs_is_shown_and_sent(tmp_path: Path) -> None:
    with a_vapi_host() as host:
        run(tmp_path, host, "jamie", "--yes")
        host.kept["a1"]["firstMessage"] = "Hi."
        told = run(tmp_path, host, "jamie", "--yes")

    assert '-  "firstMessage": "Hi.",' in told.stdout
    assert '+  "firstMessage": "Thanks for calling Maple Court' in told.stdout
    changed = [
        line for line in told.stdout.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    assert len(changed) == 2
    assert host.kept["a1"]["firstMessage"].startswith("Thanks for calling")
    assert host.asked[-1] == ("PATCH", "/assistant/a1")


def test_nothing_is_sent_when_the_answer_is_no(tmp_path: Path) -> None:
    with a_vapi_host() as host:
        told = run(tmp_path, host, "jamie")  # the standard input is empty

    assert told.exit_code == 1
    assert "nothing was changed" in told.stderr
    assert [method for method, _ in host.asked] == ["GET"]


def test_a_dry_run_shows_the_request_without_secrets_and_sends_none(tmp_path: Path) -> None:
    with a_vapi_host() as host:
        told = run(tmp_path, host, "jamie", "--dry-run")

    assert told.exit_code == 0
    assert f"would send: POST {host.url}/assistant" in told.stdout
    assert SECRET not in told.output
    assert host.kept == {}


def test_an_assistant_is_named_by_its_id_when_several_have_its_name(tmp_path: Path) -> None:
    with a_vapi_host(a1={"name": "jamie"}, a2={"name": "jamie"}) as host:
        unsure = run(tmp_path, host, "jamie", "--yes")
        sure = run(tmp_path, host, "jamie", "--id", "a2", "--yes")
        unknown = run(tmp_path, host, "jamie", "--id", "a3", "--yes")

    assert "2 assistants are called 'jamie': name one with --id (a1, a2)" in unsure.stderr
    assert sure.exit_code == 0
    assert "firstMessage" in host.kept["a2"]
    assert "firstMessage" not in host.kept["a1"]
    assert "knows no assistant of this id" in unknown.stderr


def test_what_vapi_says_to_a_refusal_is_passed_on(tmp_path: Path) -> None:
    with a_vapi_host() as host:
        host.refuses = "voice.voiceId is unknown"
        told = run(tmp_path, host, "jamie", "--yes")
        wrong_key = run(tmp_path, host, "jamie", "--yes", VAPI_API_KEY="public-key")

    assert told.stderr == "offhook: Vapi answered 400: voice.voiceId is unknown; name must be shorter\n"
    assert "the organisation's private key" in wrong_key.stderr


def test_a_host_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    told = run(tmp_path, VapiHost(url="http://127.0.0.1:9"), "jamie", "--yes")

    assert told.exit_code == 1
    assert "was not reached (ConnectError): see VAPI_BASE_URL" in told.stderr


def test_secrets_that_somebody_keeps_at_vapi_are_not_shown(tmp_path: Path) -> None:
    server = {"url": "https://old.example.com", "headers": {"X-Api-Key": "their-old-secret"}}
    with a_vapi_host(a1={"name": "jamie", "server": server}) as host:
        told = run(tmp_path, host, "jamie", "--dry-run")

    assert "https://old.example.com" in told.stdout
    assert "their-old-secret" not in told.output


# What was chosen at Vapi


def ours() -> dict[str, Any]:
    tool = {"type": "endCall", "function": {"name": "end_call"}}
    return {
        "voice": {"provider": "vapi", "voiceId": "Elliot", "chunkPlan": {"minCharacters": 30}},
        "transcriber": {"provider": "deepgram"},
        "model": {"provider": "custom-llm", "tools": [tool]},
        "hooks": [{"on": "call.ending", "do": [1]}],
        "credentials": [{"apiKey": "new"}],
        "stopSpeakingPlan": {"numWords": 0},
    }


def test_the_voice_and_transcriber_and_further_tools_and_hooks_stay() -> None:
    book = {"type": "function", "function": {"name": "book"}}
    theirs = {
        "id": "a1",
        "voice": {"provider": "cartesia", "voiceId": "x", "chunkPlan": {"enabled": True}},
        "transcriber": {"provider": "soniox"},
        "model": {
            "provider": "openai",
            "fallbackModels": ["gpt"],  # a custom LLM has none: Vapi would refuse it
            "toolIds": ["t1"],
            "tools": [{"type": "endCall"}, book],
        },
        "hooks": [{"on": "session.created", "do": []}],
        "stopSpeakingPlan": {"numWords": 3, "backoffSeconds": 0.5},
    }

    found = merged(theirs, ours(), with_secret=False)

    assert found["voice"] == {
        "provider": "cartesia",
        "voiceId": "x",
        "chunkPlan": {"enabled": True, "minCharacters": 30},
    }
    assert found["transcriber"] == {"provider": "soniox"}
    assert found["model"] == {
        "provider": "custom-llm",
        "toolIds": ["t1"],
        "tools": [*ours()["model"]["tools"], book],
    }
    assert found["hooks"] == [{"on": "session.created", "do": []}, {"on": "call.ending", "do": [1]}]
    assert found["stopSpeakingPlan"] == {"numWords": 0, "backoffSeconds": 0.5}
    assert "id" not in found


def test_hooks_that_somebody_wrote_for_the_same_moment_stay_and_ours_is_not_doubled() -> None:
    def transfer(number: str, **settings: object) -> dict[str, Any]:
        tool = {"type": "transferCall", "destinations": [{"type": "number", "number": number}]}
        return {"on": "call.ending", "filters": [BROKEN], "do": [{"type": "tool", "tool": tool}], **settings}

    def ask(text: str, **settings: object) -> dict[str, Any]:
        return {"on": "customer.speech.timeout", "do": [{"type": "say", "exact": text}], **settings}

    own = [
        ask("Hello?"),
        transfer("+14155550111", filters=[]),
        {"on": "call.ending", "do": [{"type": "say", "exact": "Bye."}]},
    ]
    old = [transfer("+14155550122"), ask("Still there?", filters=None, options={"timeoutSeconds": 5})]
    new = [ask("Still there?", options={"timeoutSeconds": 10}), transfer("+14155550133")]

    found = merged({"hooks": [*own, *old]}, {**ours(), "hooks": new}, with_secret=False)

    assert found["hooks"] == [*own, new[1], new[0]]


@pytest.mark.parametrize(
    ("theirs", "with_secret", "key"),
    [
        ({}, False, "new"),
        ({"credentials": [{"apiKey": "old"}]}, False, "old"),
        ({"credentials": [{"apiKey": "old"}]}, True, "new"),
    ],
)
def test_a_credential_that_is_there_is_changed_only_on_demand(
    theirs: dict[str, Any], with_secret: bool, key: str
) -> None:
    found = merged(theirs, ours(), with_secret=with_secret)

    assert found["credentials"][0]["apiKey"] == key


def test_a_credential_that_is_kept_at_vapi_by_its_id_is_left_alone() -> None:
    found = merged({"credentialIds": ["c1"]}, ours(), with_secret=False)

    assert "credentials" not in found
