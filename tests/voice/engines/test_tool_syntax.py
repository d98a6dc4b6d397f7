"""What models write when they want something done: calls for the turn, and never a word for the caller."""

from __future__ import annotations

import json

import pytest

from voice.engines.reply_text import Reply
from voice.engines.tool_syntax import ToolSyntax

TOOLS = {
    "ticket": {"properties": {"unit": {"type": "string"}, "days": {"type": "integer"}}},
    "end_call": {},
}
TICKET = ("ticket", {"unit": "12"})
END_CALL = ("end_call", {})

# what a model writes; what is said of it; what it wants done
WRITTEN = {
    "Hermes": ('<tool_call>\n{"name": "ticket", "arguments": {"unit": "12"}}\n</tool_call>', "", [TICKET]),
    "Hermes, behind words": (
        'One moment. <tool_call>{"name": "ticket", "arguments": {"unit": "12"}}</tool_call>',
        "One moment. ",
        [TICKET],
    ),
    "Hermes, two with words behind them": (
        '<tool_call>{"name": "ticket", "arguments": {"unit": "12"}}</tool_call>\n'
        '<tool_call>{"name": "end_call", "arguments": {}}</tool_call>\nGoodbye.',
        "Goodbye.",
        [TICKET, END_CALL],
    ),
    "Qwen Coder": (
        "<tool_call>\n<function=ticket>\n<parameter=unit>\n12\n</parameter>\n<parameter=days>\n3\n</parameter>\n"
        "</function>\n</tool_call>",
        "",
        [("ticket", {"unit": "12", "days": 3})],
    ),
    "Llama 3.1": ('{"name": "ticket", "parameters": {"unit": "12"}}', "", [TICKET]),
    "Llama 3.1, two": (
        '{"name": "ticket", "parameters": {"unit": "12"}}; {"name": "end_call", "parameters": {}}',
        "",
        [TICKET, END_CALL],
    ),
    "Llama 3.1, its mark": ('<|python_tag|>{"name": "ticket", "parameters": {"unit": "12"}}', "", [TICKET]),
    "Llama 3.1, code": ('<|python_tag|>ticket.call(unit="12")', "", [TICKET]),
    "Llama 3.1, a tag": ('<function=ticket>{"unit": "12"}</function>', "", [TICKET]),
    "Llama 3.2": ('[ticket(unit="12"), end_call()]', "", [TICKET, END_CALL]),
    "Mistral": (
        '[TOOL_CALLS] [{"name": "ticket", "arguments": {"unit": "12"}}, '
        '{"name": "end_call", "arguments": {}}]',
        "",
        [TICKET, END_CALL],
    ),
    "Mistral, newer": ('[TOOL_CALLS]ticket[CALL_ID]abc123456[ARGS]{"unit": "12"}', "", [TICKET]),
    "Mistral, newest": ('[TOOL_CALLS]ticket{"unit": "12"}[TOOL_CALLS]end_call{}', "", [TICKET, END_CALL]),
    "Phi, Granite": (
        '<|tool_call|>[{"name": "ticket", "arguments": {"unit": "12"}}]<|/tool_call|>',
        "",
        [TICKET],
    ),
    "OpenAI's own": (
        '{"type": "function", "function": {"name": "ticket", "arguments": "{\\"unit\\": \\"12\\"}"}}',
        "",
        [TICKET],
    ),
    "in a code block": (
        'I see.\n```json\n{"name": "ticket", "arguments": {"unit": "12"}}\n```\nDone.',
        "I see.\nDone.",
        [TICKET],
    ),
    "as Python writes it": ("{'name': 'ticket', 'parameters': {'unit': '12'}}", "", [TICKET]),
    "a tool that was not offered": ('{"name": "sing", "parameters": {}}', "", [("sing", {})]),
    "cut off": ('Well. <tool_call>\n{"name": "tick', "Well. ", []),
    "cut off, bare": ('{"name": "ticket", "parameters": {"un', "", []),
    "an end without a beginning": ("</tool_call>Good morning.", "Good morning.", []),
    "an answer in JSON": ('{"colour": "red"}', '{"colour": "red"}', []),
    "words that look a little like it": (
        "[laughs] It is < 5, {see} [1] and `that`.",
        "[laughs] It is < 5, {see} [1] and `that`.",
        [],
    ),
    "words that end like a beginning": ("It is [", "It is [", []),
}


def read(written: str, size: int, tools: dict[str, dict] = TOOLS) -> tuple[str, list[tuple[str, object]]]:
    """What is said and what is wanted, where the text comes in pieces of `size`."""
    syntax = ToolSyntax(tools)
    pieces = [written[at : at + size] for at in range(0, len(written), size)]
    said = "".join([*map(syntax.add, pieces), syntax.end()])
    return said, [(call.name, json.loads(call.arguments)) for call in syntax.calls]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
@pytest.mark.parametrize("form", WRITTEN)
def test_a_call_is_read_and_never_said_however_its_text_is_cut(form: str, size: int):
    written, said, wanted = WRITTEN[form]

    assert read(written, size) == (said, wanted)


def test_words_before_a_call_do_not_wait_for_it():
    syntax = ToolSyntax(TOOLS)

    assert syntax.add("One moment. <tool_") == "One moment. "


def test_calls_have_ids_of_their_own():
    syntax = ToolSyntax(TOOLS)
    syntax.add('<tool_call>{"name": "end_call"}</tool_call>' * 2)

    first, second = syntax.calls
    assert first.id != second.id


@pytest.mark.parametrize("size", [1, 10_000])
def test_without_tools_nothing_is_called_and_marks_are_no_words_all_the_same(size):
    written = 'Yes. <tool_call>{"name": "ticket", "arguments": {}}</tool_call>'

    assert read(written, size, {}) == ("Yes. ", [])


class Letters:
    """A tokenizer of characters that leaves its own mark out, as libraries do."""

    def decode(self, token: int) -> str:
        return "" if token == 1 else chr(token)


def test_a_mark_that_the_tokenizer_leaves_out_still_begins_a_call():
    marks = {1: "[TOOL_CALLS]"}
    reply = Reply(Letters(), frozenset({0}), (), 1000, ToolSyntax(TOOLS), marks)

    said = reply.add_all([1, *map(ord, '[{"name": "end_call", "arguments": {}}]'), 0])

    assert (said, reply.reason) == ("", "tool_calls")
    assert [call.name for call in reply.calls] == ["end_call"]


def test_a_stop_string_within_a_call_does_not_cut_it():
    reply = Reply(Letters(), frozenset({0}), ("\n",), 1000, ToolSyntax(TOOLS))

    said = reply.add_all([*map(ord, 'Yes. <tool_call>\n{"name": "end_call"}\n</tool_call>'), 0])

    assert (said, reply.reason) == ("Yes. ", "tool_calls")


def test_a_call_that_was_cut_off_by_the_most_tokens_is_told_as_such():
    reply = Reply(Letters(), frozenset({0}), (), 20, ToolSyntax(TOOLS))

    said = reply.add_all([*map(ord, 'Yes. <tool_call>{"name": "end_call"}</tool_call>'), 0])

    assert (said, reply.reason, reply.calls) == ("Yes. ", "length", ())
