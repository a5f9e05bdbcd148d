"""The digits that a phone number is found by are those that reach a telephone, or its switchboard.

An extension is dialled after the connection: a number is the same with and without one.
"""

from __future__ import annotations

import pytest

from onelead.domain.phones import main_number, phone_digits

#: The number, and what follows it; the digits of the number are all that count.
WITH_EXTENSION = [
    *(("+1 212 555 0100", " x123"), ("+1 212 555 0100", "x123"), ("212-555-0100", " X 123")),
    *(("212-555-0100", " ext. 12"), ("(212) 555-0100", " Extension: 12"), ("2125550100", "ext12")),
    *(("212 555 0100", " xtn 12"), ("212 555 0100", " \uff5812"), ("212.555.0100", " (ext) 12")),
    *(("212 555 0100", " x123 (after 9)"), ("212 555 0100", " ext. 3 or 212 555 0199")),
    *(("+49 30 58123", " App. 12"), ("+49 30 58123", " Apparat 12"), ("030 58123", " DW-12")),
    *(("030 58123", " Durchwahl 12"), ("030 58123", ", Nst. 12"), ("01 58123", " Klappe 12")),
    *(("01 23 45 67 89", " poste 12"), ("02 1234567", " interno 12"), ("02 1234567", " (int. 12)")),
    *(("11 4567-8900", " ramal 12"), ("11 4567-8900", " anexo 12"), ("91 1234567", " extensión 5")),
    *(("020 1234567", " toestel 12"), ("08-123 45 67", " ankn. 12"), ("22 123 45 67", " wew. 12")),
    *(("+420 221 555 019", " linka 12"), ("+90 212 555 0100", " dahili 12")),
    *(
        ("+7 495 123-45-67", " доб. 12"),
        ("+7 495 1234567", " доб.12"),
        ("+7 4951234567", " ДОБ 12"),
    ),
    *(("03-1234-5678", " 内線12"), ("03-1234-5678", "（内線：12）"), ("010-12345678", "转8001")),
    *(("512 555 0100", " #12"), ("512 555 0100", " \uff0312"), ("512 555 0100", ",,123#")),
    *(("tel:+1-512-555-0100", ";ext=12"), ("tel:555-0100", ";phone-context=+1-512")),
    ("tel:+1-512-555-0100", ";isub=1411;ext=12"),
]

WITHOUT_EXTENSION = [
    *(("p:+447911123456", "447911123456"), ("0044 793 123456", "0044793123456")),
    *(("tel:+49 30 58123", "493058123"), ("+49 (0) 30 58123", "4903058123")),
    *(("1-800-FLOWERS", "1800"), ("'+4930123456", "4930123456"), ("030\u2013123456", "030123456")),
    *(("x512", "512"), ("ext. 512", "512"), ("#12", "12"), (" App. 12", "12"), ("内線12", "12")),
    *(("Max 0171 234567", "0171234567"), ("App 030 1234567", "0301234567")),
    *(("int. +44 20 7946 0958", "442079460958"), ("*31#0171234567", "310171234567")),
    *(("2x 555 0100", "25550100"), ("555-xxx-1234", "5551234"), ("5550100 x", "5550100")),
    *(("0171 234567 (WhatsApp 1)", "01712345671"), ("0171 234567 Exit 5", "01712345675")),
    ("030 123456 / 0171 234567", "0301234560171234567"),
    ("030 123456; 0171 234567", "0301234560171234567"),
    ("212 555 0100 x2125550199", "21255501002125550199"),
    *(("", ""), ("n/a", ""), ("+-()", ""), ("x", "")),
]


@pytest.mark.parametrize(("number", "extension"), WITH_EXTENSION)
def test_an_extension_is_cut(number: str, extension: str) -> None:
    assert phone_digits(number + extension) == phone_digits(number)
    assert main_number(number + extension).startswith(number)


@pytest.mark.parametrize(("number", "digits"), WITHOUT_EXTENSION)
def test_no_other_digit_is_lost(number: str, digits: str) -> None:
    assert phone_digits(number) == digits
    assert main_number(number) == number
