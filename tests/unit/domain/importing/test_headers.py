"""Which target a column has by its header."""

from __future__ import annotations

import pytest
from tests.support.domain.builders import a_field, a_settings
from tests.support.domain.imports import filterable

from onelead.domain.custom_fields import DataType
from onelead.domain.importing.header_names import HEADER_NAMES, NO_FIELDS
from onelead.domain.importing.headers import (
    guessed_mapping,
    header_key_set,
    is_known_header,
    label_of,
    mapping_for,
)
from onelead.domain.importing.mapping import Column, Mapping
from onelead.domain.importing.targets import is_target, targets

SETTINGS = a_settings(
    fields=(
        a_field(id=7, name="Customer number", canonical_name="cust_no", is_filterable=True),
        a_field(id=8, name="Status"),
        a_field(id=9, name="Twin"),
        a_field(id=10, name="twin"),
        a_field(id=11, name="Region", data_type=DataType.TEXT),
        a_field(id=12, name="For companies", available_on=("company",)),
    )
)


def guessed(*header: str) -> list[str | None]:
    return [column.target for column in guessed_mapping(header, SETTINGS).columns]


@pytest.mark.parametrize("target", targets(SETTINGS))
def test_the_label_of_each_target_leads_back_to_it(target: str) -> None:
    label = label_of(target, SETTINGS)
    assert guessed(label) == [target]
    assert guessed(label.upper().replace(" ", "_")) == [target]


def test_the_labels_together_need_no_question() -> None:
    found = guessed(*(label_of(one, SETTINGS) for one in targets(SETTINGS)))
    # The parts of an address say more than the whole.
    assert found == [None if one == "address" else one for one in targets(SETTINGS)]


@pytest.mark.parametrize("target", HEADER_NAMES)
def test_the_table_gives_targets_that_exist(target: str) -> None:
    assert is_target(target, SETTINGS)


@pytest.mark.parametrize(
    ("header", "target"),
    [
        (" E-MAIL Address ", "email"),
        ("e_mail", "email"),
        ("Straße", "address.street"),
        ("STRASSE", "address.street"),
        ("Währung", "monetary_unit"),
        ("Waehrung", "monetary_unit"),
        ("wahrung", "monetary_unit"),
        ("Prénom", "first_name"),
        ("prenom", "first_name"),
        ("Correo electrónico", "email"),
        ("Cognome", "last_name"),
        ("Código Postal", "address.postal_code"),
        ("Telemóvel", "phone:mobile"),
        ("Achternaam", "last_name"),
        ("Bedrijfsnaam", "company_name"),
        ("Customer Source", "customer_source"),
        ("Lead - Owner", "assignee"),
        ("Person - Phone - Work", "phone:work"),
        ("E-mail 2 Address", "email"),
        ("Phone 3 - Value", "phone"),
        ("Address 1 - Postal Code", "address.postal_code"),
        ("Business Country/Region", "address.country"),
        ("email.email", "email"),
        ("phone_numbers.0.number", "phone"),
        ("phone_numbers.12.category", "phone.category"),
        ("address.postal_code", "address.postal_code"),
        ("tags.3", "tags"),
        ("custom_fields.7", "custom:7"),
        ("custom:7", "custom:7"),
        ("custom_fields.12", None),
        ("custom_fields.999", None),
        ("customer NUMBER", "custom:7"),
        ("cust_no", "custom:7"),
        # A field of the account's own goes before what others call something else.
        ("Region", "custom:11"),
        ("Twin", None),
        ("For companies", None),
        ("MEMBER_RATING", None),
        ("Lead ID", None),
        ("Shoe size", None),
        ("", None),
    ],
)
def test_a_header_in_any_spelling(header: str, target: str | None) -> None:
    assert guessed(header) == [target]


@pytest.mark.parametrize("header", ["Nachname", "OPTIN_IP", "custom_fields.99", "Phone 1 - Value"])
def test_a_known_header_is_one_even_if_no_lead_has_it(header: str) -> None:
    assert is_known_header(header)


def test_other_texts_are_no_headers() -> None:
    assert not any(map(is_known_header, ("Ana Costa", "ana@a.example", "", "17", "x" * 10_000)))
    assert all(map(is_known_header, NO_FIELDS.split("|")))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (("Vorname", "Name"), ["first_name", "last_name"]),
        (("Nombre", "Apellidos"), ["first_name", "last_name"]),
        (("First name", "Last name", "Name"), ["first_name", "last_name", "name"]),
        (("Full name", "First name"), ["name", "first_name"]),
        (("Title", "Job Title"), ["prefix", "title"]),
        (("Title", "Job Title", "Prefix"), [None, "title", "prefix"]),
        (("Title",), ["title"]),
        (("Address", "City"), ["address.street", "address.city"]),
        (("Address",), ["address"]),
        (("Address", "Street", "Zip"), [None, "address.street", "address.postal_code"]),
        (("Anrede", "Titel", "Name"), [None, "prefix", "name"]),
        (("Company", "Account"), ["company_name", None]),
        (("Account", "Company"), [None, "company_name"]),
        (("Business City", "Home City"), ["address.city", None]),
        (("Home Street", "Business Street", "Business Street 2"), [None, *["address.street"] * 2]),
        (("Street 2", "Street"), ["address.street"] * 2),
        (("Phone", "Phone", "Mobile"), ["phone", "phone", "phone:mobile"]),
        (("Notes", "Comment"), ["details", "details"]),
        (("Company", "Company"), ["company_name", None]),
    ],
)
def test_other_columns_say_what_a_header_means(
    header: tuple[str, ...], expected: list[str | None]
) -> None:
    assert guessed(*header) == expected


def test_rows_are_matched_by_the_email_or_else_by_a_text_that_identifies() -> None:
    fields = (a_field(id=7), a_field(id=8, name="Other"))
    settings = a_settings(fields=tuple(map(filterable, fields)))
    assert guessed_mapping(["Customer number", "Work email"], settings).match == ("email",)
    assert guessed_mapping(["Other", "Customer number"], settings).match == ("custom:7",)
    assert guessed_mapping(["Name", "City"], settings).match == ()


def test_a_saved_mapping_fits_the_same_headers_in_any_order() -> None:
    saved = Mapping((Column("A", "email"), Column("B", "name", fill=True)), blank="clears")
    found = mapping_for(saved, ["b", "C", " a "])
    assert found.columns == (Column("b", "name", fill=True), Column("C"), Column(" a ", "email"))
    assert found.blank == "clears"
    assert header_key_set(["b", " A "]) == header_key_set(["A", "B"])
