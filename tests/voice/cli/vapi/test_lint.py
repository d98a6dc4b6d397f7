"""What the linter says of an assistant: every rule, what it costs, and the order."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.voice.cli.vapi_assistants import changed, ours
from voice.agents.agent import Agents
from voice.agents.load import load_agents
from voice.agents.vapi_assistant import actions_of, vapi_assistant, ways_in
from voice.cli.vapi.lint import Finding, lint
from voice.cli.vapi.ours import lacking
from voice.cli.vapi.rule import COSTS, HARMS
from voice.tools.all import TOOLS


def named(found: list[Finding], path: str) -> list[Finding]:
    return [one for one in found if one.path == path]


def test_what_we_write_ourselves_has_nothing_to_mend() -> None:
    assert lint(ours()) == []


@pytest.mark.parametrize(
    ("path", "value", "where", "harm", "ms"),
    [
        ("model.provider", "openai", "model.provider", "harmful", None),
        ("model.url", "", "model.url", "harmful", None),
        ("voice", [], "voice", "harmful", None),
        ("hooks", 5, "hooks", "harmful", None),
        ("startSpeakingPlan", "x", "startSpeakingPlan", "harmful", None),
        ("firstMessage", 7, "firstMessage", "harmful", None),
        ("model.tools", "x", "model.tools", "harmful", None),
        ("model", "x", "model", "harmful", None),
        ("serverMessages", "hang", "serverMessages", "harmful", None),
        ("serverMessages", [], "serverMessages", "harmful", None),
        ("server.url", "https://x.example/vapi", "server.url", "harmful", None),
        ("server.url", "https://x.example/vapi/?agent=jamie", "server.url", "harmful", None),
        ("server.headers", {"X-Vapi-Secret": "another"}, "credentials", "harmful", None),
        ("transcriber.language", "de-DE", "transcriber.language", "harmful", None),
        (
            "model.tools",
            [
                {"type": "endCall", "function": {"name": "end"}},
                {"type": "function", "function": {"name": "end"}},
            ],
            "model.tools[1]",
            "harmful",
            None,
        ),
        ("model.tools", [{"type": "dtmf"}, {"type": "dtmf"}], "model.tools[0]", "harmful", None),
        (
            "model.tools",
            [{"type": "dtmf"}, {"type": "dtmf", "function": {"name": "keys"}}],
            "model.tools[0]",
            "costly",
            None,
        ),
        ("model.url", "https://x.example/vapi/chat/completions", "model.url", "harmful", None),
        ("model.url", "https://x.example/vapi?key=s3cret", "model.url", "harmful", None),
        ("model.url", "http://x.example/vapi", "model.url", "harmful", None),
        ("model.url", "https://192.168.1.4/vapi", "model.url", "harmful", None),
        ("model.url", "https://localhost/vapi", "model.url", "harmful", None),
        ("model.url", "https://x.example/vapi/webhook", "model.url", "harmful", None),
        ("model.url", "https://x.example/vapi/webhook?agent=jamie", "model.url", "harmful", None),
        ("model.url", "https://x.example/vapi/vapi", "model.url", "harmful", None),
        ("model.url", "voice.example.com/vapi", "model.url", "harmful", None),
        ("model.metadataSendMode", "off", "model.metadataSendMode", "harmful", None),
        ("model.timeoutSeconds", 2, "model.timeoutSeconds", "harmful", None),
        ("model.maxTokens", 20, "model.maxTokens", "harmful", None),
        ("model.fallbackModels", ["gpt"], "model.fallbackModels", "note", None),
        ("server", {}, "server.url", "harmful", None),
        ("server.url", "https://127.0.0.1/hook", "server.url", "harmful", None),
        ("server.url", "https://x.example/chat/completions", "server.url", "harmful", None),
        ("server.url", "https://x.example/vapi/chat/completions?agent=jamie", "server.url", "harmful", None),
        ("server.url", "http://x.example/vapi/webhook", "server.url", "harmful", None),
        ("server.url", "https://x.example/vapi/vapi/webhook", "server.url", "harmful", None),
        ("server.url", "x.example/vapi/webhook", "server.url", "harmful", None),
        ("server.headers", {}, "server.headers", "costly", None),
        ("credentials", [], "credentials", "costly", None),
        ("credentials", [{"provider": "11labs", "apiKey": "k"}], "credentials", "costly", None),
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
        ("voice.chunkPlan.minCharacters", 1, "voice.chunkPlan.minCharacters", "costly", None),
        ("voice.inputMinCharacters", 80, "voice.inputMinCharacters", "harmful", 1000),
        ("voice.chunkPlan.formatPlan.enabled", True, "voice.chunkPlan.formatPlan.enabled", "costly", None),
        ("voice", {"provider": "vapi"}, "voice.chunkPlan.formatPlan.enabled", "costly", None),
        ("modelOutputInMessagesEnabled", True, "modelOutputInMessagesEnabled", "costly", None),
        ("backgroundSound", "office", "backgroundSound", "note", None),
        ("startSpeakingPlan.waitSeconds", 2.4, "startSpeakingPlan.waitSeconds", "harmful", 2000),
        ("startSpeakingPlan.waitSeconds", "0.4", "startSpeakingPlan.waitSeconds", "harmful", None),
        ("stopSpeakingPlan.numWords", "2", "stopSpeakingPlan.numWords", "harmful", None),
        (
            "startSpeakingPlan.smartEndpointingPlan",
            {"provider": "livekit"},
            "startSpeakingPlan.transcriptionEndpointingPlan",
            "note",
            None,
        ),
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


def transferring(*events: str, **tool: Any) -> dict[str, Any]:
    """Our assistant with one transfer tool, told so much."""
    says = [{"type": "request-start", "content": ""}]
    found = changed("model.tools", [{"type": "transferCall", "messages": says, **tool}])
    return found | {"serverMessages": ["end-of-call-report", "speech-update", *events]}


def test_a_transfer_that_asks_nobody_where_to_is_found() -> None:
    [mute] = named(lint(transferring()), "serverMessages")
    listed = transferring(destinations=[{"type": "number", "number": "+14155550100"}])

    assert "a transfer ends the call" in mute.says
    assert lint(transferring("transfer-destination-request")) == []
    assert lint(listed) == []


def test_function_tools_that_are_never_run_are_found() -> None:
    book = {"type": "function", "function": {"name": "book"}}
    deaf = changed("model.tools", [book]) | {"serverMessages": ["end-of-call-report", "speech-update"]}

    assert "never run" in named(lint(deaf), "serverMessages")[0].says
    assert lint(deaf | {"serverMessages": [*deaf["serverMessages"], "tool-calls"]}) == []


@pytest.mark.parametrize("kept", ["s3c••••", "****", "s3cret"])
def test_a_secret_that_vapi_hides_is_no_other_secret(kept: str) -> None:
    assert lint(changed("server.headers", {"X-Vapi-Secret": kept})) == []


def test_an_agent_of_ours_needs_the_tools_that_its_file_lists() -> None:
    agent = replace(load_agents(None, "jamie", TOOLS).default, tools=("transfer", "end_call"))
    agents = Agents([agent], "jamie")
    bare, whole = changed("model.tools", []), changed("model.tools", [{"type": "endCall"}])

    assert [one.says for one in lacking(bare, agents)] == [
        "jamie lists end_call and no endCall is declared: it says goodbye and cannot hang up",
        "jamie lists transfer and no transferCall is declared: it promises a transfer and nothing happens",
    ]
    assert [one.write for one in lacking(whole, agents)] == ['{"type": "transferCall"}']
    assert [*lacking(changed("model.toolIds", ["t1"]) | {}, agents)] == []
    assert [*lacking(changed("model.model", "another"), agents)] == []


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


# The way to us


def without_secret() -> dict[str, Any]:
    found = ours()
    del found["credentials"], found["server"]["headers"]
    return found


def test_an_assistant_without_any_secret_is_refused_or_open_to_anybody() -> None:
    [found] = lint(without_secret())

    assert (found.path, found.harm) == ("credentials", "harmful")
    assert "no secret stands anywhere" in found.says


@pytest.mark.parametrize(
    "settings",
    [
        {"credentialIds": ["c1"], "serverUrlSecret": "s3cret"},
        {"credentialIds": ["c1"], "isServerUrlSecretSet": True},
    ],
)
def test_a_secret_that_is_kept_at_vapi_counts(settings: dict[str, Any]) -> None:
    assert lint(without_secret() | settings) == []


def test_a_key_in_the_path_is_a_secret_for_both_doors() -> None:
    agent = load_agents(None, "jamie", TOOLS).default
    ways = ways_in("https://voice.example.com", agent.name, path_key="k3y-of-sixteen-characters")

    assert lint(vapi_assistant(agent, ways, actions=actions_of(agent), rescue="+14155550100")) == []


def test_a_key_in_the_path_is_not_shown() -> None:
    found = lint(changed("model.url", "http://voice.example.com/vapi/k3y-of-sixteen-characters"))

    assert [one.value for one in found] == ["http://voice.example.com/vapi/…"]


def test_swapped_urls_are_both_named() -> None:
    found = ours()
    found["model"]["url"] = found["server"]["url"]
    found["server"]["url"] = "https://voice.example.com/vapi/chat/completions"

    swapped = {one.path for one in lint(found) if "swapped" in one.says}
    assert swapped == {"model.url", "server.url"}
