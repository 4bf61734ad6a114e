"""What two OpenAPI documents say about structure, and where they differ.

Structure is everything but prose: ``IGNORED`` keys are left out wherever they are keywords (below
``properties`` they are names, and stay). ``required`` and ``enum`` lists count as sets. Parameters
go by place and name, other lists by position. References and ``allOf`` of one (and of prose) are resolved, so the
naming of components is no difference; a component used in many places is compared once and its
differences stand under the name Brex gives it.

Run as a script with BREX_OPENAPI or BREX_FIELDS_OPENAPI set to Brex's own document, this writes its facts file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

Node: TypeAlias = "bool | int | str | list[str] | dict[str, Node] | None"
Facts: TypeAlias = "dict[str, Node]"

IGNORED = frozenset({"description", "summary", "example", "examples", "title", "contact", "version", "servers", "tags"})
FACTS_FILE = Path(__file__).with_name("brex_openapi_facts.json")
FIELDS_FACTS_FILE = Path(__file__).with_name("brex_fields_openapi_facts.json")


def skeleton(value: object, key: str = "") -> Node:
    """A document without its prose: objects, sorted lists of strings, and scalars."""
    if isinstance(value, Mapping):
        if key == "scopes":  # the values are sentences
            return sorted(value)
        kept = {name for name in value if key == "properties" or name not in IGNORED}
        return {name: skeleton(value[name], "" if key == "properties" else name) for name in value if name in kept}
    if isinstance(value, list):
        if key == "parameters":
            return {f"{parameter['in']}:{parameter['name']}": skeleton(parameter) for parameter in value}
        if all(isinstance(item, str) for item in value):
            return sorted(value)
        return {str(index): skeleton(item) for index, item in enumerate(value)}
    assert value is None or isinstance(value, bool | int | str), f"no structure in {value!r}"
    return value


def part_of(document: dict[str, Node], prefix: str) -> dict[str, Node]:
    """A skeleton with the paths of one API only."""
    paths = document["paths"]
    assert isinstance(paths, dict)
    return {**document, "paths": {path: node for path, node in paths.items() if path.startswith(prefix)}}


def to_facts(node: Node, pointer: str = "") -> Iterator[tuple[str, Node]]:
    """The leaves of a skeleton with their JSON pointers."""
    if isinstance(node, dict) and node:
        for name, child in node.items():
            yield from to_facts(child, f"{pointer}/{_escaped(name)}")
    else:
        yield pointer, node


def from_facts(facts: Facts) -> dict[str, Node]:
    """The skeleton that has these facts."""
    root: dict[str, Node] = {}
    for pointer, leaf in facts.items():
        *parents, last = _names(pointer)
        here = root
        for name in parents:
            child = here.setdefault(name, {})
            assert isinstance(child, dict), f"{pointer} goes through a leaf"
            here = child
        here[last] = leaf
    return root


def read_brex_facts(document: Path) -> Facts:
    """The facts of an OpenAPI document in a file."""
    return dict(sorted(to_facts(skeleton(json.loads(document.read_text(encoding="utf-8"))))))


def differences(ours: dict[str, Node], brex: dict[str, Node]) -> frozenset[tuple[str, str]]:
    """Every (location, kind) where our skeleton differs from Brex's."""
    comparison = _Comparison(ours, brex)
    comparison.compare(_entrance(ours), _entrance(brex), "")
    return frozenset(comparison.found)


def _entrance(document: dict[str, Node]) -> dict[str, Node]:
    """The document without the components that count only where they are referred to."""
    components = document["components"]
    assert isinstance(components, dict)
    return {**document, "components": {"securitySchemes": components["securitySchemes"]}}


class _Comparison:
    def __init__(self, ours: dict[str, Node], brex: dict[str, Node]) -> None:
        self.ours = ours
        self.brex = brex
        self.found: set[tuple[str, str]] = set()
        self._partners: dict[str, str] = {}

    def compare(self, ours: Node, brex: Node, at: str) -> None:
        our_name, our_siblings = _reference(ours)
        brex_name, brex_siblings = _reference(brex)
        if our_name and brex_name and our_siblings == brex_siblings:
            if brex_name in self._partners and self._partners[brex_name] == our_name:
                return
            # The first partner is compared under Brex's name; any other where it is used.
            if self._partners.setdefault(brex_name, our_name) == our_name:
                at = brex_name.removeprefix("#")
        ours, brex = _alternatives(self.ours, ours, self.brex, brex)
        if isinstance(ours, dict) and isinstance(brex, dict):
            self._compare_objects(ours, brex, at)
        elif isinstance(ours, list) and isinstance(brex, list):
            self._compare_objects(dict.fromkeys(ours), dict.fromkeys(brex), at)
        elif ours != brex or type(ours) is not type(brex):
            self.found.add((at, "changed"))

    def _compare_objects(self, ours: Mapping[str, Node], brex: Mapping[str, Node], at: str) -> None:
        for name in ours.keys() | brex.keys():
            location = f"{at}/{_escaped(name)}"
            if name not in brex:
                self.found.add((location, "added"))
            elif name not in ours:
                self.found.add((location, "removed"))
            else:
                self.compare(ours[name], brex[name], location)


def _alternatives(our_document: Node, ours: Node, brex_document: Node, brex: Node) -> tuple[Node, Node]:
    """Both sides resolved; where one side is a choice, the other is a choice of one."""
    our_target, brex_target = _resolved(our_document, ours), _resolved(brex_document, brex)
    if isinstance(our_target, dict) and isinstance(brex_target, dict):
        if "oneOf" in our_target and "oneOf" not in brex_target:
            return our_target, {"oneOf": {"0": brex}}
        if "oneOf" in brex_target and "oneOf" not in our_target:
            return {"oneOf": {"0": ours}}, brex_target
    return our_target, brex_target


def _reference(node: Node) -> tuple[str | None, dict[str, Node]]:
    """The component a schema stands for, and what it says beside that."""
    if not isinstance(node, dict):
        return None, {}
    match node:
        case {"$ref": str(name)}:
            return name, {}
        case {"allOf": {"0": {"$ref": str(name)}, **others}, **siblings} if not any(others.values()):
            return name, siblings
    return None, {}


def _resolved(document: Node, node: Node) -> Node:
    name, siblings = _reference(node)
    if name is None:
        return node
    target = document
    for part in _names(name.removeprefix("#")):
        assert isinstance(target, dict), f"{name} leads nowhere"
        target = target[part]
    target = _resolved(document, target)
    assert isinstance(target, dict), f"{name} is no object"
    return {**target, **siblings}


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _names(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


if __name__ == "__main__":
    for variable, file in (("BREX_OPENAPI", FACTS_FILE), ("BREX_FIELDS_OPENAPI", FIELDS_FACTS_FILE)):
        if variable in os.environ:
            facts = read_brex_facts(Path(os.environ[variable]))
            lines = (f"  {json.dumps(pointer)}: {json.dumps(leaf)}" for pointer, leaf in facts.items())
            file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
