"""Which names are those of companies; they are not split."""

from __future__ import annotations

import pytest

from onelead.domain.names import split_name


@pytest.mark.parametrize(
    "name",
    [
        *("Berg & S\u00f6hne Ltd.", "Acme Ltd", "ACME LIMITED", "acme gmbh", "M\u00fcller GmbH"),
        *("M\u00fcller GmbH & Co. KG", "Hans M\u00fcller KG", "M\u00fcller GmbH Berlin"),
        *("Acme Inc.", "Acme, Inc.", "Acme Corp", "Acme LLC", "Vodafone PLC", "Acme, LLC"),
        *("Banco X S.A.", "Banco X SA", "Petrobras S/A", "Acme S.p.A.", "Acme S. r. l."),
        *("Acme S.A. de C.V.", "Nordea AB", "IKEA AB (publ)", "Nokia Oy", "Nokia Oyj"),
        *("Novo Nordisk A/S", "Equinor ASA", "Boxfabriek BV", "Boxfabriek B.V.", "Acme N.V."),
        *("Toyota K.K.", "Acme s.r.o.", "Acme spol. s r. o.", "Acme a.s.", "Acme d.o.o."),
        *("Acme Sp. z o.o.", "Acme A.\u015e.", "Acme Ltd. \u015eti.", "SAP SE", "Siemens AG"),
        *("Acme UG (haftungsbeschr\u00e4nkt)", "TSV Berg e.V.", "TSV Berg e. V.", "Firma Berg"),
        *("UAB Berg", "PT Maju Jaya", "Berg & Co", "Berg & Cie.", "Smith and Company"),
        *("Berg & Sons", "Acme Trading Co.", "Acme Co., Ltd.", "Acme Pty Ltd", "Acme Holding"),
        "\u041e\u041e\u041e \u0420\u043e\u043c\u0430\u0448\u043a\u0430",
        "\u30c8\u30e8\u30bf \u682a\u5f0f\u4f1a\u793e",
        "(\u682a) \u30c8\u30e8\u30bf",
        "\u534e\u4e3a \u6280\u672f \u6709\u9650\u516c\u53f8",
    ],
)
def test_a_company_is_all_first_name(name: str) -> None:
    parts = split_name(name)
    assert parts.pop("first_name") == name
    assert not any(parts.values())


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("Gran, Wim (Boxfabriek BV)", "Gran"),
        ('Nora "Ltd" Field', "Field"),
        (
            "\u5c71\u7530 \u82b1\u5b50 \uff08\u682a\u5f0f\u4f1a\u793e\u30c8\u30e8\u30bf\uff09",
            "\u5c71\u7530",
        ),
        ("Maria Sa", "Sa"),
        ("MARIA DE SA", "DE SA"),
        ("Benigno Co", "Co"),
        ("Nora Field, ASA", "Field"),
        ("Pvt Nora Field", "Field"),
        ("Sia Field", "Field"),
        ("Limited Field", "Field"),
    ],
)
def test_a_person_is_no_company(name: str, last: str) -> None:
    assert split_name(name)["last_name"] == last


@pytest.mark.parametrize("name", ["Ltd.", "(Ltd.)", '"" ""', "( )"])
def test_a_form_alone_is_a_name_like_any_other(name: str) -> None:
    assert split_name(name)["first_name"] == name
