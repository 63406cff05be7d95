"""What answers unless another system is asked for: a measured one that was promoted, or else `rag`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ragraft.access.audit import AuditLog
from ragraft.access.labels import OWNER
from ragraft.compare.results import Arm
from ragraft.database.pool import Connection, Database
from ragraft.documents.library import require_owner
from ragraft.errors import NotAllowedError, NotFoundError, RagraftError, UserError
from ragraft.protocols import System
from ragraft.tune.registry import AdapterRegistry, withdrawn
from ragraft.types import Answer, Caller, Message, SystemCard

__all__ = ["PromotedSystem", "Promotion", "Promotions", "Standing", "standing"]

USUAL = "rag"
"""What answers where nothing is promoted, and who may not use what is."""
LOCK = 0x7261_7072  # "rapr": promotions are made and taken back one after another
OUT_OF_SERVICE = "the promoted system is out of service, so rag answered"

PROMOTIONS = (
    "select number, system, kind, adapter, report, forced, promoted_by, promoted_at, back_by, back_at"
    " from promotion"
)


@dataclass(frozen=True, slots=True)
class Promotion:
    """A system that was made the one that answers.

    `system` is its name in the report, `adapter` that of its tuned model or empty, `report` the SHA-256 of the file.
    `back_at` is when it was taken back; None while it was not.
    """

    number: int
    system: str
    kind: str
    adapter: str
    report: str
    forced: bool
    promoted_by: str
    promoted_at: datetime
    back_by: str | None = None
    back_at: datetime | None = None


class Promotions:
    """Keeps what is promoted in a library, and what was."""

    def __init__(self, *, database: Database, audit: AuditLog) -> None:
        self._database = database
        self._audit = audit

    def library(self) -> str:
        """Return what tells this library from others, for a report of it; empty before anything was added."""
        with self._database.transaction(OWNER, read_only=True) as connection:
            row = connection.execute("select fingerprint from audit_key").fetchone()
        return bytes(row[0]).hex()[:16] if row else ""

    def current(self) -> Promotion | None:
        """Return what is promoted; None where `rag` answers. Not to be shown to others than the owner."""
        with self._database.transaction(OWNER, read_only=True) as connection:
            return _in_force(connection)

    def history(self, *, caller: Caller) -> list[Promotion]:
        """Return all promotions, the first one first. Raises: NotAllowedError unless the caller is the owner."""
        require_owner(caller, "see what was promoted")
        with self._database.transaction(caller, read_only=True) as connection:
            rows = connection.execute(f"{PROMOTIONS} order by number").fetchall()
        return [Promotion(*row) for row in rows]

    def promote(self, arm: Arm, *, report: str, forced: bool, caller: Caller) -> Promotion:
        """Make a measured system the one that answers; what is to be checked before is in compare/promotable.py.

        Raises: NotAllowedError unless the caller is the owner; UserError if it is promoted already.
        """
        require_owner(caller, "promote systems")
        with self._audit.transaction(caller) as (connection, audit):
            connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
            before = _in_force(connection)
            if before is not None and (before.system, before.adapter, before.report) == (
                arm.name,
                arm.adapter,
                report,
            ):
                raise UserError(f"{arm.name} is promoted already, from this report")
            connection.execute(
                "insert into promotion (system, kind, adapter, report, forced, promoted_by)"
                " values (%s, %s, %s, %s, %s, %s)",
                (arm.name, arm.card.kind, arm.adapter, report, forced, caller.name),
            )
            made = _in_force(connection)
            audit.append(
                "promoted",
                {"system": arm.name, "adapter": arm.adapter, "report": report, "forced": forced},
            )
        if made is None:
            raise AssertionError("a row that was just written is there")
        return made

    def roll_back(self, *, caller: Caller) -> tuple[Promotion, Promotion | None]:
        """Take the last promotion back; return it, and what is promoted now (None: `rag` answers).

        Raises: NotAllowedError unless the caller is the owner; UserError if nothing is promoted.
        """
        require_owner(caller, "roll back promotions")
        with self._audit.transaction(caller) as (connection, audit):
            connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
            last = _in_force(connection)
            if last is None:
                raise UserError(
                    f"nothing is promoted: {USUAL} answers", hint="`ragraft promote` shows what was"
                )
            connection.execute(
                "update promotion set back_by = %s, back_at = clock_timestamp() where number = %s",
                (caller.name, last.number),
            )
            now = _in_force(connection)
            audit.append("rolled back", {"system": last.system, "to": now.system if now else USUAL})
        return last, now

    def note_passed_over(self, promotion: Promotion, *, caller: Caller) -> None:
        """Put on record that a caller was answered by `rag` in place of what is promoted."""
        self._audit.record(caller, "promoted passed over", {"system": promotion.system})


class PromotedSystem:
    """What is promoted, as it stands at each question; fits the System seam.

    Who may not use it is answered by `usual`, and so is everybody while it is out of service: nobody is refused an
    answer because of what the owner chose. Who may use it is then told so; to others nothing is said, for what they
    may not use does not exist for them.
    """

    def __init__(
        self,
        *,
        promotions: Promotions,
        open_system: Callable[[Promotion, Caller], System],
        usual: Callable[[], System],
    ) -> None:
        self._promotions = promotions
        self._open = open_system
        self._usual = usual

    @property
    def card(self) -> SystemCard:
        """What answers the owner now."""
        system, _ = self._choose(OWNER)
        return system.card

    def answer(
        self,
        question: str,
        *,
        caller: Caller,
        history: Sequence[Message] = (),
        as_of: datetime | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """Return the answer of what is promoted for this caller. Raises: as the system does that answers."""
        (answer,) = self._answered(
            lambda system: [
                system.answer(question, caller=caller, history=history, as_of=as_of, on_text=on_text)
            ],
            caller,
        )
        return answer

    def answer_many(self, questions: Sequence[str], *, caller: Caller) -> list[Answer]:
        """Return the answers of what is promoted for this caller, in order. Raises: as `answer`."""
        return self._answered(lambda system: system.answer_many(questions, caller=caller), caller)

    def _answered(self, ask: Callable[[System], list[Answer]], caller: Caller) -> list[Answer]:
        system, note = self._choose(caller)
        try:
            answers = ask(system)
        except NotAllowedError:  # withdrawn since it was opened, and before it said anything
            answers, note = ask(self._usual()), OUT_OF_SERVICE
        if not note:
            return answers
        return [replace(one, reason="; ".join(filter(None, (note, one.reason)))) for one in answers]

    def _choose(self, caller: Caller) -> tuple[System, str]:
        """Return who answers this caller, and what he is to be told about it."""
        promotion = self._promotions.current()
        if promotion is None:
            return self._usual(), ""
        try:
            return self._open(promotion, caller), ""
        except RagraftError as error:
            self._promotions.note_passed_over(promotion, caller=caller)
            if caller.owner:
                return self._usual(), f"{OUT_OF_SERVICE} ({error})"
            return self._usual(), "" if isinstance(error, NotFoundError) else OUT_OF_SERVICE


@dataclass(frozen=True, slots=True)
class Standing:
    """What answers now, as the owner is told: `reason` says why what is promoted does not, and `rag` does instead.

    `retrained` says that its adapter was made after it was promoted: nobody has measured this one.
    """

    system: str
    kind: str
    adapter: str = ""
    usable_by: str = "everyone"
    in_service: bool = True
    reason: str = ""
    retrained: bool = False
    promotion: Promotion | None = None

    def words(self) -> str:
        """Return it as a line."""
        if self.promotion is None:
            return self.system
        adapter = f" (adapter {self.adapter})" if self.adapter else ""
        said = f"{self.system}{adapter}, promoted {self.promotion.promoted_at:%Y-%m-%d %H:%M}"
        if not self.in_service:
            return f"{USUAL}, for {said}, is out of service: {self.reason}"
        forced = ", by force" if self.promotion.forced else ""
        retrained = "; its adapter was trained again since" if self.retrained else ""
        return f"{said}{forced}, for {self.usable_by}{retrained}"


def standing(promotion: Promotion | None, adapters: AdapterRegistry) -> Standing:
    """Return how what is promoted stands."""
    if promotion is None:
        return Standing(USUAL, USUAL)
    named = Standing(promotion.system, promotion.kind, promotion.adapter, promotion=promotion)
    if not promotion.adapter:
        return named
    try:
        adapter = adapters.find(promotion.adapter, caller=OWNER)
    except NotFoundError:
        return replace(named, usable_by="", in_service=False, reason="its adapter was removed")
    reason = withdrawn(adapter)
    return replace(
        named,
        usable_by=str(adapter.label),
        in_service=reason is None,
        reason=reason or "",
        retrained=adapter.made_at > promotion.promoted_at,
    )


def _in_force(connection: Connection) -> Promotion | None:
    row = connection.execute(f"{PROMOTIONS} where back_at is null order by number desc limit 1").fetchone()
    return Promotion(*row) if row else None
