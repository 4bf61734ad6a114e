"""The shape of attrs classes: their fields, what they reach, and one compiled walk over them."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any, get_args, get_origin

import attrs

__all__ = ["Settle", "fields_of", "reachable", "settler"]

Settle = Callable[[Any], bool]
"""Checks and completes one decoded object; False when it cannot vouch for it."""


def fields_of(cls: Any) -> tuple[attrs.Attribute[Any], ...]:
    """The attributes of an attrs class (or of a parametrised generic one), with resolved types."""
    base = get_origin(cls) or cls
    attrs.resolve_types(base)
    return tuple(attrs.fields(base))


def parts(annotation: Any) -> tuple[bool, Any]:
    """Whether an annotation is a tuple of many, and what it holds, without Optional and Annotated."""
    origin = get_origin(annotation)
    if origin in (types.UnionType, typing.Union):
        inner = [arg for arg in get_args(annotation) if arg is not type(None)]
        return parts(inner[0]) if len(inner) == 1 else (False, annotation)
    if origin is tuple and get_args(annotation)[-1] is Ellipsis:
        return True, get_args(annotation)[0]
    return False, annotation


def fields_with_parts(cls: Any) -> Iterator[tuple[str, bool, Any]]:
    """Each attribute of a class: its name, whether it holds many, and what it holds."""
    bound = dict(zip(getattr(get_origin(cls), "__parameters__", ()), get_args(cls), strict=True))
    for field in fields_of(cls):
        many, held = parts(field.type)
        yield field.name, many, bound.get(held, held)


def reachable(cls: Any) -> set[type]:
    """The attrs classes that can occur inside a value of ``cls``, itself included."""
    base = get_origin(cls) or cls
    if not (isinstance(base, type) and attrs.has(base)):
        return set()
    found = {base}
    for _, _, held in fields_with_parts(cls):
        found |= reachable(held)
    return found


def settler(cls: Any, leaves: Mapping[type, Settle]) -> Settle | None:
    """One walk over a ``cls`` that applies ``leaves``; None when none of them can occur in it."""
    if cls in leaves:
        return leaves[cls]
    base = get_origin(cls) or cls
    if not (isinstance(base, type) and attrs.has(base)):
        return None
    ones: dict[Settle, list[str]] = {}
    manys: list[tuple[Callable[[Any], Any], Settle]] = []
    for name, many, held in fields_with_parts(cls):
        inner = settler(held, leaves)
        if inner is not None and many:
            manys.append((attrgetter(name), inner))
        elif inner is not None:
            ones.setdefault(inner, []).append(name)
    singles = [(_getter(names), inner) for inner, names in ones.items()]
    return _walk(singles, manys) if singles or manys else None


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    one = attrgetter(names[0])
    return lambda value: (one(value),)


def _walk(
    singles: list[tuple[Callable[[Any], tuple[Any, ...]], Settle]],
    manys: list[tuple[Callable[[Any], Any], Settle]],
) -> Settle:
    def settle(value: Any) -> bool:
        for get, one in singles:
            for inner in get(value):
                if inner is not None and not one(inner):
                    return False
        for get, each in manys:
            for inner in get(value) or ():
                if not each(inner):
                    return False
        return True

    return settle
