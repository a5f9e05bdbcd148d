"""The configuration: where a value comes from, what is refused, and what can be shown."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from onelead.configuration import (
    Configuration,
    LogFormat,
    LogLevel,
    child_environment,
    load_configuration,
    masked,
)
from onelead.domain.errors import ConfigurationInvalid

COMPANY = {
    "ONELEAD_COMPANY_ISSUER": "https://login.shop.example",
    "ONELEAD_COMPANY_CLIENT_ID": "onelead",
    "ONELEAD_COMPANY_CLIENT_SECRET": "hush",
}


def problem_with(**flags: str) -> str:
    """Return the only problem of a configuration."""
    with pytest.raises(ConfigurationInvalid) as refused:
        load_configuration(flags, {})
    (problem,) = refused.value.problems
    return problem


def test_without_anything_the_defaults_hold() -> None:
    assert load_configuration({}, {}) == Configuration(
        host="127.0.0.1",
        port=8000,
        database="sqlite:///data/onelead.db",
        log_format=LogFormat.TEXT,
        log_level=LogLevel.INFO,
        workers=1,
    )


def test_every_value_can_come_from_the_environment() -> None:
    environment = {
        "ONELEAD_HOST": "::1",
        "ONELEAD_PORT": "0",
        "ONELEAD_DATABASE": "sqlite:////var/lib/onelead.db",
        "ONELEAD_LOG_FORMAT": "json",
        "ONELEAD_LOG_LEVEL": "debug",
        "ONELEAD_WORKERS": "1",
        "ONELEAD_TRUSTED_PROXIES": "10.0.0.7",
        **COMPANY,
        "ONELEAD_COPPER_API_KEY": "psst",
        "ONELEAD_URL": "https://leads.shop.example",
    }
    assert load_configuration({}, environment) == Configuration(
        host="::1",
        port=0,
        database="sqlite:////var/lib/onelead.db",
        log_format=LogFormat.JSON,
        log_level=LogLevel.DEBUG,
        trusted_proxies="10.0.0.7/32",
        company_issuer="https://login.shop.example",
        company_client_id="onelead",
        company_client_secret="hush",
        copper_api_key="psst",
        url="https://leads.shop.example",
    )
    names = {f"ONELEAD_{field.name.upper()}" for field in dataclasses.fields(Configuration)}
    assert names == set(environment)


def test_a_flag_overrides_the_environment() -> None:
    variables = {"ONELEAD_PORT": "8002", "ONELEAD_HOST": "::1"}
    configuration = load_configuration({"port": "8001"}, variables)
    assert (configuration.port, configuration.host) == (8001, "::1")


def test_a_missing_flag_and_an_empty_variable_count_as_not_set() -> None:
    assert load_configuration({"port": None}, {"ONELEAD_HOST": ""}) == Configuration()


def test_the_process_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONELEAD_PORT", "8123")
    assert load_configuration({}).port == 8123


def test_all_problems_are_reported_together_and_say_where_they_are() -> None:
    flags = {"port": "eighty", "log_format": "xml"}
    environment = {"ONELEAD_DATABASE": "onelead.db", "ONELEAD_LOG_LEVEL": "loud"}
    with pytest.raises(ConfigurationInvalid) as refused:
        load_configuration(flags, environment)
    assert refused.value.problems == [
        "--port: 'eighty' is not a port; write a whole number from 0 to 65535",
        (
            "ONELEAD_DATABASE: 'onelead.db' is not a database URL; "
            "write sqlite:///relative/path, sqlite:////absolute/path or postgresql://user@host/name"
        ),
        "--log-format: 'xml' is not one of text, json",
        "ONELEAD_LOG_LEVEL: 'loud' is not one of debug, info, warning, error",
    ]


@pytest.mark.parametrize(
    "port", ["-1", "65536", "", "8e3", "٨", "1" * 5000, "tcp://10.0.0.1:8000", " 80"]
)
def test_what_is_no_port_is_refused(port: str) -> None:
    assert problem_with(port=port).startswith("--port: ")


@pytest.mark.parametrize("host", ["", "http://localhost", "a b", "user@host", "a\nb"])
def test_what_is_no_host_is_refused(host: str) -> None:
    assert problem_with(host=host).startswith("--host: ")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///data/onelead.db", "data/onelead.db"),
        ("sqlite:////srv/onelead.db", "/srv/onelead.db"),
        ("sqlite:///with space/%41#ü.db", "with space/%41#ü.db"),
    ],
)
def test_a_database_url_names_a_file(url: str, path: str) -> None:
    assert load_configuration({"database": url}, {}).database_path == Path(path)


@pytest.mark.parametrize(
    "url", ["sqlite:///", "sqlite:///:memory:", "sqlite:///data/", "sqlite:///a?b", "sqlite:///\0"]
)
def test_a_database_must_be_a_possible_file(url: str) -> None:
    assert problem_with(database=url).startswith("--database: ")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://onelead:secret@db.example/onelead",
        "postgres://onelead@a.example:5432,b.example/onelead?target_session_attrs=read-write",
        "postgresql:///onelead?host=/run/postgresql",
    ],
)
def test_a_url_of_postgresql_is_taken_as_it_is(url: str) -> None:
    configuration = load_configuration({"database": url}, {})
    assert configuration.database == url
    assert configuration.database_path is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://onelead:secret@db.example/onelead",
        "postgresql://onelead:secret@db.example/one lead",
        "postgresql://db.example/onelead?password=secret&x=\n",
    ],
)
def test_a_url_that_no_engine_reads_is_refused_without_its_password(url: str) -> None:
    problem = problem_with(database=url)
    assert problem.startswith("--database: ")
    assert "secret" not in problem


def test_the_password_in_another_url_is_not_repeated() -> None:
    problem = problem_with(database="mysql://onelead:sec:r@t@db.example/onelead")
    assert "'mysql://onelead:***@db.example/onelead'" in problem


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://onelead:secret@db.example/onelead", "postgresql://onelead:***@db.example/onelead"),
        ("postgresql://:p@ss@db.example:5432/onelead", "postgresql://:***@db.example:5432/onelead"),
        ("postgresql://onelead@db.example/onelead", "postgresql://onelead@db.example/onelead"),
        (
            "postgresql://db.example/onelead?password=s:e@c&sslpassword=t&x=1",
            "postgresql://db.example/onelead?password=***&sslpassword=***&x=1",
        ),
        ("sqlite:////srv/a:b@c.db", "sqlite:////srv/a:b@c.db"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)  # fmt: skip
def test_a_password_is_masked(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_all_effective_values_are_shown_as_text() -> None:
    assert load_configuration({"log_level": "error"}, {"ONELEAD_PORT": "8001"}).shown() == {
        "host": "127.0.0.1",
        "port": "8001",
        "database": "sqlite:///data/onelead.db",
        "log_format": "text",
        "log_level": "error",
        "workers": "1",
        "trusted_proxies": "none",
        "company_issuer": "none",
        "company_client_id": "none",
        "company_client_secret": "none",
        "copper_api_key": "none",
        "url": "none",
    }


def test_a_secret_is_never_shown() -> None:
    assert load_configuration({}, COMPANY).shown()["company_client_secret"] == "***"
    copper = load_configuration({}, {"ONELEAD_COPPER_API_KEY": "psst"})
    assert copper.shown()["copper_api_key"] == "***"
    assert copper.copper_key == "psst"
    assert Configuration().copper_key is None


def test_a_company_sign_in_needs_a_client_id_and_a_safe_provider() -> None:
    issuer = "https://login.shop.example"
    assert problem_with(company_issuer=issuer) == (
        "ONELEAD_COMPANY_CLIENT_ID: is missing; the company's provider has given it"
    )
    for url in (
        "http://login.shop.example",
        "login.shop.example",
        "https://",
        "ftp://x",
        "https://[",
    ):
        problem = problem_with(company_issuer=url, company_client_id="x")
        assert problem.endswith("is not the URL of a provider; it begins with https://")
    on_this_machine = {"company_issuer": "http://127.0.0.1:9000/", "company_client_id": "x"}
    assert load_configuration(on_this_machine, {}).has_company_sign_in


@pytest.mark.parametrize(
    ("text", "proxies"),
    [
        ("none", ()),
        ("127.0.0.1", ("127.0.0.1/32",)),
        ("10.0.0.0/8, ::1", ("10.0.0.0/8", "::1/128")),
    ],
)
def test_the_proxies_are_addresses_and_networks(text: str, proxies: tuple[str, ...]) -> None:
    configuration = load_configuration({"trusted_proxies": text}, {})
    assert configuration.proxies == proxies
    assert load_configuration({}, configuration.variables()) == configuration


@pytest.mark.parametrize("text", ["*", "10.0.0.1/8", "proxy.example", "127.0.0.1,", "1.2.3"])
def test_a_proxy_that_is_not_a_network_is_refused(text: str) -> None:
    problem = problem_with(trusted_proxies=text)
    assert problem.startswith("--trusted-proxies: ")
    assert "is not an address or network" in problem


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("none", None),
        ("https://leads.shop.example", "https://leads.shop.example"),
        ("HTTPS://Leads.Shop.example/", "https://leads.shop.example"),
        ("https://leads.shop.example:443", "https://leads.shop.example"),
        ("https://leads.shop.example:8443", "https://leads.shop.example:8443"),
        ("http://leads.shop.example:80", "http://leads.shop.example"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://10.0.0.7", "http://10.0.0.7"),
    ],
)
def test_the_url_names_a_host(text: str, url: str | None) -> None:
    configuration = load_configuration({"url": text}, {})
    assert configuration.public_url == url
    assert load_configuration({}, configuration.variables()) == configuration


@pytest.mark.parametrize(
    "text",
    [
        *("leads.shop.example", "ftp://leads.shop.example", "https://", "https://:443", "//a"),
        *(
            "https://a/b",
            "https://a?b",
            "https://a#b",
            "https://a/?",
            "https://me@a",
            "https://a b",
        ),
        *(
            "https://a:0",
            "https://a:99999",
            "https://a:x",
            "https://a:",
            "https://[::1",
            "https://ü",
        ),
        *("https://a\n", "https://a:\u0664", "https://%61", "https://a:" + "1" * 5_000),
    ],
)
def test_what_is_no_url_of_a_host_is_refused(text: str) -> None:
    problem = problem_with(url=text)
    assert problem.startswith("--url: ")
    assert "is not the URL of a host" in problem


@pytest.mark.parametrize("workers", ["1", "8", "64"])
def test_postgresql_may_have_several_workers(workers: str) -> None:
    flags = {"database": "postgresql://db.example/onelead", "workers": workers}
    assert load_configuration(flags, {}).workers == int(workers)


@pytest.mark.parametrize("workers", ["0", "65", "-1", "two", "1.5", "٨", "1" * 5000, " 2"])
def test_what_is_no_number_of_workers_is_refused(workers: str) -> None:
    problem = problem_with(database="postgresql://db.example/onelead", workers=workers)
    assert problem.startswith("--workers: ")
    assert problem.endswith("is not a number of processes; write a number from 1 to 64")


def test_a_sqlite_file_has_one_worker() -> None:
    sentence = "only one process can serve a SQLite file; write 1, or use PostgreSQL"
    assert problem_with(workers="2") == f"--workers: {sentence}"
    with pytest.raises(ConfigurationInvalid) as refused:
        load_configuration({}, {"ONELEAD_WORKERS": "4"})
    assert refused.value.problems == [f"ONELEAD_WORKERS: {sentence}"]


def test_a_child_process_has_this_environment_and_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", "passwords")
    environment = child_environment(FOLDER="figures")
    assert (environment["PGPASSFILE"], environment["FOLDER"]) == ("passwords", "figures")
