"""A caller's own class in place of a model: fewer fields, under the model's own rules.

The way of the data: a class made here has those of the model's fields that the caller's class has, as the
model types them, and what identifies a record besides. The codec reads objects of that class from the
bytes, by the same two passes as the model. Each is shown to the caller as an object of their class, made by
its own initializer, so that its converters and validators do what they always do.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin

import attrs

from ..errors import ConfigurationError
from ..models import AccountingRecord, Amount, Instant, Money
from ..shapes import fields_of, optional_parts, projection_class
from ..wiretypes import Unmodelled

__all__ = ["Projection", "project"]

T = TypeVar("T")
Show = Callable[[Any], Any]

_IDENTITY = ("id", "version")
_KEPT = 128
"""Projections kept compiled; those of more classes are compiled again."""


@attrs.frozen(kw_only=True)
class Projection(Generic[T]):
    """``wire``: the class to read. ``show``: what was read as the caller's own; None when it is that."""

    wire: type[Any]
    show: Callable[[Any], T] | None = None


def project(cls: type[T], *, and_updated_at: bool = False) -> Projection[T]:
    """How records are read as ``cls``. Raises ``ConfigurationError`` with the field and the reason.

    What is read has an ``id`` and a ``version`` in any case; ``and_updated_at``: and that.
    """
    if cls is AccountingRecord:
        return Projection(wire=cls)
    given: object = cls
    if not isinstance(given, type) or not attrs.has(given):
        raise ConfigurationError("as_type takes an attrs class whose fields are some of a record's")
    projection: Projection[T] = _project(given, (*_IDENTITY, "updated_at") if and_updated_at else _IDENTITY)
    return projection


@lru_cache(_KEPT)
def _project(cls: type, always: tuple[str, ...]) -> Projection[Any]:
    return _projected(cls, AccountingRecord, always)


def _projected(cls: type[T], model: type, always: tuple[str, ...] = ()) -> Projection[T]:
    modelled = {field.name: field for field in fields_of(model)}
    kinds: dict[str, Any] = {name: modelled[name].type for name in always}
    positional: list[str] = []
    named: list[str] = []
    shows: dict[str, Show] = {}
    for field in _fields(cls):
        if not field.init:
            continue
        where = f"{cls.__name__}.{field.name}"
        if field.name not in modelled:
            close = difflib.get_close_matches(field.name, modelled, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ConfigurationError(f"as_type: {where} is no field of {model.__name__}{hint}")
        # A converter is given what the model holds, and only the caller knows what it makes of it.
        wanted = Any if field.converter else field.type
        kinds[field.name], show = _fitted(wanted, modelled[field.name].type, where)
        value = f"read.{field.name}" if show is None else f"show_{field.name}(read.{field.name})"
        if show is not None:
            shows[f"show_{field.name}"] = show
        if field.kw_only:
            named.append(f"{field.alias}={value}")
        else:
            positional.append(value)
    in_order = {name: kinds[name] for name in modelled if name in kinds}
    wire = model if model is Money else projection_class(cls.__name__, model, in_order)
    return Projection(wire=wire, show=_initializer(cls, [*positional, *named], shows))


def _fields(cls: type) -> tuple[attrs.Attribute[Any], ...]:
    made_by = next(base for base in cls.__mro__ if "__init__" in vars(base))
    if "__attrs_attrs__" not in vars(made_by) or "__attrs_init__" in vars(made_by):
        raise ConfigurationError(f"as_type: {cls.__name__} has an initializer of its own, which cannot be known")
    try:
        fields = fields_of(cls)
    except (NameError, TypeError, AttributeError, SyntaxError):
        raise ConfigurationError(f"as_type: the annotations of {cls.__name__} name types that it cannot see") from None
    for field in fields:
        if field.type is None:
            raise ConfigurationError(f"as_type: {cls.__name__}.{field.name} has no annotation")
    return fields


def _fitted(wanted: Any, model: Any, where: str) -> tuple[Any, Show | None]:
    """The type to read, and how a value of it is shown, if not as it is."""
    wanted = _bare(wanted, model)
    if wanted is Any or wanted is object or wanted == model:
        return model, None
    takes_none, arms = optional_parts(wanted)
    nullable, (plain,) = optional_parts(model)
    if nullable and not takes_none:
        raise ConfigurationError(f"as_type: {where} may be null or left out by Brex; annotate it with | None")
    for arm in arms:
        found = _fitted_plain(arm, plain, where)
        if found is not None:
            kind, show = found
            return (kind | None, show and _unless_none(show)) if nullable else (kind, show)
    raise ConfigurationError(f"as_type: {where} is {_named(wanted)}; a record holds {_named(model)} there")


def _fitted_plain(wanted: Any, model: Any, where: str) -> tuple[Any, Show | None] | None:
    wanted = _bare(wanted, model)
    if wanted == model:
        return model, None
    if get_origin(model) is tuple:
        if get_origin(wanted) is not tuple or get_args(wanted)[1:] != (Ellipsis,):
            return None
        kind, show = _fitted(get_args(wanted)[0], get_args(model)[0], f"{where}[]")
        return _TUPLE[kind, ...], show and _each(show)
    if attrs.has(model) and isinstance(wanted, type) and attrs.has(wanted):
        inner = _projected(wanted, model)
        return inner.wire, inner.show
    held = _HELD.get(model, model)
    return (model, None) if wanted in held.__mro__ else None


def _bare(wanted: Any, model: Any) -> Any:
    """Without what is told to type checkers alone: notes of the caller's own, and ``NewType``."""
    while wanted != model:
        if get_origin(wanted) is Annotated:
            wanted = get_args(wanted)[0]
        elif isinstance(wanted, typing.NewType):
            wanted = wanted.__supertype__
        else:
            break
    return wanted


# Under another name, because its arguments are values here.
_TUPLE: Any = tuple
_HELD: dict[Any, type] = {Amount: Decimal, Instant: datetime, Unmodelled: object}


def _unless_none(show: Show) -> Show:
    return lambda value: None if value is None else show(value)


def _each(show: Show) -> Show:
    return lambda values: tuple(map(show, values))


def _initializer(cls: type[T], arguments: list[str], shows: dict[str, Show]) -> Callable[[Any], T]:
    # Written out, because it runs for each record: of the names of attributes alone.
    source = f"lambda read: cls({', '.join(arguments)})"
    made: Callable[[Any], T] = eval(compile(source, f"<{cls.__name__}>", "eval"), {"cls": cls, **shows})  # noqa: S307
    return made


def _named(kind: Any) -> str:
    kind = next((held for known, held in _HELD.items() if kind == known), kind)
    if kind in (types.NoneType, Ellipsis):
        return "None" if kind is types.NoneType else "..."
    inner = [_named(one) for one in get_args(kind)]
    if get_origin(kind) in (types.UnionType, typing.Union):
        return " | ".join(inner)
    name = getattr(get_origin(kind) or kind, "__name__", str(kind))
    return f"{name}[{', '.join(inner)}]" if inner else name
