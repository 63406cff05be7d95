"""Opens the models that a workspace's settings name, each kind's code loaded only if it is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

from ragraft.config import (
    EmbedderSettings,
    EntailmentSettings,
    ModelSettings,
    RerankerSettings,
    TeacherSettings,
)
from ragraft.errors import ModelError
from ragraft.protocols import ChatModel, Embedder, Entailment, Reader, Reranker

__all__ = [
    "open_chat_model",
    "open_embedder",
    "open_entailment",
    "open_helper",
    "open_reader",
    "open_reranker",
    "open_tuned_model",
    "place_of",
]

HELPER_WINDOW = 65_536
"""Tokens, counted in bytes, that a passage of the longest kind and what is written about it stay below."""


class Access(TypedDict):
    """What every endpoint is reached with."""

    url: str
    name: str
    key: str | None
    timeout: float


def open_embedder(settings: EmbedderSettings) -> Embedder:
    """Return an endpoint, or all-MiniLM-L6-v2 from its package."""
    if settings.url:
        from ragraft.models.endpoint import EndpointEmbedder

        return EndpointEmbedder(**_access(settings), dimensions=settings.dimensions)
    from ragraft.models.encoders import OpenVinoEmbedder
    from ragraft.models.files import EMBEDDER_NAME, embedder_folder

    return OpenVinoEmbedder(embedder_folder(), name=EMBEDDER_NAME, threads=settings.threads)


def open_tuned_embedder(name: str, *, settings: EmbedderSettings, folder: Path) -> Embedder | None:
    """Return the tuned embedder of that name in the workspace's folder of them.

    None where the settings name an endpoint, for which none is tuned, or the name is none of a tuned embedder.
    Raises: ModelError if its folder is gone.
    """
    kept = name.split("@")[0]
    if settings.url or "-tuned-" not in kept or Path(kept).name != kept:
        return None
    if not (folder / kept).is_dir():
        raise ModelError(
            f"the tuned embedder {kept} is gone from {folder}",
            hint="restore it from a backup, or go back: ragraft tune retriever --back",
        )
    from ragraft.models.encoders import OpenVinoEmbedder

    return OpenVinoEmbedder(folder / kept, threads=settings.threads)


def open_chat_model(
    settings: ModelSettings, *, cache_folder: Path, threads: int | None, together: bool = False
) -> ChatModel:
    """Return an endpoint, the file or folder named, or the packaged demo-grade model.

    One that runs here answers many questions at once if it is opened to work `together`, in other numerics.
    """
    if settings.url:
        from ragraft.models.endpoint import EndpointChatModel

        return EndpointChatModel(**_access(settings), window=settings.window, tokenizer=settings.tokenizer)
    from ragraft.models.files import CHAT_MODEL_NAME, chat_model_file
    from ragraft.models.local import LocalChatModel

    return LocalChatModel(
        settings.path or chat_model_file(),
        name="" if settings.path else CHAT_MODEL_NAME,
        window=settings.window,
        cache_folder=None if together else cache_folder,
        threads=threads,
        prefix_caching=together,
    )


def open_helper(settings: TeacherSettings, *, section: str) -> ChatModel:
    """Return the model that helps a command at its address, such as a teacher; `section` is where it is named."""
    from ragraft.models.endpoint import EndpointChatModel

    key = settings.key.get_secret_value() if settings.key else None
    return EndpointChatModel(
        url=settings.url or "",
        name=settings.name,
        key=key,
        window=HELPER_WINDOW,
        timeout=settings.timeout,
        section=section,
    )


def place_of(settings: TeacherSettings) -> str:
    """Return the address of a helping model as it may be shown: without a user's name or key."""
    parts = urlsplit(settings.url or "")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def open_tuned_model(
    path: Path, *, name: str, window: int | None = None, threads: int | None, together: bool = False
) -> ChatModel:
    """Return the tuned model in a file that training left; what is compiled of it is kept beside it, and goes with it.

    `together` is as for `open_chat_model`.
    """
    from ragraft.models.local import LocalChatModel

    cache_folder = None if together else path.parent / "cache"
    return LocalChatModel(
        path, name=name, window=window, cache_folder=cache_folder, threads=threads, prefix_caching=together
    )


def open_reranker(settings: RerankerSettings, *, threads: int | None) -> Reranker | None:
    """Return an endpoint or the cross-encoder in a folder, if either is named."""
    if settings.url:
        from ragraft.models.endpoint import EndpointReranker

        return EndpointReranker(**_access(settings))
    if settings.path:
        from ragraft.models.encoders import LocalReranker

        return LocalReranker(settings.path, threads=threads)
    return None


def open_reader(*, threads: int | None) -> Reader:
    """Return the reader that ships, over the packaged all-MiniLM-L6-v2."""
    from ragraft.models.files import embedder_folder
    from ragraft.models.reader import LocalReader

    return LocalReader(embedder_folder(), threads=threads)


def open_entailment(settings: EntailmentSettings, *, threads: int | None) -> Entailment | None:
    """Return an endpoint or the cross-encoder in a folder, if either is named."""
    if settings.url:
        from ragraft.models.entailment import EndpointEntailment

        return EndpointEntailment(**_access(settings))
    if settings.path:
        from ragraft.models.entailment import LocalEntailment

        return LocalEntailment(settings.path, threads=threads)
    return None


def _access(settings: ModelSettings | EmbedderSettings | RerankerSettings | EntailmentSettings) -> Access:
    key = settings.key.get_secret_value() if settings.key else None
    return {"url": settings.url or "", "name": settings.name, "key": key, "timeout": settings.timeout}
