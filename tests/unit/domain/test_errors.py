"""The errors: codes, kinds and the messages that callers read."""

from __future__ import annotations

import pickle
import re

import pytest

from onelead.domain.errors import (
    BodyTooLarge,
    ClaimTaken,
    ConfigurationInvalid,
    InputInvalid,
    Kind,
    LeadMerged,
    MatchAmbiguous,
    OneleadError,
    Problem,
    ResourceNotFound,
    ScopeMissing,
    StoreUnavailable,
    VersionConflict,
    WriteQueueFull,
    humanised,
    unrecognized,
)

CATALOGUE = OneleadError.all()
WITH_ARGUMENTS = {
    *(InputInvalid, MatchAmbiguous, ConfigurationInvalid, VersionConflict, LeadMerged, ClaimTaken),
    ScopeMissing,
}
WITHOUT_ARGUMENTS = [error for error in CATALOGUE if error not in WITH_ARGUMENTS]


def test_every_code_is_the_class_name_in_small_letters() -> None:
    names = {error: re.sub(r"(?<!^)([A-Z])", r"_\1", error.__name__).lower() for error in CATALOGUE}
    assert {error: error.code for error in CATALOGUE} == names


def test_no_code_is_used_twice() -> None:
    assert len({error.code for error in CATALOGUE}) == len(CATALOGUE)


def test_every_kind_is_in_use() -> None:
    assert {error.kind for error in CATALOGUE} == set(Kind)


@pytest.mark.parametrize("error", WITHOUT_ARGUMENTS)
def test_an_error_brings_its_own_sentence(error: type[OneleadError]) -> None:
    message = error().message
    assert message == (error.__doc__ or "").strip()
    assert "\n" not in message
    assert not message.endswith(".")


def test_a_sentence_can_be_given() -> None:
    assert StoreUnavailable("The disk is full").message == "The disk is full"
    assert str(StoreUnavailable("The disk is full")) == "The disk is full"


def test_an_error_can_say_when_to_try_again() -> None:
    assert WriteQueueFull().retry_after_s is None
    assert WriteQueueFull(retry_after_s=1).retry_after_s == 1
    assert InputInvalid(Problem("match", "is late"), retry_after_s=1).retry_after_s == 1


def test_a_missing_resource_reads_as_on_the_wire() -> None:
    assert ResourceNotFound().message == "Resource not found"


def test_a_problem_is_named_by_its_attribute() -> None:
    error = InputInvalid(Problem("name", "can't be blank", "blank"))
    assert error.message == "Invalid input: Validation errors: Name: can't be blank"


def test_many_problems_are_lines_under_one_prefix() -> None:
    problems = (
        Problem("base", "Unrecognized attributes specified: url"),
        Problem("type", "can't be blank", "blank"),
    )
    error = InputInvalid(*problems)
    assert error.problems == problems
    assert error.message == (
        "Invalid input: Validation errors: Base: Unrecognized attributes specified: url\n"
        "Type: can't be blank"
    )


@pytest.mark.parametrize(
    ("attribute", "shown"),
    [("name", "Name"), ("base", "Base"), ("company_id", "Company Id")],
)
def test_an_attribute_is_spelled_for_people(attribute: str, shown: str) -> None:
    assert humanised(attribute) == shown


def test_an_ambiguous_match_names_the_leads() -> None:
    error = MatchAmbiguous((11, 12))
    assert error.ids == (11, 12)
    assert error.message == "Invalid input: Multiple matches found: 2 leads match: 11, 12"
    assert error.kind is Kind.INVALID


def test_a_conflict_names_the_version_that_is_there() -> None:
    assert VersionConflict(4).version == 4
    assert VersionConflict(4).message == (
        "The lead has changed in the meantime; its version is 4 now"
    )


def test_too_many_matches_are_not_named() -> None:
    error = MatchAmbiguous(())
    assert error.ids == ()
    assert not re.search(r"\d", error.message)


def test_the_problems_of_the_configuration_are_a_line_each() -> None:
    error = ConfigurationInvalid(["--port is not a number", "--host is empty"])
    assert error.message == "--port is not a number\n--host is empty"
    assert error.problems == ["--port is not a number", "--host is empty"]


def test_unknown_names_are_listed_up_to_a_limit() -> None:
    assert unrecognized([]) is None
    few = unrecognized(["a", "b"])
    assert few == Problem("base", "Unrecognized attributes specified: a, b", "unknown")
    many = unrecognized("x" * 1000 for _ in range(1000))
    assert many is not None
    assert many.text.endswith(", ...")
    assert len(many.text) < 2000


def test_a_message_has_a_limit() -> None:
    error = InputInvalid(*[Problem("name", "is wrong")] * 150)
    lines = error.message.split("\n")
    assert len(lines) == 101
    assert lines[-1] == "Base: and 50 more"


@pytest.mark.parametrize(
    "error", [BodyTooLarge("No", retry_after_s=3), InputInvalid(Problem("name", "can't be blank"))]
)
def test_an_error_can_be_sent_to_another_process(error: OneleadError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (again.message, vars(again)) == (error.message, vars(error))
