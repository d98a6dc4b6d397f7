"""`offhook say`: what becomes of a text on its way to the caller."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.voice.cli.running import LIMIT_S, command, environment, in_process, offhook


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
