"""Comparing a body with the models: which field names differ. Names only, never values."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from ..codec import Codec, exact_json
from ..models import SchemaDrift
from ..shapes import fields_with_parts, reachable

__all__ = ["drift_of"]

# Names go into logs: what is no name is not told.
_NAME = re.compile(r"[A-Za-z_][\w.-]{0,63}", re.ASCII)


def drift_of(codec: Codec, data: bytes, cls: Any, call: str) -> SchemaDrift | None:
    """How ``data``, which decodes as ``cls``, differs from it in names; None when it does not."""
    sent: defaultdict[str, set[str]] = defaultdict(set)
    modelled: dict[str, dict[str, tuple[str, ...]]] = {}
    for path, names, held in _objects(codec, exact_json(data), cls, ""):
        sent[path] |= names
        modelled[path] = held
    unknown = sorted(
        path + name
        for path, names in sent.items()
        for name in names - {wire for wires in modelled[path].values() for wire in wires}
        if _NAME.fullmatch(name)
    )
    missing = sorted(
        path + wires[0]
        for path, attributes in modelled.items()
        for wires in attributes.values()
        if sent[path].isdisjoint(wires)
    )
    if not unknown and not missing:
        return None
    return SchemaDrift(call=call, unknown=tuple(unknown), missing=tuple(missing))


def _objects(
    codec: Codec, value: Any, cls: Any, path: str
) -> Iterator[tuple[str, set[str], dict[str, tuple[str, ...]]]]:
    if not isinstance(value, dict) or not reachable(cls):
        return
    spelled = dict(codec.spelled(cls))
    yield path, set(value), spelled
    for attribute, many, held in fields_with_parts(cls):
        for wire in spelled[attribute]:
            inner = value.get(wire)
            if many and isinstance(inner, list):
                for one in inner:
                    yield from _objects(codec, one, held, f"{path}{wire}[].")
            else:
                yield from _objects(codec, inner, held, f"{path}{wire}.")
