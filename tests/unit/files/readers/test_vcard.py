"""vCards of three versions, as phones and mail programs write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.files.tables import opened

from onelead.files.readers.errors import FileUnreadable
from onelead.files.readers.table import Table


def card(*lines: str, version: str = "3.0") -> str:
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])


def records(table: Table) -> list[dict[str, str]]:
    """Return what the cards have, without the columns that they leave empty."""
    return [
        {name: cell for name, cell in zip(table.header, row.cells, strict=True) if cell}
        for row in table.rows()
    ]


def read(folder: Path, *cards: str) -> list[dict[str, str]]:
    return records(opened(folder, "".join(cards), "people.vcf"))


def test_version_2_1_with_quoted_printable(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        card(
            "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:K=C3=B6hler;J=C3=B6rn",
            "FN;CHARSET=UTF-8;QUOTED-PRINTABLE:J=C3=B6rn K=C3=B6hler",
            "NOTE;ENCODING=QUOTED-PRINTABLE:first line=0D=0A=",
            "second: line",
            "ORG:Koehler KG;Vertrieb",
            "TEL;WORK;VOICE:+49 89 5550001",
            "TEL;CELL:+49 151 5550001",
            "EMAIL;INTERNET:second@x.example",
            "EMAIL;PREF;INTERNET:first@x.example",
            "LABEL:folded",
            "  at a space",
            version="2.1",
        ),
    )
    assert found == [
        {
            "last_name": "Köhler",
            "first_name": "Jörn",
            "details": "first line\r\nsecond: line",
            "company_name": "Koehler KG",
            "Department": "Vertrieb",
            "phone_numbers.0.number": "+49 89 5550001",
            "phone_numbers.0.category": "work",
            "phone_numbers.1.number": "+49 151 5550001",
            "phone_numbers.1.category": "mobile",
            "email.email": "first@x.example; second@x.example",
            "LABEL": "folded  at a space",
        }
    ]


def test_version_3_0_with_folds_groups_and_escapes(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        card(
            "N:Lemke;Karin;;Dr.;",
            "FN:Dr. Karin Lemke",
            "TITLE:Leiterin Einkauf und Log",
            " istik",
            "item1.ADR;TYPE=WORK:;Hof 2;Am Markt 3;Jena;;07743;Germany",
            "item1.X-ABLabel:_$!<Work>!$_",
            "ADR;TYPE=HOME:;;Weg 1;Gera;;07545;",
            'EMAIL;TYPE="WORK":karin@x.example',
            "CATEGORIES:fair,vip\\, gold",
            "NOTE:one\\ntwo\\; three",
            "URL;TYPE=HOME:https://karin.example/a:b",
            "X-SOCIALPROFILE;TYPE=twitter:https://social.example/karin",
            "BDAY:1980-01-02",
        ),
    )
    assert found == [
        {
            "last_name": "Lemke",
            "first_name": "Karin",
            "prefix": "Dr.",
            "title": "Leiterin Einkauf und Logistik",
            "address.street": "Am Markt 3, Hof 2",
            "address.city": "Jena",
            "address.postal_code": "07743",
            "address.country": "Germany",
            "ADR": "Weg 1, Gera, 07545",
            "email.email": "karin@x.example",
            "email.category": "work",
            "tags.0": "fair",
            "tags.1": "vip, gold",
            "details": "one\ntwo; three",
            "websites.0.url": "https://karin.example/a:b",
            "websites.0.category": "personal",
            "socials.0.url": "https://social.example/karin",
            "BDAY": "1980-01-02",
        }
    ]


def test_version_4_0_and_names_that_differ(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        card(
            "FN:Acme Sales",
            "N:;;;;",
            "TEL;VALUE=uri;TYPE=cell:tel:+1-555-0100",
            "EMAIL;PREF=1:a@x.example",
            version="4.0",
        ),
        card("N:Reed;Bob", "FN:Bobby Reed"),
    )
    assert found == [
        {
            "name": "Acme Sales",
            "phone_numbers.0.number": "+1-555-0100",
            "phone_numbers.0.category": "mobile",
            "email.email": "a@x.example",
        },
        {"last_name": "Reed", "first_name": "Bob", "FN": "Bobby Reed"},
    ]


def test_pictures_are_left_out_however_large_and_folded(tmp_path: Path) -> None:
    picture = ["A" * 75] * 5_000
    found = read(
        tmp_path,
        card("FN:Ana", "PHOTO;ENCODING=b;TYPE=JPEG:AAAA", *(f" {line}" for line in picture)),
        card("FN:Bo", "PHOTO;BASE64:", *picture, "", "TITLE:Head", version="2.1"),
        card("FN:Cy", "X-LOGO;ENCODING=b:AAAA"),
    )
    assert found == [{"name": "Ana"}, {"name": "Bo", "title": "Head"}, {"name": "Cy"}]


def test_broken_cards_are_refused_with_their_line(tmp_path: Path) -> None:
    content = "hello\n" + card("FN:Ana") + "BEGIN:VCARD\nFN:Bo\n" + card("FN:Cy", "no colon")
    content += card("NOTE:" + "x" * 131_073) + "BEGIN:VCARD\nFN:Di\n"
    table = opened(tmp_path, content, "people.vcf")
    assert table.header == ("name",)
    assert [(row.line, row.fault) for row in table.rows()] == [
        (1, "The line is outside of a card."),
        (2, None),
        (6, "The card has no END:VCARD."),
        (8, None),
        (13, "The card is longer than 131,072 characters."),
        (17, "The card has no END:VCARD."),
    ]


def test_a_file_without_cards(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="Line 1: The line is outside of a card"):
        opened(tmp_path, "Name,Email\n", "people.vcf")
    with pytest.raises(FileUnreadable, match="The file has no rows"):
        opened(tmp_path, card(), "people.vcf")


def test_a_line_may_be_folded_within_a_character(tmp_path: Path) -> None:
    content = card("FN:Jörg").encode().replace(b"\xc3\xb6", b"\xc3\r\n \xb6")
    assert records(opened(tmp_path, content, "a.vcf")) == [{"name": "Jörg"}]


def test_an_old_encoding(tmp_path: Path) -> None:
    table = opened(tmp_path, card("N:Núñez;José", version="2.1").encode("cp1252"), "a.vcf")
    assert table.reading.encoding == "windows-1252"
    assert records(table) == [{"last_name": "Núñez", "first_name": "José"}]
