"""What every chat model must do, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from model_server import model_server
from ragraft.errors import ModelError
from ragraft.models.endpoint import EndpointChatModel
from ragraft.models.fake import FakeChatModel
from ragraft.models.files import chat_model_file
from ragraft.models.local import LocalChatModel
from ragraft.models.obedient import ObedientChatModel
from ragraft.protocols import ChatModel
from ragraft.types import Message

PROMPT = [
    Message("system", "Answer from the passages and cite their number."),
    Message(
        "user",
        "[1] Orders ship in three days.\n[2] Refunds take thirty days.\n\nQuestion: When do orders ship?",
    ),
]


@pytest.fixture(scope="module", params=["fake", "obedient", "local", "endpoint"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatModel]:
    if request.param == "fake":
        yield FakeChatModel()
    elif request.param == "obedient":
        yield ObedientChatModel()
    elif request.param == "local":
        yield LocalChatModel(chat_model_file(), window=1024)
    else:
        with model_server() as server:
            yield EndpointChatModel(url=server.url, name="served", window=2048)


def test_a_prompt_gets_a_text(model: ChatModel) -> None:
    assert model.generate(PROMPT, max_tokens=40).text.strip()


def test_equal_prompts_get_equal_answers(model: ChatModel) -> None:
    first, second = (model.generate(PROMPT, max_tokens=24) for _ in range(2))
    assert first == second


def test_the_pieces_given_on_the_way_make_up_the_text(model: ChatModel) -> None:
    pieces: list[str] = []
    completion = model.generate(PROMPT, max_tokens=24, on_text=pieces.append)
    assert "".join(pieces) == completion.text


def test_the_text_is_the_same_streamed_or_not(model: ChatModel) -> None:
    streamed = model.generate(PROMPT, max_tokens=24, on_text=lambda _piece: None)
    assert streamed == model.generate(PROMPT, max_tokens=24)


def test_an_answer_that_was_cut_says_so(model: ChatModel) -> None:
    completion = model.generate(PROMPT, max_tokens=2)
    assert (completion.finish, completion.usage.completion_tokens) == ("length", 2)


def test_the_prompt_count_is_no_less_than_what_was_used(model: ChatModel) -> None:
    assert 0 < model.generate(PROMPT, max_tokens=2).usage.prompt_tokens <= model.count_tokens(PROMPT)


def test_each_message_adds_to_the_count(model: ChatModel) -> None:
    assert model.count_tokens([*PROMPT, Message("assistant", "")]) > model.count_tokens(PROMPT)


def test_what_does_not_fit_the_window_is_refused(model: ChatModel) -> None:
    with pytest.raises(ModelError, match="window"):
        model.generate(PROMPT, max_tokens=model.window)


def test_an_error_of_the_listener_comes_out(model: ChatModel) -> None:
    def listen(piece: str) -> None:
        raise KeyError(piece)

    with pytest.raises(KeyError):
        model.generate(PROMPT, max_tokens=24, on_text=listen)


def test_it_answers_again_after_an_error_of_the_listener(model: ChatModel) -> None:
    def listen(piece: str) -> None:
        raise KeyError(piece)

    before = model.generate(PROMPT, max_tokens=24)
    with pytest.raises(KeyError):
        model.generate(PROMPT, max_tokens=24, on_text=listen)
    assert model.generate(PROMPT, max_tokens=24) == before


def test_text_that_is_not_valid_unicode_is_answered(model: ChatModel) -> None:
    assert model.generate([Message("user", "a lone \udcff surrogate")], max_tokens=2).usage.prompt_tokens > 0


def test_it_has_a_name_and_a_window(model: ChatModel) -> None:
    assert model.name and model.window > 0
