"""What is known of an adapter, as JSON for programs and as a page for people."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragraft.models.processor import thread_count
from ragraft.types import Adapter

if TYPE_CHECKING:
    from ragraft.tune.dataset import Built
    from ragraft.tune.presets import Preset
    from ragraft.tune.trained import Trained

__all__ = ["CARD", "adapter_card", "card_page", "training_card", "write_card"]

CARD = "card.json"
PAGE = "README.md"


def adapter_card(adapter: Adapter) -> dict[str, Any]:
    """Return all that is known of an adapter, in JSON's kinds of values."""
    return {
        "name": adapter.name,
        "base_model": adapter.base_model,
        "method": adapter.method,
        "dataset_fingerprint": adapter.dataset_fingerprint,
        "groups": sorted(adapter.label.groups),
        "documents": [
            {"document": source.document, "revision": source.revision} for source in adapter.made_from
        ],
        "tainted_by": list(adapter.tainted_by),
        "gates": dict(adapter.gates),
        "forced": adapter.forced,
        "made_at": adapter.made_at.isoformat(),
        "training": dict(adapter.card),
    }


def card_page(adapter: Adapter) -> str:
    """Return the card as a page of Markdown."""
    parts = [
        f"---\nbase_model: {json.dumps(adapter.base_model)}\ntags: [ragraft, {adapter.method}]\n---",
        f"# {adapter.name}",
        f"{adapter.base_model}, tuned by ragraft ({adapter.method}) on {adapter.made_at:%Y-%m-%d %H:%M} UTC."
        + _way(adapter),
        "## Who may use it",
        f"{adapter.label}. Weights cannot leave out what a reader may not see, so this is who may read every"
        " document and example that it was made from.",
        "## What it was made from",
        f"Examples with the fingerprint `{adapter.dataset_fingerprint}`"
        + (", made from these documents:" if adapter.made_from else ", which name no document."),
    ]
    if adapter.made_from:
        parts.append(
            _table(("document", "revision"), [(one.document, one.revision) for one in adapter.made_from])
        )
    parts += ["## Gates", _gates(adapter)]
    if adapter.card:
        parts += ["## Training", _table(("what", "value"), sorted(adapter.card.items()))]
    return "\n\n".join(parts) + "\n"


def _way(adapter: Adapter) -> str:
    if (adapter.card.get("recipe") or {}).get("raft"):
        return " It was taught to answer from passages that it is given, and to say when they do not answer."
    return " It answers from memory: it looks nothing up, and nothing that it says is a citation."


def write_card(folder: Path, adapter: Adapter) -> None:
    """Write the card into an adapter's folder, in both forms."""
    text = json.dumps(adapter_card(adapter), ensure_ascii=False, indent=2, default=str)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")
    (folder / PAGE).write_text(card_page(adapter), encoding="utf-8")


def training_card(
    built: Built, trained: Trained, *, preset: Preset, seed: int, seconds: float, estimate: float
) -> dict[str, Any]:
    """Return how a model was trained, for `Adapter.card`: it names no document and holds no example.

    `seconds` and `estimate` are of the whole run.
    """
    first, best = (trained.looks[0], trained.best) if trained.best else (None, None)
    return {
        **{f"preset.{name}": value for name, value in asdict(preset).items()},
        "seed": seed,
        "examples": len(built.dataset.train),
        "held_out": len(built.dataset.held_out),
        "left_out": {reason: count for reason, count in built.left_out.items() if count},
        "steps": trained.steps,
        "kept_step": best.step if best else trained.steps,
        "stopped_early": trained.stopped_early,
        "held_out_loss": [first.loss, best.loss] if first and best else None,
        "held_out_f1": [first.quality, best.quality] if first and best and best.quality is not None else None,
        "seconds": round(seconds, 1),
        "estimate_seconds": round(estimate, 1),
        "training_seconds": round(trained.seconds, 1),
        "training_estimate_seconds": round(trained.estimate.seconds, 1),
        "cost": trained.estimate.cost,
        "tokens_per_second": round(trained.tokens_per_second, 1),
        "memory": trained.memory,
        "hardware": hardware(),
        "versions": {name: version(name) for name in ("ragraft", "torch", "transformers", "peft")},
    }


def hardware() -> dict[str, Any]:
    """Return what this machine computes with."""
    import torch

    told = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    names = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("model name")]
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": names[0] if names else platform.machine(),
        "threads": thread_count(),
        "memory": pages * size,
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def _gates(adapter: Adapter) -> str:
    if not adapter.gates:
        return "None were run." + (" Its use was forced." if adapter.forced else "")
    rows = [(name, *_outcome(gate)) for name, gate in adapter.gates.items()]
    told = _table(("gate", "passed", "value", "interval", "bar"), rows)
    return told + ("\n\nIts use was forced." if adapter.forced else "")


def _outcome(gate: Any) -> tuple[Any, ...]:
    known = gate if isinstance(gate, Mapping) else {}
    passed = {True: "yes", False: "NO"}.get(known.get("passed"), "not measured")  # type: ignore[arg-type]  # None is no key
    return passed, *(known.get(name) for name in ("value", "interval", "bar"))


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, default=str)
    return " ".join(text.replace("|", "\\|").split())
