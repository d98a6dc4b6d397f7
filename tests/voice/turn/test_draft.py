"""What one route has written so far: which of it counts, what could be said, what stops it."""

from __future__ import annotations

import asyncio

import pytest

from tests.builders import a_deadline, a_prompt, a_route
from tests.conftest import VirtualTime
from voice.errors import ReplyBroken, ReplyLoops
from voice.models.scripted import ScriptedClient
from voice.routing.table import Price, Route
from voice.turn.draft import MAX_WROTE_CHARS, SLOW_WRITING, STALLED_S, Draft, begin
from voice.turn.written import SAID_AGAIN
from voice.types import Finish, Outcome, Prompt, Usage, Why


def a_draft(route: Route | None = None, so_far: str = "", max_tokens: int = 120) -> Draft:
    prompt = Prompt(a_prompt().messages, max_tokens=max_tokens, so_far=so_far)
    return begin(route or a_route(ScriptedClient("one")), Why.FIRST, prompt, a_deadline())


def ready(draft: Draft) -> list[str]:
    return [chunk.text for chunk in draft.ready]


@pytest.mark.parametrize(
    "piece", ["", " ", "\n\n", "…", "**", "<think>She is angry, so", "```python\nprint(1)", "<|im_end|>"]
)
async def test_what_cannot_be_said_is_no_sign_of_an_answer(virtual_time: VirtualTime, piece: str) -> None:
    draft = a_draft()

    assert not draft.hear(piece)
    assert draft.token_at is None
    assert not draft.is_usable


async def test_thinking_aloud_is_a_sign_of_writing_but_no_answer(virtual_time: VirtualTime) -> None:
    draft = a_draft()

    await asyncio.sleep(0.2)
    draft.hear("<think>She is angry.")
    await asyncio.sleep(0.3)
    draft.hear("</think>Which unit")
    await asyncio.sleep(0.1)
    draft.hear(" are you in? ")

    assert (draft.rung.token_ms, draft.rung.answer_ms, draft.rung.clause_ms) == (200, 500, 600)
    assert ready(draft) == ["Which unit are you in?"]


async def test_a_first_clause_can_be_said_before_its_sentence_ends(virtual_time: VirtualTime) -> None:
    draft = a_draft()

    assert not draft.hear("I am sorry to hear that,")
    assert draft.hear(" which")
    assert draft.is_usable
    assert ready(draft) == ["I am sorry to hear that,"]


async def test_who_wrote_a_moment_ago_counts_as_writing(virtual_time: VirtualTime) -> None:
    draft = a_draft(a_route(ScriptedClient("one"), usually_s=(1.0,)))
    assert draft.writes_until() == 0

    await asyncio.sleep(1.0)
    draft.hear("Which")
    assert draft.writes_until() == pytest.approx(1.0 + STALLED_S)

    draft.end(Finish())
    assert draft.writes_until() == 0


async def test_who_writes_a_word_now_and_then_is_not_waited_for(virtual_time: VirtualTime) -> None:
    draft = a_draft(a_route(ScriptedClient("one"), usually_s=(0.5,)))

    for _ in range(10):
        await asyncio.sleep(0.3)
        draft.hear("Which ")

    assert draft.writes_until() == pytest.approx(SLOW_WRITING * 0.5, rel=0.02)


async def test_a_stream_that_closes_in_mid_sentence_without_a_word_of_it_is_broken(
    virtual_time: VirtualTime,
) -> None:
    draft = a_draft()
    draft.hear("We will send a plumber. He will bring a")

    draft.end(Finish(is_told=False))

    assert isinstance(draft.written.verdict, ReplyBroken)
    assert ready(draft) == ["We will send a plumber."]


async def test_words_can_be_taken_out_of_an_open_sentence_when_time_is_up(virtual_time: VirtualTime) -> None:
    draft = a_draft()
    draft.hear("We will send a plum")

    assert draft.flush()
    assert ready(draft) == ["We will send a"]


async def test_a_sentence_cut_off_by_the_token_limit_is_left_out(virtual_time: VirtualTime) -> None:
    draft = a_draft()
    draft.hear("We will send a plumber. He will bring a")

    draft.end(Finish("length"))

    assert ready(draft) == ["We will send a plumber."]


async def test_a_sentence_cut_off_is_better_than_none(virtual_time: VirtualTime) -> None:
    draft = a_draft()
    draft.hear("We will send a")

    draft.end(Finish("length"))

    assert ready(draft) == ["We will send a"]


async def test_of_a_broken_stream_a_whole_sentence_is_kept(virtual_time: VirtualTime) -> None:
    draft = a_draft()
    draft.hear("We will send a plumber. Is noon fine?")

    draft.fail(ReplyBroken("reset"))

    assert ready(draft) == ["We will send a plumber.", "Is noon fine?"]
    assert draft.rung.error == "ReplyBroken"


async def test_of_a_broken_stream_half_a_sentence_is_not_kept(virtual_time: VirtualTime) -> None:
    draft = a_draft()
    draft.hear("We will send a plumber. Is noon")

    draft.fail(ReplyBroken("reset"))

    assert ready(draft) == ["We will send a plumber."]


async def test_a_circle_must_be_stopped(virtual_time: VirtualTime) -> None:
    draft = a_draft()

    for word in ("and the man " * 8).split():
        draft.hear(f"{word} ")

    assert draft.written.verdict is not None
    assert isinstance(draft.written.verdict, ReplyLoops)


async def test_a_sentence_is_not_made_ready_twice(virtual_time: VirtualTime) -> None:
    draft = a_draft()

    draft.hear("We will send a plumber. We will send a plumber. ")

    assert ready(draft) == ["We will send a plumber."]
    assert isinstance(draft.written.verdict, ReplyLoops)


async def test_a_reply_longer_than_was_asked_for_is_ended(
    virtual_time: VirtualTime,
) -> None:
    draft = a_draft(max_tokens=8)
    for number in range(12):
        draft.hear(f"Item {number}. ")

    assert draft.written.verdict == Finish("length")


async def test_behind_a_beginning_only_what_is_new_can_be_said(virtual_time: VirtualTime) -> None:
    draft = a_draft(so_far="I am sorry to hear that,")

    for piece in ("to ", "hear ", "that, ", "which unit", " is it? "):
        draft.hear(piece)

    assert ready(draft) == ["which unit is it?"]
    assert draft.rung.token_ms is not None


async def test_who_begins_anew_is_stopped(virtual_time: VirtualTime) -> None:
    draft = a_draft(so_far="I am sorry to hear that,")

    draft.hear("I am sorry for the trouble. ")

    assert isinstance(draft.written.verdict, ReplyBroken)
    assert not draft.is_usable


async def test_a_sentence_the_caller_has_heard_is_left_out(virtual_time: VirtualTime) -> None:
    draft = a_draft(so_far="We will send a plumber. He")

    draft.hear("comes today. We will send a plumber. Is noon fine? ")

    assert len(["We", "will", "send", "a", "plumber"]) >= SAID_AGAIN
    assert ready(draft) == ["comes today.", "Is noon fine?"]


async def test_a_continuation_without_anything_new_says_nothing(virtual_time: VirtualTime) -> None:
    draft = a_draft(so_far="I am sorry to hear that,")
    draft.hear("that,")

    draft.end(Finish())

    assert ready(draft) == []
    assert not draft.written.has_chunks


async def test_what_a_reply_took_is_learned_as_far_as_it_got(virtual_time: VirtualTime) -> None:
    route = a_route(ScriptedClient("one"))
    for _ in range(20):
        draft = a_draft(route)
        await asyncio.sleep(0.2)
        draft.hear("Which unit")
        await asyncio.sleep(0.4)
        draft.hear(" are you in? ")
        await asyncio.sleep(0.1)
        draft.end(Finish())
        draft.learn()

    learned = {stage: route.latency.quantile_s(stage, 0.5) for stage in ("token", "clause", "pause", "whole")}

    assert learned == {
        "token": pytest.approx(0.2, rel=0.02),
        "clause": pytest.approx(0.6, rel=0.02),
        "pause": pytest.approx(0.4, rel=0.02),
        "whole": pytest.approx(0.7, rel=0.02),
    }


async def test_a_refusal_teaches_nothing_of_a_routes_pace(virtual_time: VirtualTime) -> None:
    route = a_route(ScriptedClient("one"), usually_s=(0.2,))
    route.latency.known()
    draft = a_draft(route)

    await asyncio.sleep(3.0)
    draft.fail(ReplyBroken("refused"))
    draft.learn()

    assert not route.latency.has_news


async def test_the_record_holds_what_was_written_and_what_it_cost(virtual_time: VirtualTime) -> None:
    draft = a_draft(a_route(ScriptedClient("one"), price=Price(usd_per_hour=3.6, usd_per_1m_prompt=1.0)))
    draft.hear("Which unit?")
    draft.end(Finish("stop", Usage(1000, 3), queued_s=0.25, busy_s=2.0))

    draft.close(Outcome.WON)
    draft.close(Outcome.LOST, cancelled=True)  # too late: it is written down

    rung = draft.rung
    assert (rung.outcome, rung.was_cancelled, rung.wrote) == (Outcome.WON, False, "Which unit?")
    assert (rung.queued_ms, rung.usage) == (250, Usage(1000, 3))
    assert rung.cost_usd == pytest.approx(0.001 + 0.002)


async def test_a_reply_that_was_stopped_costs_what_it_can_be_thought_to_have_cost(
    virtual_time: VirtualTime,
) -> None:
    price = Price(usd_per_hour=3600.0, usd_per_1m_completion=1e6)
    draft = a_draft(a_route(ScriptedClient("one"), price=price))
    await asyncio.sleep(5.0)  # in the queue: that is not paid
    draft.hear("x" * 40)
    await asyncio.sleep(2.0)

    draft.close(Outcome.LOST, cancelled=True)

    assert draft.rung.cost_usd == pytest.approx(2.0 + 10.0)


async def test_of_an_endless_reply_a_part_is_kept(virtual_time: VirtualTime) -> None:
    draft = a_draft(max_tokens=1000)
    for number in range(3000):
        draft.hear(f"Item {number}. ")

    draft.close(Outcome.LOST)

    assert MAX_WROTE_CHARS - 10 <= len(draft.rung.wrote) <= MAX_WROTE_CHARS


async def test_a_circle_is_noticed_though_every_space_comes_alone(virtual_time: VirtualTime) -> None:
    draft = a_draft()

    for letter in "and the man " * 8:
        draft.hear(letter)

    assert isinstance(draft.written.verdict, ReplyLoops)


async def test_when_no_more_words_come_a_whole_sentence_is_ready_and_half_a_one_is_not(
    virtual_time: VirtualTime,
) -> None:
    whole, half = a_draft(), a_draft()
    whole.hear("Which unit?")
    half.hear("Which unit")

    assert whole.hear("")
    assert not half.hear("")
    assert ready(whole) == ["Which unit?"]
    assert ready(half) == []
