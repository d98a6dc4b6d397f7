"""The `[twilio]` table and what belongs to it: what is read, and what ends the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from voice.agents.agent import NUDGES
from voice.agents.load import load_agents, read_agent
from voice.agents.twilio import LineLanguage, TwilioLine
from voice.errors import AgentFileError
from voice.tools.all import TOOLS

HEAD = """
name = "sam"
persona = "You are Sam."
greeting = "Hello."
fallbacks = ["Once more, please?"]
"""
DESK = HEAD + '[transfer.desk]\nnumber = "+14155550123"\nfor = "Rent."\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "sam.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_agent_that_says_nothing_of_twilio_has_a_line_that_works() -> None:
    jamie = load_agents(None, "jamie", TOOLS).default

    assert jamie.twilio == TwilioLine()
    assert (jamie.silence_s, jamie.max_call_s, jamie.voicemail, jamie.consent) == (8.0, 3600.0, None, None)


def test_every_key_of_the_line_is_read(tmp_path: Path) -> None:
    text = HEAD + (
        'consent = "This call is recorded."\n[twilio]\nmode = "relay"\npreset = "patient"\n'
        'voice = "Joanna-Neural"\ntts_provider = "Amazon"\ntranscription_provider = "Google"\n'
        'speech_model = "telephony"\nhints = ["Maple Court", "boiler"]\ninterruptible = "speech"\n'
        'hold = "https://example.com/hold.wav"\necho_prompt_filtering = true\nturn_detection = true\n'
        "smart_format = false\npartial_prompt_on_hangup = true\ndebug = true\n"
        'interrupt_sensitivity = "low"\nignore_backchannel = true\nprofanity_filter = false\nrecord = true\n'
        '[[twilio.languages]]\ncode = "es-MX"\nvoice = "Mia-Neural"\ntts_provider = "Amazon"\n'
    )

    agent = read_agent(written(tmp_path, text), [])

    assert agent.consent == "This call is recorded."
    assert agent.twilio == TwilioLine(
        mode="relay",
        preset="patient",
        voice="Joanna-Neural",
        tts_provider="Amazon",
        transcription_provider="Google",
        speech_model="telephony",
        hints=("Maple Court", "boiler"),
        interruptible="speech",
        interrupt_sensitivity="low",
        ignore_backchannel=True,
        profanity_filter=False,
        languages=(LineLanguage("es-MX", "Mia-Neural", "Amazon"),),
        record=True,
        hold="https://example.com/hold.wav",
        echo_prompt_filtering=True,
        turn_detection=True,
        smart_format=False,
        partial_prompt_on_hangup=True,
        debug=True,
    )


def test_silence_is_answered_with_the_agents_own_lines(tmp_path: Path) -> None:
    lines = 'nudges = ["Hello?", "Still there?", "Last call."]\nsilence_s = 4.5\nmax_call_s = 600\n'

    agent = read_agent(written(tmp_path, HEAD + lines), [])

    assert agent.silence_lines == ("Hello?", "Still there?", "Last call.")
    assert (agent.silence_s, agent.max_call_s) == (4.5, 600)


@pytest.mark.parametrize(("language", "lines"), [("en-GB", NUDGES), ("de-DE", ("Once more, please?",) * 2)])
def test_without_lines_of_its_own_an_agent_nudges_in_its_language(
    tmp_path: Path, language: str, lines: tuple[str, ...]
) -> None:
    agent = read_agent(written(tmp_path, HEAD + f'language = "{language}"\n'), [])

    assert agent.silence_lines == lines


def test_a_person_is_told_who_calls_and_takes_the_call_by_a_key_unless_the_file_says_otherwise(
    tmp_path: Path,
) -> None:
    usual = read_agent(written(tmp_path, DESK), []).transfer[0]
    other = read_agent(
        written(tmp_path, DESK + 'ring_s = 40\nwhisper = false\naccept_key = ""\n'), []
    ).transfer[0]

    assert (usual.ring_s, usual.whispers, usual.accept_key) == (25, True, "1")
    assert (other.ring_s, other.whispers, other.accept_key) == (40, False, "")


WRONG = [
    (HEAD + "twilio = 3", "twilio: 3 is not a table; write [twilio] on a line of its own"),
    (HEAD + '[twilio]\nmodus = "relay"', "twilio.modus: no such key; write mode"),
    (HEAD + '[twilio]\nmode = "both"', 'twilio.mode: \'both\' is not a choice; write "auto", "relay" or'),
    (HEAD + "[twilio]\nmode = 3", "twilio.mode: 3 is not a choice"),
    (HEAD + '[twilio]\npreset = "slow"', "twilio.preset: 'slow' is not a choice"),
    (HEAD + '[twilio]\nvoice = "Polly Joanna"', "twilio.voice: 'Polly Joanna' is no name"),
    (HEAD + '[twilio]\ntts_provider = "amazon"', "twilio.tts_provider: 'amazon' is not a choice"),
    (HEAD + '[twilio]\nhints = ["a, b"]', "twilio.hints[0]: 'a, b' is no single hint"),
    (HEAD + '[twilio]\nhints = ["a\\bc"]', "twilio.hints[0]: 'a\\x08c' is no single hint"),
    (HEAD + f"[twilio]\nhints = {['x' * 99] * 99}", "twilio.hints: are too long; write 8000 bytes of them"),
    (HEAD + f"[twilio]\nhints = {['x'] * 501}", "twilio.hints: 501 are too many; write 500 at most"),
    (HEAD + "[twilio]\nrecord = true", "twilio.record: records callers who were not told; write consent ="),
    (HEAD + '[twilio]\nrecord = "yes"', "twilio.record: 'yes' is neither; write true or false"),
    (HEAD + '[twilio]\nlanguages = ["es-MX"]', "twilio.languages: ['es-MX'] is not a list of tables"),
    (HEAD + '[[twilio.languages]]\nvoice = "x"', "twilio.languages[0].code: is missing"),
    (HEAD + '[[twilio.languages]]\ncode = "Spanish, please"', "twilio.languages[0].code: 'Spanish, please'"),
    (HEAD + '[[twilio.languages]]\nkode = "es"', "twilio.languages[0].kode: no such key; write code"),
    (HEAD + '[twilio]\nhold = "hold.wav"', "twilio.hold: 'hold.wav' is no URL of a sound"),
    (HEAD + "[twilio]\neot_threshold = 0.7", "twilio.eot_threshold: belongs to Deepgram's flux"),
    (HEAD + '[twilio]\nspeech_model = "flux"\neot_threshold = 0.2', "twilio.eot_threshold: 0.2 does not fit"),
    (
        HEAD + '[twilio]\nspeech_model = "flux"\neot_threshold = 0.6\neager_eot_threshold = 0.8',
        "twilio.eager_eot_threshold: is above eot_threshold",
    ),
    (HEAD + "silence_s = 0", "silence_s: 0 does not fit; write a number from 2 to 60"),
    (HEAD + "max_call_s = 1e9", "max_call_s: 1000000000.0 does not fit"),
    (HEAD + "silence_s = nan", "silence_s: nan does not fit"),
    (HEAD + 'nudges = "Hello?"', "nudges: 'Hello?' is not a list of lines"),
    (HEAD + 'voicemail = " "', "voicemail: ' ' is not text"),
    (DESK + "ring_s = 600", "transfer.desk.ring_s: 600 does not fit; write a whole number from 5 to 120"),
    (DESK + "ring_s = true", "transfer.desk.ring_s: True does not fit"),
    (DESK + 'whisper = "yes"', "transfer.desk.whisper: 'yes' is neither; write true or false"),
    (DESK + "accept_key = 1", 'transfer.desk.accept_key: 1 is no key; write one of 0 to 9, "*"'),
    (DESK + 'accept_key = "12"', "transfer.desk.accept_key: '12' is no key"),
]


@pytest.mark.parametrize(("text", "complaint"), WRONG)
def test_a_wrong_key_ends_the_start_with_its_file_its_path_and_what_to_write(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = written(tmp_path, text)

    with pytest.raises(AgentFileError) as caught:
        read_agent(path, [])

    assert f"{path}: {complaint}" in str(caught.value)
    assert "; write " in str(caught.value)
