"""Settings: ragraft.toml, overridden by environment variables, every fault reported at once.

A setting `key` of table `[section]` is overridden by RAGRAFT_SECTION_KEY; RAGRAFT_DSN is short for
RAGRAFT_DATABASE_DSN. Unknown keys are errors, every number is bounded, and secrets print as stars.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from ragraft.errors import SettingsError

__all__ = [
    "TABLES",
    "AccessSettings",
    "AnswerSettings",
    "DatabaseSettings",
    "DocumentSettings",
    "EmbedderSettings",
    "EntailmentSettings",
    "JudgeSettings",
    "ModelSettings",
    "RerankerSettings",
    "SearchSettings",
    "Settings",
    "TeacherSettings",
    "load_settings",
    "starter_toml",
]

Seconds = Annotated[float, Field(gt=0, le=3600)]
GroupName = Annotated[str, Field(pattern=r"^[\w.@:/-]+( [\w.@:/-]+)*$", max_length=100)]


class Section(BaseModel):
    """A table of ragraft.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(Section):
    """Where the library lives; without a dsn, in an embedded PostgreSQL inside the workspace."""

    dsn: SecretStr | None = Field(None, description="a PostgreSQL with pgvector, instead of the embedded one")
    schema_name: str = Field(
        "ragraft", pattern=r"^[a-z_][a-z0-9_]{0,50}$", description="schema that holds ragraft's tables"
    )
    idle_seconds: Seconds = Field(10.0, description="the embedded server stops this long after its last user")
    start_seconds: Seconds = Field(60.0, description="how long a start of the embedded server may take")
    pool_size: int = Field(4, ge=1, le=100, description="connections one process keeps at most")


class ModelSettings(Section):
    """The generator; without a url, the embedded demo-grade model."""

    url: str | None = Field(None, pattern=r"^https?://", description="base of an OpenAI-compatible API")
    name: str = Field("", max_length=200, description="the model's name at that address")
    key: SecretStr | None = Field(None, description="the API key, better set as RAGRAFT_MODEL_KEY")
    path: Path | None = Field(
        None, description="a GGUF file or OpenVINO folder to use instead of the packaged one"
    )
    window: int = Field(8192, ge=512, le=2_000_000, description="context length in tokens, prompt and answer")
    tokenizer: Path | None = Field(
        None, description="the endpoint model's tokenizer.json, for exact counting"
    )
    timeout: Seconds = Field(120.0, description="seconds an endpoint may take for one answer")

    @model_validator(mode="after")
    def _one_source(self) -> ModelSettings:
        if self.url and self.path:
            raise ValueError("set either url or path, not both")
        if self.url and not self.name:
            raise ValueError("url needs a name: which model to ask for at that address")
        return self


class EmbedderSettings(Section):
    """The embedder; without a url, all-MiniLM-L6-v2 from its package."""

    url: str | None = Field(None, pattern=r"^https?://", description="base of an OpenAI-compatible API")
    name: str = Field("", max_length=200, description="the model's name at that address")
    key: SecretStr | None = Field(None, description="the API key, better set as RAGRAFT_EMBEDDER_KEY")
    dimensions: int | None = Field(
        None, ge=8, le=4000, description="length of its vectors; asked for if unset"
    )
    threads: int | None = Field(None, ge=1, le=1024, description="processor threads; all of them if unset")
    timeout: Seconds = Field(60.0, description="seconds an endpoint may take for one batch")


class RerankerSettings(Section):
    """An optional second look at the first passages found."""

    url: str | None = Field(None, pattern=r"^https?://", description="base of an API with /rerank")
    name: str = Field("", max_length=200, description="the model's name at that address")
    key: SecretStr | None = Field(None, description="the API key, better set as RAGRAFT_RERANKER_KEY")
    path: Path | None = Field(None, description="folder of a Hugging Face cross-encoder")
    depth: int = Field(30, ge=2, le=200, description="passages that are looked at again")
    timeout: Seconds = Field(30.0, description="seconds an endpoint may take")

    @model_validator(mode="after")
    def _one_source(self) -> RerankerSettings:
        if self.url and self.path:
            raise ValueError("set either url or path, not both")
        return self


class EntailmentSettings(Section):
    """An optional model that is asked about sentences which the verifier cannot decide."""

    url: str | None = Field(None, pattern=r"^https?://", description="base of an OpenAI-compatible API")
    name: str = Field("", max_length=200, description="the model's name at that address")
    key: SecretStr | None = Field(None, description="the API key, better set as RAGRAFT_ENTAILMENT_KEY")
    path: Path | None = Field(None, description="folder of a Hugging Face cross-encoder trained for NLI")
    timeout: Seconds = Field(30.0, description="seconds an endpoint may take for one sentence")

    @model_validator(mode="after")
    def _one_source(self) -> EntailmentSettings:
        if self.url and self.path:
            raise ValueError("set either url or path, not both")
        if self.url and not self.name:
            raise ValueError("url needs a name: which model to ask for at that address")
        return self


class DocumentSettings(Section):
    """What is read, and how it is cut."""

    max_bytes: int = Field(
        64_000_000, ge=1000, le=2_000_000_000, description="larger files are reported, not read"
    )
    parse_seconds: Seconds = Field(120.0, description="time one file may take to turn into text")
    chunk_tokens: int = Field(
        256, ge=32, le=2000, description="length of a passage, in the embedder's tokens"
    )
    fetch_seconds: Seconds = Field(30.0, description="time one address may take")
    allow_private_addresses: bool = Field(False, description="fetch addresses inside the company's network")


class SearchSettings(Section):
    """How passages are found."""

    depth: int = Field(100, ge=10, le=1000, description="length of each ranking before they are fused")
    ef_search: int = Field(100, ge=10, le=1000, description="breadth of the approximate vector search")


class AnswerSettings(Section):
    """What a model is given, in its own tokens, and what of its answer is shown."""

    passages: int = Field(5, ge=1, le=100, description="passages offered to the model")
    passage_tokens: int = Field(
        2000, ge=64, le=1_000_000, description="most tokens for all passages together"
    )
    question_tokens: int = Field(500, ge=16, le=100_000, description="most tokens for the question")
    history_tokens: int = Field(600, ge=0, le=1_000_000, description="most tokens for earlier turns")
    answer_tokens: int = Field(200, ge=16, le=100_000, description="most tokens for the answer")
    policy: Literal["strict", "flag"] = Field(
        "strict", description="sentences that are not supported: strict takes them out, flag marks them"
    )
    quote: bool = Field(
        True, description="when nothing of an answer is supported, quote the likeliest sentence instead"
    )
    weigh: bool | None = Field(
        None, description="let the reader choose between answer and quotation; unset: for the embedded model"
    )
    reader: bool = Field(True, description="use the reader: for refusals and quotations")
    refuse_below: float | None = Field(
        None, ge=0, le=1, description="confidence under which to refuse; unset: as calibrated"
    )
    rewrite: Literal["auto", "rules", "model"] = Field(
        "auto", description="who rewrites follow-up questions; auto: a model behind an endpoint, else rules"
    )


class AccessSettings(Section):
    """Labels for documents that are added without one."""

    default_groups: tuple[GroupName, ...] = Field(
        (), description="empty: only the workspace's owner reads them"
    )


class TuneSettings(Section):
    """What is kept to learn from, what is asked of a tuned model, and when it is old."""

    redact: bool = Field(True, description="replace personal data before an example is kept")
    ner_model: Path | None = Field(
        None, description="folder of a spaCy pipeline that finds names; unset: rules and lists"
    )
    style: Path | None = Field(None, description="rules of house style that a tuned model is held to")
    price_per_hour: float = Field(0.0, ge=0, le=1e6, description="what an hour of this machine costs you")
    due_changed: float = Field(
        0.1, ge=0, le=1, description="share of its documents that may change before a tuned model is due"
    )
    due_new: float = Field(0.2, ge=0, le=1, description="share of today's examples that it may not have seen")
    due_days: float = Field(90.0, gt=0, le=36_500, description="days until a tuned model is due anyway")
    due_drift: float = Field(
        0.15,
        ge=0,
        le=1,
        description="share of today's questions, at least, that may lie unusually far from those it was trained on",
    )


class TeacherSettings(Section):
    """An optional model that writes examples from passages, and words answers in other ways for RAFT."""

    url: str | None = Field(None, pattern=r"^https?://", description="base of an OpenAI-compatible API")
    name: str = Field("", max_length=200, description="the model's name at that address")
    key: SecretStr | None = Field(None, description="the API key, better set as RAGRAFT_TEACHER_KEY")
    timeout: Seconds = Field(120.0, description="seconds an endpoint may take for one passage")

    @model_validator(mode="after")
    def _named(self) -> TeacherSettings:
        if self.url and not self.name:
            raise ValueError("url needs a name: which model to ask for at that address")
        return self


class JudgeSettings(TeacherSettings):
    """An optional model that marks answers of a comparison; questions, answers and evidence are sent to it."""

    key: SecretStr | None = Field(None, description="the API key, better set as RAGRAFT_JUDGE_KEY")
    timeout: Seconds = Field(120.0, description="seconds an endpoint may take for one answer")


class Settings(Section):
    """Everything in ragraft.toml."""

    database: DatabaseSettings = DatabaseSettings()
    model: ModelSettings = ModelSettings()
    embedder: EmbedderSettings = EmbedderSettings()
    reranker: RerankerSettings = RerankerSettings()
    entailment: EntailmentSettings = EntailmentSettings()
    documents: DocumentSettings = DocumentSettings()
    search: SearchSettings = SearchSettings()
    answer: AnswerSettings = AnswerSettings()
    access: AccessSettings = AccessSettings()
    tune: TuneSettings = TuneSettings()
    teacher: TeacherSettings = TeacherSettings()
    judge: JudgeSettings = JudgeSettings()
    strangers: dict[str, ModelSettings] = Field(
        default_factory=dict,
        description="a model to compare with, asked without any document: url, name, key, window, timeout as for [model]",
    )
    callers: dict[str, tuple[GroupName, ...]] = Field(
        default_factory=dict, description="name = list of groups, for --as NAME"
    )

    @field_validator("strangers")
    @classmethod
    def _are_elsewhere(cls, strangers: dict[str, ModelSettings]) -> dict[str, ModelSettings]:
        for name, settings in strangers.items():
            if not settings.url:
                raise ValueError(f"{name!r} needs a url: a stranger is a model at an address")
        return strangers

    @field_validator("callers")
    @classmethod
    def _names_tell_who_it_was(
        cls, callers: dict[str, tuple[GroupName, ...]]
    ) -> dict[str, tuple[GroupName, ...]]:
        for name in callers:
            if name in ("owner", "audit") or name.startswith("group:"):
                raise ValueError(f"{name!r} is what the audit calls somebody else; choose another name")
            if not name.strip() or not name.isprintable() or len(name) > 100:
                raise ValueError(f"{name!r} cannot be a name: give it 1 to 100 printable characters")
        return callers


TABLES = {"strangers": "{}", "callers": "[]"}
"""Sections whose keys are the user's own names, and what such a name is by default."""


def load_settings(path: Path | None, environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of a file (None or absent: defaults) and the environment.

    Raises: SettingsError naming every fault at once, each with the key and what is expected.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    if path is not None and path.exists():
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(
                f"{path} cannot be read: {error}", hint="it must be a TOML file in UTF-8"
            ) from error
    faults = _override(values, environment)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        faults += [_fault(item) for item in error.errors(include_input=False, include_url=False)]
    if faults:
        where = str(path) if path is not None and path.exists() else "the environment"
        raise SettingsError(
            f"settings in {where} are wrong: " + "; ".join(faults),
            hint="`ragraft doctor` lists every setting; docs/reference/settings.md explains them",
        )
    return settings


def _override(values: dict[str, Any], environment: Mapping[str, str]) -> list[str]:
    """Write RAGRAFT_SECTION_KEY variables over `values`; return the faults found."""
    faults = []
    for variable, value in sorted(environment.items()):
        if not variable.startswith("RAGRAFT_"):
            continue
        name = "database_dsn" if variable == "RAGRAFT_DSN" else variable.removeprefix("RAGRAFT_").lower()
        section, _, key = name.partition("_")
        field = Settings.model_fields.get(section)
        if field is None or section in TABLES:
            continue  # other tools may keep variables under the same prefix
        if key not in _section(section).model_fields:
            faults.append(f"{variable} names no setting")
            continue
        table = values.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = _listed(value) if key == "default_groups" else value
    return faults


def _listed(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _section(name: str) -> type[Section]:
    kind = Settings.model_fields[name].annotation
    if not (isinstance(kind, type) and issubclass(kind, Section)):
        raise TypeError(f"{name} is not a table")
    return kind


def _fault(item: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{where} is not a setting"
    return f"{where}: {item['msg'][:1].lower()}{item['msg'][1:]}"


def describe_settings() -> list[tuple[str, str, str, str]]:
    """Return (section, key, default, description) of every setting, in order."""
    rows = []
    for name in Settings.model_fields:
        if name in TABLES:
            rows.append((name, "NAME", TABLES[name], Settings.model_fields[name].description or ""))
            continue
        for key, field in _section(name).model_fields.items():
            default = field.default
            rows.append((name, key, "" if default in (None, "") else str(default), field.description or ""))
    return rows


def starter_toml() -> str:
    """Return the ragraft.toml that `ragraft init` writes: a few settings, commented out."""
    return """\
# Settings of this ragraft workspace. Everything here is optional; docs/reference/settings.md lists all.

[model]
# Without a url, answers come from the small embedded model, which is good for a demonstration only.
# url = "http://localhost:8000/v1"
# name = "the-model-to-ask-for"

[access]
# Groups that may read documents added without --group or --access. Empty: only you, the owner.
default_groups = []

[callers]
# People (or programs) and their groups, for `ragraft ask --as NAME`.
# maria = ["finance", "managers"]
"""
