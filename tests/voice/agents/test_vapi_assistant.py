"""An agent as Vapi's assistant: read by Vapi's own library, and free of what the linter finds harmful."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter
from vapi.core.serialization import convert_and_respect_annotation_metadata
from vapi.types import (
    AzureSpeechTranscriberLanguage,
    CreateAssistantDto,
    CreateHandoffToolDto,
    CustomLlmModel,
    DeepgramTranscriberLanguage,
    VapiVoice,
)

from voice.agents.agent import Agent
from voice.agents.load import load_agents
from voice.agents.vapi_assistant import MAX_NAME_CHARS, WaysIn, actions_of, vapi_assistant, ways_in
from voice.agents.vapi_line import AZURE, DEEPGRAM, VapiTable
from voice.tools.all import TOOLS
from voice.types import Action, HandoffTarget

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


@pytest.mark.parametrize(
    ("language", "provider", "code"),
    [
        ("en-US", "deepgram", "en-US"),
        ("de-DE", "deepgram", "de"),
        ("de-ch", "deepgram", "de-CH"),
        ("fr-FR", "deepgram", "fr"),
        ("es-ES", "deepgram", "es"),
        ("es-MX", "deepgram", "es-419"),
        ("it-IT", "deepgram", "it"),
        ("nb-NO", "deepgram", "no"),
        ("multi", "deepgram", "multi"),
        ("ar-SA", "azure", "ar-SA"),
        ("he", "azure", "he-IL"),
    ],
)
def test_an_agent_of_any_language_gets_a_transcriber_that_vapi_lists_it_for(
    language: str, provider: str, code: str
) -> None:
    found = vapi_assistant(jamie(language=language), ways_in(URL, "jamie"))["transcriber"]

    assert (found["provider"], found["language"]) == (provider, code)
    literals = {"deepgram": DeepgramTranscriberLanguage, "azure": AzureSpeechTranscriberLanguage}
    assert code in get_args(get_args(literals[provider])[0])


def test_the_languages_are_those_of_vapis_own_library() -> None:
    assert get_args(get_args(DeepgramTranscriberLanguage)[0]) == DEEPGRAM
    assert get_args(get_args(AzureSpeechTranscriberLanguage)[0]) == AZURE


def test_a_language_that_nobody_transcribes_is_left_to_vapi() -> None:
    found = vapi_assistant(jamie(language="tlh"), ways_in(URL, "jamie"))

    assert "transcriber" not in found


def test_the_voice_of_the_agents_file_comes_before_the_settings() -> None:
    own = jamie(vapi=VapiTable("cartesia/abc"))

    voices = [vapi_assistant(one, ways_in(URL, "x"), voice="vapi/Paige")["voice"] for one in (own, jamie())]

    assert [(one["provider"], one["voiceId"]) for one in voices] == [("cartesia", "abc"), ("vapi", "Paige")]


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


def test_other_assistants_at_vapi_are_destinations_of_a_handoff_tool() -> None:
    targets = (
        HandoffTarget("sales", "assistant", "Sales", "new tenants"),
        HandoffTarget("night", "assistant_id", "03e11cfe", "nights"),
        HandoffTarget("billing", "agent", "sam", "bills"),
    )
    handing = jamie(tools=("handoff",), handoff=targets)

    found = vapi_assistant(handing, ways_in(URL, "jamie"))
    alone = vapi_assistant(jamie(tools=("handoff",), handoff=targets[2:]), ways_in(URL, "jamie"))

    as_vapi_reads(found)
    (tool,) = found["model"]["tools"]
    TypeAdapter(CreateHandoffToolDto).validate_python(
        convert_and_respect_annotation_metadata(
            object_=tool, annotation=CreateHandoffToolDto, direction="read"
        )
    )
    assert [(one.get("assistantName"), one.get("assistantId")) for one in tool["destinations"]] == [
        ("Sales", None),
        (None, "03e11cfe"),
    ]
    assert alone["model"]["tools"] == []
