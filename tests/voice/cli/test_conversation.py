"""A conversation as it is printed: words as they are heard."""

from __future__ import annotations

import pytest

from voice.cli.conversation import print_agent


def test_tags_for_the_voice_are_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    print_agent('Unit <spell>512</spell>, and <say-as interpret-as="characters">AB</say-as>: 2 < 3.')

    assert capsys.readouterr().out.split(maxsplit=1)[1] == "Unit 512, and AB: 2 < 3.\n"
