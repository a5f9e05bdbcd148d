"""Leads that may be the same person: names that are equal, phone numbers that end alike."""

from __future__ import annotations

import pytest
from tests.support.domain.builders import a_settings

from onelead.domain.matching import MatchKey, SimilarKeys, similar_keys
from onelead.domain.phones import phone_digits


def are_similar(one: str, other: str) -> bool:
    """Return whether the key of a phone number is similar to that of another."""
    wanted = similar_keys(MatchKey("phone", phone_digits(one)[::-1]), a_settings())
    assert wanted is not None
    return wanted.have(phone_digits(other)[::-1])


class TestSimilarKeys:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("512-555-0100", "(512) 555 0100"),
            ("512-555-0100", "+1 512 555 0100 ext. 7"),
            ("555-0100", "512-555-0100"),
            ("030 1234567", "+49 30 1234567"),
            ("0049 30 1234567", "030 1234567"),
            ("0049 30 1234567", "+49 30 1234567"),
            ("12345", "123 45"),
            ("000", "0-0-0"),
        ],
    )
    def test_phone_numbers_that_end_alike_may_be_one(self, one: str, other: str) -> None:
        assert are_similar(one, other)
        assert are_similar(other, one)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("512-555-0100", "512-555-0101"),
            ("512-555-0100", "713-555-0100"),
            ("55-0100", "512-555-0100"),
            ("12345", "012345"),
            ("1", "11"),
        ],
    )
    def test_other_phone_numbers_are_two(self, one: str, other: str) -> None:
        assert not are_similar(one, other)
        assert not are_similar(other, one)

    def test_a_name_may_be_that_of_the_same_person(self) -> None:
        key = MatchKey("name", "nora field")
        assert similar_keys(key, a_settings()) == SimilarKeys("name", frozenset({"nora field"}))

    @pytest.mark.parametrize("key", [MatchKey("name", "n/a"), MatchKey("email", "n@field.example")])
    def test_a_placeholder_and_other_fields_say_nothing(self, key: MatchKey) -> None:
        assert similar_keys(key, a_settings()) is None
