"""What a RunPod job may look like, and how a wrong one is answered."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from voice.errors import BadJob
from voice.job import (
    MAX_CHARS,
    MAX_MESSAGES,
    MAX_SO_FAR_CHARS,
    Job,
    is_json,
    job_input,
    last_chunk,
    parse_job,
    worker_facts,
)
from voice.types import CallId, Finish, Message, Prompt, ToolCall, ToolSpec, Usage

USER = {"role": "user", "content": "My sink leaks."}
TOOL = {"type": "function", "function": {"name": "ticket", "description": "Opens one.", "parameters": {}}}


def nested(levels: int) -> dict[str, Any]:
    return {"of": nested(levels - 1)} if levels else {}


def a_prompt(**fields: Any) -> Prompt:
    return Prompt((Message("system", "You are Jamie."), Message("user", "My sink leaks.")), **fields)


@pytest.mark.parametrize(
    ("given", "messages"),
    [
        ({"messages": [USER]}, [Message("user", "My sink leaks.")]),
        ({"prompt": "My sink leaks."}, [Message("user", "My sink leaks.")]),
        ({"messages": [{"role": "developer", "content": "Be brief."}]}, [Message("system", "Be brief.")]),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "My "}, {"text": "sink."}]}]},
            [Message("user", "My sink.")],
        ),
        (
            {"messages": [{"role": "user", "content": "half an emoji \ud83d"}]},
            [Message("user", "half an emoji ?")],
        ),
        (
            {
                "messages": [
                    {
                        "role": "assistant",
                        "content": None,
                        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "ticket"}}],
                    },
                    {"role": "tool", "content": "done", "tool_call_id": "1"},
                ]
            },
            [
                Message("assistant", "", (ToolCall("1", "ticket"),)),
                Message("tool", "done", tool_call_id="1"),
            ],
        ),
    ],
)
def test_messages_are_read_in_every_accepted_shape(given, messages):
    assert list(parse_job(given).prompt.messages) == messages


def test_what_is_not_said_has_the_prompts_defaults():
    job = parse_job({"messages": [USER]})

    assert job == Job(Prompt((Message("user", "My sink leaks."),)), stream=True, openai=False, model=None)


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"max_tokens": 7}, "max_tokens", 7),
        ({"max_completion_tokens": 8}, "max_tokens", 8),
        ({"sampling_params": {"max_tokens": 9}}, "max_tokens", 9),
        ({"max_tokens": 7, "sampling_params": {"max_tokens": 9}}, "max_tokens", 7),
        ({"temperature": 0}, "temperature", 0.0),
        ({"sampling_params": {"temperature": 2.0}}, "temperature", 2.0),
        ({"stop": "\n"}, "stop", ("\n",)),
        ({"stop": ["a", "b"]}, "stop", ("a", "b")),
        ({"sampling_params": {"stop": ["c"]}}, "stop", ("c",)),
        ({"call_id": "CA1"}, "call_id", "CA1"),
        ({"so_far": "Which unit"}, "so_far", "Which unit"),
        ({"so_far": None}, "so_far", ""),
        ({"so_far": "half an emoji \ud83d"}, "so_far", "half an emoji ?"),
        ({"tools": [TOOL]}, "tools", (ToolSpec("ticket", "Opens one.", {}),)),
        ({"tools": [TOOL], "tool_choice": "none"}, "tools", ()),
        ({"top_p": 0.5, "unheard_of": [1]}, "max_tokens", 120),
    ],
)
def test_fields_of_the_prompt_are_read(given, field, value):
    assert getattr(parse_job({"messages": [USER], **given}).prompt, field) == value


def test_a_reply_may_be_gone_on_with_as_vllm_is_asked_for_it():
    begun = {"role": "assistant", "content": "Which unit"}

    job = parse_job({"messages": [USER, begun], "continue_final_message": True})

    assert job.prompt.so_far == "Which unit"
    assert [message.role for message in job.prompt.messages] == ["user"]


@pytest.mark.parametrize("given", [0, -1, 1.5, True, "1000", 600_001])
def test_a_limit_of_time_is_whole_milliseconds(given):
    with pytest.raises(BadJob, match="reply_ms"):
        parse_job({"messages": [USER], "reply_ms": given})


def test_a_limit_of_time_travels_with_the_job():
    assert parse_job(job_input(a_prompt(), reply_s=7.5)).reply_s == 7.5
    assert parse_job(job_input(a_prompt(), reply_s=0.0)).reply_s == 0.001
    assert parse_job(job_input(a_prompt())).reply_s is None


def test_an_openai_job_does_not_stream_unless_it_says_so():
    route = {"openai_route": "/v1/chat/completions"}

    silent = parse_job({**route, "openai_input": {"messages": [USER], "model": "jamie"}})
    streaming = parse_job({**route, "openai_input": {"messages": [USER], "stream": True}})

    assert (silent.openai, silent.stream, silent.model) == (True, False, "jamie")
    assert (streaming.openai, streaming.stream, streaming.model) == (True, True, None)


def test_openais_list_of_models_needs_no_body():
    assert parse_job({"openai_route": "/v1/models"}).asks == "models"


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (None, "input is missing"),
        ({}, "input is empty"),
        ([], "input must be an object"),
        ("hello", "input must be an object"),
        ({"messages": None}, "messages is missing"),
        ({"prompt": "  "}, "messages is missing"),
        ({"prompt": 7}, "messages is missing"),
        ({"messages": []}, "messages must"),
        ({"messages": "hello"}, "messages must"),
        ({"messages": ["hello"]}, "messages[0] must"),
        ({"messages": [{"role": "caller", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role"),
        ({"messages": [USER, {"role": "user"}]}, "messages[1].content"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"image": "x"}]}]}, "messages[0].content"),
        ({"messages": [{**USER, "tool_calls": 7}]}, "messages[0].tool_calls"),
        ({"messages": [{**USER, "tool_calls": [{"id": "1"}]}]}, "messages[0].tool_calls[0].function"),
        ({"messages": [{**USER, "tool_call_id": 7}]}, "messages[0].tool_call_id"),
        ({"messages": [USER] * (MAX_MESSAGES + 1)}, "messages has"),
        ({"messages": [{"role": "user", "content": "x" * (MAX_CHARS + 1)}]}, "messages has"),
        ({"messages": [USER], "max_tokens": 0}, "max_tokens"),
        ({"messages": [USER], "max_tokens": 4097}, "max_tokens"),
        ({"messages": [USER], "max_tokens": "12"}, "max_tokens"),
        ({"messages": [USER], "max_tokens": True}, "max_tokens"),
        ({"messages": [USER], "max_tokens": 1.5}, "max_tokens"),
        ({"messages": [USER], "temperature": -0.1}, "temperature"),
        ({"messages": [USER], "temperature": 2.1}, "temperature"),
        ({"messages": [USER], "temperature": math.nan}, "temperature"),
        ({"messages": [USER], "temperature": math.inf}, "temperature"),
        ({"messages": [USER], "temperature": False}, "temperature"),
        ({"messages": [USER], "stop": 7}, "stop"),
        ({"messages": [USER], "stop": [""]}, "stop"),
        ({"messages": [USER], "stop": ["x"] * 17}, "stop"),
        ({"messages": [USER], "stream": "yes"}, "stream"),
        ({"messages": [USER], "call_id": ""}, "call_id"),
        ({"messages": [USER], "model": 7}, "model"),
        ({"messages": [USER], "so_far": 7}, "so_far must be text"),
        ({"messages": [USER], "so_far": ["Which"]}, "so_far must be text"),
        ({"messages": [USER], "so_far": "x" * (MAX_SO_FAR_CHARS + 1)}, "so_far must be text"),
        ({"messages": [USER], "sampling_params": 7}, "sampling_params"),
        ({"messages": [USER], "tools": {}}, "tools"),
        ({"messages": [USER], "tools": [{"function": {}}]}, "tools[0].function.name"),
        (
            {"messages": [USER], "tools": [{"function": {"name": "ticket", "parameters": nested(500)}}]},
            "tools[0].function.parameters is nested deeper than 100 levels",
        ),
        ({"openai_route": 7}, "openai_route"),
        ({"openai_route": "/v1/embeddings", "openai_input": {}}, "openai_route"),
        ({"openai_route": "/v1/chat/completions"}, "openai_input"),
        ({"openai_route": "/v1/chat/completions", "openai_input": {"messages": [USER], "n": 2}}, "n must"),
    ],
)
def test_a_wrong_job_is_refused_with_one_sentence_that_names_the_field(given, names):
    with pytest.raises(BadJob) as refused:
        parse_job(given)

    sentence = str(refused.value)
    assert sentence.startswith(names)
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_what_one_side_writes_the_other_side_reads():
    prompt = a_prompt(
        max_tokens=60,
        temperature=0.7,
        tools=(ToolSpec("ticket", "Opens one.", {"type": "object"}),),
        stop=("\n\n",),
        call_id=CallId("CA1"),
    )

    sent = json.loads(json.dumps(job_input(prompt, stream=False, model="jamie")))

    assert parse_job(sent) == Job(prompt, stream=False, model="jamie")


def test_tool_traffic_survives_the_way_to_the_worker():
    prompt = Prompt(
        (
            Message("user", "My sink leaks."),
            Message("assistant", "", (ToolCall("1", "ticket", '{"what": "sink"}'),)),
            Message("tool", "opened", tool_call_id="1"),
        )
    )

    assert parse_job(job_input(prompt)).prompt == prompt


@pytest.mark.parametrize("so_far", ["Which unit ", "half an emoji \ud83d", "<|end|>"])
def test_a_reply_that_was_begun_reaches_our_worker_without_the_instruction_for_others(so_far):
    prompt = a_prompt(so_far=so_far)

    sent = json.loads(json.dumps(job_input(prompt)))
    read = parse_job(sent).prompt

    assert [one["role"] for one in sent["messages"]] == ["system", "user", "assistant", "user"]
    assert sent["messages"][2]["content"] == so_far
    assert "cut off" in sent["messages"][3]["content"]
    assert read.messages == prompt.messages
    assert read.so_far == so_far.encode("utf-8", "replace").decode()


def test_messages_of_others_stay_as_they_are_beside_a_reply_that_was_begun():
    said = [USER, {"role": "assistant", "content": "Which unit"}, {"role": "user", "content": "Four."}]

    assert len(parse_job({"messages": said, "so_far": "Which unit"}).prompt.messages) == 3


def test_a_job_always_says_how_long_the_reply_may_be():
    written = job_input(a_prompt())

    assert written["max_tokens"] == 120
    assert written["sampling_params"] == {"max_tokens": 120, "temperature": 0.3}


def test_the_last_chunk_tells_what_was_left_out_and_what_was_cut_off():
    facts = worker_facts(Finish(dropped_turns=4), {}, is_late=True)

    assert facts == {"timing": {}, "dropped_turns": 4, "stopped_at": "reply_ms"}


def test_the_last_chunk_tells_how_the_reply_ended():
    finish = Finish("length", Usage(30, 12))

    facts = worker_facts(finish, {"total_ms": 81.0}, is_late=False)
    assert last_chunk(finish, facts) == {
        "text": "",
        "finish_reason": "length",
        "usage": {"prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 42},
        "timing": {"total_ms": 81.0},
    }


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, math.nan, "half an emoji \ud83d", {"deep": [object()]}])
def test_what_the_sdk_could_not_deliver_is_found_before(value):
    assert not is_json(value)
    assert is_json({"text": "Grüße 👋", "n": [1, 2.5, None, True]})
