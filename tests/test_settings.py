"""What the service refuses to start with."""

import os
import re
from pathlib import Path

import pytest
import yaml

from app.database import server
from app.errors import SettingsError
from app.settings import Settings
from tests.commands import command

GOOD = "Kestrel-9-umbrella"


def given(url: str, **more: str) -> Settings:
    return Settings.from_environment({"DATABASE_URL": f"postgresql+asyncpg://{url}", **more})


@pytest.mark.parametrize(("processors", "matchers"), [(None, 1), (1, 1), (2, 2), (64, 2)])
def test_there_is_a_matcher_for_each_processor_and_no_more_than_two(
    processors: int | None, matchers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert Settings.from_environment({}).matchers == matchers
    assert Settings.from_environment({"MATCHERS": "5"}).matchers == 5
    assert Settings.from_environment({"MATCHERS": "0"}).matchers == 0


def test_a_day_of_reads_is_that_of_the_countys_time_zone() -> None:
    settings = Settings.from_environment({})
    assert (settings.reads_per_day, settings.time_zone) == (3_000, "America/Los_Angeles")
    for name, value in (("TIME_ZONE", "Mars/Olympus"), ("TIME_ZONE", "../etc"), ("READS_PER_DAY", "0")):
        with pytest.raises(SettingsError, match=name):
            Settings.from_environment({name: value})


@pytest.mark.parametrize(
    "password",
    [
        "postgres",
        "password",
        "changeme",
        "CHANGE_ME",
        "eleven-char",
        "postgrespostgres",
        "PostgresPassword1",
        "changeme-changeme",
        "password12345678",
        "<your%20password>",
        "recall_owner",
        "aaaaaaaaaaaaaaaa",
        "abababababababab",
        "123456789012",
    ],
)
@pytest.mark.parametrize("host", ["database", "127.0.0.1", "10.0.0.5:5432"])
def test_a_default_or_short_password_is_refused_in_the_same_words_whatever_it_is(password: str, host: str) -> None:
    with pytest.raises(SettingsError) as refused:
        given(f"recall_owner:{password}@{host}/recall")
    assert str(refused.value) == "DATABASE_URL must have a password of 12 or more characters that is no default"


@pytest.mark.parametrize(
    "url",
    [
        "recall_owner@database/recall",
        "recall_owner@10.0.0.5/recall",
        "recall_owner@/recall?host=a:5432&host=b:5432",
        "recall_owner@/recall?host=127.0.0.1:5432&host=b:5432",
        "recall_owner@/recall?host=127.0.0.1,b",
        "recall_owner@localhost.example/recall",
    ],
)
def test_a_database_on_another_machine_needs_a_password(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL must have a password, since"):
        given(url)


@pytest.mark.parametrize(
    "url",
    [
        "recall_owner@localhost/recall",
        "recall_owner@127.0.0.1:5432/recall",
        "recall_owner@[::1]:5432/recall",
        "recall_owner@/recall?host=/run/postgresql&port=5432",
        "recall_owner@/recall",
        f"recall_owner:{GOOD}@database/recall",
        f"recall_owner:{GOOD}@/recall?host=a:5432&host=b:5432&target_session_attrs=primary",
        "recall_owner:84301957620184375@database/recall",
    ],
)
def test_no_password_on_this_machine_and_a_long_one_elsewhere_will_do(url: str) -> None:
    assert given(url).database_url == f"postgresql+asyncpg://{url}"


@pytest.mark.parametrize("url", ["recall_owner:x@database:port/recall", "[::1/recall"])
def test_an_address_that_is_none_is_refused_without_a_word_of_it(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL is not an address like") as refused:
        given(url)
    assert refused.value.__suppress_context__


def test_the_owners_address_needs_the_services_beside_it_and_a_good_password() -> None:
    owner = f"postgresql+asyncpg://recall_owner:{GOOD}@database/recall"
    with pytest.raises(SettingsError, match=r"^MIGRATE_DATABASE_URL needs DATABASE_URL"):
        Settings.from_environment({"MIGRATE_DATABASE_URL": owner})
    service = f"recall_service:{GOOD}@database/recall"
    with pytest.raises(SettingsError, match=r"^MIGRATE_DATABASE_URL must have a password of 12"):
        given(service, MIGRATE_DATABASE_URL=owner.replace(GOOD, "changeme"))
    assert given(service, MIGRATE_DATABASE_URL=owner).migrate_database_url == owner


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_checkpoint_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    key = tmp_path / "checkpoint.key"
    key.write_text("a key")
    key.chmod(mode)
    with pytest.raises(SettingsError, match=r"^CHECKPOINT_KEY_FILE must be readable by its owner alone"):
        Settings.from_environment({"CHECKPOINT_KEY_FILE": str(key)})
    with pytest.raises(SettingsError, match=r"^DATA_DIR: checkpoint\.key must be readable by its owner alone"):
        Settings.from_environment({"DATA_DIR": str(tmp_path)})


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_checkpoint_key_of_its_owners_alone_will_do(tmp_path: Path, mode: int) -> None:
    key = tmp_path / "checkpoint.key"
    key.write_text("a key")
    key.chmod(mode)
    assert Settings.from_environment({"CHECKPOINT_KEY_FILE": str(key)}).checkpoint_key == key


async def serve(**environment: str) -> tuple[int, str, str]:
    return await command("serve", "--port", "0", environment={**os.environ, **environment})


async def test_the_service_says_it_in_one_line_and_does_not_start() -> None:
    status, printed, errors = await serve(DATABASE_URL="postgresql+asyncpg://recall_owner:changeme@database/recall")
    assert (status, printed) == (1, "")
    assert errors.startswith("error: DATABASE_URL must have a password")
    assert errors.count("\n") == 1
    assert "changeme" not in errors


@pytest.mark.parametrize("content", [None, b"", b"not a key"])
async def test_a_file_that_holds_no_key_is_told_of_in_one_line_too(
    database: str, tmp_path: Path, content: bytes | None
) -> None:
    key = tmp_path / "key"
    if content is not None:
        key.touch(0o600)
        key.write_bytes(content)
    done = await serve(DATABASE_URL=database, DATA_DIR=str(tmp_path), CHECKPOINT_KEY_FILE=str(key))
    expected = "error: CHECKPOINT_KEY_FILE must be a file with an Ed25519 key in PEM: put it back if it is missing\n"
    assert done == (1, "", expected)


def test_the_database_of_the_compose_file_logs_no_rows_as_ours_does_not() -> None:
    service = yaml.safe_load((Path(__file__).parents[1] / "compose.yaml").read_text())["services"]["database"]
    given = dict(option.removeprefix("-c").split("=") for option in service["command"][1:])
    named = ("log_error_verbosity", "log_min_error_statement", "log_statement")
    parameters = ("log_parameter_max_length", "log_parameter_max_length_on_error")
    assert given == {name: server._SETTINGS[name] for name in (*named, *parameters)}  # noqa: SLF001  # one place


def test_the_service_of_the_compose_file_never_has_the_owners_password() -> None:
    services = yaml.safe_load((Path(__file__).parents[1] / "compose.yaml").read_text())["services"]
    login = services["service"]["environment"]["DATABASE_URL"]
    assert "//recall_service:" in login
    assert login == services["migrate"]["environment"]["DATABASE_URL"]
    assert "POSTGRES_PASSWORD" not in str(services["service"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"DOCS": "no"},
        {"METRICS": "closed"},
        {"ALLOWED_HOSTS": "https://recall.example.org"},
        {"ALLOWED_HOSTS": "a,b:80"},
        {"FORWARDED_ALLOW_IPS": "*"},
        {"FORWARDED_ALLOW_IPS": "proxy"},
        {"FORWARDED_ALLOW_IPS": "10.0.0.1/8"},
        {"LOG_FORMAT": "xml"},
    ],
)
def test_a_setting_that_would_not_work_is_named(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=f"^{next(iter(wrong))} must be "):
        Settings.from_environment(wrong)


def test_the_image_is_built_from_one_that_cannot_change() -> None:
    stages = re.findall(
        r"^FROM (\S+)(?: AS (\S+))?", (Path(__file__).parents[1] / "Dockerfile").read_text(), re.MULTILINE
    )
    bases = [base for base, _ in stages if base not in {name for _, name in stages}]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-[a-z]+@sha256:[0-9a-f]{64}", bases[0])
