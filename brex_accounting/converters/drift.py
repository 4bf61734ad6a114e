"""Comparing a body with the models: which field names differ. Names only, never values."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import msgspec

from ..codec import Codec, exact_json
from ..models import SchemaDrift
from ..shapes import fields_with_parts, reachable

__all__ = ["drift_of"]

# Names go into logs: what is no name is not told.
_NAME = re.compile(r"[A-Za-z_][\w.-]{0,63}", re.ASCII)

_ENOUGH: Final = 20
"""Items of a list that are looked at."""

_Shape: TypeAlias = tuple[dict[str, tuple[str, ...]], tuple[tuple[str, bool, Any], ...]]
Shapes: TypeAlias = dict[Any, _Shape | None]


def drift_of(codec: Codec, data: bytes, cls: Any, call: str) -> SchemaDrift | None:
    """How ``data``, which decodes as ``cls``, differs from it in names; None when it does not.

    Of a list the first 20 items are compared.
    """
    sent: defaultdict[str, set[str]] = defaultdict(set)
    modelled: dict[str, dict[str, tuple[str, ...]]] = {}
    shapes: Shapes = {}
    for path, names, held in _objects(codec, shapes, _plain(data), cls, ""):
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


def _plain(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError):  # a number beyond what it reads
        return exact_json(data)


def _shape_of(codec: Codec, shapes: Shapes, cls: Any) -> _Shape | None:
    if cls not in shapes:
        # Looked up once per class and not once per object: that would hold the loop many times longer than decoding.
        known = bool(reachable(cls))
        shapes[cls] = (dict(codec.spelled(cls)), tuple(fields_with_parts(cls))) if known else None
    return shapes[cls]


def _objects(
    codec: Codec, shapes: Shapes, value: Any, cls: Any, path: str
) -> Iterator[tuple[str, set[str], dict[str, tuple[str, ...]]]]:
    shape = _shape_of(codec, shapes, cls) if isinstance(value, dict) else None
    if shape is None:
        return
    spelled, parts = shape
    yield path, set(value), spelled
    for attribute, many, held in parts:
        for wire in spelled[attribute]:
            inner = value.get(wire)
            if many and isinstance(inner, list):
                for one in inner[:_ENOUGH]:
                    yield from _objects(codec, shapes, one, held, f"{path}{wire}[].")
            else:
                yield from _objects(codec, shapes, inner, held, f"{path}{wire}.")
