"""Whether an assistant has the shape that Vapi takes, and what its tools need: the linter's rules for both.

Source: CreateAssistantDto of vapi_server_sdk 1.9; docs.vapi.ai/server-url/events.
"""

from __future__ import annotations

from typing import Any

from voice.agents.vapi_line import AZURE, DEEPGRAM
from voice.cli.vapi.rule import Rule
from voice.cli.vapi.wrong import Assistant, Wrong, kind_of, table_in

# By kind: how it is called and written, and the settings of it.
SHAPES: tuple[tuple[type, str, str, tuple[str, ...]], ...] = (
    (
        dict,
        "a table", "{…}",
        (
            "model", "voice", "transcriber", "server", "startSpeakingPlan", "stopSpeakingPlan",
            "analysisPlan", "artifactPlan", "monitorPlan", "compliancePlan", "keypadInputPlan", "metadata",
            "voice.chunkPlan", "voice.chunkPlan.formatPlan", "server.headers", "server.backoffPlan",
            "model.headers",
            "startSpeakingPlan.smartEndpointingPlan", "startSpeakingPlan.transcriptionEndpointingPlan",
            "analysisPlan.summaryPlan", "analysisPlan.successEvaluationPlan", "hooks[]", "model.tools[]",
            "model.tools[].function", "model.tools[].server", "credentials[]",
        ),
    ),
    (
        list,
        "a list", "[…]",
        (
            "hooks", "serverMessages", "clientMessages", "endCallPhrases", "credentials", "credentialIds",
            "model.tools", "model.toolIds", "model.messages", "hooks[].do", "model.tools[].destinations",
            "model.tools[].messages",
        ),
    ),
    (
        str,
        "text", '"…"',
        (
            "name", "firstMessage", "firstMessageMode", "endCallMessage", "voicemailMessage",
            "model.provider", "model.url", "model.model", "model.metadataSendMode", "server.url", "serverUrl",
            "voice.provider", "transcriber.provider", "transcriber.model", "transcriber.language",
            "serverMessages[]", "endCallPhrases[]",
        ),
    ),
)  # fmt: skip


def is_no(kind: type) -> Wrong:
    """Whether something is written, and it is of another kind."""
    return lambda value, _: value is not None and not isinstance(value, kind)


def is_unlisted(provider: str, codes: tuple[str, ...]) -> Wrong:
    """Whether a transcriber is told a language that it does not list."""
    return lambda value, whole: (
        isinstance(value, str)
        and table_in(whole, "transcriber").get("provider") == provider
        and value not in codes
    )


def never_asks_where(value: Any, whole: Assistant) -> bool:
    """Whether a transfer has no destination of its own, and nobody is asked for one."""
    asks = any(kind_of(one) == "transferCall" and not one.get("destinations") for one in _tools(whole))
    return asks and isinstance(value, list) and "transfer-destination-request" not in value


def never_runs_tools(value: Any, whole: Assistant) -> bool:
    has_any = any(kind_of(one) == "function" for one in _tools(whole))
    return has_any and isinstance(value, list) and not {"tool-calls", "function-call"} & {*map(str, value)}


def _tools(whole: Assistant) -> list[Any]:
    listed = table_in(whole, "model").get("tools")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


SHAPE: tuple[Rule, ...] = (
    *(
        Rule(
            path, is_no(kind), "harmful", "silence",
            f"Vapi refuses the assistant: this is not {named}", write,
        )
        for kind, named, write, paths in SHAPES
        for path in paths
    ),
    Rule(
        "transcriber.language", is_unlisted("deepgram", DEEPGRAM), "harmful", "silence",
        "Vapi refuses the assistant: Deepgram lists no {value}", "the nearest code, as de for de-DE",
    ),
    Rule(
        "transcriber.language", is_unlisted("azure", AZURE), "harmful", "silence",
        "Vapi refuses the assistant: Azure lists no {value}", "language and country, as de-DE",
    ),
    Rule(
        "serverMessages", lambda value, _: value == [], "harmful", "silence",
        "nothing is told: no tool is run, no transfer finds its number, no report comes",
        "the list that `offhook vapi assistant` writes, or none for Vapi's own",
    ),
    Rule(
        "serverMessages", never_asks_where, "harmful", "silence",
        "the transfer tool has no destinations and nobody is asked for one: a transfer ends the call",
        "transfer-destination-request",
    ),
    Rule(
        "serverMessages", never_runs_tools, "harmful", "silence",
        "function tools are never run: the model reads `No result returned.`", "tool-calls",
    ),
)  # fmt: skip
