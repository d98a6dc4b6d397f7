"""What the model will read: who it is, what was said and heard so far, and the caller's newest words."""

from __future__ import annotations

from voice.call import Call
from voice.threads.window import newest, without_orphans
from voice.types import Message, Prompt, Utterance

# In place of words, where the caller is to hear the agent's first. Not every chat template takes a chat
# without a user.
SPEAK_FIRST = "(The caller is on the line and has not spoken yet. Greet them in one short sentence.)"


def build_prompt(call: Call, heard: Utterance) -> Prompt:
    """The prompt of one turn. A request that named a route goes to it as it is."""
    agent = call.agent
    ours = (call.tools[name] for name in agent.tools if name in call.tools)
    specs = tuple(tool.spec for tool in ours if tool.action is None or tool.action in call.actions)
    specs += tuple(spec for spec in call.platform_tools if spec.name not in call.tools)
    if call.as_is is not None:
        return Prompt(
            tuple(without_orphans(call.as_is)),
            agent.max_tokens,
            agent.temperature,
            call.platform_tools,
            call_id=call.call_id,
        )
    system = Message("system", _system(call))
    so_far = newest(without_orphans(call.thread.messages()))
    words = Message("user", call.thread.newest_words(heard.text) or SPEAK_FIRST)
    told = call.thread.turns[-1].tools if call.thread.turns else ()
    return Prompt(
        (system, *so_far, words, *told), agent.max_tokens, agent.temperature, specs, call_id=call.call_id
    )


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
