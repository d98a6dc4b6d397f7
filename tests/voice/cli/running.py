"""Commands as processes: started, read line by line, ended. No test sleeps: it waits for a line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path

from typer.testing import CliRunner, Result

from voice.cli.main import app
from voice.settings import Settings, env_name

LIMIT_S = 60.0  # a machine that is busy with other things


def environment(**settings: str) -> dict[str, str]:
    """This machine's environment without its settings, and these."""
    ours = {env_name(field) for field in Settings.model_fields}
    return {name: value for name, value in os.environ.items() if name not in ours} | settings


def offhook(
    *args: str, folder: Path, says: str | None = None, **settings: str
) -> subprocess.CompletedProcess[str]:
    """A command run to its end in a folder of its own."""
    return subprocess.run(
        command(args),
        cwd=folder,
        env=environment(**settings),
        input=says,
        stdin=subprocess.DEVNULL if says is None else None,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def in_process(*args: str, folder: Path, **settings: str) -> Result:
    """A command run to its end without a process of its own: a second sooner."""
    with chdir(folder):
        return CliRunner().invoke(app, list(args), env=settings)


def command(args: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-c", "from voice.cli.main import app; app()", *args]


@contextmanager
def started(*args: str, folder: Path, settings: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A command that goes on; killed at the end if it still runs."""
    process = subprocess.Popen(
        command(args),
        cwd=folder,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def told_to_stop(process: subprocess.Popen[str], sign: signal.Signals) -> tuple[int, str]:
    """The exit status after a signal, and what was written on stderr."""
    process.send_signal(sign)
    _, err = process.communicate(timeout=LIMIT_S)
    return process.returncode, err
