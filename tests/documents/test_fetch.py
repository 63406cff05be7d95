from __future__ import annotations

import gzip
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ragraft.documents import fetch as fetch_module
from ragraft.documents.fetch import Fetched, fetch
from ragraft.documents.network import is_public, system_resolve
from ragraft.errors import FetchError

PUBLIC = "93.184.215.14"
Answer = Callable[[BaseHTTPRequestHandler], None]


class Site:
    """A real HTTP server on the loopback; `pages` says what each path answers, `asked` what came in."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer] = {}
        self.asked: list[tuple[str, str]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.headers["Host"], self.path))
                site.pages[self.path.partition("?")[0]](self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


def answer(content: bytes = b"hello", status: int = 200, **headers: str) -> Answer:
    def send(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return send


def redirect(to: str) -> Answer:
    return answer(b"", 302, Location=to)


class LocalConnections(httpcore.NetworkBackend):
    """Connects every address to the local server, and remembers which were asked for."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.addresses: list[str] = []
        self.dead: set[str] = set()

    def connect_tcp(self, host: str, port: int, *rest: object, **named: object) -> httpcore.NetworkStream:
        self.addresses.append(host)
        if host in self.dead:
            raise httpcore.ConnectError("refused")
        return httpcore.SyncBackend().connect_tcp("127.0.0.1", self.port, 5)


def names(known: dict[str, Sequence[str]]) -> Callable[[str, int], Sequence[str]]:
    return lambda host, port: known[host]


def get(url: str, *, timeout: float = 10, max_bytes: int = 100_000) -> Fetched:
    return fetch(url, max_bytes=max_bytes, timeout=timeout, allow_private=True)


def test_content_type_name_address_and_etag_are_those_served(site: Site) -> None:
    site.pages["/docs/q3%20report.html"] = answer(
        b"<p>Hi", Content_Type="text/html; charset=koi8-r", ETag='"7"'
    )
    url = site.url("/docs/q3%20report.html")
    assert get(url + "?x=1#part") == Fetched(
        b"<p>Hi", "text/html; charset=koi8-r", url + "?x=1", "q3 report.html", '"7"'
    )


def test_the_server_sees_the_name_it_was_asked_by(site: Site) -> None:
    site.pages["/"] = answer()
    connect = LocalConnections(site.port)
    fetch(
        "http://docs.test/", max_bytes=99, timeout=5, resolve=names({"docs.test": [PUBLIC]}), connect=connect
    )
    assert (site.asked, connect.addresses) == ([("docs.test", "/")], [PUBLIC])


def test_a_name_beyond_ascii_is_asked_for_in_its_dns_form(site: Site) -> None:
    site.pages["/ä"] = site.pages["/%C3%A4"] = answer()
    resolve = names({"xn--bcher-kva.test": [PUBLIC]})
    fetch(
        "http://bücher.test/ä", max_bytes=99, timeout=5, resolve=resolve, connect=LocalConnections(site.port)
    )
    assert site.asked == [("xn--bcher-kva.test", "/%C3%A4")]


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="report 3.pdf"', "report 3.pdf"),
        ("attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe.pdf", "größe.pdf"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="a\\\\b\x07.pdf"', "b.pdf"),
        ('attachment; filename="/.."', "127.0.0.1"),
    ],
)
def test_the_name_a_server_gives_is_made_safe(site: Site, disposition: str, name: str) -> None:
    site.pages["/d"] = answer(Content_Disposition=disposition)
    assert get(site.url("/d")).name == name


def test_a_name_comes_from_the_path_else_from_the_host(site: Site) -> None:
    site.pages |= {"/": answer(), "/a/b.md": answer()}
    assert [get(site.url(path)).name for path in ("/", "/a/b.md")] == ["127.0.0.1", "b.md"]


def test_compressed_content_is_unpacked(site: Site) -> None:
    site.pages["/"] = answer(gzip.compress(b"words " * 100), Content_Encoding="gzip")
    assert get(site.url("/")).content == b"words " * 100


def test_the_limit_counts_after_decompression(site: Site) -> None:
    site.pages["/"] = answer(gzip.compress(bytes(5_000_000)), Content_Encoding="gzip")
    with pytest.raises(FetchError, match="too large: more than 100,000 bytes"):
        get(site.url("/"))


def test_content_of_just_the_limit_is_read(site: Site) -> None:
    site.pages["/"] = answer(bytes(100_000))
    assert len(get(site.url("/")).content) == 100_000


def test_an_announced_size_over_the_limit_is_not_waited_for(site: Site) -> None:
    site.pages["/"] = answer(b"", Content_Length="100001")
    with pytest.raises(FetchError, match="too large"):
        get(site.url("/"))


def test_content_without_an_end_is_cut_off_at_the_limit(site: Site) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        try:
            while True:
                request.wfile.write(bytes(10_000))
        except OSError:
            pass

    site.pages["/"] = endless
    with pytest.raises(FetchError, match="too large"):
        get(site.url("/"))


def test_an_encoding_that_was_not_asked_for_is_refused(site: Site) -> None:
    site.pages["/"] = answer(Content_Encoding="br")
    with pytest.raises(FetchError, match="encoding 'br'"):
        get(site.url("/"))


def test_damaged_compression_is_a_fetch_error(site: Site) -> None:
    site.pages["/"] = answer(b"no gzip", Content_Encoding="gzip")
    with pytest.raises(FetchError, match="could not be read"):
        get(site.url("/"))


@pytest.mark.parametrize("in_headers", [True, False])
def test_a_dripping_server_is_given_up_in_total_time(site: Site, in_headers: bool) -> None:
    done = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        if not in_headers:
            request.end_headers()
        try:
            while not done.wait(0.05):
                request.wfile.write(b"x")
                request.wfile.flush()
        except OSError:
            pass

    site.pages["/"] = drip
    start = time.monotonic()
    with pytest.raises(FetchError, match=r"took longer than 0.5 seconds"):
        get(site.url("/"), timeout=0.5)
    done.set()
    assert time.monotonic() - start < 5


def test_a_resolver_that_hangs_is_given_up() -> None:
    release = threading.Event()

    def hang(host: str, port: int) -> list[str]:
        release.wait(10)
        return [PUBLIC]

    with pytest.raises(FetchError, match=r"took longer than 0\.2 seconds"):
        fetch("http://slow.test/", max_bytes=9, timeout=0.2, resolve=hang)
    release.set()


@pytest.mark.parametrize(
    ("status", "reason"),
    [(404, "does not exist"), (403, "refuses access"), (401, "asks for a login"), (500, "500")],
)
def test_an_error_status_is_told_in_words(site: Site, status: int, reason: str) -> None:
    site.pages["/"] = answer(b"x", status)
    with pytest.raises(FetchError, match=reason):
        get(site.url("/?token=secret"))


def test_reasons_do_not_repeat_the_query(site: Site) -> None:
    site.pages["/"] = answer(b"x", 404)
    with pytest.raises(FetchError) as raised:
        get(site.url("/?token=secret"))
    assert "secret" not in str(raised.value)


def test_redirects_are_followed_to_the_final_address(site: Site) -> None:
    site.pages |= {"/a": redirect("b?x=1"), "/b": redirect(site.url("/c/d.md")), "/c/d.md": answer()}
    assert get(site.url("/a")).final_url == site.url("/c/d.md")


@pytest.mark.parametrize(("count", "works"), [(5, True), (6, False)])
def test_five_redirects_are_followed_and_not_six(site: Site, count: int, works: bool) -> None:
    site.pages |= {f"/{number}": redirect(f"/{number - 1}") for number in range(1, 9)} | {"/0": answer()}
    if works:
        assert get(site.url(f"/{count}")).content == b"hello"
    else:
        with pytest.raises(FetchError, match="redirects more than 5 times"):
            get(site.url(f"/{count}"))


@pytest.mark.parametrize(
    "target", ["ftp://x.test/", "file:///etc/passwd", "http://me:word@x.test/", "http://"]
)
def test_a_redirect_is_checked_like_the_first_address(site: Site, target: str) -> None:
    site.pages["/"] = redirect(target)
    with pytest.raises(FetchError):
        get(site.url("/"))


def test_a_redirect_from_public_to_private_is_refused(site: Site) -> None:
    site.pages["/"] = redirect("http://inside.test/secret")
    resolve = names({"public.test": [PUBLIC], "inside.test": ["10.0.0.7"]})
    connect = LocalConnections(site.port)
    with pytest.raises(FetchError, match=r"inside\.test is an address inside") as raised:
        fetch("http://public.test/", max_bytes=99, timeout=5, resolve=resolve, connect=connect)
    assert connect.addresses == [PUBLIC]
    assert "allow_private_addresses" in (raised.value.hint or "")


def test_a_name_with_one_private_address_among_public_ones_is_refused(site: Site) -> None:
    connect = LocalConnections(site.port)
    with pytest.raises(FetchError, match="inside this machine or network"):
        fetch(
            "http://mixed.test/", max_bytes=99, timeout=5,
            resolve=names({"mixed.test": [PUBLIC, "127.0.0.1"]}), connect=connect,
        )  # fmt: skip
    assert connect.addresses == []


def test_a_name_is_resolved_once_and_the_checked_address_connected_to(site: Site) -> None:
    site.pages["/"] = answer()
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    connect = LocalConnections(site.port)
    fetch(
        "http://rebinding.test/",
        max_bytes=99,
        timeout=5,
        resolve=lambda host, port: next(answers),
        connect=connect,
    )
    assert connect.addresses == [PUBLIC]


def test_the_next_address_is_tried_where_one_is_dead(site: Site) -> None:
    site.pages["/"] = answer()
    connect = LocalConnections(site.port)
    connect.dead = {"2606:4700::1"}
    resolve = names({"two.test": ["2606:4700::1", PUBLIC]})
    fetch("http://two.test/", max_bytes=99, timeout=5, resolve=resolve, connect=connect)
    assert connect.addresses == ["2606:4700::1", PUBLIC]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "017700000001", "127.1", "0.0.0.0", "0",
        "169.254.169.254", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "10.1.2.3", "192.168.0.1", "[fd00:ec2::254]",
        "100.100.100.200", "168.63.129.16", "[fe80::1]", "224.0.0.1", "255.255.255.255", "127.0.0.1.",
    ],
)  # fmt: skip
def test_an_inside_address_is_refused_however_it_is_written(host: str) -> None:
    connect = LocalConnections(1)
    with pytest.raises(FetchError):
        fetch(f"http://{host}/", max_bytes=9, timeout=5, connect=connect)
    assert connect.addresses == []


@pytest.mark.parametrize(
    "address",
    [
        "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:0:0:0:0:80ff:fffe", "::", "fec0::1", "ff02::1",
        "::127.0.0.1", "192.0.0.192", "198.18.0.1", "203.0.113.9", "240.0.0.1", "2001:db8::1", "fe80::1%eth0",
    ],
)  # fmt: skip
def test_addresses_that_are_special_or_wrap_such_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "example.com",
        "http://",
        "http://[::1",
        "",
    ],
)
def test_what_is_no_web_address_is_refused_with_a_hint(url: str) -> None:
    with pytest.raises(FetchError) as raised:
        get(url)
    assert "https://" in (raised.value.hint or "")


def test_an_address_with_a_password_is_refused_without_repeating_it() -> None:
    with pytest.raises(FetchError, match="name or password") as raised:
        get("https://anne:secret@example.com/a")
    assert "secret" not in str(raised.value)


def test_an_unknown_name_says_that_it_could_not_be_looked_up() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    with pytest.raises(FetchError, match="could not be looked up"):
        fetch("http://nowhere.test/", max_bytes=9, timeout=5, resolve=unknown)


def test_a_refused_connection_is_a_fetch_error(site: Site) -> None:
    site.server.shutdown()
    site.server.server_close()
    with pytest.raises(FetchError, match="could not be read"):
        get(site.url("/"))


def test_proxies_of_the_environment_are_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    site.pages["/"] = answer()
    assert get(site.url("/")).content == b"hello"


def test_the_system_resolves_localhost_to_the_loopback() -> None:
    assert set(system_resolve("localhost", 80)) <= {"127.0.0.1", "::1"}


def self_signed(name: str) -> bytes:
    """A private key and a certificate for a host name, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    secret = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return secret + certificate.public_bytes(encoding)


@pytest.fixture
def secure_site(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The site behind TLS, with a certificate for secure.test that is trusted here."""
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(self_signed("secure.test"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    monkeypatch.setattr(fetch_module, "_trusted", lambda: ssl.create_default_context(cafile=str(certificate)))
    return site


def test_tls_is_checked_against_the_name_though_an_address_is_connected_to(secure_site: Site) -> None:
    secure_site.pages["/"] = answer(b"sealed")
    resolve = names({"secure.test": [PUBLIC], "other.test": [PUBLIC]})
    connect = LocalConnections(secure_site.port)
    found = fetch("https://secure.test/", max_bytes=99, timeout=5, resolve=resolve, connect=connect)
    assert found.content == b"sealed"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_certificate_for_another_name_is_refused(secure_site: Site) -> None:
    resolve = names({"other.test": [PUBLIC]})
    connect = LocalConnections(secure_site.port)
    with pytest.raises(FetchError, match="certificate"):
        fetch("https://other.test/", max_bytes=99, timeout=5, resolve=resolve, connect=connect)
