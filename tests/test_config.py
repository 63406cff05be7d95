"""Settings: every fault at once, nothing unknown, everything bounded, no secret shown."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from ragraft.config import TABLES, Section, Settings, describe_settings, load_settings, starter_toml
from ragraft.errors import SettingsError


def load(tmp_path: Path, toml: str = "", **environment: str) -> Settings:
    path = tmp_path / "ragraft.toml"
    path.write_text(toml, encoding="utf-8")
    return load_settings(path, environment)


def faults(tmp_path: Path, toml: str = "", **environment: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, toml, **environment)
    assert caught.value.exit_code == 2
    assert caught.value.hint
    return str(caught.value)


def test_without_a_file_every_setting_has_its_default(tmp_path: Path) -> None:
    assert load_settings(None, {}) == load_settings(tmp_path / "absent.toml", {}) == Settings()


def test_the_file_that_init_writes_is_valid_and_changes_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, starter_toml()) == Settings()


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    told = faults(
        tmp_path,
        """
        colour = "red"
        [database]
        pool_size = 0
        schema_name = "drop table"
        [model]
        url = "ftp://example.test"
        temperature = 1
        [documents]
        chunk_tokens = "many"
        [callers]
        maria = ["a,b"]
        """,
        RAGRAFT_ANSWER_PASSAGES="101",
        RAGRAFT_MODEL_COLOUR="red",
    )
    for place in (
        "colour is not a setting",
        "database.pool_size",
        "database.schema_name",
        "model.url",
        "model.temperature is not a setting",
        "documents.chunk_tokens",
        "callers.maria.0",
        "answer.passages",
        "RAGRAFT_MODEL_COLOUR names no setting",
    ):
        assert place in told
    assert "ragraft.toml" in told
    assert "\n" not in told


BOUNDS = [
    ("database", "pool_size", 1, 100),
    ("model", "window", 512, 2_000_000),
    ("documents", "chunk_tokens", 32, 2000),
    ("documents", "max_bytes", 1000, 2_000_000_000),
    ("search", "depth", 10, 1000),
    ("search", "ef_search", 10, 1000),
    ("reranker", "depth", 2, 200),
    ("answer", "passages", 1, 100),
    ("answer", "answer_tokens", 16, 100_000),
    ("answer", "history_tokens", 0, 1_000_000),
]


@pytest.mark.parametrize(("section", "key", "low", "high"), BOUNDS)
def test_a_number_has_its_bounds(section: str, key: str, low: int, high: int, tmp_path: Path) -> None:
    for value in (low, high):
        settings = load(tmp_path, f"[{section}]\n{key} = {value}")
        assert getattr(getattr(settings, section), key) == value
    for value in (low - 1, high + 1):
        assert f"{section}.{key}" in faults(tmp_path, f"[{section}]\n{key} = {value}")


@pytest.mark.parametrize("value", ["0", "-1", "3601", "nan", "inf", "'soon'"])
def test_a_time_is_more_than_nothing_and_at_most_an_hour(value: str, tmp_path: Path) -> None:
    assert "model.timeout" in faults(tmp_path, f"[model]\ntimeout = {value}")


def numbers_of(section: type[Section]) -> list[str]:
    kinds = [(name, str(field.annotation)) for name, field in section.model_fields.items()]
    return [name for name, kind in kinds if "int" in kind or "float" in kind]


def test_every_number_is_bounded_on_both_sides() -> None:
    unbounded = []
    for name, field in Settings.model_fields.items():
        if name in TABLES:
            continue
        section = field.annotation
        assert isinstance(section, type)
        for key in numbers_of(section):
            schema = section.model_json_schema()["properties"][key]
            kinds = [one for one in schema.get("anyOf", [schema]) if one.get("type") in ("integer", "number")]
            for kind in kinds:
                if not (
                    {"minimum", "exclusiveMinimum"} & set(kind)
                    and {"maximum", "exclusiveMaximum"} & set(kind)
                ):
                    unbounded.append(f"{name}.{key}")
    assert unbounded == []


# The environment


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        "[database]\npool_size = 2\n[model]\nwindow = 600",
        RAGRAFT_DATABASE_POOL_SIZE="7",
        RAGRAFT_DOCUMENTS_ALLOW_PRIVATE_ADDRESSES="true",
        RAGRAFT_MODEL_TIMEOUT="2.5",
    )
    assert (settings.database.pool_size, settings.model.window, settings.model.timeout) == (7, 600, 2.5)
    assert settings.documents.allow_private_addresses is True


@pytest.mark.parametrize("variable", ["RAGRAFT_DSN", "RAGRAFT_DATABASE_DSN"])
def test_the_dsn_has_a_short_name(variable: str, tmp_path: Path) -> None:
    dsn = load(tmp_path, "[database]\ndsn = 'other'", **{variable: "host=db"}).database.dsn
    assert dsn is not None
    assert dsn.get_secret_value() == "host=db"


@pytest.mark.parametrize("toml", ["database = 3", "[[database]]\npool_size = 1", "database = 'x'"])
def test_a_section_that_is_no_table_is_a_fault_also_with_an_override(toml: str, tmp_path: Path) -> None:
    assert "database" in faults(tmp_path, toml, RAGRAFT_DSN="host=db")


def test_groups_in_the_environment_are_separated_by_commas(tmp_path: Path) -> None:
    settings = load(tmp_path, RAGRAFT_ACCESS_DEFAULT_GROUPS="staff, board ,")
    assert settings.access.default_groups == ("staff", "board")


def test_an_empty_variable_empties_the_default_groups(tmp_path: Path) -> None:
    toml = "[access]\ndefault_groups = ['everyone']"
    assert load(tmp_path, toml, RAGRAFT_ACCESS_DEFAULT_GROUPS="").access.default_groups == ()


def test_variables_of_other_tools_are_left_alone(tmp_path: Path) -> None:
    assert load(tmp_path, RAGRAFT_OS_USER="nobody", RAGRAFTX="1", OTHER_MODEL_URL="x") == Settings()


# What cannot be read


@pytest.mark.parametrize(
    "content",
    [b"[model", b"a = 1\na = 2", b"\xff\xfe[model]", b"key", b"x = \x00", b"[model]\nurl = https://x"],
)
def test_a_file_that_is_no_toml_is_one_clear_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ragraft.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="cannot be read") as caught:
        load_settings(path, {})
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_in_place_of_the_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path, {})


# What does not go together


@pytest.mark.parametrize(
    "toml",
    [
        "[model]\nurl = 'https://x'",
        "[model]\nurl = 'https://x'\nname = 'm'\npath = 'm.gguf'",
        "[reranker]\nurl = 'https://x'\npath = 'folder'",
    ],
)
def test_a_part_has_one_source(toml: str, tmp_path: Path) -> None:
    assert toml[1:6] in faults(tmp_path, toml)


@pytest.mark.parametrize("group", ["a,b", "", " a", "a ", "a  b", "a\\nb", "a'b", "x" * 101, "{a}", "a;b"])
def test_a_group_has_a_plain_name(group: str, tmp_path: Path) -> None:
    assert "default_groups.0" in faults(tmp_path, f'[access]\ndefault_groups = ["{group}"]')


@pytest.mark.parametrize("group", ["staff", "Zürich 2", "a/b:c@d.e-f_g", "社員", "x" * 100])
def test_a_plain_name_may_be_of_any_language(group: str, tmp_path: Path) -> None:
    settings = load(tmp_path, f'[access]\ndefault_groups = ["{group}"]')
    assert settings.access.default_groups == (group,)


@pytest.mark.parametrize("name", ["owner", "audit", "group:staff", "", " ", "a\\u0007b", "x" * 101])
def test_a_caller_cannot_be_taken_for_somebody_else(name: str, tmp_path: Path) -> None:
    assert "callers" in faults(tmp_path, f'[callers]\n"{name}" = ["staff"]')


@pytest.mark.parametrize("name", ["maria", "Seán O'Brien", "a@example.test", "李"])
def test_a_caller_may_have_any_name_of_his_own(name: str, tmp_path: Path) -> None:
    assert load(tmp_path, f'[callers]\n"{name}" = ["staff"]').callers == {name: ("staff",)}


# Secrets


SECRETS = {
    "RAGRAFT_DSN": "postgresql://me:hush-hush@db/x",
    "RAGRAFT_MODEL_KEY": "sk-hush-hush",
    "RAGRAFT_EMBEDDER_KEY": "ek-hush-hush",
    "RAGRAFT_RERANKER_KEY": "rk-hush-hush",
}


def test_no_secret_is_printed(tmp_path: Path) -> None:
    settings = load(tmp_path, **SECRETS)
    for shown in (
        repr(settings),
        str(settings),
        f"{settings.database}",
        settings.model_dump_json(),
        repr(settings.model_dump()),
        repr(describe_settings()),
    ):
        assert "hush" not in shown
    assert settings.model.key is not None
    assert settings.model.key.get_secret_value() == "sk-hush-hush"


@pytest.mark.parametrize(
    "toml",
    [
        "[model]\nkey = ['sk-hush-hush']",
        "[model]\nkey = 'sk-hush-hush'\nurl = 'hush-hush'",
        "[model]\nkeys = 'sk-hush-hush'",
        "[database]\ndsn = {password = 'hush-hush'}",
        "[database]\ndsn = 'hush-hush",
    ],
)
def test_no_secret_is_in_a_fault(toml: str, tmp_path: Path) -> None:
    assert "hush" not in faults(tmp_path, toml)


def test_secret_settings_are_secret_by_type() -> None:
    kinds: list[Any] = [
        field.annotation
        for section in Settings.model_fields.values()
        if isinstance(section.annotation, type) and issubclass(section.annotation, Section)
        for name, field in section.annotation.model_fields.items()
        if name in ("dsn", "key", "password", "token")
    ]
    assert kinds == [SecretStr | None] * 7


def test_settings_cannot_be_changed_by_those_who_are_given_them() -> None:
    settings = Settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.answer.passages = 7  # type: ignore[misc]  # what is tested
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_every_setting_is_described() -> None:
    described = {(section, key) for section, key, _, description in describe_settings() if description}
    expected = {(name, "NAME") for name in TABLES}
    for name, section in Settings.model_fields.items():
        if isinstance(section.annotation, type) and issubclass(section.annotation, Section):
            expected |= {(name, key) for key in section.annotation.model_fields}
    assert described == expected


def test_a_stranger_needs_an_address(tmp_path: Path) -> None:
    assert "needs a url" in faults(tmp_path, '[strangers.big]\nname = "m"\n')


def test_strangers_are_models_at_addresses(tmp_path: Path) -> None:
    toml = '[strangers.big]\nurl = "http://models.example/v1"\nname = "m"\n'
    assert load(tmp_path, toml).strangers["big"].name == "m"
