"""What Monite's OpenAPI document says about the structure of the operations that are served here.

The document is not ours to ship, and holds far more than these: ``served`` cuts out what they reach. What
structure is, and how locations are written, is told in ``tests.sandbox.openapi_structure``.

Run as a module with MONITE_OPENAPI set to the document, this writes the facts file.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..sandbox.openapi_structure import Facts, skeleton, to_facts

__all__ = ["FACTS_FILE", "PATHS", "facts_of", "served"]

FACTS_FILE = Path(__file__).with_name("monite_openapi_facts.json")
PATHS = (
    "/accounting_connections",
    "/accounting_connections/{connection_id}",
    "/accounting_connections/{connection_id}/disconnect",
    "/accounting_connections/{connection_id}/sync",
    "/accounting_synced_records",
    "/accounting_synced_records/{synced_record_id}",
    "/accounting_synced_records/{synced_record_id}/push",
    "/auth/revoke",
    "/auth/token",
)


def served(document: dict[str, Any]) -> dict[str, Any]:
    """The document with these paths and the schemas that they reach."""
    paths = {path: document["paths"][path] for path in PATHS}
    shapes = document["components"]["schemas"]
    names: set[str] = set()
    waiting = set(_names(paths))
    while waiting:
        names |= waiting
        waiting = set(_names({name: shapes[name] for name in waiting})) - names
    return {
        "openapi": document["openapi"],
        "info": {},  # prose and addresses
        "paths": paths,
        "components": {
            "schemas": {name: shapes[name] for name in sorted(names)},
            "securitySchemes": document["components"]["securitySchemes"],
        },
    }


def facts_of(path: Path) -> Facts:
    """The facts of the document in a file."""
    # It writes 250.0 where it means the maximum of an integer.
    document = served(json.loads(path.read_text(encoding="utf-8"), parse_float=lambda text: int(float(text))))
    return dict(sorted(to_facts(skeleton(document))))


def _names(part: object) -> Iterator[str]:
    yield from re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(part))


if __name__ == "__main__":
    facts = facts_of(Path(os.environ["MONITE_OPENAPI"]))
    lines = (f"  {json.dumps(pointer)}: {json.dumps(leaf)}" for pointer, leaf in facts.items())
    FACTS_FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
