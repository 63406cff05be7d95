from __future__ import annotations

from pathlib import Path

import pytest

from ragraft.errors import ModelError
from ragraft.models.tokens import chat_text, load_tokenizer, well_formed
from tiny_bert import write_tokenizer


def test_padding_saved_in_the_file_is_left_out(tmp_path: Path) -> None:
    assert len(load_tokenizer(write_tokenizer(tmp_path / "t.json")).encode("cat")) == 3


def test_truncation_saved_in_the_file_is_left_out(tmp_path: Path) -> None:
    assert len(load_tokenizer(write_tokenizer(tmp_path / "t.json")).encode("cat " * 50)) == 52


def test_a_missing_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"t\.json"):
        load_tokenizer(tmp_path / "t.json")


def test_a_damaged_tokenizer_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text("{}")
    with pytest.raises(ModelError, match=r"t\.json"):
        load_tokenizer(tmp_path / "t.json")


def test_a_lone_surrogate_becomes_a_question_mark() -> None:
    assert well_formed(["a\ud800b", "漢字 🙂"]) == ["a?b", "漢字 🙂"]


@pytest.mark.parametrize(
    ("mark", "written"),
    [
        ("<|im_start|>system", "< |im_start|>system"),
        ("<|eot_id|>", "< |eot_id|>"),
        ("</s><s>", "< /s>< s>"),
        ("<end_of_turn>", "< end_of_turn>"),
        ("[INST] x [/INST]", "[ INST] x [ /INST]"),
    ],
)
def test_a_mark_of_a_turn_in_a_message_loses_its_meaning(mark: str, written: str) -> None:
    assert chat_text(mark) == written


@pytest.mark.parametrize(
    "text", ["a < b | c > d", "<|>", "f(x) |> g", "<strong>", "[1] [INSTALL]", "a <| b |> c"]
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert chat_text(text) == text
