"""Scripts of whole calls: files that are read strictly, and what comes with the product."""

from __future__ import annotations

from pathlib import Path

import pytest

from voice.errors import BadRequest
from voice.simulate.script import PACKAGED, Script, Step, names, packaged


def written(folder: Path, text: str) -> Path:
    path = folder / "call.toml"
    path.write_text(text)
    return path


def test_each_kind_of_step_is_read(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        name = "all"
        statuses = ["completed", "ringing"]
        [[steps]]
        say = "Hello."
        [[steps]]
        after_words = 3
        say = "A person, please."
        dialled = "declines"
        [[steps]]
        press = "12#"
        [[steps]]
        silent_s = 9.5
        [[steps]]
        drop = true
        [[steps]]
        restart = true
        [[steps]]
        hang_up = true
        """,
    )

    script = Script.load(path)

    assert script.steps == (
        Step("say", "Hello."),
        Step("say", "A person, please.", after_words=3, person="declines"),
        Step("press", "12#"),
        Step("silent_s", for_s=9.5),
        Step("drop"),
        Step("restart"),
        Step("hang_up"),
    )
    assert (script.name, script.statuses) == ("all", ("completed", "ringing"))
    assert script.needs_pace


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("steps = []", "steps: write at least one"),
        ('[[steps]]\nsya = "Hello."', "step 1: a step has no key 'sya'; there are after_words, "),
        ("[[steps]]\ndrop = false", "step 1: drop: write drop = true"),
        ('[[steps]]\nsay = " "', "step 1: say: some words in quotes"),
        ('[[steps]]\npress = "call"', "step 1: press: 'call' has more than"),
        ("[[steps]]\nsilent_s = 9999", "step 1: silent_s: seconds, 120 at most"),
        ("[[steps]]\nsilent_s = true", "step 1: silent_s"),
        ('[[steps]]\nsay = "Hi."\ndrop = true', "step 1: exactly one of say, press"),
        ('[[steps]]\nsay = "Hi."\nafter_words = 2', "step 1: after_words needs a step"),
        ("[[steps]]\ndrop = true\n[[steps]]\nafter_words = 2\nhang_up = true", "step 2: after_words needs"),
        ('[[steps]]\nsay = "Hi."\n[[steps]]\nafter_words = 0\nsay = "No."', "step 2: after_words: a whole"),
        ('[[steps]]\nsay = "Hi."\ndialled = "sleeps"', "step 1: dialled: one of accepts, declines"),
        ('statuses = ["over"]\nsays = ["Hi."]', "statuses: a list of initiated"),
        ('says = ["Hi."]\nwho = 1', "the script has no key 'who'"),
        ('says = ["Hi."]\n[[steps]]\nsay = "Hi."', "write says or [[steps]], not both"),
        ('[[steps]]\ndrop = true\ndialled = "busy"', "step 1: dialled goes with say, press, silent_s"),
        ('says = ["Hi."]\nagent = "dana.toml"', "agent and [model] go together"),
        ('agent = "no.toml"\nsays = ["Hi."]\n[model]\nreply = "Hi."', "agent: no.toml: not readable"),
        ('says = ["Hi."]\ncaller = 1', "caller: write a number in quotes"),
    ],
)
def test_what_is_wrong_with_a_script_is_named_with_its_file(tmp_path: Path, text: str, why: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(BadRequest) as caught:
        Script.load(path)

    assert str(caught.value).startswith(f"{path}: {why}")


def test_a_script_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "call.toml"
    path.write_bytes(b"says = ['\xff']")

    with pytest.raises(BadRequest, match=r"call.toml: not readable as a script"):
        Script.load(path)


@pytest.mark.parametrize("name", names())
def test_every_packaged_script_can_be_read_and_says_what_it_is_for(name: str) -> None:
    script = packaged(name)

    assert script.name == name
    assert script.steps
    assert (PACKAGED / f"{name}.toml").read_text().startswith("# ")


def test_the_two_calls_of_the_demo_have_five_turns() -> None:
    assert [len(packaged(name).says) for name in ("ac-repair", "leak")] == [5, 5]
