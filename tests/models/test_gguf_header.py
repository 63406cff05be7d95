from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from ragraft.errors import ModelError
from ragraft.models.files import chat_model_file
from ragraft.models.gguf_header import check_whole, context_length


def write_gguf(path: Path, *, context: int | None = 2048, late: bool = False) -> Path:
    """Write a small GGUF with the reference implementation; `late`: the length comes after long arrays."""
    writer = gguf.GGUFWriter(path, "llama")
    if context is not None and not late:
        writer.add_context_length(context)
    writer.add_token_list([f"token {number}" for number in range(500)])
    writer.add_token_scores([0.5] * 500)
    writer.add_bool("tokenizer.ggml.add_bos_token", False)
    writer.add_float64("a.number", 1.5)
    if context is not None and late:
        writer.add_context_length(context)
    writer.add_tensor("whole", np.ones((3, 32), np.float32))
    writer.add_tensor("quantised", np.ones((7, 34), np.uint8), raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_the_context_of_the_packaged_model_is_8192() -> None:
    assert context_length(chat_model_file()) == 8192


def test_the_context_is_found_after_arrays_of_strings_and_numbers(tmp_path: Path) -> None:
    assert context_length(write_gguf(tmp_path / "m.gguf", late=True)) == 2048


def test_a_file_that_does_not_say_its_context_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="how long its context is") as caught:
        context_length(write_gguf(tmp_path / "m.gguf", context=None))
    assert caught.value.hint


def test_a_whole_file_is_whole(tmp_path: Path) -> None:
    check_whole(write_gguf(tmp_path / "m.gguf"))


def test_the_packaged_model_is_whole() -> None:
    check_whole(chat_model_file())


def test_a_file_without_its_last_bytes_is_not_whole(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ModelError, match="bytes are missing"):
        check_whole(path)


def test_a_file_cut_anywhere_is_an_error_of_ours(tmp_path: Path) -> None:
    content = write_gguf(tmp_path / "m.gguf").read_bytes()
    for length in range(0, len(content) - 40, 997):
        cut = tmp_path / "cut.gguf"
        cut.write_bytes(content[:length])
        with pytest.raises(ModelError):
            check_whole(cut)


def test_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"PK\x03\x04" + b"\x00" * 100)
    with pytest.raises(ModelError, match="does not begin with GGUF"):
        check_whole(tmp_path / "m.gguf")


def test_a_header_of_nonsense_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + b"\xff" * 1000)
    with pytest.raises(ModelError, match="not a readable GGUF"):
        check_whole(tmp_path / "m.gguf")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"m\.gguf"):
        context_length(tmp_path / "m.gguf")
