"""What the model will read: who it is, what was said and heard so far, and the caller's newest words."""

from __future__ import annotations

from voice.call import Call
from voice.threads.window import newest
from voice.types import Message, Prompt, Utterance


def build_prompt(call: Call, heard: Utterance) -> Prompt:
    """The prompt of one turn. A request that named a route goes to it as it is."""
    agent = call.agent
    specs = tuple(call.tools[name].spec for name in agent.tools if name in call.tools)
    if call.as_is is not None:
        return Prompt(call.as_is, agent.max_tokens, agent.temperature, call_id=call.call_id)
    system = Message("system", _system(call))
    so_far = newest(call.thread.messages())
    words = Message("user", heard.text)
    return Prompt((system, *so_far, words), agent.max_tokens, agent.temperature, specs, call_id=call.call_id)


def _system(call: Call) -> str:
    """The persona, and the request's own system message after it, as the agent's file says."""
    theirs = (call.system or "").strip()
    match call.agent.system:
        case "both" if theirs:
            return f"{call.agent.persona}\n\n{theirs}"
        case "theirs" if theirs:
            return theirs
        case _:
            return call.agent.persona
