"""An agent as Vapi's assistant: read by Vapi's own library, and free of what the linter finds harmful."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import TypeAdapter
from vapi.core.serialization import convert_and_respect_annotation_metadata
from vapi.types import CreateAssistantDto, CustomLlmModel, VapiVoice

from voice.agents.agent import Agent
from voice.agents.load import load_agents
from voice.agents.vapi_assistant import MAX_NAME_CHARS, WaysIn, actions_of, vapi_assistant, ways_in
from voice.tools.all import TOOLS
from voice.types import Action

URL = "https://voice.example.com"


def jamie(**changes: Any) -> Agent:
    return replace(load_agents(None, "jamie", TOOLS).default, **changes)


def as_vapi_reads(found: dict[str, Any]) -> CreateAssistantDto:
    """The assistant in the shape of Vapi's library, every field checked."""
    read = convert_and_respect_annotation_metadata(
        object_=found, annotation=CreateAssistantDto, direction="read"
    )
    return TypeAdapter(CreateAssistantDto).validate_python(read)


def test_vapis_own_library_reads_every_part_of_it() -> None:
    found = vapi_assistant(
        jamie(), ways_in(URL, "jamie", "s3cret"), actions=list(Action), rescue="+14155550100"
    )

    read = as_vapi_reads(found)

    assert isinstance(read.model, CustomLlmModel)
    assert (read.model.url, read.model.model) == (f"{URL}/vapi", "jamie")
    assert read.server is not None
    assert read.server.url == f"{URL}/vapi/webhook?agent=jamie"
    assert read.voice is not None
    TypeAdapter(VapiVoice).validate_python(read.voice.model_dump())
    assert read.voice.chunk_plan is not None
    assert read.voice.chunk_plan.format_plan is not None
    assert read.voice.chunk_plan.format_plan.enabled is False
    assert read.start_speaking_plan is not None
    assert read.stop_speaking_plan is not None
    assert read.hooks is not None
    assert len(read.hooks) == 2


def test_the_secret_goes_to_both_doors_and_nowhere_else() -> None:
    with_secret = vapi_assistant(jamie(), ways_in(URL, "jamie", "s3cret"))
    without = vapi_assistant(jamie(), ways_in(URL, "jamie"))

    assert with_secret.pop("server")["headers"] == {"X-Vapi-Secret": "s3cret"}
    assert with_secret.pop("credentials") == [{"provider": "custom-llm", "apiKey": "s3cret"}]
    assert "s3cret" not in str(with_secret)
    assert "credentials" not in without
    assert "headers" not in without["server"]


def test_a_key_in_the_path_stands_in_both_urls() -> None:
    ways = ways_in(f"{URL}/", "jamie", path_key="k/1")

    assert ways.model_url == f"{URL}/vapi/k%2F1"
    assert ways.server_url == f"{URL}/vapi/k%2F1/webhook?agent=jamie"


def test_tools_are_declared_under_the_names_that_the_model_is_told() -> None:
    agent = jamie(tools=("ticket", "transfer", "end_call"))

    found = vapi_assistant(agent, ways_in(URL, "jamie"), actions=actions_of(agent))

    tools = found["model"]["tools"]
    assert [(tool["type"], tool["function"]["name"]) for tool in tools] == [
        ("endCall", "end_call"),
        ("transferCall", "transfer"),
    ]
    assert tools[1]["destinations"] == []  # so that Vapi asks the webhook


def test_the_answer_to_an_assistant_request_names_no_server() -> None:
    assert "server" not in vapi_assistant(jamie(), WaysIn(f"{URL}/vapi"))


def test_what_vapi_would_refuse_is_kept_in_bounds() -> None:
    found = vapi_assistant(jamie(name="x" * 60, max_tokens=20), ways_in(URL, "x"), voice="cartesia/a-b-c")

    assert len(found["name"]) == MAX_NAME_CHARS
    assert found["model"]["maxTokens"] == 50
    assert (found["voice"]["provider"], found["voice"]["voiceId"]) == ("cartesia", "a-b-c")


@pytest.mark.parametrize(("language", "hooks"), [("en-GB", 1), ("de", 0)])
def test_a_question_in_english_is_asked_of_english_callers_only(language: str, hooks: int) -> None:
    found = vapi_assistant(jamie(language=language), ways_in(URL, "jamie"))

    assert len(found["hooks"]) == hooks
    assert found["transcriber"]["language"] == language
