from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from model_server import ModelServer, answers, cut_short, drips, endless, fails, hangs, hangs_up, model_server
from ragraft.errors import ModelError, ModelTimeoutError
from ragraft.models import transport
from ragraft.models.transport import Endpoint, RejectedError, TransientError

KEY = "sk-very-secret-1234567890"
FINE = answers({"fine": True})


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


def ask(server: ModelServer, *, key: str | None = KEY, timeout: float = 10.0, section: str = "model") -> Any:
    endpoint = Endpoint(url=server.url, key=key, section=section, timeout=timeout, first_wait=0.001)
    return endpoint.post("/ask", {"text": "hello"})


def failure(server: ModelServer, **how: Any) -> ModelError:
    with pytest.raises(ModelError) as caught:
        ask(server, **how)
    return caught.value


def test_the_object_comes_back(server: ModelServer) -> None:
    server.faults.append(FINE)
    assert ask(server) == {"fine": True}


def test_the_key_is_sent_as_a_bearer_token(server: ModelServer) -> None:
    server.faults.append(FINE)
    ask(server)
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"


def test_without_a_key_none_is_sent(server: ModelServer) -> None:
    server.faults.append(FINE)
    ask(server, key=None)
    assert "Authorization" not in server.requests[0].headers


@pytest.mark.parametrize("end", ["", "/", "/ask"])
def test_the_path_is_added_once(server: ModelServer, end: str) -> None:
    server.faults.append(FINE)
    Endpoint(url=server.url + end, key=None, section="model", timeout=10).post("/ask", {})
    assert server.requests[0].path == "/v1/ask"


def test_a_query_in_the_address_stays(server: ModelServer) -> None:
    server.faults.append(FINE)
    Endpoint(url=f"{server.url}?api-version=1", key=None, section="model", timeout=10).post("/ask", {})
    assert server.requests[0].path == "/v1/ask?api-version=1"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_or_failing_server_is_asked_again(server: ModelServer, status: int) -> None:
    server.faults.extend([fails(status), fails(status), fails(status), FINE])
    assert ask(server) == {"fine": True}


def test_a_server_that_keeps_failing_is_asked_four_times(server: ModelServer) -> None:
    server.faults.extend([fails(500, "overloaded")] * 9)
    assert "answered 500: overloaded" in str(failure(server)) and len(server.requests) == 4


def test_a_connection_that_is_dropped_is_tried_again(server: ModelServer) -> None:
    server.faults.extend([hangs_up, FINE])
    assert ask(server) == {"fine": True}


def test_an_answer_cut_short_is_asked_for_again(server: ModelServer) -> None:
    server.faults.extend([cut_short(b'{"fine": '), FINE])
    assert ask(server) == {"fine": True}


def test_nobody_listening_is_an_error_with_the_address() -> None:
    with model_server() as server:
        url = server.url
    with pytest.raises(ModelError, match=r"127\.0\.0\.1"):
        Endpoint(url=url, key=None, section="model", timeout=5, first_wait=0.001).post("/ask", {})


def test_retry_after_in_seconds_is_waited_for(server: ModelServer) -> None:
    server.faults.extend([fails(429, Retry_After="0.3"), FINE])
    start = time.monotonic()
    ask(server)
    assert time.monotonic() - start >= 0.3


def test_retry_after_as_a_date_is_waited_for(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(transport.time, "sleep", waits.append)
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    server.faults.extend([fails(503, Retry_After=date), FINE])
    ask(server)
    assert waits == [pytest.approx(30, abs=5)]


@pytest.mark.parametrize("value", ["soon", "", "nan", "-5"])
def test_a_retry_after_of_nonsense_does_no_harm(server: ModelServer, value: str) -> None:
    server.faults.extend([fails(429, Retry_After=value), FINE])
    assert ask(server) == {"fine": True}


@pytest.mark.parametrize("value", ["3600", "inf"])
def test_a_server_that_asks_for_a_long_wait_is_an_error_at_once(server: ModelServer, value: str) -> None:
    server.faults.extend([fails(429, "quota used up", Retry_After=value), FINE])
    assert "quota used up" in str(failure(server)) and len(server.requests) == 1


def test_a_server_that_hangs_is_a_timeout_and_not_asked_again(server: ModelServer) -> None:
    server.faults.extend([hangs, FINE])
    error = failure(server, timeout=0.3)
    assert isinstance(error, ModelTimeoutError) and len(server.requests) == 1


def test_a_timeout_says_which_setting_to_change(server: ModelServer) -> None:
    server.faults.append(hangs)
    assert "[model] timeout" in (failure(server, timeout=0.3).hint or "")


def test_an_answer_that_never_ends_is_a_timeout_though_bytes_keep_coming(server: ModelServer) -> None:
    server.faults.append(drips)
    assert isinstance(failure(server, timeout=0.5), ModelTimeoutError)


def test_a_body_without_end_is_refused(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LONGEST_ANSWER", 4 << 20)
    server.faults.append(endless)
    assert "more than 4 MB" in str(failure(server))


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        (401, "bad key", "[model] key"),
        (403, "no", "RAGRAFT_MODEL_KEY"),
        (404, "no such model", "[model] name"),
        (404, "no such path", "[model] url"),
        (400, "This model's maximum context length is 4096 tokens", "[model] window"),
        (400, "prompt is too long", "[model] window"),
        (413, "", "[model] window"),
        (422, "unknown field", "[model]"),
    ],
)
def test_a_rejection_says_which_setting_to_change(
    server: ModelServer, status: int, message: str, hint: str
) -> None:
    server.faults.append(fails(status, message))
    error = failure(server)
    assert isinstance(error, RejectedError) and hint in (error.hint or "")


def test_a_rejection_is_not_asked_again(server: ModelServer) -> None:
    server.faults.append(fails(400, "no"))
    failure(server)
    assert len(server.requests) == 1


def test_an_embedders_rejection_names_the_embedders_settings(server: ModelServer) -> None:
    server.faults.append(fails(401))
    assert "[embedder] key" in (failure(server, section="embedder").hint or "")


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": {"message": "reason"}}', b'{"error": "reason"}', b'{"message": "reason"}',
        b'{"detail": "reason"}', b'{"detail": [{"msg": "reason"}]}', b"reason", b'{"error": {"code": "reason"}}',
    ],
)  # fmt: skip
def test_the_reason_is_found_in_every_form(server: ModelServer, body: bytes) -> None:
    server.faults.append(answers(body, status=400))
    assert "reason" in str(failure(server))


def test_a_reason_of_pages_is_shortened(server: ModelServer) -> None:
    server.faults.append(fails(400, "page " * 10_000))
    assert len(str(failure(server))) < 500


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(server: ModelServer, status: int) -> None:
    with model_server() as other:
        server.faults.append(answers(b"", status=status, Location=f"{other.url}/ask"))
        error = failure(server)
        assert "redirects to" in str(error) and other.requests == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"null", b"{", b"[" * 100_000, b"\xff\xfe"])
def test_an_answer_that_is_no_json_object_is_an_error(server: ModelServer, body: bytes) -> None:
    server.faults.append(answers(body))
    assert "JSON object" in str(failure(server))


def test_the_key_is_in_no_error_though_the_server_repeats_it(server: ModelServer) -> None:
    padding = "x" * 285  # so that shortening would cut the key in two, were it not taken out before
    faults = [
        fails(401, f"no such key: {KEY}"), fails(400, padding + KEY), *[fails(500, KEY)] * 4, answers(KEY.encode()),
        answers(b"", status=302, Location=f"http://elsewhere/?key={KEY}"), answers(KEY.encode(), status=403),
    ]  # fmt: skip
    server.faults.extend(faults)
    errors = [failure(server) for _ in range(6)]
    assert not [error for error in errors if "sk-very" in f"{error} {error.hint} {error.__cause__}"]


def test_the_key_is_not_in_the_repr(server: ModelServer) -> None:
    endpoint = Endpoint(url=server.url, key=KEY, section="model", timeout=1)
    assert KEY not in repr(endpoint) and server.url in repr(endpoint)


def test_a_password_in_the_address_is_in_no_error() -> None:
    endpoint = Endpoint(
        url="http://user:hidden@127.0.0.1:9/v1?code=hidden",
        key=None,
        section="model",
        timeout=1,
        first_wait=0.001,
    )
    with pytest.raises(ModelError) as caught:
        endpoint.post("/ask", {})
    assert "hidden" not in f"{caught.value} {endpoint!r}"


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel", "\x00"])
def test_a_key_that_cannot_be_sent_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ModelError) as caught:
        Endpoint(url="http://127.0.0.1:9", key=key, section="model", timeout=1)
    assert key not in str(caught.value) and "[model] key" in (caught.value.hint or "")


@pytest.mark.parametrize("url", ["ftp://host/v1", "host/v1", "http://", "http://[::1", "http://host:port/"])
def test_an_address_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ModelError):
        Endpoint(url=url, key=None, section="model", timeout=1)


def test_a_failure_while_reading_may_be_tried_again(server: ModelServer) -> None:
    def read(chunks: Iterator[bytes]) -> bytes:
        content = b"".join(chunks)
        if content == b"half":
            raise TransientError("half")
        return content

    server.faults.extend([answers(b"half"), answers(b"whole")])
    endpoint = Endpoint(url=server.url, key=None, section="model", timeout=5, first_wait=0.001)
    assert endpoint.exchange("/ask", {}, read) == b"whole"
