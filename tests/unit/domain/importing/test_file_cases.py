"""Files as people have them, up to the leads that they become."""

from __future__ import annotations

from typing import Any

from tests.support.domain.imports import File, csv_file

from onelead.domain.lead import Address, Lead, PhoneNumber


def only(leads: list[Lead], address: str) -> Any:
    (found,) = (lead for lead in leads if lead.email and lead.email.email == address)
    return found


def test_facebook_lead_ads_with_kinds_before_numbers_and_a_dummy_row() -> None:
    dummy = "<test lead: dummy data for full_name>"
    file = csv_file(
        "id\tcreated_time\tad_id\tad_name\tis_organic\tplatform\twhat_is_your_budget?\t"
        "full_name\temail\tphone_number\n"
        "l:900000000000001\t2026-03-01T09:15:00+01:00\tag:7001\tSpring\tfalse\tfb\t"
        "1.000_-_5.000_€\tJörg Sandmann\tjorg@a.example\tp:+4915100000001\n"
        "l:900000000000002\t2026-03-02T21:40:11+01:00\tag:7001\tSpring\ttrue\tig\t"
        "über_5.000_€\tΜαρία Νίκα\tmaria@a.example\tp:+306900000002\n"
        "l:900000000000003\t2026-03-02T21:41:00+01:00\tag:7001\tSpring\tfalse\tfb\t"
        f"{dummy}\t{dummy}\ttest@tester.example\t{dummy}\n",
        "\t",
    )
    first, second, test_lead = file.mapped()
    assert first.properties["phone_numbers"] == [{"number": "+4915100000001"}]
    # When it was filled in is a column to choose.
    assert first.date_created is None
    assert second.properties["name"] == "Μαρία Νίκα"
    assert [problem.text for problem in test_lead.problems] == [
        "is a test lead of Facebook, not a person"
    ]
    assert len(file.leads()) == 2
    surveyed = file.surveyed()
    assert surveyed.questions == ()
    assert "1 row is a test lead of Facebook and will be refused." in surveyed.concerns
    assert 'Not imported: columns "id", "created_time", "ad_id"' in surveyed.concerns[0]


def test_a_break_and_quotes_in_a_cell_and_a_short_row() -> None:
    leads = csv_file(
        "Email,Name,Company,Notes\n"
        'ana@a.example,Ana Costa,"Costa, Lda","first line\nsecond ""quoted"" line"\n'
        'beni@a.example,Beni Rot\n,,,\ncleo@a.example,Cleo Ney,"Ney ""&"" Co",last'
    ).leads()
    assert len(leads) == 3
    assert only(leads, "ana@a.example").details == 'first line\nsecond "quoted" line'
    assert only(leads, "beni@a.example").company_name is None
    assert only(leads, "cleo@a.example").company_name == 'Ney "&" Co'


def test_numbers_that_a_spreadsheet_has_cut_and_marked() -> None:
    file = csv_file(
        "Lead ID,Name,Email,Phone,Zip,State,Country\n"
        "1.23457E+15,Gia Lund,gia@a.example,4.47911E+11,2138,MA,USA\n"
        """1.23457E+15,Hedi Moor,hedi@a.example,'+447700900002,"=""02139""\",MA,USA\n"""
        '1.23457E+15,Ivo Nagy,ivo@a.example,"=""07700900003""",02140,MA,USA\n'
    )
    leads = file.leads()
    assert len(leads) == 3
    assert only(leads, "gia@a.example").phone_numbers == ()
    hedi, ivo = only(leads, "hedi@a.example"), only(leads, "ivo@a.example")
    assert hedi.phone_numbers[0].number == "+447700900002"
    assert (hedi.address.postal_code, hedi.address.country) == ("02139", "US")
    assert ivo.phone_numbers[0].number == "07700900003"
    assert ivo.address.postal_code == "02140"
    assert any("E+" in concern for concern in file.surveyed().concerns)
    assert file.mapped()[0].remarks == [
        'Phone: left out because a spreadsheet has cut the number (E+): "4.47911E+11"'
    ]


def test_one_header_twice_gives_a_list_both_values() -> None:
    file = csv_file(
        " E-MAIL Address ,Full Name,Phone,Phone\nola@a.example,Ola Tamm,+47 900 1,+47 900 2\n"
    )
    (lead,) = file.leads()
    assert lead.phone_numbers == (
        PhoneNumber("+47 900 1", "work"),
        PhoneNumber("+47 900 2", "work"),
    )
    assert file.surveyed().questions == ()


def test_a_person_thrice_is_one_lead_and_an_empty_cell_clears_nothing() -> None:
    (lead,) = csv_file(
        "Email,Name,Company,Title\numa@a.example,Uma Alt,Alt AG,Head\n"
        " UMA@a.example ,Uma Alt,,\numa@a.example,Uma Alt,Alt AG,Director\n"
    ).leads()
    assert (lead.company_name, lead.title) == ("Alt AG", "Director")


def test_a_part_of_an_address_without_a_cell_stays() -> None:
    header = ["Email", "Street", "City", "Country"]
    rows = (
        ["uma@a.example", "Am Markt 3", "Jena", "Germany"],
        ["uma@a.example", "", "Bern", "Switzerland"],
    )
    (lead,) = File(header, *rows).leads()
    assert lead.address == Address("Am Markt 3", "Bern", country="CH")
    clearing = ["uma@a.example", "#N/A", "", "#N/A"]
    (lead,) = File(header, *rows, clearing, clearing_word="#N/A").leads()
    assert lead.address == Address(city="Bern")
    (lead,) = File(header, rows[0], ["uma@a.example", "", "", ""], blank="clears").leads()
    assert lead.address is None


def test_hubspots_export_is_understood() -> None:
    file = csv_file(
        "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lead Status,Create Date,"
        "Associated Company,Street Address,City,State/Region,Postal Code,Country/Region,Job Title,"
        "Website URL\n5510001,Xara,Aho,xara@a.example,+358 40 0000001,,New,2026-02-03 10:22,"
        "Aho Oy,Katu 1,Turku,,20100,Finland,CTO,https://aho.example\n"
    )
    assert file.surveyed().questions == ()
    (lead,) = file.leads()
    assert (lead.first_name, lead.last_name) == ("Xara", "Aho")
    assert (lead.company_name, lead.title, lead.status_id) == ("Aho Oy", "CTO", 2001)
    assert lead.address is not None
    assert (lead.address.city, lead.address.postal_code, lead.address.country) == (
        *("Turku", "20100", "FI"),
    )
    assert lead.websites[0].url == "https://aho.example"


def test_mailchimps_export_is_understood() -> None:
    file = csv_file(
        "Email Address,First Name,Last Name,Phone Number,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,"
        "CONFIRM_TIME,LAST_CHANGED,TAGS\nzita@a.example,Zita,Cruz,,2,2026-01-05 11:00:00,"
        '192.0.2.7,2026-01-05 11:00:00,2026-01-06 09:30:11,"""fair"",""vip"""\n'
    )
    assert file.targets[4:9] == [None] * 5
    (lead,) = file.leads()
    assert (lead.name, lead.tags) == ("Zita Cruz", ("fair", "vip"))


def test_a_name_with_a_comma_is_split() -> None:
    leads = csv_file(
        'Name;Firma;E-Mail\n"Adam, Bea";"Adam, Blatt, Co";bea@a.example\n'
        '"Brand, Cai";"Brand, Dorn, Eck";cai@a.example\n',
        ";",
    ).leads()
    bea = only(leads, "bea@a.example")
    assert (bea.first_name, bea.last_name, bea.company_name) == ("Bea", "Adam", "Adam, Blatt, Co")


def test_inch_marks_stay() -> None:
    (row,) = File(["Name", "Title"], ["Ella Frost", '24" monitors']).mapped()
    assert row.properties["title"] == '24" monitors'


def test_a_card_as_its_reader_gives_it() -> None:
    header = [
        *("name", "prefix", "first_name", "last_name", "company_name", "title", "email.email"),
        *("phone_numbers.0.number", "phone_numbers.0.category", "phone_numbers.1.number"),
        *("phone_numbers.1.category", "address.street", "address.city", "address.postal_code"),
        "address.country",
    ]
    joern = ["Jörn Köhler", "", "Jörn", "Köhler", "Koehler KG", "", "joern@a.example"]
    phones = ["+49 89 5550001", "work", "+49 151 5550001", "mobile"]
    karin = ["Dr. Karin Lemke", "Dr.", "Karin", "Lemke", "", "Leiterin", "karin@a.example"]
    place = ["Am Markt 3", "Jena", "07743", "Germany"]
    file = File(header, [*joern, *phones, *[""] * 4], [*karin, *[""] * 4, *place])
    assert file.surveyed().questions == ()
    leads = file.leads()
    first, second = only(leads, "joern@a.example"), only(leads, "karin@a.example")
    assert (first.first_name, first.last_name) == ("Jörn", "Köhler")
    assert first.phone_numbers == (
        PhoneNumber("+49 89 5550001", "work"),
        PhoneNumber("+49 151 5550001", "mobile"),
    )
    assert (second.name, second.prefix, second.last_name) == ("Dr. Karin Lemke", "Dr.", "Lemke")
    assert second.address.country == "DE"


def test_formulas_are_text() -> None:
    leads = csv_file(
        'Name,Email,Company\nQuin Rau,quin@a.example,"=HYPERLINK(""https://x.example"",""y"")"\n'
        "Rob Saal,rob@a.example,+1 Consulting\nSia Tiel,sia@a.example,@home\n"
    ).leads()
    assert [lead.company_name for lead in leads] == [
        *('=HYPERLINK("https://x.example","y")', "+1 Consulting", "@home"),
    ]
