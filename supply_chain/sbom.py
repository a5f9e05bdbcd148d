"""Writes the software bill of materials: every package that serves, its licence, its hashes.

`make sbom` writes it as CycloneDX JSON into dist/. It is made from requirements/serve.txt and from
the metadata of what is installed, and is the same each time until one of them changes.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from importlib import metadata
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from onelead import __version__
from supply_chain.licences import licence_of
from supply_chain.lock import LOCKS, ROOT, LockedPackage, for_this_machine


def bill_of_materials() -> str:
    """Return the bill of what is installed to serve, as CycloneDX JSON."""
    components = {one.name: _component(one) for one in for_this_machine(LOCKS / "serve.txt")}
    onelead = Component(
        name="onelead",
        version=__version__,
        type=ComponentType.APPLICATION,
        bom_ref="onelead",
        licenses=_licences("onelead"),
    )
    bom = Bom(components=components.values())
    bom.metadata.component = onelead
    graph = _graph()
    for component in (onelead, *components.values()):
        needs = sorted(graph.get(component.name, set()))
        bom.register_dependency(component, [components[canonicalize_name(one)] for one in needs])
    return _repeatable(JsonV1Dot6(bom).output_as_string())


def main() -> None:
    """Write the bill into dist/, and say where."""
    file = ROOT / "dist" / f"onelead-{__version__}.cdx.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(bill_of_materials(), encoding="utf-8")
    print(file.relative_to(ROOT))


def _component(package: LockedPackage) -> Component:
    installed = metadata.version(package.name)
    if installed != package.version:
        raise SystemExit(f"{package.name} {installed} is installed, {package.version} is locked")
    purl = PackageURL("pypi", None, package.name, package.version)
    return Component(
        name=package.name,
        version=package.version,
        bom_ref=purl.to_string(),
        purl=purl,
        scope=ComponentScope.EXCLUDED if package.name in _build_needs() else None,
        licenses=_licences(package.name),
        external_references=[_files(purl, package.hashes)],
    )


def _files(purl: PackageURL, hashes: tuple[str, ...]) -> ExternalReference:
    return ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(purl.to_string()),
        comment="the files of this release, one of which is installed, depending on the system",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in hashes],
    )


def _licences(name: str) -> Iterable[License]:
    licence = licence_of(name)
    return [LicenseFactory().make_from_string(licence)] if licence else []


def _build_needs() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {
        canonicalize_name(Requirement(text).name) for text in project["build-system"]["requires"]
    }


def _graph() -> dict[str, set[str]]:
    """Return what each package needs here for onelead: of its extras only what is asked for."""
    graph: dict[str, set[str]] = {}
    waiting, seen = ["onelead"], set[str]()
    while waiting:
        asked = waiting.pop()
        if asked not in seen:
            seen.add(asked)
            needs = _needs(Requirement(asked))
            name = canonicalize_name(Requirement(asked).name)
            graph.setdefault(name, set()).update(canonicalize_name(need.name) for need in needs)
            waiting += [str(need) for need in needs]
    return graph


def _needs(asked: Requirement) -> list[Requirement]:
    stated = [Requirement(text) for text in metadata.requires(asked.name) or []]
    extras = asked.extras or {""}
    return [
        need
        for need in stated
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras)
    ]


def _repeatable(bill: str) -> str:
    """Give the bill a serial number made of its contents, and leave out the time."""
    content = json.loads(bill)
    del content["metadata"]["timestamp"], content["serialNumber"]
    written = json.dumps(content, indent=2, sort_keys=True)
    content["serialNumber"] = uuid5(NAMESPACE_URL, written).urn
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    main()
