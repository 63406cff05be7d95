"""Which tokens are trained on: compared with transformers' own mask, and read back as text."""

from __future__ import annotations

from pathlib import Path

import pytest
from example_world import encoder

from ragraft.errors import ModelError
from ragraft.models.files import chat_model_file
from ragraft.models.signal_stack import kept_signal_stack
from ragraft.tune.masking import ChatEncoder, open_chat_encoder
from ragraft.types import Message

CHAT = (
    Message("system", "Be brief."),
    Message("user", "Who has the key of hall 12?\n\n1. the porter\n2. nobody"),
    Message("assistant", "The porter.\n\nAsk at 3,400 Grüne Straße."),
    Message("user", "And after six?"),
    Message("assistant", "Nobody 😀"),
)

MARKED = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% if m.role == 'assistant' %}{% generation %}"
    "{{ m.content + '<|im_end|>' }}{% endgeneration %}{% else %}{{ m.content + '<|im_end|>' }}{% endif %}"
    "{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""A template that says itself what is the assistant's; transformers can tell by it."""


def saved(folder: Path, template: str = MARKED) -> Path:
    encoder().tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text(template)
    (folder / "config.json").write_text('{"max_position_embeddings": 2048}')
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>"}'
    )
    return folder


def test_the_assistants_words_and_their_end_are_trained_and_nothing_else() -> None:
    pieces = encoder().pieces(encoder().encode(CHAT))
    assert [text for text, trained in pieces if trained] == [
        "The porter.\n\nAsk at 3,400 Grüne Straße.<|im_end|>",
        "Nobody 😀<|im_end|>",
    ]
    assert "".join(text for text, _ in pieces) == encoder().render(CHAT)


def test_the_mask_is_that_of_transformers(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    peer = transformers.AutoTokenizer.from_pretrained(saved(tmp_path))
    expected = peer.apply_chat_template(
        [{"role": turn.role, "content": turn.content} for turn in CHAT],
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    found = open_chat_encoder(tmp_path).encode(CHAT)
    assert found.ids == expected["input_ids"]
    assert found.trained == [bool(one) for one in expected["assistant_masks"]]


def test_text_is_split_into_tokens_as_the_engine_that_answers_does() -> None:
    genai = pytest.importorskip("openvino_genai")
    with kept_signal_stack():
        peer = genai.Tokenizer(chat_model_file())
    for text in ("In 2026: 12 halls.\n\n1. Grüße\n\n    20 m³ <x>", *(turn.content for turn in CHAT)):
        ids = peer.encode(text, add_special_tokens=False).input_ids.data[0].tolist()
        assert encoder().tokenizer.encode(text, add_special_tokens=False).ids == ids


def test_a_folder_encodes_as_the_file_that_it_was_made_from(tmp_path: Path) -> None:
    folder = open_chat_encoder(saved(tmp_path, encoder().template))
    assert folder.encode(CHAT) == encoder().encode(CHAT)
    assert folder.window == 2048


def test_a_template_inside_the_tokenizer_config_is_found(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "chat_template.jinja").unlink()
    (tmp_path / "tokenizer_config.json").write_text(
        '{"chat_template": [{"name": "default", "template": "{{ bos_token }}{{ messages[0].content }}"}],'
        ' "bos_token": "<|im_start|>"}'
    )
    assert open_chat_encoder(tmp_path).render(CHAT) == "<|im_start|>Be brief."


def test_a_template_that_rewrites_earlier_turns_is_refused() -> None:
    forgetful = (
        "{% for m in messages %}{% if loop.last or m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}"
    )
    with pytest.raises(ModelError, match="earlier turns"):
        ChatEncoder(encoder().tokenizer, forgetful, window=None).encode(CHAT)


def test_a_template_cannot_reach_out_of_its_sandbox() -> None:
    escaping = ChatEncoder(encoder().tokenizer, "{{ ''.__class__.__mro__[1].__subclasses__() }}", window=None)
    with pytest.raises(ModelError, match="unsafe"):
        escaping.render(CHAT)


@pytest.mark.parametrize("content", ["{% if %}", "{{"])
def test_a_broken_template_is_one_clear_error(content: str) -> None:
    with pytest.raises(ModelError, match="chat template"):
        ChatEncoder(encoder().tokenizer, content, window=None)


def test_a_folder_without_a_template_says_what_to_do(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match="no chat template") as caught:
        open_chat_encoder(tmp_path)
    assert caught.value.hint


@pytest.mark.parametrize(
    "content", [b"", b"GGUF", b"GGUF" + b"\x03\x00\x00\x00" + b"\xff" * 20, b"PK\x03\x04"]
)
def test_a_file_that_is_no_model_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.gguf").write_bytes(content)
    with pytest.raises(ModelError, match="not a readable GGUF file"):
        open_chat_encoder(tmp_path / "model.gguf")
