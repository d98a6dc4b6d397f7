from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.speech.boundary import MAX_CHARS
from voice.speech.chunk import MOST_CHARS, Chunker
from voice.types import Chunk


def chunks(text: str, cut_every: int | None = None) -> list[Chunk]:
    chunker = Chunker()
    step = cut_every or max(1, len(text))
    said = [chunk for i in range(0, len(text), step) for chunk in chunker.feed(text[i : i + step])]
    return said + chunker.end()


def spoken(text: str) -> list[str]:
    return [chunk.text for chunk in chunks(text)]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("I can help. Which unit?", ["I can help.", "Which unit?"]),
        (
            "I'm sorry to hear that, let me see. Which unit?",
            ["I'm sorry to hear that,", "let me see.", "Which unit?"],
        ),
        ("Yes, it is. Good.", ["Yes, it is.", "Good."]),
        ("Vivo en la Av. Juárez 12. Gracias.", ["Vivo en la Av. Juárez 12.", "Gracias."]),
        ("Vive en EE. UU. y llama al Tel. 55 1234 5678.", ["Vive en EE. UU. y llama al Tel. 55 1234 5678."]),
        ("La Lic. Ana está en el Depto. 4. Pase.", ["La Lic. Ana está en el Depto. 4.", "Pase."]),
        ('I can do that: create_ticket(issue="leak"). Done.', ["I can do that:", "Done."]),
        ("{name}, your rent is due.", ["your rent is due."]),
        ("Dr. Lee comes at 4 p.m. today.", ["Dr. Lee comes at 4 p.m. today."]),
        ("It is on Lee Dr. We open at nine.", ["It is on Lee Dr.", "We open at nine."]),
        ("The answer is no. Sorry.", ["The answer is no.", "Sorry."]),
        ("It is No. 5. Come in.", ["It is No. 5.", "Come in."]),
        ("It is at Ste. A now. Come in.", ["It is at Ste. A now.", "Come in."]),
        ("It is 5 cu. ft. of space.", ["It is 5 cu. ft. of space."]),
        ("Rent incl. utilities is $9.", ["Rent incl. utilities", "is $9."]),
        ("Your conf. # 44 is here.", ["Your conf. # 44", "is here."]),
        ("Rent is due March 3, 2026, at noon.", ["Rent is due March 3, 2026,", "at noon."]),
        ("Call us at (512) 555-0134, any time.", ["Call us at (512) 555-0134,", "any time."]),
        ("Mail us, a.b@c.com. Thanks.", ["Mail us, a.b@c.com.", "Thanks."]),
        ("Well *sighs, deeply* yes, it is.", ["Well yes,", "it is."]),
        ("We are open (nine to five, daily) here, too.", ["We are open (nine to five, daily) here,", "too."]),
        ("Here is a\nwrapped line. And so.", ["Here is a wrapped line.", "And so."]),
        ("| Unit | Rent, per month |\n| 4B | $9 |\nYes.", ["Unit, Rent, per month.", "4B, $9.", "Yes."]),
        ("¿Qué unidad? Gracias. ", ["¿Qué unidad?", "Gracias."]),
        ("租金是多少？谢谢。", ["租金是多少？", "谢谢。"]),
        ("It is $3.50 a day. Fine.", ["It is $3.50 a day.", "Fine."]),
        ("**Rent** is due on the *first*. 🎉", ["Rent is due on the first."]),
        ("See [here. Now](https://x.example/a.b) for it.", ["See here. Now for it."]),
        ("See [our page](https://x.example/a.b?c=d) for it.", ["See our page for it."]),
        ("1. First thing\n2. Second thing", ["1, First thing.", "2, Second thing"]),
        ("# Repairs\n- sink\n- door\n", ["Repairs.", "sink.", "door."]),
        ("<think>The caller. Wants. A repair.</think>Which unit?", ["Which unit?"]),
        ("Sure. ```\nx = 1. \n``` Done.", ["Sure.", "Done."]),
        ("<think>never closed. And on.", []),
        ('{"name": "ticket", "arguments": {"issue": "leak. now"}}', []),
        ('[{"name": "ticket"}]', []),
        ('[ticket(issue="leak. now")]', []),
        ("Sure. <tool_call>{}</tool_call> Done.", ["Sure.", "Done."]),
        ("Sure.<|im_end|><|im_start|>user And then.", ["Sure."]),
        ("[Maple Court] is open. Come by.", ["Maple Court is open.", "Come by."]),
        ("…", []),
        ("", []),
    ],
)
def test_a_reply_is_cut_where_speech_may_pause(reply: str, said: list[str]) -> None:
    assert spoken(reply) == said


@pytest.mark.parametrize(
    ("reply", "leaves_at"),
    [
        ("I am sorry, let me see.", "I am sorry, "),
        ("I can send somebody. When?", "I can send somebody. "),
        ("It is due on 3/14, at the latest.", "It is due on 3/14, a"),
        ("Could you tell me which unit it is?", "Could you tell me which "),
        ("Our office is open until five, daily.", "Our office is open until "),
        ("The office is open Monday to Friday, all day.", "The office is open Monday to Friday, all "),
        ("My colleague Jennifer Martinez will call.", "My colleague Jennifer Martinez will "),
    ],
)
def test_the_first_chunk_leaves_with_the_character_that_decides_it(reply: str, leaves_at: str) -> None:
    chunker = Chunker()

    assert next(reply[: at + 1] for at in range(len(reply)) if chunker.feed(reply[at])) == leaves_at


def test_where_lines_of_text_are_said_one_by_one_no_clause_is_parted() -> None:
    reply = "Could you tell me which unit it is? Thanks. "

    assert [chunk.text for chunk in Chunker(joins=False).feed(reply)] == [
        "Could you tell me which unit it is?",
        "Thanks.",
    ]


def test_clauses_leave_until_a_platform_that_waits_for_characters_has_them() -> None:
    reply = "I am sorry, we can come, at ten or so, if that suits you, too. "

    assert [chunk.text for chunk in Chunker(holds_chars=30).feed(reply)] == [
        "I am sorry,",
        "we can come,",
        "at ten or so,",
        "if that suits you, too.",
    ]


def test_only_the_first_chunk_may_end_at_a_clause() -> None:
    said = spoken("I am sorry about that, truly. One, two, three, and so on. Good.")

    assert said == ["I am sorry about that,", "truly.", "One, two, three, and so on.", "Good."]


def test_a_sentence_without_an_end_is_cut_at_a_space() -> None:
    said = spoken("word " * 400)

    assert len(said) > 5
    assert all(len(chunk) <= MAX_CHARS for chunk in said)


PIECES = st.sampled_from(
    (
        "Rent is $1,250/mo", "due on 3/14", " at 2:30 pm", " Call (512) 555-0134", " a@b.com",
        ". ", ", ", "! ", ": ", "\n", "\n- ", "\n1. ", "**bold, text**", "*sighs*",
        "[our, page](https://x.example/a?b=c)", "Dr. ", "Lee", " St. ", "March 3, 2026", "Apt. 4B",
        "No. ", "5", " and ", "e.g. ", "p.m. ", "<b>", "</b>", "{1}",
        "<think>no, not this</think>", "```\ncode\n```", "~~old, x~~", "| a | b |\n", "…", "—",
        "–", " - ", "(", "[", "*", "🎉", "Sure, I can help. ", "U.S. ", "10%", "I. ", "word ",
        "https://a.example/b, ", "。", " which ", "`x`",
    )
)  # fmt: skip


@given(st.lists(PIECES, max_size=25).map("".join), st.integers(1, 9))
def test_no_piece_of_a_reply_is_cut_otherwise_however_it_comes(reply: str, cut_every: int) -> None:
    assert chunks(reply, cut_every) == chunks(reply)


@given(st.text(alphabet="ab .,!?*`<>/think[]()1\n🎉-", max_size=120), st.integers(1, 9))
def test_however_a_reply_is_cut_into_tokens_the_chunks_are_the_same(reply: str, cut_every: int) -> None:
    assert [chunk.text for chunk in chunks(reply, cut_every)] == spoken(reply)


@given(st.text(alphabet="ab .,!?1\n", max_size=120))
def test_the_raw_parts_of_the_chunks_join_to_the_reply(reply: str) -> None:
    parts = "".join(chunk.sent for chunk in chunks(reply))

    assert reply.startswith(parts)
    assert not any(letter.isalnum() for letter in reply[len(parts) :])


@given(st.text(max_size=300))
def test_no_text_makes_it_fail(reply: str) -> None:
    assert all(chunk.text for chunk in chunks(reply, 3))


def test_words_that_wait_for_the_end_of_their_sentence_can_be_had_before_it() -> None:
    chunker = Chunker()
    chunker.feed("I will ask our plumb")

    assert [chunk.text for chunk in chunker.flush()] == ["I will ask our"]
    assert [chunk.text for chunk in chunker.feed("er to come. ")] == ["plumber to come."]


@pytest.mark.parametrize(
    "written", ["Well", "<think>I will ask our plumber", '{"name": "ask our', "see [our page of "]
)
def test_what_is_no_speech_yet_is_not_flushed(written: str) -> None:
    chunker = Chunker()
    chunker.feed(written)

    assert chunker.flush() == []


def test_a_reply_of_nothing_but_marks_costs_no_more_the_longer_it_gets() -> None:
    chunker = Chunker()

    # Work that grew with what came before would take minutes here.
    assert [chunk for _ in range(30_000) for chunk in chunker.feed("\n* ")] == []
    assert chunker.end() == []


@pytest.mark.parametrize("sentence", ["Rent is due on the first. ", "word ", "- a\n", "🎉 "])
def test_a_reply_that_never_ends_is_said_for_ten_minutes(sentence: str) -> None:
    reply = sentence * (100_000 // len(sentence))

    said = chunks(reply)

    assert sum(len(chunk.sent) for chunk in said) < MOST_CHARS + MAX_CHARS
    assert chunks(reply, 4) == said


@pytest.mark.parametrize("cut_every", [1, 3, 50])
def test_a_chunk_without_marks_is_cut_at_the_same_space_however_it_comes(cut_every: int) -> None:
    reply = "two on 3/14 at 9 - 5 for $1,250 or so " * 30

    assert chunks(reply, cut_every) == chunks(reply)


@pytest.mark.parametrize("unit", ["St. ", "Dr. ", "&lt;", "1 - ", "{", "{x}", "\u2028", "0x12345678 ", "#1 "])
def test_a_hostile_reply_costs_at_most_as_much_as_ten_minutes_of_one(unit: str) -> None:
    chunks(unit * 100)

    def cost_s(chars: int) -> float:
        began = time.process_time()
        chunks((unit * chars)[:chars], 4)
        return time.process_time() - began

    short, long = (min(cost_s(chars) for _ in range(2)) for chars in (MOST_CHARS, 10 * MOST_CHARS))

    assert long < 8 * short + 0.1  # what comes behind is passed over


@pytest.mark.parametrize("reply", ["It is in Apt. L20931 now. Fine.", "It is Apt.\n2026\nor so. Fine."])
def test_the_number_of_a_flat_is_known_when_it_is_whole(reply: str) -> None:
    assert chunks(reply, 1) == chunks(reply)
