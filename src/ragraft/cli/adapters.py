"""`ragraft adapters list`, `show`, `remove` and `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from ragraft.cli.options import Session, print_json, printable, with_session
from ragraft.documents.library import require_owner
from ragraft.errors import UserError
from ragraft.models.files import CHAT_MODEL_NAME, chat_model_file
from ragraft.systems import Workbench
from ragraft.tune.base import trainable_folder
from ragraft.tune.card import adapter_card, card_page
from ragraft.tune.export import Exported, ExportFormat, base_name, export_adapter, vllm_rank
from ragraft.tune.gguf_file import GgufType
from ragraft.tune.registry import AdapterRegistry, withdrawn
from ragraft.tune.weights import read_lora_config
from ragraft.types import Adapter


@click.group()
def adapters() -> None:
    """Show, remove or export tuned models."""


@adapters.command("list")
@with_session
def list_adapters(session: Session) -> None:
    """List the adapters that you may use, and say which are out of service."""
    with session.open() as bench:
        caller, registry = session.caller(bench), bench.adapters
        rows = [_with_state(registry, one, session, bench) for one in registry.adapters(caller)]
    if session.json:
        print_json(rows)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("adapter", "base", "method", "usable by", "made", "state"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(
            row["name"],
            printable(row["base_model"]),
            row["method"],
            ", ".join(row["groups"]) or "owner only",
            row["made_at"][:16].replace("T", " "),
            printable(_state(row)),
        )
    session.out.print(table) if rows else session.out.print("There are no adapters that you may use.")


@adapters.command()
@click.argument("adapter", metavar="NAME")
@with_session
def show(session: Session, adapter: str) -> None:
    """Show an adapter's card: its base, what it saw, who may use it, its gates, how it was trained."""
    with session.open() as bench:
        registry = bench.adapters
        found = registry.find(adapter, caller=session.caller(bench))
        row = _with_state(registry, found, session, bench)
    if session.json:
        print_json(row)
        return
    session.err.print(f"state: {printable(_state(row))} · weights in {found.path}", markup=False)
    click.echo(printable(card_page(found)))


@adapters.command()
@click.argument("adapter", metavar="NAME")
@with_session
def remove(session: Session, adapter: str) -> None:
    """Forget an adapter and delete its weights. This cannot be undone."""
    with session.open() as bench:
        bench.adapters.remove(adapter, caller=session.caller(bench))
    if session.json:
        print_json({"removed": adapter})
    else:
        session.out.print(f"{adapter} removed, with its weights", markup=False)


@adapters.command()
@click.argument("adapter", metavar="NAME")
@click.option(
    "--to",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder that is not there yet.",
)
@click.option(
    "--format",
    "form",
    required=True,
    type=click.Choice(["peft", "hf", "gguf"]),
    help="peft: the adapter alone, for vLLM; hf: a whole model, for transformers; gguf: for llama.cpp and Ollama.",
)
@click.option(
    "--type",
    "kind",
    type=click.Choice(["f16", "q8_0"]),
    default="f16",
    show_default=True,
    help="How a GGUF file stores its numbers: exactly, or in half the space.",
)
@click.option(
    "--base",
    type=click.Path(exists=True, path_type=Path),
    help="The base model, a GGUF file or Hugging Face folder; else that of ragraft.toml.",
)
@with_session
def export(
    session: Session, adapter: str, to: Path, form: ExportFormat, kind: GgufType, base: Path | None
) -> None:
    """Write an adapter for other programs, with its card.

    What leaves the workspace is outside its rights and erasures; the export is put on record.
    """
    with session.open() as bench, session.err.status(f"writing {to}"):
        caller, registry = session.caller(bench), bench.adapters
        require_owner(caller, "export adapters")
        found = registry.find(adapter, caller=caller)
        folder = None if form == "peft" else _base(bench, found, base)
        registry.note_export(adapter, form, caller=caller)
        written = export_adapter(found, to=to, form=form, kind=kind, base=folder)
    if session.json:
        print_json(written)
        return
    session.out.print(f"written to {written.path}:", markup=False)
    for file, size in written.files.items():
        session.out.print(f"  {file}  {size:,} bytes", markup=False)
    for line in [*written.limits, *_next_steps(found, written)]:
        session.err.print(line, markup=False, style="dim")


def _with_state(
    registry: AdapterRegistry, adapter: Adapter, session: Session, bench: Workbench
) -> dict[str, Any]:
    """Return an adapter's card with where it stands now. `reason` says why it is out of service."""
    return {
        **adapter_card(adapter),
        "path": adapter.path,
        "in_service": withdrawn(adapter) is None,
        "reason": withdrawn(adapter) or "",
        "stale": registry.stale(adapter.name, caller=session.caller(bench)),
    }


def _state(row: dict[str, Any]) -> str:
    if not row["in_service"]:
        return f"out of service: {row['reason']}"
    return f"in service; replaced since: {', '.join(row['stale'])}" if row["stale"] else "in service"


def _base(bench: Workbench, adapter: Adapter, given: Path | None) -> Path:
    """Return the base's Hugging Face folder, made from its GGUF file if it is one."""
    packaged = given is None and bench.settings.model.path is None
    path = given or bench.settings.model.path or chat_model_file()
    name = base_name(path, name=CHAT_MODEL_NAME if packaged else "")
    if name.rpartition("@")[2] != adapter.base_model.rpartition("@")[2]:
        raise UserError(
            f"{adapter.name} was made for {adapter.base_model}, and {path} is {name}",
            hint="name its base model with --base",
        )
    return trainable_folder(path, cache=bench.workspace.state / "models")


def _next_steps(adapter: Adapter, written: Exported) -> list[str]:
    """Return how the programs that it was written for open it."""
    if written.format == "gguf":
        file = next(name for name in written.files if name.endswith(".gguf"))
        return [
            f"llama.cpp: llama-server -m {written.path / file}",
            f"Ollama: cd {written.path} && ollama create {adapter.name} -f Modelfile",
        ]
    config = read_lora_config(written.path)
    if config is not None and not written.limits:
        rank = vllm_rank(config)
        return [
            f"vLLM: vllm serve BASE --enable-lora --max-lora-rank {rank} --lora-modules {adapter.name}={written.path}"
        ]
    return []
