"""What a turn is called: late, silent, or a silence in which nobody owed a word."""

from __future__ import annotations

from voice.cli.conversation import timing_line
from voice.simulate.report import TurnReport


def test_a_silence_that_is_listened_to_without_a_word_is_neither_late_nor_silent() -> None:
    report = TurnReport("", "", None, 5.0, 6000.0)

    assert (report.late, report.silent) == (False, False)
    assert timing_line(report, None) == "nobody spoke for 6 s"


def test_words_into_a_silence_may_still_come_late() -> None:
    assert TurnReport("", "Are you there?", 7000.0, 7000.0, 6000.0).late


def test_a_caller_who_spoke_is_owed_words() -> None:
    report = TurnReport("Hello?", "", None, 6000.0, 1200.0)

    assert (report.late, report.silent) == (True, True)
