"""What the commands about examples share: where they are kept, what checks them, how reasons are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ragraft.cli.options import Session, printable
from ragraft.models.files import chat_model_file
from ragraft.systems import Workbench
from ragraft.tune.masking import ChatEncoder, open_chat_encoder
from ragraft.tune.reading import Rejected
from ragraft.tune.redact import Redactor, pseudonym_key

__all__ = ["encoder_of", "print_reasons", "print_redacted", "redactor_opener", "window_of"]

REASONS_SHOWN = 20


def encoder_of(bench: Workbench) -> ChatEncoder:
    """Return the encoder of the model that would be tuned: the file named in the settings, or the packaged one."""
    return open_chat_encoder(bench.settings.model.path or chat_model_file())


def window_of(bench: Workbench, encoder: ChatEncoder) -> int:
    """Return the most tokens that a row may have in training."""
    window = bench.settings.model.window
    return min(window, encoder.window or window)


def redactor_opener(bench: Workbench) -> Callable[[Iterable[str]], Redactor] | None:
    """Return what makes the redactor, given words that are no names; None if the settings turn it off."""
    settings = bench.settings.tune
    if not settings.redact:
        return None

    def opened(allow: Iterable[str]) -> Redactor:
        return Redactor(key=pseudonym_key(bench.workspace.state), allow=allow, model=settings.ner_model)

    return opened


def print_reasons(session: Session, rejected: Sequence[Rejected]) -> None:
    """Print the first reasons, and how many more there are."""
    for one in rejected[:REASONS_SHOWN]:
        session.out.print(f"  {printable(one.row)}: {printable(one.reason)}", markup=False)
    if len(rejected) > REASONS_SHOWN:
        session.out.print(f"  … and {len(rejected) - REASONS_SHOWN} more; --json lists all")


def print_redacted(session: Session, redacted: Mapping[str, int]) -> None:
    """Print how many of each type were replaced."""
    if redacted:
        replaced = ", ".join(f"{count} {name.lower().replace('_', ' ')}" for name, count in redacted.items())
        session.out.print(f"replaced   {replaced}")
