"""The whole turn, in order."""

from __future__ import annotations

import logging

from voice.call import Call
from voice.clock import Deadline, now
from voice.errors import NoRouteLeft
from voice.threads.wording import wording
from voice.turn.act import accepted_in, act
from voice.turn.ask import Asking
from voice.turn.parting import or_part, parted
from voice.turn.prompt import build_prompt
from voice.turn.speak import Speaker
from voice.types import Ending, Say, Turn, Utterance

log = logging.getLogger(__name__)

MAX_ASKS = 3  # the question, and twice with what tools answered; more would not fit a reply's time


async def take_turn(call: Call, turn: Turn, heard: Utterance, deadline: Deadline, say: Say) -> None:
    """Answer one utterance; the first chunk is out by `deadline.at`.

    When no route answers, the caller hears a fallback. Barge-in and hang-up cancel this;
    the turn then holds what had been said.
    """
    call.purse.earn()
    speaker = Speaker(call, turn, deadline, say, heard.language)
    if not (call.has_parted and await parted(call, turn, heard, speaker.say_line)):
        await _answer(call, turn, heard, deadline, speaker)
    turn.ending = turn.ending or Ending.ANSWERED
    call.fallbacks_said = 0 if turn.ending is Ending.ANSWERED else call.fallbacks_said
    turn.timing.total_ms = deadline.since_ms(now())


async def _answer(call: Call, turn: Turn, heard: Utterance, deadline: Deadline, speaker: Speaker) -> None:
    """Ask the model, do what it asks for, and tell it what came of that."""
    prompt = build_prompt(call, heard)
    turn.timing.asked_ms = deadline.since_ms(now())
    try:
        for _ in range(MAX_ASKS):
            told = len(wording(turn))
            with Asking(call, turn, prompt, deadline, speaker.must_speak_at()) as asking:
                finish = await speaker.reply(asking)
            if call.tool_answers:
                accepted_in(call, turn)  # what tools have answered it has now read
            said = wording(turn)[told:].strip()
            finish = or_part(call, turn, heard, finish, said)
            if not finish.tool_calls:
                break
            following = await speaker.wait_for(act(call, turn, prompt, finish, said, deadline))
            if following is None:
                await speaker.last_words(said)
                break
            prompt = following
        else:
            raise NoRouteLeft([])  # the model asked for tools to the end and told the caller nothing
    except (NoRouteLeft, TimeoutError) as exc:
        log.warning("turn.unanswered", extra={"error": type(exc).__name__, "position": turn.position})
        await speaker.fall_back()
