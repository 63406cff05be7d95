from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model_server import (
    Handler,
    ModelServer,
    answers,
    chat_event,
    cut_short,
    drips,
    fails,
    hangs,
    model_server,
    sse,
)
from ragraft.errors import ModelError, ModelTimeoutError
from ragraft.models.endpoint import AT_A_TIME, EndpointChatModel
from ragraft.types import Message, Usage
from tiny_bert import write_tokenizer

PROMPT = [Message("system", "Be brief."), Message("user", "How long do refunds take?")]
WHOLE = b"".join(map(sse, [chat_event("Thirty "), chat_event("days."), chat_event(None, finish="stop")]))
DONE = b"data: [DONE]\n\n"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


def connect(server: ModelServer, **settings: Any) -> EndpointChatModel:
    return EndpointChatModel(
        **({"url": server.url, "name": "m", "window": 4096, "first_wait": 0.001} | settings)
    )


def stream(server: ModelServer, **settings: Any) -> str:
    pieces: list[str] = []
    completion = connect(server, **settings).generate(PROMPT, max_tokens=50, on_text=pieces.append)
    assert "".join(pieces) == completion.text
    return completion.text


def reply(text: Any, *, finish: str | None = "stop", **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish}], **more}


def test_the_request_has_the_form_of_openai(server: ModelServer) -> None:
    connect(server).generate(PROMPT, max_tokens=50)
    assert server.requests[0].body == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."}, {"role": "user", "content": "How long do refunds take?"}
        ],
        "max_tokens": 50,
        "temperature": 0,
    }  # fmt: skip


def test_a_document_cannot_open_a_turn_of_its_own(server: ModelServer) -> None:
    connect(server).generate([Message("user", "a<|im_end|>b")], max_tokens=50)
    assert server.requests[0].body["messages"][0]["content"] == "a< |im_end|>b"


def test_a_stream_asks_for_its_usage(server: ModelServer) -> None:
    stream(server)
    assert server.requests[0].body["stream_options"] == {"include_usage": True}


def test_the_endpoints_usage_is_kept(server: ModelServer) -> None:
    server.faults.append(answers(reply("hi", usage={"prompt_tokens": 11, "completion_tokens": 7})))
    usage = connect(server).generate(PROMPT, max_tokens=50).usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (11, 7)


def test_the_usage_of_a_stream_is_kept(server: ModelServer) -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7}}
    server.faults.append(answers(WHOLE + sse(usage) + DONE))
    kept = connect(server).generate(PROMPT, max_tokens=50, on_text=lambda _piece: None).usage
    assert (kept.prompt_tokens, kept.completion_tokens) == (11, 7)


def test_tokens_that_came_from_the_endpoints_cache_are_kept(server: ModelServer) -> None:
    told = {"prompt_tokens": 900, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 640}}
    server.faults.append(answers(reply("hi", usage=told)))
    assert connect(server).generate(PROMPT, max_tokens=50).usage == Usage(900, 7, cached_tokens=640)


def test_cached_tokens_of_a_stream_are_kept(server: ModelServer) -> None:
    told = {"prompt_tokens": 900, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 640}}
    server.faults.append(answers(WHOLE + sse({"choices": [], "usage": told}) + DONE))
    usage = connect(server).generate(PROMPT, max_tokens=50, on_text=lambda _piece: None).usage
    assert usage == Usage(900, 7, cached_tokens=640)


@pytest.mark.parametrize("details", [None, {}, {"cached_tokens": None}, {"cached_tokens": -1}, [640], "640"])
def test_an_endpoint_that_tells_nothing_of_its_cache_has_none(server: ModelServer, details: Any) -> None:
    told = {"prompt_tokens": 900, "completion_tokens": 7, "prompt_tokens_details": details}
    server.faults.append(answers(reply("hi", usage=told)))
    assert connect(server).generate(PROMPT, max_tokens=50).usage == Usage(900, 7)


def test_no_more_than_the_prompt_comes_from_a_cache(server: ModelServer) -> None:
    told = {"prompt_tokens": 9, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 640}}
    server.faults.append(answers(reply("hi", usage=told)))
    assert connect(server).generate(PROMPT, max_tokens=50).usage.cached_tokens == 9


def test_without_usage_the_tokens_are_counted(server: ModelServer) -> None:
    model = connect(server)
    server.faults.append(answers(reply("hi there")))
    usage = model.generate(PROMPT, max_tokens=50).usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (model.count_tokens(PROMPT), 8)


def test_without_a_tokenizer_bytes_bound_the_count(server: ModelServer) -> None:
    model = connect(server)
    longer = model.count_tokens([Message("user", "Äpfel 漢字 🙂")]) - model.count_tokens(
        [Message("user", "")]
    )
    assert longer == len("Äpfel 漢字 🙂".encode())


def test_with_a_tokenizer_the_contents_are_counted_exactly(server: ModelServer, tmp_path: Path) -> None:
    model = connect(server, tokenizer=write_tokenizer(tmp_path / "tokenizer.json"))
    longer = model.count_tokens([Message("user", "the cat ran")]) - model.count_tokens([Message("user", "")])
    assert longer == 3


def test_what_cannot_fit_is_not_sent(server: ModelServer) -> None:
    with pytest.raises(ModelError, match="window"):
        connect(server, window=100).generate([Message("user", "x" * 100)], max_tokens=10)
    assert server.requests == []


def test_a_reply_cut_at_the_limit_says_so(server: ModelServer) -> None:
    server.faults.append(answers(reply("Thirty", finish="length")))
    assert connect(server).generate(PROMPT, max_tokens=50).finish == "length"


def test_a_reply_without_content_is_empty(server: ModelServer) -> None:
    server.faults.append(answers(reply(None, finish="length")))
    assert connect(server).generate(PROMPT, max_tokens=50).text == ""


@pytest.mark.parametrize(
    "answer",
    [
        {}, {"choices": []}, {"choices": "x"}, {"choices": [1]}, {"choices": [{}]}, reply(17), reply(["hi"]),
        {"choices": [{"message": None}]}, reply("x", finish="content_filter"), {"error": "no"},
    ],
)  # fmt: skip
def test_a_malformed_answer_is_an_error(server: ModelServer, answer: dict[str, Any]) -> None:
    server.faults.append(answers(answer))
    with pytest.raises(ModelError):
        connect(server).generate(PROMPT, max_tokens=50)


@pytest.mark.parametrize("end", [DONE, b"", b"data: [DONE]", b"data:[DONE]\r\n\r\n"])
def test_a_whole_stream_is_whole_whatever_it_ends_with(server: ModelServer, end: bytes) -> None:
    server.faults.append(answers(WHOLE + end))
    assert stream(server) == "Thirty days."


def test_comments_other_fields_and_empty_lines_are_passed_over(server: ModelServer) -> None:
    server.faults.append(
        answers(b": ping\n\nevent: message\nid: 7\n\r\n" + WHOLE.replace(b"\n", b"\r\n") + DONE)
    )
    assert stream(server) == "Thirty days."


def test_letters_of_several_bytes_survive_any_cut_between_packets(server: ModelServer) -> None:
    def byte_by_byte(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        text = 'data: {"choices":[{"delta":{"content":"Ä漢🙂"},"finish_reason":"stop"}]}\n\n'
        for byte in text.encode():
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
        handler.close_connection = True

    server.faults.append(byte_by_byte)
    assert stream(server) == "Ä漢🙂"


def test_a_stream_cut_in_the_middle_is_an_error(server: ModelServer) -> None:
    server.faults.append(cut_short(sse(chat_event("Thirty "))))
    with pytest.raises(ModelError, match="broke off after 7 characters"):
        stream(server)


def test_a_stream_that_ends_without_a_finish_is_an_error(server: ModelServer) -> None:
    server.faults.append(answers(sse(chat_event("Thirty "))))
    with pytest.raises(ModelError, match="broke off"):
        stream(server)


def test_a_stream_is_not_asked_for_again_once_text_was_passed_on(server: ModelServer) -> None:
    server.faults.append(cut_short(sse(chat_event("Thirty "))))
    with pytest.raises(ModelError):
        stream(server)
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [cut_short(b""), cut_short(b": ping\n\n"), answers(b""), fails(503)])
def test_a_stream_that_fails_before_any_text_is_asked_for_again(server: ModelServer, fault: Any) -> None:
    server.faults.append(fault)
    server.faults.append(answers(WHOLE + DONE))
    assert stream(server) == "Thirty days."


@pytest.mark.parametrize(
    "event",
    [
        b"data: {broken\n\n", b"data: [1]\n\n", b'data: {"error": {"message": "out of memory"}}\n\n',
        b'data: {"choices":[{"delta":{"content":7}}]}\n\n',
        b'data: {"choices":[{"delta":{},"finish_reason":"content_filter"}]}\n\n', b"data: " + b"x" * (2 << 20),
    ],
)  # fmt: skip
def test_a_malformed_event_is_an_error(server: ModelServer, event: bytes) -> None:
    server.faults.append(answers(sse(chat_event("Thirty ")) + event + WHOLE))
    with pytest.raises(ModelError):
        connect(server).generate(PROMPT, max_tokens=50, on_text=lambda _piece: None)


def test_a_stream_that_hangs_is_a_timeout(server: ModelServer) -> None:
    server.faults.append(hangs)
    with pytest.raises(ModelTimeoutError):
        stream(server, timeout=0.3)


def test_a_stream_that_only_pings_is_a_timeout(server: ModelServer) -> None:
    server.faults.append(drips)
    with pytest.raises(ModelTimeoutError):
        stream(server, timeout=0.5)


def test_a_model_that_wants_max_completion_tokens_gets_it(server: ModelServer) -> None:
    model = connect(server)
    server.faults.append(
        fails(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    )
    server.faults.append(answers(reply("hi")))
    assert model.generate(PROMPT, max_tokens=50).text == "hi"
    assert (server.requests[1].body["max_completion_tokens"], "max_tokens" in server.requests[1].body) == (
        50,
        False,
    )


def test_a_model_with_a_fixed_temperature_is_asked_without_one(server: ModelServer) -> None:
    server.faults.append(fails(400, "'temperature' does not support 0 with this model"))
    server.faults.append(answers(reply("hi")))
    connect(server).generate(PROMPT, max_tokens=50)
    assert "temperature" not in server.requests[1].body


def test_what_the_endpoint_cannot_take_is_remembered(server: ModelServer) -> None:
    model = connect(server)
    server.faults.extend([fails(400, "'temperature' is fixed"), answers(reply("hi")), answers(reply("hi"))])
    for _ in range(2):
        model.generate(PROMPT, max_tokens=50)
    assert len(server.requests) == 3


def test_a_rejection_that_stays_is_an_error(server: ModelServer) -> None:
    server.faults.extend([fails(400, "'temperature' is fixed")] * 5)
    with pytest.raises(ModelError, match="temperature"):
        connect(server).generate(PROMPT, max_tokens=50)


NAMED = [[Message("user", f"[1] The word is w{number}.\nQuestion: The word?")] for number in range(9)]


def test_several_prompts_are_answered_in_their_order(server: ModelServer) -> None:
    made = connect(server).generate_many(NAMED, max_tokens=50)
    assert [one.text for one in made] == [f"The word is w{number} [1]." for number in range(9)]


def test_a_few_prompts_are_sent_at_a_time_and_no_more(server: ModelServer) -> None:
    under_way: list[int] = []
    together = threading.Barrier(AT_A_TIME)
    now = threading.Semaphore(AT_A_TIME)

    def answer(handler: Handler) -> None:
        under_way.append(now.acquire(blocking=False))
        together.wait(timeout=10)  # passes only once so many are there
        handler.send(json.dumps(reply("ok")).encode())
        now.release()

    server.faults.extend([answer] * (2 * AT_A_TIME))
    connect(server).generate_many(NAMED[:1] * (2 * AT_A_TIME), max_tokens=50)
    assert under_way == [True] * (2 * AT_A_TIME)


def test_one_prompt_that_fails_is_the_error_of_all(server: ModelServer) -> None:
    with pytest.raises(ModelError, match="exceed the window"):
        connect(server).generate_many([*NAMED, [Message("user", "word " * 5000)]], max_tokens=50)


def test_no_prompts_are_not_sent(server: ModelServer) -> None:
    assert connect(server).generate_many([], max_tokens=50) == []
    assert server.requests == []
