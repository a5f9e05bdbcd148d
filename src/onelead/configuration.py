"""The configuration: one frozen Configuration, from flags, then ONELEAD_* variables, then defaults.

The only module that reads the environment. All problems are reported together.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from onelead.domain.errors import ConfigurationInvalid
from onelead.domain.limits import WORKERS_MAX
from onelead.domain.sign_in.company import is_safe_url

_PORT_MAX = 65_535
_SQLITE = "sqlite:///"
_POSTGRESQL = ("postgresql://", "postgres://")
#: Of a value that may be left out.
_NONE = "none"
_URL = re.compile(r"(https?)://([a-z0-9][a-z0-9.-]*|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?/?")
_PORTS = {"http": 80, "https": 443}
#: What is taken from environment variables alone.
SECRETS = ("company_client_secret", "copper_api_key")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: The password in a URL, up to the last @ before the path.
_PASSWORD = re.compile(r"(?<=://)([^:/@]*):[^/]*@")
#: The password as a parameter, which libpq accepts too.
_PASSWORD_PARAMETER = re.compile(r"([?&](?:ssl)?password=)[^&]*")


class LogFormat(StrEnum):
    """The format of a log line: for people or for machines."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """The lowest level of log lines that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Configuration:
    """What the process is started with; the values here are the defaults."""

    host: str = "127.0.0.1"
    #: 0 lets the system choose a free port.
    port: int = 8000
    #: `sqlite:///relative/path`, `sqlite:////absolute/path`, or a PostgreSQL URL as libpq reads it.
    database: str = "sqlite:///data/onelead.db"
    log_format: LogFormat = LogFormat.TEXT
    log_level: LogLevel = LogLevel.INFO
    #: How many processes serve the port.
    workers: int = 1
    #: Whose X-Forwarded- headers are trusted: addresses and networks, separated by commas; or none.
    trusted_proxies: str = "none"
    #: The company's provider for signing in (OIDC), as a URL; none for no such sign-in.
    company_issuer: str = "none"
    #: How the provider knows this server. The secret has no flag, as anyone on the machine can read
    #: those.
    company_client_id: str = "none"
    company_client_secret: str = "none"  # noqa: S105 - not one
    #: What opens Copper's API for `onelead move-in copper`; none to be asked for it.
    copper_api_key: str = "none"
    #: How browsers and clients reach the service, as in `https://leads.shop.example`; or none.
    url: str = "none"

    @property
    def database_path(self) -> Path | None:
        """The database's file; None for a PostgreSQL server."""
        if self.database.startswith(_POSTGRESQL):
            return None
        return Path(self.database.removeprefix(_SQLITE))

    @property
    def proxies(self) -> tuple[str, ...]:
        """The networks whose X-Forwarded- headers are trusted."""
        return () if self.trusted_proxies == _NONE else tuple(self.trusted_proxies.split(","))

    @property
    def has_company_sign_in(self) -> bool:
        """Whether users can sign in at the company's provider."""
        return self.company_issuer != _NONE

    @property
    def copper_key(self) -> str | None:
        """The key of Copper's API; None to ask for it."""
        return None if self.copper_api_key == _NONE else self.copper_api_key

    @property
    def public_url(self) -> str | None:
        """What links are made of; None to make them of what a request says."""
        return None if self.url == _NONE else self.url

    def variables(self) -> dict[str, str]:
        """Return the environment variables that give a child process this configuration.

        Everyone on the machine can read arguments, and the database URL may contain a password.
        """
        return {f"ONELEAD_{one.name.upper()}": str(getattr(self, one.name)) for one in fields(self)}

    def shown(self) -> dict[str, str]:
        """Return every value in a form that is safe to show, with secrets masked."""
        shown = {field.name: masked(str(getattr(self, field.name))) for field in fields(self)}
        return shown | {name: "***" for name in SECRETS if shown[name] != _NONE}


def load_configuration(
    flags: Mapping[str, str | None], environment: Mapping[str, str] | None = None
) -> Configuration:
    """Return the effective configuration. Raises ConfigurationInvalid with every problem."""
    values = _Values(flags, os.environ if environment is None else environment)
    configuration = Configuration(**{name: values.read(name) for name in _READERS})
    is_sqlite = configuration.database.startswith(_SQLITE)
    if configuration.workers > 1 and is_sqlite and not values.problems:
        values.refuse(
            "workers", "only one process can serve a SQLite file; write 1, or use PostgreSQL"
        )
    if configuration.has_company_sign_in and configuration.company_client_id == _NONE:
        values.refuse("company_client_id", "is missing; the company's provider has given it")
    if values.problems:
        raise ConfigurationInvalid(values.problems)
    return configuration


def child_environment(**variables: str) -> dict[str, str]:
    """Return the environment for a child process, with these variables added."""
    return {**os.environ, **variables}


def masked(url: str) -> str:
    """Return a URL without its password."""
    return _PASSWORD_PARAMETER.sub(r"\1***", _PASSWORD.sub(r"\1:***@", url))


class _Values:
    """Finds each value where it was given, and collects problems."""

    def __init__(self, flags: Mapping[str, str | None], environment: Mapping[str, str]) -> None:
        self._flags = flags
        self._environment = environment
        self.problems: list[str] = []

    def read(self, name: str) -> Any:
        _origin, text = self._find(name)
        if text is not None:
            try:
                return _READERS[name](text)
            except ValueError as error:
                self.refuse(name, str(error))
        return getattr(Configuration, name)

    def refuse(self, name: str, problem: str) -> None:
        self.problems.append(f"{self._find(name)[0]}: {problem}")

    def _find(self, name: str) -> tuple[str, str | None]:
        flag = self._flags.get(name)
        if flag is not None:
            return f"--{name.replace('_', '-')}", flag
        variable = f"ONELEAD_{name.upper()}"
        # Many tools write an empty variable for "not set".
        return variable, self._environment.get(variable) or None


def _host(text: str) -> str:
    if not text or _CONTROL.search(text) or any(character in text for character in " /@"):
        raise ValueError(f"{text!r} is not a host; write an address or a name, as in 127.0.0.1")
    return text


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:9]) <= _PORT_MAX):
        raise ValueError(f"{text!r} is not a port; write a whole number from 0 to {_PORT_MAX}")
    return int(text)


def _database(text: str) -> str:
    if text.startswith(_POSTGRESQL):
        if _CONTROL.search(text) or " " in text:
            raise ValueError(f"{masked(text)!r} contains a character that a URL cannot have")
        return text
    path = text.removeprefix(_SQLITE)
    if path == text:
        raise ValueError(
            f"{masked(text)!r} is not a database URL; "
            f"write {_SQLITE}relative/path, {_SQLITE}/absolute/path or "
            f"{_POSTGRESQL[0]}user@host/name"
        )
    if path in {"", ":memory:"} or path.endswith("/"):
        raise ValueError(
            f"{text!r} does not name a file; write one, as in {Configuration.database}"
        )
    if "?" in path or _CONTROL.search(path):
        raise ValueError(f"{text!r} contains a character that the path of a database cannot have")
    return text


def _workers(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= WORKERS_MAX):
        raise ValueError(
            f"{text!r} is not a number of processes; write a number from 1 to {WORKERS_MAX}"
        )
    return int(text)


def _proxies(text: str) -> str:
    if text == _NONE:
        return text
    networks = []
    for part in text.split(","):
        try:
            networks.append(str(ip_network(part.strip())))
        except ValueError:
            raise ValueError(
                f"{part.strip()!r} is not an address or network; separate them by commas, "
                "as in 127.0.0.1,10.0.0.0/8"
            ) from None
    return ",".join(networks)


def _issuer(text: str) -> str:
    if text != _NONE and not is_safe_url(text):
        raise ValueError(f"{text!r} is not the URL of a provider; it begins with https://")
    return text


def _url(text: str) -> str:
    if text == _NONE:
        return text
    found = _URL.fullmatch(text.lower()) if text.isascii() else None
    scheme, host, port = found.groups(default="") if found else ("", "", "")
    if not host or not 0 < int(port or 1) <= _PORT_MAX:
        raise ValueError(
            f"{text!r} is not the URL of a host; write one without a path, "
            "as in https://leads.shop.example"
        )
    is_usual = not port or int(port) == _PORTS[scheme]
    return f"{scheme}://{host}" + ("" if is_usual else f":{int(port)}")


def _one_of(choices: type[StrEnum], text: str) -> StrEnum:
    if text not in set(choices):
        raise ValueError(f"{text!r} is not one of {', '.join(choices)}")
    return choices(text)


#: How each value of the configuration is read from a text.
_READERS: Mapping[str, Callable[[str], Any]] = {
    "host": _host,
    "port": _port,
    "database": _database,
    "log_format": partial(_one_of, LogFormat),
    "log_level": partial(_one_of, LogLevel),
    "workers": _workers,
    "trusted_proxies": _proxies,
    "company_issuer": _issuer,
    "company_client_id": str,
    "company_client_secret": str,
    "copper_api_key": str,
    "url": _url,
}
