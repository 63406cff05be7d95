"""The command `ragraft`: finds the command, runs it, and says plainly what went wrong."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from ragraft.errors import RagraftError

__all__ = ["cli", "main"]

COMMANDS = {
    "init": "ragraft.cli.setup:init",
    "add": "ragraft.cli.adding:add",
    "list": "ragraft.cli.documents:list_documents",
    "show": "ragraft.cli.documents:show",
    "search": "ragraft.cli.asking:search",
    "ask": "ragraft.cli.asking:ask",
    "chat": "ragraft.cli.asking:chat",
    "calibrate": "ragraft.cli.calibrating:calibrate",
    "examples": "ragraft.cli.examples:examples",
    "tune": "ragraft.cli.tuning:tune",
    "adapters": "ragraft.cli.adapters:adapters",
    "compare": "ragraft.cli.comparing:compare",
    "promote": "ragraft.cli.promoting:promote",
    "rollback": "ragraft.cli.promoting:rollback",
    "remove": "ragraft.cli.documents:remove",
    "erase": "ragraft.cli.documents:erase",
    "status": "ragraft.cli.setup:status",
    "audit": "ragraft.cli.auditing:audit",
    "doctor": "ragraft.cli.setup:doctor",
}
"""Loaded when named, so that `ragraft --help` is instant."""

SUMMARIES = {
    "init": "Make a workspace.",
    "add": "Add folders, files or addresses, or bring them up to date.",
    "list": "List the documents that you may read.",
    "show": "Show a document's text.",
    "search": "Find passages.",
    "ask": "Ask a question and get a checked answer with citations.",
    "chat": "Ask one question after another.",
    "calibrate": "Set from your own questions when to refuse.",
    "examples": "Collect what a model is to learn, redacted and checked.",
    "tune": "Train a model on the examples; it is used if it passes its gates.",
    "adapters": "Show, export or remove tuned models.",
    "compare": "Hold all systems side by side on your questions, and say which to use.",
    "promote": "Make a measured system the one that answers.",
    "rollback": "Take the last promotion back.",
    "remove": "Take documents out of every search; their text stays for --as-of.",
    "erase": "Destroy documents, every byte of them, and get a receipt.",
    "status": "Show how much is in the library.",
    "audit": "Show or verify the record of writes, reads and erasures.",
    "doctor": "Check the installation, the settings, the database and the models.",
}


class Commands(click.Group):
    """Commands by name, in the order of use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load and return a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their summaries, without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Begin with: ragraft add FOLDER, then: ragraft ask 'your question'",
)
@click.option(
    "--workspace",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the workspace; else the current one or a parent.",
)
@click.version_option(package_name="ragraft")
@click.pass_context
def cli(ctx: click.Context, workspace: Path | None) -> None:
    """Answers from your own documents, with citations to exact characters."""
    ctx.obj = {"workspace": workspace}


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 2 the user's mistake, 1 ours, 130 interrupted."""
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run the command line and return the exit code."""
    try:
        result: Any = cli.main(args=arguments, prog_name="ragraft", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.UsageError as error:
        error.show()
        return 2
    except click.ClickException as error:
        error.show()
        return 2
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped", err=True)
        return 130
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except RagraftError as error:
        _report(str(error), error.hint)
        return error.exit_code
    except Exception as error:
        if os.environ.get("RAGRAFT_DEBUG"):
            raise
        _report(
            f"{type(error).__name__}: {error}",
            "this is a fault of ragraft; run again with RAGRAFT_DEBUG=1 to see where",
        )
        return 1
    return result if isinstance(result, int) else 0


def _report(message: str, hint: str | None) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("[bold red]error:[/] ", end="")
    console.print(message, markup=False)
    if hint:
        console.print("[bold]hint:[/]  ", end="")
        console.print(hint, markup=False)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt
