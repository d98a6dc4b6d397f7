from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.speech.clean import clean


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Nothing to do here.", "Nothing to do here."),
        ('I can do that: create_ticket(issue="leak"). Done.', "I can do that. Done."),
        (", your rent is due.", "your rent is due."),
        ("[Name], your tour is at nine.", "your tour is at nine."),
        ("Hello! [Name], your tour is at nine.", "Hello! your tour is at nine."),
        ("Hello [Name], your tour is at nine.", "Hello, your tour is at nine."),
        ("Well... (laughs), so, etc., and on", "Well... so, etc., and on"),
        ("A\x1b[31mB\x1b[0m \x1b]0;title\x07done\x1b(B", "AB done"),
        ("# to repeat", "# to repeat"),
        ("1 to pay\n# to repeat", "1 to pay. # to repeat"),
        ("# To do\n- sink", "To do. sink"),
        ("## to do", "to do"),
        ("**Bold** and _slanted_ and `code`", "Bold and slanted and code"),
        ("snake_case stays", "snake_case stays"),
        ("## Heading", "Heading"),
        ("> quoted", "quoted"),
        ("- item", "item"),
        ("3) third", "3, third"),
        ("[label](https://a.example/b)", "label"),
        ("go to https://a.example/b now", "go to https://a.example/b now"),
        ("well done 👍🏽!", "well done!"),
        ("a<br/>b", "a b"),
        ("less < more", "less < more"),
        ("half a character \ufffd", "half a character"),
        ("bell\x07 and \u202ebidi", "bell and bidi"),
        ("a  b\n c", "a b c"),
        ("**bold *and slanted* words**", "bold and slanted words"),
        ("3 * 4, 2*(x+1) and 2**3", "3 * 4, 2*(x+1) and 2^3"),
        ("~~$900~~ $850, about ~5", "$850, about ~5"),
        ("![](a.png) [![badge](b.png)](https://x.example) here", "badge here"),
        ('[label](https://x.example "a title") and [other][1]\n\n[1]: https://y.example', "label and other."),
        ("<https://x.example> or <a@b.example>", "https://x.example or a@b.example"),
        ("see note[1] and[^2] 【3†source】that", "see note and that"),
        ("* Parking\n* Pool\n* Gym", "Parking. Pool. Gym"),
        ("- [ ] Sign\n- [x] Pay", "Sign. Pay"),
        ("1. **Call**: us\n2) mail us", "1, Call: us. 2, mail us"),
        ("- nine,\n- ten", "nine, ten"),
        ("# Hours\nNine to five", "Hours. Nine to five"),
        ("Title\n=====\nwords", "Title. words"),
        ("wrapped\nin two lines", "wrapped in two lines"),
        ("One line\nAnother", "One line. Another"),
        ("one\n\nafter a gap", "one. after a gap"),
        ("| Unit | Rent |\n|---|---|\n| 4B | $9 |\nCall us", "Unit, Rent. 4B, $9. Call us"),
        ("Unit | Rent\n--- | ---\n4B | $9", "Unit, Rent. 4B, $9"),
        ("> > nested", "nested"),
        ("<ul><li>a</li><li>b</li></ul>", "a. b."),
        ("<p>One</p><p>Two</p>", "One. Two."),
        ("<!-- not this -->said", "said"),
        ("<del>ten</del> <s>nine</s> five", "five"),
        ("So:\n```python\nx = 1\n```\ndone", "So: done"),
        ("Agent: Hello", "Hello"),
        ("**Assistant:** Hello", "Hello"),
        ("Time: nine", "Time: nine"),
        ("*sighs* Well, (laughs) yes [pause]", "Well, yes"),
        ("*He said* hello", "He said hello"),
        ("Pay by *checks* or (checks and cash)", "Pay by checks or (checks and cash)"),
        ("R&amp;D &#8217;s &unknown; &#0;", "R&D ’s &unknown;"),
        ("\\*as is\\* \\$5", "as is $5"),
        ("nice :-) <3 day", "nice day"),
        ("5️⃣ stars ⭐", "5 stars"),
        ("costs .5 miles , or so", "costs .5 miles, or so"),
        ("(The caller has said nothing since. Go on.) Hello", "Hello"),
        ("a => b", "a → b"),
        ("We ❤️ pets and I <3 dogs", "We love pets and I love dogs"),
        ("a 4.5★ rating, 5⭐ here", "a 4.5 star rating, 5 stars here"),
        (":smile: hi at 2:30, a:b", "hi at 2:30, a:b"),
        ("¯\\_(ツ)_/¯ sorry", "sorry"),
        ("→ Next step\n→ More", "Next step. More"),
        ("==highlight== and a == b", "highlight and a == b"),
        ("H~2~O, about ~5", "H2O, about ~5"),
        ("It is due [1][2] now [3].", "It is due now."),
        ("It\\u2019s \\boxed{42}", "It’s 42"),
        ("🎉🎉", ""),
        ("***", ""),
        ("---", ""),
    ],
)
def test_what_cannot_be_said_is_taken_out(written: str, said: str) -> None:
    assert clean(written) == said


def test_a_piece_in_the_middle_of_a_line_has_no_mark_of_a_list() -> None:
    assert clean("1. Then", begins_line=False) == "1. Then"
    assert clean("- five", begins_line=False) == "- five"


@pytest.mark.parametrize(
    "text",
    [
        "Sure, I can help with that. Would Tuesday at 9:30 be good for you, or rather $5?",
        "Got it. Would a two-bedroom do, or a one-bedroom?",
        "Le paso con la señora Núñez…",
    ],
)
def test_text_with_nothing_to_do_is_the_same_object(text: str) -> None:
    assert clean(text) is text


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It is due , then.", "It is due, then."),
        ("It is due,  then.", "It is due, then."),
        ("It is due, , then.", "It is due, then."),
    ],
)
def test_a_mark_or_a_space_too_many_among_plain_words_is_not_said(written: str, said: str) -> None:
    assert clean(written) == said


@given(st.text(alphabet="ab1.*_~`#>|-[]()<>&;:/\\\n \t", max_size=200))
def test_cleaning_leaves_no_mark_that_nobody_can_say(text: str) -> None:
    cleaned = clean(text)

    assert not set("\n\t`[]{}") & set(cleaned)
    assert cleaned == cleaned.strip()


@pytest.mark.parametrize(
    "unit", ["[(", "<a ", "*a ", "[a](", "~~a", "- \n", "|a", "&amp;", "(sighs ", "```\n", "\\"]
)
def test_ten_times_the_text_takes_about_ten_times_as_long(unit: str) -> None:
    clean(unit * 10)

    short, long = (min(timed(unit * count) for _ in range(5)) for count in (1_000, 10_000))

    assert long < 40 * short + 0.001


def timed(text: str) -> float:
    began = time.process_time()
    clean(text)
    return time.process_time() - began


@given(st.text(max_size=200))
def test_cleaning_twice_changes_nothing_more_than_once_for_plain_words(text: str) -> None:
    plain = "".join(letter for letter in text if letter.isalnum() or letter == " ")

    assert clean(clean(plain)) == clean(plain)


@pytest.mark.parametrize(
    "unit",
    [":-)", ":-) ", "- a\n", "a\n", "| a | b |\n", "• ", "•", ". ", "a: ", "[a ", "<a ", "\\", "*sighs* "],
)
def test_cleaning_costs_as_much_as_the_text_is_long(unit: str) -> None:
    clean(unit * 10)

    def cost_s(chars: int) -> float:
        text = (unit * chars)[:chars]
        began = time.process_time()
        clean(text)
        return time.process_time() - began

    short, long = (min(cost_s(chars) for _ in range(3)) for chars in (10_000, 100_000))

    assert long < 40 * short + 0.01  # quadratic work would be a hundred times as much


def test_of_a_long_list_every_item_that_is_heard_ends_with_a_pause() -> None:
    assert clean("- item\n" * 300) == " ".join(["item."] * 300)
