"""All expected errors, in the words of the domain.

Each error has a `code` whose meaning never changes and a `kind`, which the front ends turn into an
HTTP status or an exit code. The message is for the caller: it never holds a secret or an internal
detail.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from itertools import islice
from typing import ClassVar

from msgspec import Struct

from onelead.domain.text import as_one_line, quoted, shortened


class Kind(StrEnum):
    """What a caller can do about an error."""

    MALFORMED = "malformed"
    UNAUTHORISED = "unauthorised"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    #: It was meant for another server.
    MISDIRECTED = "misdirected"
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    #: It came in a form that is not read.
    UNSUPPORTED = "unsupported"
    INVALID = "invalid"
    UNAVAILABLE = "unavailable"
    CONFLICT = "conflict"
    #: It is gone, and does not come back.
    GONE = "gone"
    #: What the caller knew is out of date.
    PRECONDITION = "precondition"
    #: The caller has tried too often.
    THROTTLED = "throttled"


class Problem(Struct, frozen=True):
    """One thing wrong with one attribute of a request."""

    #: The attribute as the client spells it (`company_id`), or `base` for the whole request.
    attribute: str
    text: str
    #: Rails' symbol for the kind of mistake: `blank`, `invalid`, `too_long`, `taken`, `inclusion`.
    symbol: str = "invalid"


#: A hostile body may have any number of mistakes; a message lists no more than these.
_NAMES_MAX = 20
_LINES_MAX = 100


def unrecognized(names: Iterable[str]) -> Problem | None:
    """Return the problem that lists unknown attributes, as Copper does; None without any."""
    listed = [as_one_line(shortened(name)) for name in islice(names, _NAMES_MAX + 1)]
    if not listed:
        return None
    if len(listed) > _NAMES_MAX:
        listed[_NAMES_MAX:] = ["..."]
    return Problem("base", f"Unrecognized attributes specified: {', '.join(listed)}", "unknown")


class OneleadError(Exception):
    """The base of all expected errors."""

    code: ClassVar[str]
    kind: ClassVar[Kind]

    def __init_subclass__(cls, *, code: str, kind: Kind = Kind.INVALID) -> None:
        super().__init_subclass__()
        cls.code, cls.kind = code, kind

    def __init__(self, message: str | None = None, *, retry_after_s: int | None = None) -> None:
        super().__init__(message or (self.__doc__ or self.code).strip().splitlines()[0])
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[object, ...]:
        """Let another process of the program send it, whatever its constructor takes."""
        return _error_again, (type(self), self.args, vars(self))

    @property
    def message(self) -> str:
        """The text for the caller."""
        return str(self.args[0])

    @classmethod
    def all(cls) -> list[type[OneleadError]]:
        """Return every expected error of this module, each before those that are a case of it."""
        found = [one for sub in cls.__subclasses__() for one in (sub, *sub.all())]
        return [one for one in found if one.__module__ == __name__]


def _error_again(
    cls: type[OneleadError], args: tuple[object, ...], attributes: dict[str, object]
) -> OneleadError:
    error = cls.__new__(cls)
    error.args = args
    vars(error).update(attributes)
    return error


class BodyMalformed(OneleadError, code="body_malformed", kind=Kind.MALFORMED):
    """The body is not readable JSON"""


class HeaderMalformed(OneleadError, code="header_malformed", kind=Kind.MALFORMED):
    """A header is not readable"""


class HostUnknown(OneleadError, code="host_unknown", kind=Kind.MISDIRECTED):
    """The host is not that of this service; ask for it by its own name"""


class BodyTooLarge(OneleadError, code="body_too_large", kind=Kind.TOO_LARGE):
    """The body is too large"""


class BodyEncodingUnknown(OneleadError, code="body_encoding_unknown", kind=Kind.UNSUPPORTED):
    """The body has a Content-Encoding that is not known"""


class BodyTooSlow(OneleadError, code="body_too_slow", kind=Kind.TIMEOUT):
    """The body did not arrive in time"""


class CredentialsInvalid(OneleadError, code="credentials_invalid", kind=Kind.UNAUTHORISED):
    """Unauthorized"""


class AdminRequired(OneleadError, code="admin_required", kind=Kind.FORBIDDEN):
    """Forbidden"""


class ScopeMissing(OneleadError, code="scope_missing", kind=Kind.FORBIDDEN):
    """The scope of the API key does not include this call"""

    def __init__(self, scope: str, needed: str) -> None:
        """Take the scope of the key, and the one that the call needs."""
        super().__init__(f"This API key has the scope {scope}; this call needs the scope {needed}")


class NetworkNotAllowed(OneleadError, code="network_not_allowed", kind=Kind.FORBIDDEN):
    """The API key does not work from this address"""


class FormForged(OneleadError, code="form_forged", kind=Kind.FORBIDDEN):
    """The form is too old, or not from this site; load the page again and send it again"""


class CompanySignInFailed(OneleadError, code="company_sign_in_failed", kind=Kind.UNAVAILABLE):
    """The company sign-in did not work; try again, or sign in another way"""


class TooManyAttempts(OneleadError, code="too_many_attempts", kind=Kind.THROTTLED):
    """Too many attempts; try again later"""


class ResourceNotFound(OneleadError, code="resource_not_found", kind=Kind.NOT_FOUND):
    """Resource not found"""

    @classmethod
    def of_merged(cls, lead_id: int, into_id: int) -> ResourceNotFound:
        """Return the error about a merged lead whose survivor was deleted."""
        return cls(f"Lead {lead_id} was merged into lead {into_id}, which was deleted")


class InputInvalid(OneleadError, code="input_invalid"):
    """The request is readable but breaks the rules; `problems` says where."""

    def __init__(self, *problems: Problem, retry_after_s: int | None = None) -> None:
        lines = [f"{humanised(one.attribute)}: {one.text}" for one in problems[:_LINES_MAX]]
        if len(problems) > _LINES_MAX:
            lines.append(f"Base: and {len(problems) - _LINES_MAX} more")
        super().__init__(
            "Invalid input: Validation errors: " + "\n".join(lines), retry_after_s=retry_after_s
        )
        self.problems = problems


class MatchAmbiguous(OneleadError, code="match_ambiguous"):
    """More than one lead matches; nothing was written."""

    BEGINNING = "Invalid input: Multiple matches found: "

    def __init__(self, ids: tuple[int, ...]) -> None:
        """Take the matching ids, ascending; none when there are too many to list."""
        self.ids = ids
        if ids:
            found = f"{len(ids)} leads match: {', '.join(map(str, ids))}"
        else:
            found = "more leads match than can be listed"
        super().__init__(f"{self.BEGINNING}{found}")


class VersionConflict(OneleadError, code="version_conflict", kind=Kind.PRECONDITION):
    """The lead has changed in the meantime"""

    def __init__(self, version: int) -> None:
        """Take the lead's current version."""
        super().__init__(f"The lead has changed in the meantime; its version is {version} now")
        self.version = version


class LeadMerged(OneleadError, code="lead_merged"):
    """The lead was merged into another one"""

    def __init__(self, lead_id: int, into_id: int) -> None:
        """Take the lead and the one that stands for it now."""
        super().__init__(
            f"Invalid input: lead {lead_id} was merged into lead {into_id}; name that one instead"
        )
        self.into_id = into_id


class MergeConflict(OneleadError, code="merge_conflict", kind=Kind.CONFLICT):
    """The leads cannot be merged as they are now"""


class ClaimTaken(OneleadError, code="claim_taken", kind=Kind.CONFLICT):
    """Another lead has a ruling on the value"""

    def __init__(self, value: str, lead_id: int) -> None:
        """Take the value and the lead that deliveries by it mean already."""
        super().__init__(
            f"Deliveries by {quoted(value)} mean lead {lead_id}; take back that ruling first"
        )
        self.lead_id = lead_id


class UndoNotPossible(OneleadError, code="undo_not_possible", kind=Kind.CONFLICT):
    """It cannot be undone"""


class UndoLosesChanges(OneleadError, code="undo_loses_changes", kind=Kind.CONFLICT):
    """The lead was changed since; undo it all the same with force"""


class ImportNotPossible(OneleadError, code="import_not_possible", kind=Kind.CONFLICT):
    """The import is not in a state for this; load it again"""


class Erased(OneleadError, code="erased", kind=Kind.GONE):
    """What this was about has been erased"""


class PreconditionFailed(OneleadError, code="precondition_failed", kind=Kind.PRECONDITION):
    """The write was for a lead that exists, or that does not exist yet"""


class IdempotencyKeyReused(OneleadError, code="idempotency_key_reused"):
    """The idempotency key was used for another body"""


class SettingsConflict(OneleadError, code="settings_conflict", kind=Kind.PRECONDITION):
    """The settings have changed in the meantime"""


class WriteQueueFull(OneleadError, code="write_queue_full", kind=Kind.UNAVAILABLE):
    """Too many writes are waiting; try again shortly"""


class TooManyConnections(OneleadError, code="too_many_connections", kind=Kind.UNAVAILABLE):
    """Too many connections are open; try again shortly"""


class TooManyStreams(OneleadError, code="too_many_streams", kind=Kind.UNAVAILABLE):
    """Too many pages show deliveries as they arrive; close some, or load the page again"""


class IdsExhausted(OneleadError, code="ids_exhausted", kind=Kind.CONFLICT):
    """The account has given away all of its ids"""


class StoreUnavailable(OneleadError, code="store_unavailable", kind=Kind.UNAVAILABLE):
    """The database does not answer; try again shortly"""


class DatabaseReplaced(StoreUnavailable, code="database_replaced", kind=Kind.UNAVAILABLE):
    """The files of the database were replaced; nothing is written until the service is restarted"""


class DatabaseDamaged(StoreUnavailable, code="database_damaged", kind=Kind.UNAVAILABLE):
    """The database is damaged"""


class DiskFull(StoreUnavailable, code="disk_full", kind=Kind.UNAVAILABLE):
    """The disk of the database is full; try again later"""


class TemporaryFull(OneleadError, code="temporary_full", kind=Kind.UNAVAILABLE):
    """There is no room for temporary files; make some in their folder (TMPDIR), and try again"""


class ReadOnly(StoreUnavailable, code="read_only", kind=Kind.UNAVAILABLE):
    """The database can only be read at present; try again later"""


class ServiceStopping(OneleadError, code="service_stopping", kind=Kind.UNAVAILABLE):
    """The service is stopping; try again shortly"""


class DatabaseNewer(OneleadError, code="database_newer", kind=Kind.CONFLICT):
    """The database was migrated by a newer onelead; install that version or a later one"""


class DatabaseUnusable(OneleadError, code="database_unusable", kind=Kind.CONFLICT):
    """The database cannot be opened"""


class DatabaseLocked(OneleadError, code="database_locked", kind=Kind.CONFLICT):
    """Another onelead server is running on this database"""


class ConfigurationInvalid(OneleadError, code="configuration_invalid"):
    """The configuration has problems; `problems` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class NotPossible(OneleadError, code="not_possible", kind=Kind.CONFLICT):
    """What was asked for on the command line cannot be done"""


def humanised(attribute: str) -> str:
    """Return an attribute as Copper's messages spell it: `company_id` as `Company Id`."""
    return " ".join(word.capitalize() for word in attribute.split("_"))
