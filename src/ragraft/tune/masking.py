"""From a conversation to tokens, and which of them are trained on: the model's own chat template, without torch.

Training, validation and `ragraft examples show` all use `ChatEncoder.encode`, so that what is shown is what
is learned. Every turn of the assistant is trained on with the token that ends it; all else is only read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from ragraft.errors import MissingExtraError, ModelError
from ragraft.models.tokens import chat_text, load_tokenizer
from ragraft.tune.gguf_values import read_values
from ragraft.types import Message

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["ChatEncoder", "Encoded", "open_chat_encoder"]

CONTROL, USER_DEFINED = 3, 4
"""Kinds of tokens in a GGUF file that are found in text before it is split into words."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A conversation in tokens; `trained` says of each whether it is learned. `ends` counts turns that end.

    A turn that does not end with a token of its own would teach the model never to stop.
    """

    ids: list[int]
    trained: list[bool]
    turns: int
    ends: int


class ChatEncoder:
    """A tokenizer with its chat template. `window` is the model's context in tokens, None if not known."""

    def __init__(self, tokenizer: Tokenizer, template: str, *, window: int | None, **special: str) -> None:
        """Compile the template; `special` are the strings it may use, such as bos_token.

        Raises: ModelError if it cannot be compiled; MissingExtraError without jinja2.
        """
        self.tokenizer = tokenizer
        self.template = template
        self._compiled = _compile(template)
        self._special = special
        self.window = window
        self._controls = frozenset(
            number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special
        )

    @cached_property
    def control_tokens(self) -> tuple[str, ...]:
        """The texts that mean something else than themselves to this model."""
        return tuple(
            sorted(self.tokenizer.decode([number], skip_special_tokens=False) for number in self._controls)
        )

    def render(self, messages: Sequence[Message], *, prompt: bool = False) -> str:
        """Return the text of a conversation; with `prompt`, up to where the assistant begins to write.

        Raises: ModelError if the template refuses the messages, as some do a system message.
        """
        turns = [{"role": turn.role, "content": chat_text(turn.content)} for turn in messages]
        try:
            return self._compiled.render(messages=turns, add_generation_prompt=prompt, **self._special)
        except Exception as error:  # a template may raise whatever it likes
            raise ModelError(f"the model's chat template cannot take these messages: {error}") from error

    def encode(self, messages: Sequence[Message]) -> Encoded:
        """Return the tokens of a conversation and which are trained on.

        Raises: ModelError if the template refuses the messages, or writes earlier turns in another way
        once later ones follow, so that what was trained would not be what is asked.
        """
        text = self.render(messages)
        coded = self.tokenizer.encode(text, add_special_tokens=False)
        spans = [
            self._span(messages, at, text) for at, turn in enumerate(messages) if turn.role == "assistant"
        ]
        trained = [False] * len(coded.ids)
        ends = 0
        for start, stop in spans:
            # White space may have a span of no length, at its end.
            inside = [
                n
                for n, (first, last) in enumerate(coded.offsets)
                if start <= first and last <= stop and (first < last or start < first)
            ]
            last_control = max((n for n in inside if coded.ids[n] in self._controls), default=None)
            if last_control is not None and not text[coded.offsets[last_control][1] : stop].strip():
                ends += 1
                # What a template writes after the end of a turn, a line break say, is never generated.
                inside = [n for n in inside if n <= last_control]
            for n in inside:
                trained[n] = True
        return Encoded(coded.ids, trained, len(spans), ends)

    def pieces(self, encoded: Encoded) -> list[tuple[str, bool]]:
        """Return the text of a conversation in stretches, each trained on or not, control tokens visible."""
        stretches: list[tuple[list[int], bool]] = []
        for number, learned in zip(encoded.ids, encoded.trained, strict=True):
            if stretches and stretches[-1][1] == learned:
                stretches[-1][0].append(number)
            else:
                stretches.append(([number], learned))
        return [
            (self.tokenizer.decode(ids, skip_special_tokens=False), learned) for ids, learned in stretches
        ]

    def _span(self, messages: Sequence[Message], at: int, text: str) -> tuple[int, int]:
        """Return where the turn `at` stands in the text, without what the prompt before it gives away."""
        before = self.render(messages[:at], prompt=True)
        until = self.render(messages[: at + 1])
        if not (until.startswith(before) and text.startswith(until)):
            raise ModelError(
                "the model's chat template writes earlier turns differently once others follow",
                hint="give conversations of one question and one answer, or a folder with another template",
            )
        return len(before), len(until)


def open_chat_encoder(path: Path) -> ChatEncoder:
    """Return the encoder of a GGUF file or of a Hugging Face folder with tokenizer.json.

    Raises: ModelError if tokenizer or chat template are missing or cannot be read; MissingExtraError without
    the packages for it.
    """
    return _from_gguf(path) if path.is_file() else _from_folder(path)


def _from_folder(folder: Path) -> ChatEncoder:
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    settings = _read_json(folder / "tokenizer_config.json")
    separate = folder / "chat_template.jinja"
    template = separate.read_text(encoding="utf-8") if separate.is_file() else settings.get("chat_template")
    if isinstance(template, list):  # several by name
        template = next((one["template"] for one in template if one.get("name") == "default"), None)
    if not isinstance(template, str):
        raise ModelError(
            f"{folder} has no chat template", hint="use an instruct model, or add a chat_template.jinja"
        )
    special = {
        name: token["content"] if isinstance(token := settings[name], dict) else str(token)
        for name in ("bos_token", "eos_token", "pad_token", "unk_token")
        if settings.get(name)
    }
    window = _read_json(folder / "config.json").get("max_position_embeddings")
    return ChatEncoder(tokenizer, template, window=window if isinstance(window, int) else None, **special)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    return found if isinstance(found, dict) else {}


def _from_gguf(path: Path) -> ChatEncoder:
    values: dict[str, Any] = read_values(path)
    template, pre = values.get("tokenizer.chat_template"), values.get("tokenizer.ggml.pre")
    if not template or values.get("tokenizer.ggml.model") != "gpt2" or pre not in SPLITS:
        raise ModelError(
            f"{path}: its tokenizer or chat template is not one that can be read from a GGUF file",
            hint="give the model's Hugging Face folder, with tokenizer.json",
        )
    words, kinds, merges = (values[f"tokenizer.ggml.{name}"] for name in ("tokens", "token_type", "merges"))
    tokenizer = _byte_pairs(words, kinds, merges, pre=str(pre))
    numbers = {name: values.get(f"tokenizer.ggml.{name}_token_id") for name in ("bos", "eos")}
    special = {f"{name}_token": words[at] for name, at in numbers.items() if at is not None}
    window = values.get(f"{values.get('general.architecture')}.context_length")
    return ChatEncoder(tokenizer, template, window=window, **special)


SPLITS = {
    "smollm": lambda: pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
}
"""How text is split before byte pairs are merged, by GGUF's name for it."""


def _byte_pairs(words: list[str], kinds: list[int], merges: list[str], *, pre: str) -> Tokenizer:
    pairs = [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
    tokenizer = Tokenizer(models.BPE(vocab={word: at for at, word in enumerate(words)}, merges=pairs))
    tokenizer.pre_tokenizer = SPLITS[pre]()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [
            AddedToken(word, special=True, normalized=False)
            for word, kind in zip(words, kinds, strict=True)
            if kind in (CONTROL, USER_DEFINED)
        ]
    )
    return tokenizer


def _compile(template: str) -> Template:
    """Compile a chat template in a sandbox, for it comes with a model and is a program.

    Source: the settings are those of transformers, utils/chat_template_utils.py, for which templates are
    written.
    """
    try:
        from jinja2 import TemplateError
        from jinja2.ext import Extension, loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError as error:
        raise MissingExtraError("tune", needed_for="reading a model's chat template") from error

    class Generation(Extension):
        """Accepts {% generation %}, which marks the assistant's words for others, and prints what is in it."""

        tags = {"generation"}  # noqa: RUF012 - as the library declares it

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    def refuse(reason: str) -> NoReturn:
        raise TemplateError(reason)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = lambda found, **form: json.dumps(found, ensure_ascii=False, **form)
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().astimezone().strftime(form)
    try:
        return environment.from_string(template)
    except TemplateError as error:
        raise ModelError(f"the model's chat template cannot be read: {error}") from error
