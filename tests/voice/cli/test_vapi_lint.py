"""What the linter says of an assistant: every rule, what it costs, and the order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.voice.cli.running import in_process, offhook
from voice.agents.load import load_agents
from voice.agents.vapi_assistant import actions_of, vapi_assistant, ways_in
from voice.cli.vapi_lint import Finding, lint
from voice.cli.vapi_rules import COSTS, HARMS
from voice.tools.all import TOOLS


def ours() -> dict[str, Any]:
    agent = load_agents(None, "jamie", TOOLS).default
    ways = ways_in("https://voice.example.com", agent.name, "s3cret")
    return vapi_assistant(agent, ways, actions=actions_of(agent), rescue="+14155550100")


def changed(path: str, value: Any) -> dict[str, Any]:
    """Our assistant with one setting changed."""
    found = ours()
    *tables, last = path.split(".")
    place = found
    for name in tables:
        place = place.setdefault(name, {})
    place[last] = value
    return found


def named(found: list[Finding], path: str) -> list[Finding]:
    return [one for one in found if one.path == path]


def test_what_we_write_ourselves_has_nothing_to_mend() -> None:
    assert lint(ours()) == []


@pytest.mark.parametrize(
    ("path", "value", "where", "harm", "ms"),
    [
        ("model.provider", "openai", "model.provider", "harmful", None),
        ("model.url", "", "model.url", "harmful", None),
        ("model.url", "https://x.example/vapi/chat/completions", "model.url", "harmful", None),
        ("model.url", "https://x.example/vapi?key=s3cret", "model.url", "harmful", None),
        ("model.url", "http://x.example/vapi", "model.url", "harmful", None),
        ("model.url", "https://192.168.1.4/vapi", "model.url", "harmful", None),
        ("model.url", "https://localhost/vapi", "model.url", "harmful", None),
        ("model.url", "https://x.example/vapi/webhook", "model.url", "harmful", None),
        ("model.metadataSendMode", "off", "model.metadataSendMode", "harmful", None),
        ("model.timeoutSeconds", 2, "model.timeoutSeconds", "harmful", None),
        ("model.maxTokens", 20, "model.maxTokens", "harmful", None),
        ("model.fallbackModels", ["gpt"], "model.fallbackModels", "note", None),
        ("server", {}, "server.url", "harmful", None),
        ("server.url", "https://127.0.0.1/hook", "server.url", "harmful", None),
        ("server.url", "https://x.example/chat/completions", "server.url", "harmful", None),
        ("server.timeoutSeconds", 1, "server.timeoutSeconds", "costly", None),
        ("server.backoffPlan", {"maxRetries": 3}, "server.backoffPlan.maxRetries", "note", None),
        ("name", "x" * 41, "name", "harmful", None),
        ("firstMessage", "", "firstMessage", "harmful", None),
        (
            "firstMessageMode",
            "assistant-speaks-first-with-model-generated-message",
            "firstMessageMode",
            "costly",
            1000,
        ),
        ("firstMessageMode", "assistant-waits-for-user", "firstMessageMode", "note", None),
        ("voice.chunkPlan.enabled", False, "voice.chunkPlan.enabled", "harmful", 3000),
        ("voice.chunkPlan.minCharacters", 120, "voice.chunkPlan.minCharacters", "harmful", 1800),
        ("voice.inputMinCharacters", 80, "voice.inputMinCharacters", "harmful", 1000),
        ("voice.chunkPlan.formatPlan.enabled", True, "voice.chunkPlan.formatPlan.enabled", "costly", None),
        ("voice", {"provider": "vapi"}, "voice.chunkPlan.formatPlan.enabled", "costly", None),
        ("modelOutputInMessagesEnabled", True, "modelOutputInMessagesEnabled", "costly", None),
        ("backgroundSound", "office", "backgroundSound", "note", None),
        ("startSpeakingPlan.waitSeconds", 2.4, "startSpeakingPlan.waitSeconds", "harmful", 2000),
        ("startSpeakingPlan.waitSeconds", 0.8, "startSpeakingPlan.waitSeconds", "costly", 400),
        (
            "startSpeakingPlan",
            {},
            "startSpeakingPlan.transcriptionEndpointingPlan.onNoPunctuationSeconds",
            "costly",
            700,
        ),
        (
            "startSpeakingPlan.transcriptionEndpointingPlan.onPunctuationSeconds",
            0.6,
            "startSpeakingPlan.transcriptionEndpointingPlan.onPunctuationSeconds",
            "costly",
            500,
        ),
        ("transcriber.endpointing", 900, "transcriber.endpointing", "costly", 600),
        ("stopSpeakingPlan.numWords", 3, "stopSpeakingPlan.numWords", "costly", 650),
        ("stopSpeakingPlan.voiceSeconds", 0.9, "stopSpeakingPlan.voiceSeconds", "harmful", None),
        ("stopSpeakingPlan.backoffSeconds", 3, "stopSpeakingPlan.backoffSeconds", "costly", 2000),
        ("silenceTimeoutSeconds", 10, "silenceTimeoutSeconds", "harmful", None),
        ("silenceTimeoutSeconds", 600, "silenceTimeoutSeconds", "costly", None),
        ("maxDurationSeconds", 120, "maxDurationSeconds", "harmful", None),
        ("maxDurationSeconds", 43_200, "maxDurationSeconds", "note", None),
        ("endCallPhrases", ["Have a lovely evening", "Okay."], "endCallPhrases[1]", "harmful", None),
        ("serverMessages", ["phone-call-control"], "serverMessages", "harmful", None),
        ("serverMessages", ["hang"], "serverMessages", "costly", None),
        ("serverMessages", ["model-output"], "serverMessages", "costly", None),
        ("hooks", [], "hooks", "note", None),
        ("hooks", [{"on": "call.ended", "do": []}], "hooks[0]", "costly", None),
        ("analysisPlan", {}, "analysisPlan.summaryPlan.enabled", "note", None),
        ("analysisPlan", {}, "analysisPlan.successEvaluationPlan.enabled", "note", None),
        (
            "model.tools",
            [{"type": "function", "function": {"name": "book it"}}],
            "model.tools[0]",
            "harmful",
            None,
        ),
        (
            "model.tools",
            [{"type": "function", "function": {"name": "book", "description": "x" * 1001}}],
            "model.tools[0]",
            "costly",
            None,
        ),
        ("model.tools", [{"type": "transferCall"}], "model.tools[0]", "costly", None),
        (
            "model.tools",
            [
                {
                    "type": "transferCall",
                    "messages": [1],
                    "destinations": [{"type": "number", "number": "911"}],
                }
            ],
            "model.tools[0].destinations[0]",
            "harmful",
            None,
        ),
    ],
)
def test_a_setting_that_costs_something_is_found_where_it_stands(
    path: str, value: Any, where: str, harm: str, ms: int | None
) -> None:
    found = named(lint(changed(path, value)), where)

    assert (harm, ms) in [(one.harm, one.ms) for one in found]
    assert all("{" not in one.says and one.write for one in found)


def test_the_old_name_of_a_setting_counts() -> None:
    found = ours()
    del found["server"]

    assert named(lint(found | {"serverUrl": "https://voice.example.com/vapi/webhook"}), "server.url") == []


def test_a_tool_without_a_server_has_nobody_to_run_it() -> None:
    found = changed("model.tools", [{"type": "function", "function": {"name": "book"}}])
    del found["server"]

    assert "nobody runs this tool" in named(lint(found), "model.tools[0]")[0].says


def test_a_smart_plan_stands_above_the_transcripts_punctuation() -> None:
    plan = {"smartEndpointingPlan": {"provider": "livekit"}}

    english, flux = changed("startSpeakingPlan", plan), changed("startSpeakingPlan", plan)
    german = changed("startSpeakingPlan", plan) | {"transcriber": {"language": "de"}}
    flux["transcriber"] = {"provider": "deepgram", "model": "flux-general-en"}

    assert lint(english) == []
    assert [one.path for one in lint(german)] == ["startSpeakingPlan.smartEndpointingPlan.provider"]
    assert [one.path for one in lint(flux)] == ["startSpeakingPlan.smartEndpointingPlan"]


def test_the_most_harmful_comes_first_and_of_equals_the_longest_wait() -> None:
    found = lint({"model": {"provider": "custom-llm"}, "startSpeakingPlan": {"waitSeconds": 0.9}})

    order = [(HARMS.index(one.harm), COSTS.index(one.cost), -(one.ms or 0)) for one in found]
    assert order == sorted(order)
    assert found[0].harm == "harmful"


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"model": "x", "voice": 7, "hooks": {}, "endCallPhrases": [None, {}], "serverMessages": "x"},
        {"model": {"tools": [None, 7, {"function": "x"}], "url": 9, "maxTokens": "many"}},
        {"startSpeakingPlan": [], "transcriber": "deepgram", "server": []},
        {"name": {"a": 1}, "firstMessage": [], "voice": {"chunkPlan": None}},
    ],
)
def test_an_odd_assistant_is_looked_through_all_the_same(found: dict[str, Any]) -> None:
    assert lint(found)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "9" * 400], ids=lambda one: one[:6])
def test_a_number_beyond_every_limit_is_looked_at_all_the_same(number: str) -> None:
    plan = f'"startSpeakingPlan": {{"waitSeconds": {number}}}, "transcriber": {{"endpointing": {number}}}'
    said = f'{{{plan}, "silenceTimeoutSeconds": {number}, "voice": {{"inputMinCharacters": {number}}}}}'

    found = named(lint(json.loads(said)), "startSpeakingPlan.waitSeconds")

    assert [one.harm for one in found] == (["harmful"] if number in ("1e999", "9" * 400) else [])


# The command


def write(folder: Path, found: object) -> str:
    file = folder / "assistant.json"
    file.write_text(found if isinstance(found, str) else json.dumps(found))
    return str(file)


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


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "is not JSON"), ("[" * 100_000, "is not JSON"), ("[]", "an assistant is a JSON object")],
)
def test_what_is_no_assistant_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    told = in_process("vapi", "lint", write(tmp_path, text), folder=tmp_path)

    assert told.exit_code == 1
    assert says in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    told = in_process("vapi", "lint", "nothing.json", folder=tmp_path)

    assert told.exit_code == 1
    assert told.stderr == "offhook: nothing.json: No such file or directory\n"
