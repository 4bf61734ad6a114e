"""The shape of attrs classes: their fields, what they reach, and one compiled walk over them."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, get_args, get_origin

import attrs

__all__ = ["Settler", "Walk", "fields_of", "model_of", "optional_parts", "projection_class", "reachable", "walk"]


_MODEL = "__projection_of__"


@attrs.frozen(kw_only=True)
class Settler:
    """How objects of a class are checked and completed after they were decoded.

    One whose ``attribute`` is a ``kind``, and not zero or empty, is done. ``settle`` gets all others of a
    document and its bytes, and answers False when it cannot vouch for them.
    """

    attribute: str
    kind: type
    settle: Callable[[list[Any], bytes], bool]


Walk: TypeAlias = Callable[[Any], list[list[Any]]]
"""Finds the objects in a value that are not done: a list for each settler."""


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


def optional_parts(annotation: Any) -> tuple[bool, tuple[Any, ...]]:
    """Whether an annotation takes None, and what else it takes."""
    if get_origin(annotation) not in (types.UnionType, typing.Union):
        return False, (annotation,)
    arms = get_args(annotation)
    return types.NoneType in arms, tuple(arm for arm in arms if arm is not types.NoneType)


def projection_class(name: str, model: type, kinds: Mapping[str, Any]) -> type[Any]:
    """A frozen class with some fields of ``model``, read under the names that the model's have."""
    given = {field.name: field.default for field in attrs.fields(model) if field.default is not attrs.NOTHING}
    body = {"__annotations__": dict(kinds), _MODEL: model} | {n: given[n] for n in kinds if n in given}
    return attrs.frozen(type(name, (), body), kw_only=True)


def model_of(cls: Any) -> Any:
    """The model that a class is a projection of, or else the class itself."""
    return vars(cls).get(_MODEL, cls)


def fields_with_parts(cls: Any) -> Iterator[tuple[str, bool, Any]]:
    """Each attribute of a class: its name, whether it holds many, and what it holds."""
    bound = dict(zip(getattr(get_origin(cls), "__parameters__", ()), get_args(cls), strict=True))
    for field in fields_of(cls):
        many, held = parts(field.type)
        yield field.name, many, bound.get(held, held)


def reachable(cls: Any) -> set[type]:
    """The attrs classes that can occur inside a value of ``cls``, itself included."""
    many, held = parts(cls)
    if many:
        return reachable(held)
    base = get_origin(cls) or cls
    if not (isinstance(base, type) and attrs.has(base)):
        return set()
    found = {base}
    for _, _, held in fields_with_parts(cls):
        found |= reachable(held)
    return found


def walk(cls: Any, settlers: Mapping[type, Settler]) -> Walk | None:
    """One walk over a ``cls`` for ``settlers``; None when none of their classes can occur in it.

    It is written out as one function of nested loops: a call for each object would cost more than the
    check itself.
    """
    loops = list(_loops(cls, settlers, depth=0))
    if not loops:
        return None
    lines = [f"found{at} = []" for at in range(len(settlers))]
    lines += loops
    lines.append(f"return [{', '.join(f'found{at}' for at in range(len(settlers)))}]")
    source = "def walk(value0):\n" + "".join(f"    {line}\n" for line in lines)
    names: dict[str, Any] = {f"kind{at}": one.kind for at, one in enumerate(settlers.values())}
    exec(compile(source, f"<walk over {cls}>", "exec"), names)  # noqa: S102 - made of attributes' names alone
    made: Walk = names["walk"]
    return made


def _loops(cls: Any, settlers: Mapping[type, Settler], depth: int) -> Iterator[str]:
    """The lines that look at ``value{depth}``, which is a ``cls``."""
    value, inner = f"value{depth}", f"value{depth + 1}"
    if cls in settlers:
        at = list(settlers).index(cls)
        yield f"if type(held := {value}.{settlers[cls].attribute}) is not kind{at} or not held:"
        yield f"    found{at}.append({value})"
        return
    for path, many, held in _inside(cls):
        lines = [f"    {line}" for line in _loops(held, settlers, depth + 1)]
        if lines:
            held_there = f"{value}{path}"
            head = f"for {inner} in {held_there} or ():" if many else f"if ({inner} := {held_there}) is not None:"
            yield from (head, *lines)


def _inside(cls: Any) -> Iterator[tuple[str, bool, Any]]:
    many, held = parts(cls)
    base = get_origin(held) or held
    if many:
        yield "", True, held
    elif isinstance(base, type) and attrs.has(base):
        yield from ((f".{name}", many, inner) for name, many, inner in fields_with_parts(held))
