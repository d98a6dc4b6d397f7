"""`offhook vapi assistant` and `push`: what is written, shown, asked and sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result
from vapi import Vapi

from tests.handlers.office import KIM
from tests.voice.cli.running import in_process
from tests.voice.cli.vapi_host import KEY, VapiHost, a_vapi_host
from voice.cli.vapi.push import merged

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
        (("assistant", "jamie", "--url", f"{URL}?key=1"), "a query has no place in it"),
        (("assistant", "jamie", "--url", "https://[x"), "is no URL"),
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


@pytest.mark.parametrize("url", [f"{URL}/vapi", f"{URL}/vapi/", f"{URL}/vapi/webhook?agent=jamie"])
def test_the_url_of_the_door_itself_is_not_doubled(tmp_path: Path, url: str) -> None:
    told = in_process("vapi", "assistant", "jamie", "--url", url, folder=tmp_path)

    found = json.loads(told.stdout)
    assert found["model"]["url"] == f"{URL}/vapi"
    assert found["server"]["url"] == f"{URL}/vapi/webhook?agent=jamie"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://voice.example.com", "in the clear"),
        ("https://localhost:8000", "cannot reach this machine"),
    ],
)
def test_a_url_that_vapi_cannot_use_well_is_written_and_warned_of(
    tmp_path: Path, url: str, says: str
) -> None:
    told = in_process("vapi", "assistant", "jamie", "--url", url, folder=tmp_path)

    assert json.loads(told.stdout)["model"]["url"] == f"{url}/vapi"
    assert says in told.stderr


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


def test_of_headers_and_queries_of_others_only_the_names_are_shown(tmp_path: Path) -> None:
    headers = {"X-Tenant": "maple-court-7", "X-Pass": "open-sesame"}
    tool = {
        "type": "apiRequest",
        "url": "https://joe:pw-of-joe@crm.example.com/book?token=t0p-s3cret&day=1",
        "headers": headers,
    }
    with a_vapi_host(a1={"name": "jamie", "model": {"provider": "openai", "tools": [tool]}}) as host:
        told = run(tmp_path, host, "jamie", "--dry-run")

    assert '"X-Tenant"' in told.stdout
    assert "crm.example.com/book?token=…&day=…" in told.stdout
    assert "webhook?agent=jamie" in told.stdout
    for secret in ("maple-court-7", "open-sesame", "t0p-s3cret", "pw-of-joe"):
        assert secret not in told.output


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1:8000", "https://192.168.1.4", "https://100.64.0.1", "https://pi", "https://pi.local",
     "https://[::1]", "http://voice.example.com"],
)  # fmt: skip
def test_a_url_that_vapi_cannot_reach_is_not_pushed(tmp_path: Path, url: str) -> None:
    with a_vapi_host() as host:
        told = run(tmp_path, host, "jamie", "--url", url, "--yes")
        asked = list(host.asked)
        anyway = run(tmp_path, host, "jamie", "--url", url, "--yes", "--any-url")

    assert (told.exit_code, asked) == (1, [])
    assert "Vapi cannot reach" in told.stderr
    assert "--any-url" in told.stderr
    assert (anyway.exit_code, host.kept["a1"]["model"]["url"]) == (0, f"{url}/vapi")


def test_an_answer_that_is_no_list_creates_no_second_assistant(tmp_path: Path) -> None:
    with a_vapi_host() as host:
        host.lists = {"results": [{"id": "a1", "name": "jamie"}]}
        told = run(tmp_path, host, "jamie", "--yes")

    assert told.exit_code == 1
    assert told.stderr == "offhook: Vapi's answer is no list of assistants: see VAPI_BASE_URL\n"
    assert host.kept == {}


def test_a_list_that_is_full_may_hide_the_assistant_so_none_is_created(tmp_path: Path) -> None:
    with a_vapi_host() as host:
        host.lists = [{"id": str(place), "name": "sam"} for place in range(1000)]
        told = run(tmp_path, host, "jamie", "--yes")

    assert told.exit_code == 1
    assert "name yours with --id" in told.stderr
    assert host.kept == {}


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_id_is_no_id(tmp_path: Path, empty: str) -> None:
    with a_vapi_host() as host:
        told = run(tmp_path, host, "jamie", "--id", empty, "--yes")

    assert told.exit_code == 2
    assert "--id is empty" in told.stderr
    assert host.asked == []


CLASHING: list[list[dict[str, Any]]] = [
    [{"type": "function", "function": {"name": "end_call"}}],
    [{"type": "endCall"}, {"type": "endCall", "function": {"name": "end_call"}}],
]


@pytest.mark.parametrize("tools", CLASHING)
def test_two_tools_of_one_name_are_not_pushed(tmp_path: Path, tools: list[dict[str, Any]]) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "kim.toml").write_text(KIM)
    theirs = {"name": "kim", "model": {"provider": "custom-llm", "tools": tools}}
    with a_vapi_host(a1=theirs) as host:
        told = run(tmp_path, host, "kim", "--yes", OFFHOOK_AGENTS_DIR=str(tmp_path / "agents"))

    assert told.exit_code == 1
    assert "two tools would be called end_call: rename or remove" in told.stderr
    assert host.kept["a1"]["model"]["tools"] == tools


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


# The secret and its two halves

ROTATED = "the-new-secret-of-both-doors"


def halves(assistant: dict[str, Any]) -> tuple[Any, Any]:
    """What the server is shown, and what the model is."""
    return assistant["server"].get("headers"), assistant.get("credentials")


def both(secret: str) -> tuple[Any, Any]:
    return {"X-Vapi-Secret": secret}, [{"provider": "custom-llm", "apiKey": secret}]


def test_after_a_rotation_neither_half_is_sent_and_a_line_says_how_to_send_both(tmp_path: Path) -> None:
    with a_vapi_host() as host:
        run(tmp_path, host, "jamie", "--yes")
        told = run(tmp_path, host, "jamie", "--yes", VAPI_SECRET=ROTATED)

    assert halves(host.kept["a1"]) == both(SECRET)
    assert "nothing to do" in told.stdout
    assert "use --with-secret to send both" in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_after_a_rotation_both_halves_are_sent_on_demand(tmp_path: Path) -> None:
    with a_vapi_host() as host:
        run(tmp_path, host, "jamie", "--yes")
        told = run(tmp_path, host, "jamie", "--yes", "--with-secret", VAPI_SECRET=ROTATED)

    assert halves(host.kept["a1"]) == both(ROTATED)
    assert told.stderr == ""
    assert ROTATED not in told.output


def test_a_push_that_changes_something_else_leaves_the_secret_at_vapi_alone(tmp_path: Path) -> None:
    with a_vapi_host() as host:
        run(tmp_path, host, "jamie", "--yes")
        run(tmp_path, host, "jamie", "--yes", "--url", "https://new.example.com", VAPI_SECRET=ROTATED)

    assert host.kept["a1"]["server"]["url"].startswith("https://new.example.com/vapi/webhook")
    assert halves(host.kept["a1"]) == both(SECRET)


def test_an_assistant_that_somebody_made_gets_the_secret_on_demand_alone(tmp_path: Path) -> None:
    with a_vapi_host(a1={"name": "jamie"}) as host:
        told = run(tmp_path, host, "jamie", "--yes")
        kept = halves(host.kept["a1"])
        run(tmp_path, host, "jamie", "--yes", "--with-secret")

    assert kept == (None, None)
    assert "use --with-secret to send both" in told.stderr
    assert halves(host.kept["a1"]) == both(SECRET)


def test_what_somebody_keeps_beside_the_secret_stays_in_a_rotation(tmp_path: Path) -> None:
    voice = {"provider": "11labs", "apiKey": "their-key"}
    server = {"url": URL, "secret": "old", "headers": {"x-vapi-secret": "older", "X-Tenant": "maple"}}
    theirs = {"name": "jamie", "credentials": [{"provider": "custom-llm", "apiKey": "old"}, voice]}
    with a_vapi_host(a1={**theirs, "server": server}) as host:
        run(tmp_path, host, "jamie", "--yes", "--with-secret")

    headers, credentials = both(SECRET)
    assert halves(host.kept["a1"]) == ({"X-Tenant": "maple", **headers}, [voice, *credentials])
    assert "secret" not in host.kept["a1"]["server"]


def test_a_key_in_the_path_is_sent_and_not_shown(tmp_path: Path) -> None:
    by_path = {"VAPI_SECRET": "", "OFFHOOK_VAPI_PATH_KEY": "k3y-of-sixteen-characters"}
    with a_vapi_host() as host:
        shown = run(tmp_path, host, "jamie", "--dry-run", **by_path)
        told = run(tmp_path, host, "jamie", "--yes", **by_path)

    assert host.kept["a1"]["model"]["url"] == f"{URL}/vapi/k3y-of-sixteen-characters"
    assert "k3y-of" not in shown.output + told.output


def test_without_a_secret_there_is_none_to_send(tmp_path: Path) -> None:
    with a_vapi_host(a1={"name": "jamie"}) as host:
        told = run(tmp_path, host, "jamie", "--yes", "--with-secret", VAPI_SECRET="")

    assert told.stderr == "offhook: --with-secret has no secret to send: set VAPI_SECRET\n"
    assert host.asked == []


def test_where_no_secret_is_set_at_all_vapi_is_said_to_be_refused(tmp_path: Path) -> None:
    told = in_process("vapi", "assistant", "jamie", "--url", URL, folder=tmp_path)
    asked = in_process("vapi", "assistant", "jamie", "--url", URL, "--with-secret", folder=tmp_path)

    assert "Vapi's doors answer to this machine only; set VAPI_SECRET" in told.stderr
    assert asked.stderr == "offhook: --with-secret has no secret to send: set VAPI_SECRET\n"


def test_where_vapi_only_signs_the_model_alone_is_given_the_api_key(tmp_path: Path) -> None:
    signed = {"VAPI_SECRET": "", "OFFHOOK_VAPI_HMAC_SECRET": "signs-webhooks"}
    with a_vapi_host() as host:
        refused = run(tmp_path, host, "jamie", "--dry-run", **signed)
        told = run(tmp_path, host, "jamie", "--yes", **signed, OFFHOOK_API_KEY="k3y")

    assert "every turn is refused; set VAPI_SECRET" in refused.stderr
    assert told.stderr == ""
    assert halves(host.kept["a1"]) == (None, [{"provider": "custom-llm", "apiKey": "k3y"}])


def test_a_credential_that_is_kept_at_vapi_by_its_id_is_left_alone() -> None:
    found = merged({"credentialIds": ["c1"]}, ours(), with_secret=False)

    assert "credentials" not in found
