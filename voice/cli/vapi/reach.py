"""Whether Vapi reaches us, and may: the linter's rules for URLs, secrets and what a request brings along.

Source: Vapi's schema (vapi_server_sdk 1.9), docs.vapi.ai and VapiAI/gitops (2026-06).
"""

from __future__ import annotations

from voice.cli.vapi.rule import Rule
from voice.cli.vapi.wrong import (
    above,
    asks_us,
    below,
    equals,
    is_empty,
    is_no_url,
    is_number,
    is_private,
    matches,
    shows_model_alone,
    shows_nothing,
    shows_server_alone,
    shows_two_secrets,
)

OF_MODEL, OF_SERVER = r"/chat/completions/?(?:[?#]|$)", r"/webhook/?(?:[?#]|$)"  # how their URLs end
DOOR_ALONE = r"(?<!/vapi)/vapi/?(?:[?#]|$)"
DOUBLED = r"/vapi/vapi(?:[/?#]|$)"

REACH: tuple[Rule, ...] = (
    Rule(
        "model.provider", lambda value, _: value != "custom-llm", "harmful", "silence",
        "another model writes the words; this server is not asked", '"custom-llm"',
    ),
    Rule(
        "model.url", lambda value, whole: not value and asks_us(whole), "harmful", "silence",
        "there is nobody to ask", "https://YOUR-HOST/vapi",
    ),
    Rule(
        "model.url", is_no_url, "harmful", "silence", "Vapi can call no such place", "https://YOUR-HOST/vapi",
    ),
    Rule(
        "model.url", matches(OF_MODEL), "harmful", "silence",
        "Vapi appends /chat/completions itself: the path is doubled, most servers answer 404 and the caller "
        "hears nothing (this one serves it)", "the URL without /chat/completions",
    ),
    Rule(
        "model.url", matches(r"\?"), "harmful", "silence",
        "Vapi appends /chat/completions behind the query: the path is wrong and the key in it spoilt",
        "a key in the path or as a credential",
    ),
    Rule(
        "model.url", matches(r"^http://"), "harmful", "silence",
        "callers' words and the key go over the network in the clear, and Vapi may refuse it", "https://…",
    ),
    Rule("model.url", is_private, "harmful", "silence", "Vapi cannot reach this machine", "a public URL"),
    Rule(
        "model.url", matches(OF_SERVER), "harmful", "silence",
        "this is the server's URL, as if both were swapped: most servers have nothing to say at it", "…/vapi",
    ),
    Rule(
        "model.url", matches(DOUBLED), "harmful", "silence",
        "/vapi stands twice: nothing but this server's kindness answers there", "https://YOUR-HOST/vapi",
    ),
    Rule(
        "model.metadataSendMode", equals("off"), "harmful", "silence",
        "no call id and no caller's number come along: each turn is a call of its own and the agent forgets "
        "what was said", '"variable"', default="variable",
    ),
    Rule(
        "model.timeoutSeconds", below(5), "harmful", "silence",
        "the call ends when the first token takes {value} s; a cold worker takes longer", "20", default=20,
    ),
    Rule(
        "model.maxTokens", lambda value, _: is_number(value) and not 50 <= value <= 10_000, "harmful",
        "silence", "Vapi refuses the assistant", "a number from 50 to 10000", default=250,
    ),
    Rule(
        "model.fallbackModels", lambda value, _: bool(value), "note", "silence",
        "a custom LLM has none: it is ignored", "nothing; fall back behind this server",
    ),
    Rule(
        "server.url|serverUrl", is_empty, "harmful", "silence",
        "no event is sent and no error shown: tools give no result, no report comes, a ring wakes nobody",
        "https://YOUR-HOST/vapi/webhook",
    ),
    Rule("server.url|serverUrl", is_private, "harmful", "silence", "Vapi cannot reach it", "a public URL"),
    Rule(
        "server.url|serverUrl", is_no_url, "harmful", "silence", "Vapi can call no such place",
        "https://YOUR-HOST/vapi/webhook",
    ),
    Rule(
        "server.url|serverUrl", matches(r"^http://"), "harmful", "silence",
        "what callers say and the secret go over the network in the clear, and Vapi may refuse it",
        "https://…",
    ),
    Rule(
        "server.url|serverUrl", matches(OF_MODEL), "harmful", "silence",
        "this is the model's URL, as if both were swapped: most servers have nothing to say to an event",
        "…/vapi/webhook",
    ),
    Rule(
        "server.url|serverUrl", matches(DOOR_ALONE), "harmful", "silence",
        "this is the model's URL, half of a swap: no tool is run, no report comes", "…/vapi/webhook",
    ),
    Rule(
        "server.url|serverUrl", matches(DOUBLED), "harmful", "silence",
        "/vapi stands twice: no event arrives", "https://YOUR-HOST/vapi/webhook",
    ),
    Rule(
        "credentials", shows_nothing, "harmful", "silence",
        "no secret stands anywhere: a guarded server refuses every request and the call ends at once, an "
        "open one answers anybody; a credential of the whole organisation is not seen from here",
        "what `offhook vapi assistant AGENT --with-secret` writes",
    ),
    Rule(
        "credentials", shows_server_alone, "costly", "silence",
        "the model is shown no secret: where its door is guarded, the call ends at the first turn, unless a "
        "credential of the whole organisation is shown there",
        '[{"provider": "custom-llm", "apiKey": "…"}]',
    ),
    Rule(
        "server.headers", shows_model_alone, "costly", "silence",
        "the model is shown a secret and the server none: where the webhook is guarded, too, tools give no "
        "result and no report comes", '{"X-Vapi-Secret": "…"}',
    ),
    Rule(
        "credentials", shows_two_secrets, "harmful", "silence",
        "the model is shown another secret than the server, as after half a rotation: one of the two is "
        "refused, unless this server takes both", "the same secret in both places",
    ),
    Rule(
        "server.timeoutSeconds", below(5), "costly", "silence",
        "a tool that takes {value} s gives no result", "20", default=20,
    ),
    Rule(
        "server.backoffPlan.maxRetries", above(0), "note", "money",
        "each event that fails comes {value} times more; a server must take repeats once (this one does)",
        "keep it only where all servers do", default=0,
    ),
)  # fmt: skip
