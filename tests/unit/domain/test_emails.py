"""Which texts are one e-mail address, which are two, and which are none."""

from __future__ import annotations

import pytest

from onelead.domain.emails import addresses_in, email_keys


@pytest.mark.parametrize(
    ("key", "texts"),
    [
        (
            "nora@field.example",
            [
                *("nora@field.example", "NORA@Field.Example", " nora@field.example\r\n"),
                *("mailto:nora@field.example", "MAILTO:nora@field.example?subject=Hello"),
                *(
                    "<nora@field.example>",
                    "Nora Field <nora@field.example>",
                    "(nora@field.example)",
                ),
                *('"Field, Nora" <nora@field.example>;', "nora@x.example <nora@field.example>"),
                *('"nora@field.example"', "'nora@field.example", "[nora@field.example]"),
                *(
                    "nora@field.example;",
                    "nora@field.example.",
                    "nora@field.example,",
                    "nora@field.example>",
                ),
                *("nora\uff20field.example", "nora@field\u3002example", "\uff4eora@field.example"),
                *("nora\u200b@field.example\u00a0", "nora@field.example nora@FIELD.example"),
            ],
        ),
        (
            "nora@xn--bcher-kva.example",
            ["nora@b\u00fccher.example", "nora@xn--bcher-kva.example", "nora@BU\u0308CHER.example"],
        ),
        # The deviations of IDNA 2003 are letters of their own.
        ("nora@xn--strae-oqa.example", ["nora@stra\u00dfe.example", "nora@STRA\u1e9eE.example"]),
        ("wei\u00df@field.example", ["wei\u00df@field.example", "WEI\u1e9e@field.example"]),
        ("weiss@field.example", ["weiss@field.example"]),
        ("g.o'dell@field.example", ["G.O'Dell@field.example"]),
        (
            "nora+fair@field.example",
            ["nora+fair@field.example", "mailto:nora%2Bfair@field.example"],
        ),
        ("n.ora@field.example", ["n.ora@field.example"]),
        ("nora@localhost", ["nora@localhost"]),
        ("\u7530\u4e2d@xn--fsqu00a.example", ["\u7530\u4e2d@\u4f8b\u5b50.example"]),
    ],
)
def test_spellings_of_one_address_have_one_key(key: str, texts: list[str]) -> None:
    assert [email_keys(text) for text in texts] == [(key,)] * len(texts)


@pytest.mark.parametrize(
    "text",
    [
        "a@x.example; b@y.example",
        "a@x.example, b@y.example",
        "a@x.example b@y.example",
        "<a@x.example>, <b@y.example>",
        "a@x.example\nb@y.example;",
    ],
)
def test_a_list_has_the_keys_of_all_its_addresses(text: str) -> None:
    assert email_keys(text) == ("a@x.example", "b@y.example")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            ".",
            "-",
            "n/a",
            "none",
            "undefined",
            "nora",
            "nora@",
            "@field.example",
            "@",
            "nora@-",
        ),
        *("a@b@field.example", "nora @field.example", "nora@ field.example", "nora@field..example"),
        *("nora@[192.0.2.1]", '"nora field"@field.example', "nora@\u00e4..example"),
        *(
            "{{contact.email}}",
            "{{name}}@field.example",
            "nora field@field.example",
            "nora@field.example (work)",
            "mailto:",
        ),
        *("x" * 100_000, "@" * 100_000, "<" * 100_000, "a@" * 50_000, "a " * 50_000),
    ],
)
def test_what_is_no_address_has_no_key(text: str) -> None:
    assert email_keys(text) == ()


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("Nora@Field.example", ("Nora@Field.example",)),
        (" Nora <mailto:Nora@Field.example> ", ("Nora@Field.example",)),
        ("a@x.example; B@x.example A@X.example", ("a@x.example", "B@x.example")),
        ("nora@b\u00fccher.example", ("nora@b\u00fccher.example",)),
        ("nora@field.example (old)", ()),
        (" ".join(f"{name}@x.example" for name in "abcdefghijk"), ()),
        ("", ()),
    ],
)
def test_addresses_are_found_as_they_are_written(text: str, addresses: tuple[str, ...]) -> None:
    assert addresses_in(text) == addresses
    assert len(email_keys(text)) == len(addresses)
