"""What is known of an adapter, as JSON for programs and as a page for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ragraft.types import Adapter

__all__ = ["CARD", "adapter_card", "card_page", "write_card"]

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
        " It answers from memory: it looks nothing up, and nothing that it says is a citation.",
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


def write_card(folder: Path, adapter: Adapter) -> None:
    """Write the card into an adapter's folder, in both forms."""
    text = json.dumps(adapter_card(adapter), ensure_ascii=False, indent=2, default=str)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")
    (folder / PAGE).write_text(card_page(adapter), encoding="utf-8")


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
