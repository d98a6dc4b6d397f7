"""The `offhook` command: one line per command, each loaded when it is run.

`offhook --help` must be quick, so a command's module is imported only when the command is
chosen. Exit status: 0 it worked, 1 it did not, 2 wrong usage, 130 after Ctrl-C. What goes
wrong is one line on stderr that says what to do.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from contextlib import suppress
from importlib import import_module, metadata
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from voice.errors import BadRequest, SetupError, VoiceError

# Name, module in voice.cli, the line in `offhook --help`. The first seven are the way of a new user.
COMMANDS = (
    ("demo", "demo", "Play two whole calls here: no account, GPU or network."),
    ("serve", "serve", "Serve every door: Vapi, Twilio, chat completions, plain chat."),
    ("call", "call", "Call an agent from the terminal, typed or from a script."),
    ("doctor", "doctor", "Show every setting and check that all parts work."),
    ("agent", "agent", "List the agents, or check an agent's file."),
    ("vapi", "vapi.commands", "Write, check and push the Vapi assistant of an agent."),
    ("say", "say", "Show how a text is cleaned, cut into chunks and said."),
    ("runpod", "runpod.commands", "Put the worker up at RunPod, check and warm it; or play RunPod."),
    ("export", "export", "Write a call as text, JSON or chat messages."),
    ("replay", "replay", "Play a stored call again and show what would be different."),
    ("bench", "bench.commands", "Measure what a turn costs beside a bare floor."),
    ("lab", "lab", "Play calls against model hosts with every fault."),
    ("model", "model", "Train, export and evaluate the small model."),
)
USAGE_STATUS, CTRL_C_STATUS = 2, 130


class Later(TyperCommand):
    """A command whose module is imported when it is run."""

    def __init__(self, name: str, module: str, summary: str) -> None:
        super().__init__(name=name, callback=lambda: None, help=summary, rich_markup_mode=None)
        self._module = f"voice.cli.{module}"

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        real = get_command(import_module(self._module).app)
        return real.make_context(info_name, args, parent, **extra)


class Offhook(TyperGroup):
    """The group of all commands; turns what goes wrong into one line and an exit status."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name, module, summary in COMMANDS:
            self.add_command(Later(name, module, summary), name)

    def main(self, *args: Any, **options: Any) -> Any:
        options.update(standalone_mode=False, prog_name="offhook")
        sys.exit(_status(lambda: super(Offhook, self).main(*args, **options)))


def _status(run: Any) -> int:
    """The exit status of a run; says what went wrong."""
    try:
        status = run()
    except VoiceError as exc:
        _complain(one_line(exc))
        return 1
    except (KeyboardInterrupt, typer.Abort):
        return CTRL_C_STATUS
    except typer.TyperException as exc:
        _complain_of(exc)
        return exc.exit_code
    except BrokenPipeError:  # `offhook … | head`
        sys.stderr.close()
        return 1
    except Exception as exc:  # fence: one command  # noqa: BLE001 – whoever ran it is told
        _complain_of_a_fault(exc)
        return 1
    return status if isinstance(status, int) else 0


def one_line(exc: VoiceError) -> str:
    """What went wrong and what to do, on one line. Set-up errors say it in their message."""
    message = "; ".join(str(exc).splitlines())
    if isinstance(exc, SetupError | BadRequest) or not exc.to_do:
        return message
    return f"{message}. {exc.to_do}"


def _complain_of(exc: typer.TyperException) -> None:
    message = exc.format_message().replace(": Value error, ", ": ", 1)  # pydantic's words
    if type(exc).__name__ == "NoArgsIsHelpError":  # its message is the help itself
        typer.echo(message)
    elif exc.exit_code == USAGE_STATUS:
        context = getattr(exc, "ctx", None)
        _complain(f"{message} (see {context.command_path if context else 'offhook'} --help)")
    else:
        _complain(message)


def _complain_of_a_fault(exc: Exception) -> None:
    """A fault of this project's own: one line, and for whoever looks for it the places."""
    if os.environ.get("OFFHOOK_LOG_LEVEL", "").upper() == "DEBUG":
        traceback.print_exception(exc)
    said = "; ".join(str(exc).splitlines())
    what = f"{type(exc).__name__}: {said}" if said else type(exc).__name__
    _complain(f"unexpected: {what}; run with OFFHOOK_LOG_LEVEL=DEBUG for the traceback")


def _complain(line: str) -> None:
    for handler in logging.getLogger().handlers:  # what waits to be written, so that the reason stands last
        with suppress(OSError, ValueError):  # its stream is closed
            handler.flush()
    typer.echo(f"offhook: {line}", err=True)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"offhook {metadata.version('offhook')}")
        raise typer.Exit


app = typer.Typer(
    cls=Offhook,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def offhook(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The brain behind phone agents: answers every turn of a call, before its deadline.

    Begin with `offhook demo`. Each command explains itself: `offhook serve --help`.
    """


if __name__ == "__main__":  # `python -m voice.cli.main`, where the command is not on the path
    app()
