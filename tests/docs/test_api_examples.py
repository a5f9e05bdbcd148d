"""The examples of a page, sent in order to a fresh service, get the answers shown."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.api.service import Service, a_service
from tests.support.api.sockets import served

from onelead.api.wire import LeadBody

DOCS = Path(__file__).parents[2] / "docs"

#: An example, or a sentence that says which leads the next one needs.
_STEP = re.compile(
    r"^```http\n(?P<example>.*?)^```$|^With (?P<number>\d+) leads named (?P<name>[^:]+):$",
    re.DOTALL | re.MULTILINE,
)
#: Values that differ each time.
_PASSING = {"request_id", "date", "date_created", "date_modified"}


@pytest.mark.parametrize(("page", "examples_min"), [("api.md", 21), ("acts.md", 10)])
async def test_every_example_is_answered_as_shown(
    tmp_path: Path, page: str, examples_min: int
) -> None:
    async with a_service(tmp_path) as service:
        response = None
        examples = 0
        for step in _steps(page):
            example = step["example"]
            if example is None:
                await _create_leads(service, int(step["number"]), step["name"])
            elif example.startswith("HTTP/1.1 "):
                assert response is not None, f"an answer without a request: {example}"
                _assert_shown(response, example)
                response, examples = None, examples + 1
            else:
                assert response is None, f"a request without an answer before {example}"
                response = await _send(service.client, example)
        assert response is None, "the last request has no answer"
        assert examples >= examples_min


def test_the_first_answer_shows_the_whole_lead() -> None:
    examples = [step["example"] or "" for step in _steps("api.md")]
    first = next(example for example in examples if example.startswith("HTTP/1.1 "))
    assert tuple(json.loads(_parts(first)[2])) == LeadBody.__struct_fields__


def _steps(page: str) -> Iterator[re.Match[str]]:
    return _STEP.finditer((DOCS / page).read_text(encoding="utf-8"))


async def _create_leads(service: Service, number: int, name: str) -> None:
    for _ in range(number):
        await service.lead(name=name)


async def _send(client: httpx.AsyncClient, example: str) -> httpx.Response:
    head, lines, body = _parts(example)
    method, target = head.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    return await client.request(method, target, content=body.encode(), headers=headers)


def _parts(example: str) -> tuple[str, list[str], str]:
    """Return the first line, the header lines and the body."""
    head, _, body = example.partition("\n\n")
    first, *headers = head.strip().splitlines()
    return first, headers, body.strip()


def _assert_shown(response: httpx.Response, example: str) -> None:
    first, headers, body = _parts(example)
    assert first == f"HTTP/1.1 {response.status_code} {response.reason_phrase}", response.text
    for line in headers:
        name, _, value = line.partition(":")
        if name != "X-Request-Id":
            assert response.headers[name] == value.strip()
    shown, sent = _value(response, body), _value(response, response.text)
    assert list(_differences(shown, sent)) == [], response.request.url


def _value(response: httpx.Response, body: str) -> Any:
    if response.headers["Content-Type"] != "application/x-ndjson":
        return json.loads(body)
    return [json.loads(line) for line in body.splitlines()]


def _differences(shown: Any, sent: Any) -> Iterator[tuple[Any, Any]]:
    """Compare what is shown; an object may be shown in part."""
    if isinstance(shown, dict) and isinstance(sent, dict):
        for key, value in shown.items():
            if key not in sent or key not in _PASSING:
                yield from _differences(value, sent.get(key, "nothing"))
    elif isinstance(shown, list) and isinstance(sent, list) and len(shown) == len(sent):
        for one, other in zip(shown, sent, strict=True):
            yield from _differences(one, other)
    elif shown != sent:
        yield shown, sent


@pytest.mark.slow  # It starts other programs.
async def test_programs_send_lines_as_shown(tmp_path: Path) -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    section = text.partition("### Bulk upsert")[2].partition("\n### ")[0]
    examples = re.findall(r"^```(sh|python)\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    assert [language for language, _ in examples] == ["sh", "sh", "python"]
    match = {"field_name": "email", "field_value": "ida@holm.example"}
    upserts = [{"properties": {"name": f"Ida Holm {n}"}, "match": match} for n in range(300)]
    bodies = [*map(json.dumps, upserts), "not JSON"]
    (tmp_path / "leads.jsonl").write_text("\n".join(bodies), encoding="utf-8")
    async with a_service(tmp_path) as service, served(service) as (host, port):
        variables = {
            "ONELEAD_URL": f"http://{host}:{port}/developer_api/v1",
            "ONELEAD_KEY": service.account.api_key,
            "ONELEAD_EMAIL": service.account.email,
        }
        for language, example in examples:
            program = ["bash", "-c"] if language == "sh" else [sys.executable, "-c"]
            process = await asyncio.create_subprocess_exec(
                *program, example, cwd=tmp_path, env=os.environ | variables
            )
            assert await process.wait() == 0
            if "refused.jsonl" in example:
                (refused,) = (tmp_path / "refused.jsonl").read_text().splitlines()
                assert json.loads(refused)["line"] == 301
            else:
                receipts = tmp_path / "receipts.jsonl"
                outcomes = [
                    json.loads(line)["outcome"] for line in receipts.read_text().splitlines()
                ]
                assert len(outcomes) == 301
                assert outcomes[-1] == "refused"
                receipts.unlink()
