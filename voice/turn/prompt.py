"""What the model will read: who it is, what was said and heard so far, and the caller's newest words."""

from __future__ import annotations

from functools import lru_cache

from voice.call import Call
from voice.threads.window import newest, without_orphans
from voice.turn.offered import offered
from voice.types import Message, Prompt, Utterance

# In place of words, where the caller is to hear the agent's first. Not every chat template takes a chat
# without a user.
SPEAK_FIRST = "(The caller is on the line and has not spoken yet. Greet them in one short sentence.)"
MAX_ADDED_CHARS = 4_000  # of what operators tell it on one call; the newest counts
MAX_TOLD_CHARS = 1_000  # as much as an operator may write at once
GO_ON = "(The caller has said nothing since. Go on in one short sentence.)"
ANSWER_TO = "(The caller has said nothing since. You have just been told: {told} Say what follows for them.)"


def build_prompt(call: Call, heard: Utterance) -> Prompt:
    """The prompt of one turn. A request that named a route goes to it as it is."""
    agent = call.agent
    if call.as_is is not None:
        return Prompt(
            tuple(without_orphans(call.as_is)),
            agent.max_tokens,
            agent.temperature,
            call.platform_tools,
            call_id=call.call_id,
        )
    specs = [tool.spec for tool in offered(call).values()]
    specs += [spec for spec in call.platform_tools if spec.name not in call.tools]
    system = Message("system", _system(call))
    so_far = newest(without_orphans(call.thread.messages()))
    words = Message("user", _newest_words(call, heard))
    told = call.thread.turns[-1].tools if call.thread.turns else ()
    messages = (system, *so_far, words, *told)
    return Prompt(messages, agent.max_tokens, agent.temperature, tuple(specs), call_id=call.call_id)


def _newest_words(call: Call, heard: Utterance) -> str:
    """The caller's words, or what stands in their place."""
    if heard.text:
        return call.thread.newest_words(heard.text)
    if heard.told is None:
        return SPEAK_FIRST
    return ANSWER_TO.format(told=_as_sentence(heard.told[-MAX_TOLD_CHARS:])) if heard.told else GO_ON


def _as_sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _system(call: Call) -> str:
    """Who the model is, and what it was told since the call began: that is nobody's persona."""
    added = (call.added or "")[-MAX_ADDED_CHARS:]
    return f"{_persona(call)}\n\n{added}" if added else _persona(call)


def _persona(call: Call) -> str:
    """The persona, and the request's own system message after it, as the agent's file says."""
    theirs = (call.system or "").strip()
    match call.agent.system:
        case "both" if theirs:
            return _both(call.agent.persona, theirs)
        case "theirs" if theirs:
            return theirs
        case _:
            return call.agent.persona


@lru_cache(maxsize=256)  # the same on every turn, and for every call of one assistant: kept once for all
def _both(persona: str, theirs: str) -> str:
    return f"{persona}\n\n{theirs}"
