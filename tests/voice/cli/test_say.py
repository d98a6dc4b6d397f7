"""`offhook say`: what becomes of a text on its way to the caller."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.voice.cli.running import LIMIT_S, command, environment, in_process, offhook
from voice.speech.chunk import MOST_CHARS


def lines_of(data: bytes, folder: Path, *args: str) -> bytes:
    """What `offhook say --lines` prints for these bytes."""
    done = subprocess.run(
        command(("say", "--lines", *args)),
        input=data,
        capture_output=True,
        cwd=folder,
        env=environment(),
        timeout=LIMIT_S,
        check=True,
    )
    return done.stdout


def test_it_shows_cleaning_classes_chunks_and_spoken_form(tmp_path: Path) -> None:
    shown = in_process("say", "**Rent** is $5, due on 3/14. Call us.", folder=tmp_path).output

    assert "Rent is $5, due on 3/14. Call us." in shown
    assert "money" in shown
    assert "date" in shown
    assert "its end" in shown
    assert "Rent is five dollars, due on March fourteenth. Call us." in shown


def test_what_is_said_stays_on_one_line_where_there_is_no_terminal(tmp_path: Path) -> None:
    text = " ".join(["Your rent of $1,250 is due today."] * 20)

    shown = offhook("say", text, folder=tmp_path).stdout.splitlines()

    said = " ".join(["Your rent of one thousand two hundred fifty dollars is due today."] * 20)
    assert f"spoken   {said}" in shown
    assert f"cleaned  {text}" in shown


def test_ssml_is_what_the_doors_voices_take(tmp_path: Path) -> None:
    vapi = in_process("say", "Ticket AB12 <b>&</b>", "--ssml", "--door", "vapi", folder=tmp_path).output
    relay = in_process("say", "Ticket AB12", "--ssml", "--door", "relay", folder=tmp_path).output

    assert vapi == "<speak>Ticket <spell>AB12</spell> and</speak>\n"
    assert relay == '<speak>Ticket <say-as interpret-as="characters">AB12</say-as></speak>\n'


def test_a_stream_shows_when_each_chunk_would_leave(tmp_path: Path) -> None:
    done = offhook("say", "-", folder=tmp_path, says="I am sorry, let me see. It is $5.")

    shown = [line.split(maxsplit=4) for line in done.stdout.splitlines()]
    assert [(line[2], line[4]) for line in shown] == [
        ("15", "I am sorry,"),
        ("26", "let me see."),
        ("33", "It is five dollars."),
    ]


def test_a_line_is_printed_for_every_line_whatever_it_holds(tmp_path: Path) -> None:
    texts = [
        b"It is $5.",
        b"",
        b"- a\\n- b",
        b"C:\\\\new",
        b"\xff\x00\xed\xa0\x80 5",
        b"\x0c\x1c\x85",
        b"<think>x",
        b"5" * 5000,
    ]

    said = lines_of(b"\r\n".join(texts), tmp_path)

    assert said.decode().split("\n") == [
        "It is five dollars.",
        "",
        "a. b",
        "C: new",
        "five",
        "",
        "",
        "a number of five thousand digits",
        "",
    ]


def test_a_texts_language_and_names_are_those_of_the_agent(tmp_path: Path) -> None:
    (tmp_path / "ana.toml").write_text(
        'name = "ana"\npersona = "x"\ngreeting = "Hola."\nfallbacks = ["Perdón."]\nlanguage = "es-MX"\n'
        '[lexicon]\n"Xcel" = "equis cel"\n',
        encoding="utf-8",
    )

    said = in_process(
        "say",
        "Xcel cobra $20.",
        "--ssml",
        "--agent",
        "ana",
        folder=tmp_path,
        OFFHOOK_AGENTS_DIR=str(tmp_path),
    )

    assert said.output == "<speak>equis cel cobra veinte dólares.</speak>\n"


def test_without_a_text_it_says_what_to_write(tmp_path: Path) -> None:
    done = offhook("say", folder=tmp_path)

    assert done.returncode == 2
    assert "a text, - or --lines" in done.stderr


def test_a_text_besides_lines_is_a_wrong_usage(tmp_path: Path) -> None:
    done = offhook("say", "Hello.", "--lines", folder=tmp_path)

    assert done.returncode == 2
    assert "--lines reads texts from stdin" in done.stderr


def test_a_stream_may_be_shown_with_tags(tmp_path: Path) -> None:
    done = offhook("say", "-", "--ssml", "--door", "vapi", folder=tmp_path, says="Ticket AB12.")

    assert done.stdout.endswith("Ticket <spell>AB12</spell>.\n")


def test_of_a_text_that_says_nothing_it_says_so(tmp_path: Path) -> None:
    shown = in_process("say", "🎉", folder=tmp_path).output

    assert "nothing of it can be said" in shown
    assert "chunk" not in shown


def test_a_stream_that_no_reply_is_as_long_as_is_cut_loudly(tmp_path: Path) -> None:
    done = offhook("say", "-", folder=tmp_path, says="It is five. " * 2000)

    assert done.returncode == 0
    assert f"of one reply {MOST_CHARS:,} characters are said" in done.stderr


def test_what_the_voice_of_an_agents_door_is_sent_is_shown(tmp_path: Path) -> None:
    (tmp_path / "ana.toml").write_text(
        'name = "ana"\npersona = "x"\ngreeting = "Hi."\nfallbacks = ["Sorry?"]\nlanguage = "multi"\n'
        '[speech]\nvapi = "spell"\n',
        encoding="utf-8",
    )
    asked = {"folder": tmp_path, "OFFHOOK_AGENTS_DIR": str(tmp_path)}

    shown = in_process(
        "say", "La clave es AB12. It is $5.", "--agent", "ana", "--door", "vapi", **asked
    ).output
    plain = in_process("say", "Code AB12.", "--agent", "ana", **asked).output

    assert "La clave es A B uno dos. It is five dollars." in shown
    assert "<spell>AB12</spell>" in shown
    assert "<spell>" not in plain
