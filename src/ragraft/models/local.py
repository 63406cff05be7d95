"""The embedded chat model: OpenVINO GenAI on a GGUF file or an OpenVINO folder."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from ragraft.errors import ModelError
from ragraft.models.bert import read_json
from ragraft.models.files import fingerprint, require_engine
from ragraft.models.gguf_header import check_whole, context_length
from ragraft.models.prepared import prepare_folder
from ragraft.models.processor import precision, thread_count
from ragraft.models.signal_stack import kept_signal_stack
from ragraft.models.tokens import chat_text
from ragraft.types import Completion, Message, Usage

if TYPE_CHECKING:
    import openvino_genai

__all__ = ["LocalChatModel"]

PREFIX_GIGABYTES = 2
TOGETHER = 16
"""Answers that are written together: with more, their prompts would not fit beside each other."""
COMPILED = "compiled"

EXACT = {
    "INFERENCE_PRECISION_HINT": "f32",
    "KV_CACHE_PRECISION": "f32",
    # OpenVINO else rounds what goes into a product with 4-bit weights to 8 bits.
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,
}
"""What keeps rounding from deciding between two words. Only all three together do."""


class LocalChatModel:
    """A chat model on this machine's CPU; decodes greedily, so equal prompts give equal answers.

    Threads may share one; concurrent calls take turns.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str = "",
        window: int | None = None,
        threads: int | None = None,
        cache_folder: Path | None = None,
        prefix_caching: bool = False,
        exact: bool = False,
        repetition_penalty: float = 1.0,
    ) -> None:
        """Open the model.

        `path` is a GGUF file or a folder with openvino_model.xml. `name` defaults to the file's; the
        fingerprint of the weights is added. `window` caps the model's own context length.

        With `cache_folder` the converted and compiled model is kept there: the first opening takes
        about 5 s, each later one 0.4 s instead of 3.4 s. `prefix_caching` keeps up to 2 GB of attention
        states, so that prompts with the same beginning skip it; opening then takes 2 s, for this form
        cannot be kept compiled: it is for a process that answers many questions.

        `exact` computes and remembers in 32-bit floats: an answer is then the same alone, beside others and with its
        beginning remembered, and takes about a third longer. Nothing compiled is kept.

        `repetition_penalty` above 1 makes loops rarer, and exact quotes from the passages as well.

        Raises: ModelError if the model cannot be read; MissingExtraError without OpenVINO GenAI.
        """
        require_engine("openvino_genai", "gguf", needed_for="the embedded chat model")
        self._name = f"{name or path.stem}@{fingerprint(_model_files(path))}"
        self._window = _window(path, window)
        self._repetition_penalty = repetition_penalty
        self._lock = threading.Lock()
        threads = threads or thread_count()
        compiled = None
        if cache_folder is not None and not exact:
            prepared = _prepared(path, cache_folder, name=self._name, threads=threads)
            path = prepared if path.is_file() else path
            compiled = prepared / COMPILED
        self._together = prefix_caching
        if prefix_caching:
            self._pipeline = _open(path, threads=threads, prefix_gigabytes=PREFIX_GIGABYTES, exact=exact)
        else:
            self._pipeline = _open(path, threads=threads, compiled=compiled, exact=exact)
        self._tokenizer = self._pipeline.get_tokenizer()

    @property
    def name(self) -> str:
        return self._name

    @property
    def window(self) -> int:
        return self._window

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the exact tokens of the prompt: the model's chat template around all messages.

        Raises: ModelError if the template refuses the messages, as some do a system message.
        """
        try:
            return self._count(self._text(messages))
        except RuntimeError as error:
            raise ModelError(f"{self._name} cannot take these messages: {error}") from error

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, on_text: Callable[[str], None] | None = None
    ) -> Completion:
        """Return the greedy completion, at most `max_tokens` long.

        What `on_text` raises, and Ctrl-C, end the generation and come out of here.

        Raises: ModelError if prompt and answer do not fit the window, or the runtime fails.
        """
        self._require_room(messages, max_tokens)
        with self._lock:
            result = _run(self._pipeline, _turns(messages), self._config(max_tokens), on_text)
        return _completion(result)

    def generate_many(
        self, conversations: Sequence[Sequence[Message]], *, max_tokens: int
    ) -> list[Completion]:
        """Return the greedy completions of several prompts at once, in their order.

        With `prefix_caching` they are read and written together, three to four times as fast as one after
        another. Sums in another order round otherwise: where two tokens are nearly as likely, an answer may go
        another way than alone, unless the model is `exact`.

        Raises: ModelError as `generate` does.
        """
        for messages in conversations:
            self._require_room(messages, max_tokens)
        if not self._together:
            return [self.generate(messages, max_tokens=max_tokens) for messages in conversations]
        config = self._config(max_tokens)
        config.apply_chat_template = False
        made: list[Completion] = []
        with self._lock:
            for at in range(0, len(conversations), TOGETHER):
                texts = [self._text(messages) for messages in conversations[at : at + TOGETHER]]
                made += self._completed(texts, config)
        return made

    def _completed(self, texts: list[str], config: openvino_genai.GenerationConfig) -> list[Completion]:
        import openvino_genai

        try:
            result = self._pipeline.generate(texts, config)
        except RuntimeError as error:
            raise ModelError(f"OpenVINO GenAI failed while generating: {error}") from error
        most, made = config.max_new_tokens, []
        for text, said, reason in zip(texts, result.texts, result.finish_reasons, strict=True):
            cut = reason == openvino_genai.GenerationFinishReason.LENGTH
            # GenAI counts them all as one. An answer that ended by itself has one more token, which says so.
            tokens = most if cut else min(self._count(said) + 1, most)
            made.append(Completion(said, Usage(self._count(text), tokens), "length" if cut else "stop"))
        return made

    def _text(self, messages: Sequence[Message]) -> str:
        return str(self._tokenizer.apply_chat_template(_turns(messages), add_generation_prompt=True))

    def _count(self, text: str) -> int:
        return int(self._tokenizer.encode(text, add_special_tokens=False).input_ids.shape[1])

    def _require_room(self, messages: Sequence[Message], max_tokens: int) -> None:
        prompt_tokens = self.count_tokens(messages)
        if prompt_tokens + max_tokens > self._window:
            raise ModelError(
                f"a prompt of {prompt_tokens} tokens and an answer of {max_tokens} exceed the window of "
                f"{self._name}, {self._window} tokens",
                hint="ask for a shorter answer or give fewer passages",
            )

    def _config(self, max_tokens: int) -> openvino_genai.GenerationConfig:
        import openvino_genai

        return openvino_genai.GenerationConfig(
            max_new_tokens=max_tokens, do_sample=False, repetition_penalty=self._repetition_penalty
        )


def _run(
    pipeline: openvino_genai.LLMPipeline,
    turns: openvino_genai.ChatHistory,
    config: openvino_genai.GenerationConfig,
    on_text: Callable[[str], None] | None,
) -> openvino_genai.DecodedResults:
    """Generate in a thread of its own while this one passes the text on.

    GenAI prints and swallows an exception from its streamer, Ctrl-C included, so none may arise there.
    """
    pieces: SimpleQueue[str | None] = SimpleQueue()
    stopped = threading.Event()

    def stream(piece: str) -> bool:
        pieces.put(piece)
        return stopped.is_set()

    def generate() -> openvino_genai.DecodedResults:
        try:
            return pipeline.generate(turns, config, stream)
        finally:
            pieces.put(None)

    with ThreadPoolExecutor(max_workers=1) as worker:
        future = worker.submit(generate)
        try:
            while (piece := pieces.get()) is not None:
                if on_text is not None and piece:
                    on_text(piece)
        finally:
            stopped.set()
        try:
            return future.result()
        except RuntimeError as error:
            raise ModelError(f"OpenVINO GenAI failed while generating: {error}") from error


def _turns(messages: Sequence[Message]) -> openvino_genai.ChatHistory:
    import openvino_genai

    return openvino_genai.ChatHistory(
        [{"role": message.role, "content": chat_text(message.content)} for message in messages]
    )


def _completion(result: openvino_genai.DecodedResults) -> Completion:
    import openvino_genai

    metrics = result.perf_metrics
    usage = Usage(
        prompt_tokens=metrics.get_num_input_tokens(), completion_tokens=metrics.get_num_generated_tokens()
    )
    cut = result.finish_reasons[0] == openvino_genai.GenerationFinishReason.LENGTH
    return Completion(text=result.texts[0], usage=usage, finish="length" if cut else "stop")


def _open(
    path: Path,
    *,
    threads: int,
    compiled: Path | None = None,
    prefix_gigabytes: int | None = None,
    save_converted: bool = False,
    exact: bool = False,
) -> openvino_genai.LLMPipeline:
    """Return the pipeline on a GGUF file or a folder.

    `compiled` is where OpenVINO keeps the compiled model; it can reload only the SDPA form, and only
    the paged form can share prefixes. `save_converted` writes the converted model beside the GGUF file.
    """
    import openvino_genai

    settings: dict[str, Any] = {"INFERENCE_NUM_THREADS": threads, "ENABLE_CPU_PINNING": False}
    if prefix_gigabytes is not None:
        scheduler = openvino_genai.SchedulerConfig()
        scheduler.enable_prefix_caching = True
        scheduler.cache_size = prefix_gigabytes
        settings["scheduler_config"] = scheduler
        # Kept in less, a prompt is answered otherwise beside others more often, or when its beginning is remembered.
        settings["KV_CACHE_PRECISION"] = precision()
    else:
        settings["ATTENTION_BACKEND"] = "SDPA"
    if exact:
        settings |= EXACT
    if compiled is not None:
        settings["CACHE_DIR"] = str(compiled)
    if save_converted:
        settings["enable_save_ov_model"] = True
    if path.is_file():
        check_whole(path)
    try:
        with kept_signal_stack():
            return openvino_genai.LLMPipeline(str(path), "CPU", **settings)
    except RuntimeError as error:
        raise ModelError(
            f"OpenVINO GenAI cannot open {path}: {error}",
            hint="it must be a GGUF file of a Llama or Qwen model, or a folder made by OpenVINO",
        ) from error


def _prepared(path: Path, cache_folder: Path, *, name: str, threads: int) -> Path:
    """Return the folder that holds the model converted (if it is a GGUF) and compiled.

    Its name tells everything that the compiled form depends on: OpenVINO would else write another one
    into a finished folder.
    """
    import openvino
    import openvino_genai

    with kept_signal_stack():
        device = openvino.Core().get_property("CPU", "FULL_DEVICE_NAME")
    parts = (name, openvino.__version__, openvino_genai.__version__, device, threads)
    key = blake2b("\n".join(map(str, parts)).encode(), digest_size=8).hexdigest()

    def make(folder: Path) -> None:
        opened = path
        if path.is_file():
            link = folder / "source.gguf"
            link.symlink_to(path.resolve())
            _open(link, threads=threads, save_converted=True)
            link.unlink()
            opened = folder
        _open(opened, threads=threads, compiled=folder / COMPILED)

    return prepare_folder(cache_folder, f"chat-{key}", make)


def _model_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = sorted(file for kind in ("xml", "bin", "json") for file in path.glob(f"*.{kind}"))
    if path / "openvino_model.xml" not in files:
        raise ModelError(
            f"there is no chat model at {path}", hint="name a GGUF file or a folder with openvino_model.xml"
        )
    return files


def _window(path: Path, cap: int | None) -> int:
    config = path / "config.json"
    if path.is_file():
        length = context_length(path)
    elif config.exists() and "max_position_embeddings" in (settings := read_json(config)):
        length = int(settings["max_position_embeddings"])
    elif cap is not None:
        return cap
    else:
        raise ModelError(f"{path} does not say how long its context is", hint="set the model's window")
    return length if cap is None else min(cap, length)
