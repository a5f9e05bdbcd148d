"""The secrets of signing in: how random they are, and that a password manager may fill them in."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from pathlib import Path

from tests.support.web.web_service import Web

from onelead import web as pages
from onelead.contract.access import LinkPurpose
from onelead.process.passkeys import new_challenge
from onelead.web.frame.sessions import new_token

FOLDER = Path(pages.__file__).parent
PASSWORD_FIELD = re.compile(r"\{\{ field\([^{}]*type=\"password\".*?\}\}")


def bits(text: str) -> int:
    return len(urlsafe_b64decode(text + "=" * (-len(text) % 4))) * 8


async def test_tokens_links_and_questions_have_256_random_bits(web: Web) -> None:
    user = (await web.store.settings(web.account_id)).users[0]
    link = await web.store.create_link(web.account_id, user.id, LinkPurpose.LOST_PASSWORD)
    for first, second in ((new_token(), new_token()), (new_challenge(), new_challenge())):
        assert (bits(first), first == second) == (256, False)
    assert bits(link) == 256


def test_every_password_can_be_pasted_and_filled_in() -> None:
    templates = [file.read_text(encoding="utf-8") for file in FOLDER.rglob("*.html")]
    fields = [one for text in templates for one in PASSWORD_FIELD.findall(text)]
    assert len(fields) == sum(text.count('type="password"') for text in templates) >= 6
    for one in fields:
        assert re.search(r'"autocomplete": "(?:current|new)-password"', one), one
    scripts = [file.read_text(encoding="utf-8") for file in FOLDER.rglob("*.js")]
    # The one script that listens for pasting looks for lines of options.
    assert sum('addEventListener("paste"' in text for text in scripts) == 1
    assert not any("onpaste" in text for text in templates)
