"""What a setting of a Vapi assistant costs its callers: the rules of `offhook vapi lint`, as data.

A rule looks at one place. Its cost is in milliseconds of every turn, in money, or in silence: what a
caller notices, what the bill shows, what ends a call.

Source: Vapi's schema (vapi_server_sdk 1.9), docs.vapi.ai and VapiAI/gitops (2026-06); what was measured
by others says so.
"""

from __future__ import annotations

from voice.cli.vapi.reach import REACH
from voice.cli.vapi.rule import Rule
from voice.cli.vapi.shape import SHAPE
from voice.cli.vapi.wrong import (
    HOOKS,
    above,
    below,
    does_the_same,
    equals,
    has_bad_name,
    has_long_description,
    has_no_net,
    has_no_smart_plan,
    has_smart_plan,
    holds,
    is_deaf,
    is_everyday,
    is_flux,
    is_no_number,
    is_not_english,
    is_number,
    is_undialable,
    is_unknown_hook,
    lacks,
    shares_name,
    talks_over,
    waits_for_no_one,
)

WAIT_S, ON_NO_PUNCTUATION_S, ON_PUNCTUATION_S, BACKOFF_S = 0.4, 0.8, 0.1, 1.0  # what is compared with
MIN_CHARACTERS, SCRAP_CHARACTERS = 30, 10
NUMBERS = (
    "model.timeoutSeconds",
    "model.maxTokens",
    "model.temperature",
    "server.timeoutSeconds",
    "server.backoffPlan.maxRetries",
    "voice.inputMinCharacters|voice.chunkPlan.minCharacters",
    "startSpeakingPlan.waitSeconds",
    "startSpeakingPlan.transcriptionEndpointingPlan.onPunctuationSeconds",
    "startSpeakingPlan.transcriptionEndpointingPlan.onNoPunctuationSeconds",
    "startSpeakingPlan.transcriptionEndpointingPlan.onNumberSeconds",
    "transcriber.endpointing",
    "stopSpeakingPlan.numWords",
    "stopSpeakingPlan.voiceSeconds",
    "stopSpeakingPlan.backoffSeconds",
    "silenceTimeoutSeconds",
    "maxDurationSeconds",
)

RULES: tuple[Rule, ...] = (
    *(
        Rule(
            path, is_no_number, "harmful", "silence",
            "Vapi refuses the assistant: this is no number, and text in quotes is none", "a number",
        )
        for path in NUMBERS
    ),
    *SHAPE,
    *REACH,
    Rule("name", lambda value, _: len(str(value)) > 40, "harmful", "silence", "Vapi refuses it",
         "40 characters at most", default=""),
    # What is heard
    Rule(
        "firstMessage", waits_for_no_one, "harmful", "silence",
        "the caller hears nothing when the call begins", "a greeting, or another firstMessageMode",
    ),
    Rule(
        "firstMessageMode", equals("assistant-speaks-first-with-model-generated-message"), "costly", "ms",
        "the greeting is a turn of the model: about {ms} ms of silence, more on a cold worker",
        '"assistant-speaks-first" with a firstMessage', ms=lambda _: 1000.0,
    ),
    Rule(
        "firstMessageMode", equals("assistant-waits-for-user"), "note", "silence",
        "who rings in hears nothing until they speak; right for calls that we place", "…",
    ),
    Rule(
        "voice.chunkPlan.enabled", equals(False), "harmful", "ms",
        "nothing is spoken before the whole reply is there, and <flush /> is read aloud", "true",
        default=True, ms=lambda _: 3000.0,
    ),
    Rule(
        "voice.inputMinCharacters|voice.chunkPlan.minCharacters", above(MIN_CHARACTERS), "harmful", "ms",
        "a short sentence waits until {value} characters are there: up to 5.7 s were measured", "30 or less",
        default=30, ms=lambda chars: 20.0 * (chars - MIN_CHARACTERS),
    ),
    Rule(
        "voice.inputMinCharacters|voice.chunkPlan.minCharacters", below(SCRAP_CHARACTERS), "costly",
        "silence",
        "the voice begins a new piece at every comma once {value} characters are there: words come in scraps "
        "with pauses between them", "10 to 30", default=30,
    ),
    Rule(
        "voice.chunkPlan.formatPlan.enabled", lambda value, _: value is not False, "costly", "silence",
        "Vapi rewrites what is in words already: 14:00 loses its minutes, codes are spelled once right and "
        "then wrong", "false", default=True,
    ),
    Rule(
        "modelOutputInMessagesEnabled", equals(True), "costly", "silence",
        "the history holds what was sent and not what was heard: after an interruption the agent believes "
        "that everything was said", "false", default=False,
    ),
    Rule(
        "backgroundSound", lambda value, _: value not in ("off", False), "note", "silence",
        "callers hear an office behind the agent, also where there is none", '"off"', default="office",
    ),
    # When it is heard
    Rule(
        "startSpeakingPlan.waitSeconds", above(1.0), "harmful", "ms",
        "every answer is held back for {ms} ms more than by default", "0.4", default=WAIT_S,
        ms=lambda wait: 1000 * (wait - WAIT_S),
    ),
    Rule(
        "startSpeakingPlan.waitSeconds",
        lambda value, _: is_number(value) and WAIT_S + 0.1 < value <= 1.0, "costly", "ms",
        "every answer is held back for {ms} ms more than by default", "0.4", default=WAIT_S,
        ms=lambda wait: 1000 * (wait - WAIT_S),
    ),
    Rule(
        "startSpeakingPlan.transcriptionEndpointingPlan.onNoPunctuationSeconds",
        has_no_smart_plan(above(ON_NO_PUNCTUATION_S + 0.2)), "costly", "ms",
        "a caller whose words end without a full stop waits {ms} ms longer than they must (default: 1.5 s)",
        "0.8", default=1.5, ms=lambda wait: 1000 * (wait - ON_NO_PUNCTUATION_S),
    ),
    Rule(
        "startSpeakingPlan.transcriptionEndpointingPlan.onPunctuationSeconds",
        has_no_smart_plan(above(0.3)), "costly", "ms",
        "every finished sentence waits {ms} ms longer than by default", "0.1", default=0.1,
        ms=lambda wait: 1000 * (wait - ON_PUNCTUATION_S),
    ),
    Rule(
        "startSpeakingPlan.transcriptionEndpointingPlan", has_smart_plan, "note", "ms",
        "smartEndpointingPlan stands above it and decides alone: whatever is written here shortens no wait",
        "one of the two plans",
    ),
    Rule(
        "startSpeakingPlan.smartEndpointingPlan", is_flux, "costly", "ms",
        "it switches off the end of turn that Deepgram Flux finds itself, and which is quicker", "nothing",
    ),
    Rule(
        "startSpeakingPlan.smartEndpointingPlan.provider", is_not_english, "costly", "silence",
        "LiveKit's model knows English only: others are cut off or waited for", '"vapi"',
    ),
    Rule(
        "transcriber.endpointing", above(500), "costly", "ms",
        "the transcript itself comes {ms} ms late", "10 to 300", ms=lambda wait: wait - 300,
    ),
    Rule(
        "stopSpeakingPlan.numWords", above(0), "costly", "ms",
        "the agent talks on until {value} words are written down: {ms} ms of both talking", "0", default=0,
        ms=lambda _: 650.0,  # 500 to 800 were reported
    ),
    Rule(
        "stopSpeakingPlan.voiceSeconds", above(0.5), "harmful", "silence", "Vapi refuses more than 0.5",
        "0.2 to 0.4", default=0.2,
    ),
    Rule(
        "stopSpeakingPlan.backoffSeconds", above(BACKOFF_S + 0.2), "costly", "ms",
        "after each interruption the agent is silent for {ms} ms more than by default", "0.8 to 1",
        default=BACKOFF_S, ms=lambda wait: 1000 * (wait - BACKOFF_S),
    ),
    # How a call ends
    Rule(
        "silenceTimeoutSeconds", below(15), "harmful", "silence",
        "who looks something up for {value} s is hung up on", "30", default=30,
    ),
    Rule(
        "silenceTimeoutSeconds", above(120), "costly", "money",
        "a line that nobody hung up is paid for {value} s longer", "30", default=30,
    ),
    Rule(
        "maxDurationSeconds", below(300), "harmful", "silence",
        "every call is cut after {value} s, in the middle of a sentence", "1800", default=600,
    ),
    Rule(
        "endCallPhrases[]", is_everyday, "harmful", "silence",
        "the call ends as soon as the agent says {value!r} in whatever sentence", "a whole farewell, or none",
    ),
    Rule(
        "serverMessages", holds("phone-call-control"), "harmful", "silence",
        "Vapi leaves hanging up and transferring to the server", "the list without it",
    ),
    Rule(
        "serverMessages", lacks("end-of-call-report"), "costly", "money",
        "no report: neither costs nor latencies nor the reason of the end are known", "end-of-call-report",
    ),
    Rule(
        "serverMessages", lacks("speech-update"), "note", "silence",
        "operators' words cannot wait until the caller has finished", "speech-update",
    ),
    Rule(
        "serverMessages", holds("conversation-update"), "costly", "money",
        "the whole conversation is sent twice a turn, and read by nobody", "the list without it",
        default=["conversation-update"],
    ),
    Rule(
        "serverMessages", holds("model-output"), "costly", "money",
        "one request for each word of the model", "the list without it",
    ),
    Rule(
        "hooks", has_no_net, "note", "silence",
        "a broken pipeline just ends the call", "a call.ending hook that transfers it (--rescue +1…)",
    ),
    Rule(
        "hooks[]", is_unknown_hook, "costly", "silence", "Vapi drops this hook without a word",
        f"one of {', '.join(HOOKS)}",
    ),
    # Tools
    Rule(
        "model.tools[]", is_deaf, "harmful", "silence",
        "nobody runs this tool: the model reads `No result returned.`", "a server URL",
    ),
    Rule(
        "model.tools[]", has_bad_name, "harmful", "silence", "Vapi refuses the name",
        "letters, digits, _ and - only",
    ),
    Rule(
        "model.tools[]", shares_name, "harmful", "silence",
        "another tool has the same name: nobody can tell which one the model asks for", "a name of its own",
    ),
    Rule(
        "model.tools[]", does_the_same, "costly", "silence",
        "another tool does the same: the model takes either, and this server knows one", "one of the two",
    ),
    Rule(
        "model.tools[]", has_long_description, "costly", "silence",
        "beyond 1000 characters a description makes the model worse without a word", "a shorter one",
    ),
    Rule(
        "model.tools[]", talks_over, "costly", "silence",
        "Vapi says a sentence of its own on top of the agent's", '"messages": [{"type": "request-start", '
        '"content": ""}]',
    ),
    Rule(
        "model.tools[].destinations[]", is_undialable, "harmful", "silence",
        "a transfer that cannot be dialled ends the call", "+ and digits only, as +14155550100",
    ),
    # The bill
    Rule(
        "analysisPlan.summaryPlan.enabled", lambda value, _: value is not False, "note", "money",
        "a model writes a summary of every call, and the report comes up to 5 s later", "false", default=True,
    ),
    Rule(
        "analysisPlan.successEvaluationPlan.enabled", lambda value, _: value is not False, "note", "money",
        "a model grades every call, and the report comes up to 5 s later", "false", default=True,
    ),
    Rule(
        "maxDurationSeconds", above(7200), "note", "money", "a call left open is paid for {value} s",
        "1800", default=600,
    ),
)  # fmt: skip
