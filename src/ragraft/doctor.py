"""Checks that tell a user what works, what does not and what to do about it."""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ragraft.config import Settings
from ragraft.database.pool import scalar
from ragraft.errors import RagraftError
from ragraft.promotion import Promotions, standing
from ragraft.systems import Workbench

__all__ = ["Check", "examine", "network_use"]

LITTLE_SPACE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    hint: str = ""


def examine(bench: Workbench) -> Iterator[Check]:
    """Yield the checks of a workspace, one after another; a failing one does not stop the rest."""
    yield Check("python", ok=True, detail=f"{platform.python_version()} on {platform.platform()}")
    yield _checked("workspace", lambda: _workspace(bench))
    yield _checked("database", lambda: _database(bench))
    yield _checked("row-level security", lambda: _row_level_security(bench))
    yield _checked("audit", lambda: _audit(bench))
    yield _checked("erasures", lambda: _erasures(bench))
    yield _checked("embedder", lambda: _embedder(bench))
    yield _checked("model", lambda: _model(bench))
    yield _checked("answers", lambda: _answers(bench))
    yield _checked(
        "reranker", lambda: bench.reranker.name if bench.reranker else "none: the fused ranking stands"
    )
    yield _checked("reader", lambda: _reader(bench))
    yield _checked("entailment", lambda: _entailment(bench), hint="check [entailment] path and url")
    yield Check("network", ok=True, detail=network_use(bench.settings))


def network_use(settings: Settings) -> str:
    """Return what is reached over the network with these settings, as a line; passwords are not in it."""
    urls = [
        *(settings.model.url, settings.embedder.url, settings.reranker.url, settings.entailment.url),
        *(settings.teacher.url, settings.judge.url, *(one.url for one in settings.strangers.values())),
    ]
    used = [_without_secrets(url) for url in urls if url]
    if settings.database.dsn:
        used.append("the database in RAGRAFT_DSN or [database] dsn")
    if not used:
        return "not used, except for addresses given to `ragraft add`"
    return "used for " + ", ".join(dict.fromkeys(used)) + " and addresses given to `ragraft add`"


def _without_secrets(url: str) -> str:
    return re.sub(r"(?<=://)[^/?#]*@", "", url).partition("?")[0]


def _checked(name: str, look: Callable[[], str], *, hint: str = "") -> Check:
    """Return what a look found; `hint` is for an error that has none of its own."""
    try:
        return Check(name, ok=True, detail=look())
    except RagraftError as error:
        return Check(name, ok=False, detail=str(error), hint=error.hint or hint)


def _workspace(bench: Workbench) -> str:
    free = shutil.disk_usage(bench.workspace.root).free
    if free < LITTLE_SPACE:
        raise RagraftError(
            f"only {free // 1_000_000} MB of disk are free", hint="make room before adding documents"
        )
    return f"{bench.workspace.root}, {free // 1_000_000_000} GB of disk free"


def _database(bench: Workbench) -> str:
    with bench.database.administration() as connection:
        server = scalar(connection, "show server_version")
        vector = scalar(connection, "select extversion from pg_extension where extname = 'vector'")
        size = scalar(connection, "select pg_database_size(current_database())")
        schema = scalar(connection, "select max(number) from migration")
    kind = "embedded" if bench.postgres_folder else "external"
    return f"{kind} PostgreSQL {server}, pgvector {vector}, schema {schema}, {size // 1_000_000} MB"


def _row_level_security(bench: Workbench) -> str:
    with bench.database.transaction(bench.caller(groups=("nobody",))) as connection:
        bypasses = scalar(
            connection, "select rolsuper or rolbypassrls from pg_roles where rolname = current_user"
        )
        role = scalar(connection, "select current_user")
    with bench.database.administration() as connection:
        leakproof = scalar(
            connection,
            "select exists (select from pg_opclass where opcname = 'terms_ops' and pg_opclass_is_visible(oid))",
        )
    if bypasses:
        raise RagraftError(f"it does not bind the role {role}", hint="see docs/guides/external-postgresql.md")
    speed = (
        ""
        if leakproof
        else "; word search is slower here: the login role could not make a leakproof operator"
    )
    return f"binds the role {role}{speed}"


def _audit(bench: Workbench) -> str:
    report = bench.audit.verify()
    if report.faults:
        raise RagraftError("; ".join(report.faults), hint="`ragraft audit show` lists the entries")
    return f"{report.entries} entries, intact"


def _erasures(bench: Workbench) -> str:
    unfinished = bench.library.status(bench.caller()).unfinished_erasures
    if unfinished:
        raise RagraftError(f"{unfinished} erasures were interrupted", hint="run `ragraft erase --finish`")
    return "none unfinished"


def _embedder(bench: Workbench) -> str:
    vector = bench.embedder.embed(["a short text"])
    return f"{bench.embedder.name}, {vector.shape[1]} dimensions"


def _model(bench: Workbench) -> str:
    grade = "" if bench.settings.model.url or bench.settings.model.path else " (embedded, demo-grade)"
    return f"{bench.model.name}{grade}, window {bench.model.window} tokens"


def _answers(bench: Workbench) -> str:
    now = standing(Promotions(database=bench.database, audit=bench.audit).current(), bench.adapters)
    if not now.in_service:
        raise RagraftError(
            now.words(), hint="train its model again, or take the promotion back: ragraft rollback"
        )
    return now.words()


def _reader(bench: Workbench) -> str:
    if bench.reader is None:
        return "off by [answer] reader: no refusal by confidence, no quotation"
    bench.reader.read("How long does it take?", ["It takes three days."])
    from ragraft.models.reader import DELTA, LocalReader

    place = f", local, with {DELTA}" if isinstance(bench.reader, LocalReader) else ""
    return f"{bench.reader.name}{place}"


def _entailment(bench: Workbench) -> str:
    settings = bench.settings.entailment
    if bench.entailment is None:
        return "off: what the rules leave undecided is not shown"
    if settings.url:
        return f"{bench.entailment.name} at {_without_secrets(settings.url)}, asked about what the rules leave undecided"
    bench.entailment.entail("It takes three days.", "It takes days.")
    return f"{bench.entailment.name}, local, in {settings.path}"
