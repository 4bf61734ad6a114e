"""The two-pass engine between bytes and attrs classes. It knows types, and no field's name.

First pass: msgspec decodes the bytes straight into the classes, and the values that a type alone
cannot vouch for are settled: numbers as they are read, the rest in one walk. Only when that fails are
the same bytes read again, untyped and exact, and structured by cattrs with lenient hooks; that pass
either succeeds or names every wrong path. What is not JSON at all fails in the first pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, TypeVar, get_args, get_origin

import attrs
import cattrs
import msgspec
from cattrs.cols import homogenous_tuple_structure_factory
from cattrs.preconf.msgspec import MsgspecJsonConverter, configure_converter

from .errors import DecodeError
from .shapes import Settler, fields_of, model_of, reachable, walk
from .wiretypes import Instant, OpenEnum

__all__ = ["NEGATIVE_ZERO", "Codec", "Leaf", "exact_json", "instant_or_date"]

T = TypeVar("T")
Leaf = Callable[[object], object]

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MODULES = re.compile(r"\b(?:\w+\.)+(?=\w)")
_WIDEST_INT = 28
_KEPT = 256
_REFUSALS = (cattrs.BaseValidationError, TypeError, RecursionError, msgspec.DecodeError, ValueError)
_SYNTAX = msgspec.json.Decoder(float_hook=str)
NEGATIVE_ZERO = re.compile(rb"-0(?=[,}\]\s]|\Z)")
"""An integer that msgspec reads as 0. Inside a string it means nothing, and costs only time."""


@attrs.frozen(kw_only=True)
class _Passes(Generic[T]):
    """The two ways to read a class. The first answers None for what only the second can tell."""

    first: Callable[[bytes], T | None]
    second: Callable[[bytes], T]


class Codec(MsgspecJsonConverter):
    """A cattrs converter whose loads hooks decode with msgspec first.

    ``spellings``: wire name -> attribute, for the classes whose names differ from the wire's.
    ``absent``: attributes left out, not null, when they are None. ``leaves``: how a marked type is read
    in the second pass. ``float_hook``: how the first pass reads a number with a fraction or an exponent;
    what it raises asks for the second. ``settlers``: how objects of a class are checked and completed
    after the first.
    """

    encoder: msgspec.json.Encoder = msgspec.json.Encoder(decimal_format="number")

    def __init__(
        self,
        *,
        spellings: Mapping[type, Mapping[str, str]],
        absent: Mapping[type, frozenset[str]],
        leaves: Mapping[object, Leaf],
        settlers: Mapping[type, Settler],
        float_hook: Callable[[str], object],
    ) -> None:
        super().__init__()
        self._spellings = spellings
        self._absent = absent
        self._settlers = settlers
        self._float_hook = float_hook
        self._passes: dict[Any, _Passes[Any]] = {}
        configure_converter(self)
        self._register_scalars(leaves)
        self._register_shapes()

    def decode(self, data: bytes, cls: type[T], *, at: str = "$") -> T:
        """``data`` as a ``cls``. Raises ``DecodeError`` with paths below ``at``."""
        passes = self._passes_of(cls)
        try:
            result = passes.first(data)
            return passes.second(data) if result is None else result
        except _REFUSALS as error:
            raise _ours(error, cls, at) from None

    def decode_fast(self, data: bytes, cls: type[T]) -> T | None:
        """``data`` as a ``cls`` by the first pass alone; None when only the second can tell.

        Raises ``DecodeError`` for what is not JSON at all.
        """
        try:
            return self._passes_of(cls).first(data)
        except _REFUSALS as error:
            raise _ours(error, cls, "$") from None

    def check_syntax(self, data: bytes) -> None:
        """Raise ``DecodeError`` for what is not JSON."""
        try:
            _SYNTAX.decode(data)
        except _REFUSALS as error:
            raise _ours(error, None, "$") from None

    def loads(self, data: bytes, cl: type[T], **_kwargs: Any) -> T:
        """What cattrs calls ``decode``; its own would read amounts as floats."""
        return self.decode(data, cl)

    def get_loads_hook(self, cl: type[T]) -> Callable[[bytes], T]:
        """Bytes to ``cl``, with cattrs' and msgspec's own exceptions."""
        passes = self._compile(cl)

        def loads(data: bytes) -> T:
            result = passes.first(data)
            return passes.second(data) if result is None else result

        return loads

    def _passes_of(self, cls: type[T]) -> _Passes[T]:
        passes = self._passes.get(cls)
        if passes is None:
            if len(self._passes) >= _KEPT:  # classes made on the fly, for projections
                self._passes.clear()
            passes = self._passes[cls] = self._compile(cls)
        return passes

    def _compile(self, cl: type[T]) -> _Passes[T]:
        def second(data: bytes) -> T:
            return self.structure(exact_json(data), cl)

        unable: _Passes[T] = _Passes(first=lambda _data: None, second=second)
        if any(model_of(part) in self._spellings for part in reachable(cl)):
            return unable
        try:
            decode = msgspec.json.Decoder(cl, float_hook=self._float_hook).decode
        except TypeError:  # a type that msgspec cannot read, such as datetime | date
            return unable
        find = walk(cl, self._settlers)
        settles = [one.settle for one in self._settlers.values()]

        def first(data: bytes) -> T | None:
            try:
                result = decode(data)
            except (msgspec.ValidationError, ArithmeticError):
                return None
            if find is not None:
                for settle, found in zip(settles, find(result), strict=True):
                    if found and not settle(found, data):
                        return None
            return result

        return _Passes(first=first, second=second)

    def spelled(self, cls: type) -> Mapping[str, tuple[str, ...]]:
        """Attribute -> its names on the wire, the one to write first."""
        names: dict[str, list[str]] = {field.name: [] for field in fields_of(cls)}
        for wire, attribute in self._spellings.get(model_of(cls), {}).items():
            if attribute in names:
                names[attribute].append(wire)
        return {attribute: tuple(wires) or (attribute,) for attribute, wires in names.items()}

    def _register_scalars(self, leaves: Mapping[object, Leaf]) -> None:
        # cattrs' own hooks make text of anything, and 1 of both 1.5 and true.
        self.register_structure_hook(str, _exactly(str))
        self.register_structure_hook(bool, _exactly(bool))
        self.register_structure_hook(int, lambda value, _: _integer(value))
        # Enums are strings too: without a hook of their own they would come out as plain text.
        self.register_structure_hook(OpenEnum, _enum_member)
        self.register_structure_hook_func(lambda t: t is Instant, lambda value, _: _instant(value))
        self.register_structure_hook(msgspec.Raw, lambda value, _: msgspec.Raw(self.encoder.encode(value)))
        for marked, leaf in leaves.items():
            self._register_leaf(marked, leaf)

    def _register_leaf(self, marked: object, leaf: Leaf) -> None:
        self.register_structure_hook_func(lambda t: t == marked, lambda value, _: leaf(value))

    def _register_shapes(self) -> None:
        self.register_structure_hook_factory(attrs.has, self._structure_class)
        self.register_structure_hook_factory(_is_tuple, self._structure_list)
        self.register_unstructure_hook_factory(attrs.has, self._unstructure_class)
        self.register_unstructure_hook(Decimal, _finite)
        self.register_unstructure_hook(float, _no_float)

    def _structure_class(self, cls: Any) -> Callable[[Any, Any], Any]:
        structure = self.gen_structure_attrs_fromdict(cls)
        base = get_origin(cls) or cls
        renamed = model_of(base) in self._spellings
        spelled = self.spelled(base)

        def hook(value: Any, _: Any) -> Any:
            if not isinstance(value, dict):
                raise TypeError
            return structure(_respell(value, spelled) if renamed else value, cls)

        return hook

    def _structure_list(self, cls: Any) -> Callable[[Any, Any], Any]:
        many = get_args(cls)[-1] is Ellipsis
        structure = homogenous_tuple_structure_factory(cls, self) if many else self._structure_tuple

        def hook(value: Any, _: Any) -> Any:
            # A string or an object would be iterated and come out as an empty or a wrong tuple.
            if not isinstance(value, list):
                raise TypeError
            return structure(value, cls)

        return hook

    def _unstructure_class(self, cls: Any) -> Callable[[Any], dict[str, Any]]:
        base = get_origin(cls) or cls
        first = {attribute: wires[0] for attribute, wires in self.spelled(base).items()}
        absent = self._absent.get(base, frozenset())

        def hook(value: Any) -> dict[str, Any]:
            out: dict[str, Any] = {}
            for attribute, wire in first.items():
                inner = getattr(value, attribute)
                if inner is None and attribute in absent:
                    continue
                out[wire] = self.unstructure(inner)
            return out

        return hook


def _ours(error: Exception, cls: Any, at: str) -> DecodeError:
    if isinstance(error, cattrs.BaseValidationError):
        return DecodeError(_problems(error, at))
    if isinstance(error, TypeError):  # the document itself is of the wrong kind, and there is no path to note
        return DecodeError(f"expected {_type_name(cls)} at {at}")
    if isinstance(error, RecursionError):
        return DecodeError(f"expected JSON, got something nested too deeply at {at}")
    return DecodeError(f"expected JSON at {at}")


def _finite(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise ValueError("JSON has no such number")
    return value


def _no_float(_value: float) -> float:
    raise TypeError("amounts are Decimals")


def exact_json(data: bytes) -> Any:
    """Untyped JSON with every number exact."""
    if NEGATIVE_ZERO.search(data) is None:
        with suppress(msgspec.ValidationError):  # an integer of thousands of digits
            return msgspec.json.Decoder(float_hook=_exact_number).decode(data)
    # It also takes lone surrogates, which no UTF-8 can hold; msgspec refuses them.
    _SYNTAX.decode(data)
    return json.loads(
        data.decode(), parse_float=_exact_number, parse_int=_exact_integer, parse_constant=_refuse_constant
    )


def _exact_number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond what Decimal can hold
        return Decimal("NaN")


def _exact_integer(text: str) -> int | Decimal:
    # int() loses the sign of -0 and refuses thousands of digits.
    return Decimal(text) if text == "-0" or len(text) > _WIDEST_INT else int(text)


def _refuse_constant(_text: str) -> Any:
    raise ValueError("not JSON")


def _respell(value: dict[str, Any], spelled: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    found = {}
    for attribute, wires in spelled.items():
        sent = [value[wire] for wire in wires if wire in value]
        if sent:
            found[attribute] = next((one for one in sent if one is not None), None)
    return found


def _exactly(kind: type) -> Callable[[Any, Any], Any]:
    def hook(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise TypeError
        return value

    return hook


def _integer(value: object) -> int:
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() <= _WIDEST_INT:
        if value == value.to_integral_value():
            return int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError


def instant_or_date(value: object) -> datetime | date | None:
    """A bound of a window: a date-time, a date, or null."""
    if value is None:
        return None
    if isinstance(value, str) and _DATE.fullmatch(value):
        return msgspec.convert(value, date)
    return _instant(value)


def _instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise TypeError
    if _DATE.fullmatch(value):
        value += "T00:00:00Z"
    return msgspec.convert(value, Instant)


def _is_tuple(cls: Any) -> bool:
    return get_origin(cls) is tuple


def _enum_member(value: Any, cls: Any) -> Any:
    if type(value) is not str:
        raise TypeError
    return cls(value)


def _problems(error: BaseException, at: str) -> tuple[str, ...]:
    lines = cattrs.transform_error(error, at, _describe)
    return tuple(line.replace(" @ ", " at ") for line in lines)


def _describe(error: BaseException, cls: Any) -> str:
    # Never the exception's own text: cattrs and msgspec quote values in it.
    if isinstance(error, KeyError):
        return "required field missing"
    return f"expected {_type_name(cls)}"


def _type_name(cls: Any) -> str:
    if cls is None:
        return "another type"
    if cls is Instant:
        return "a date-time with an offset"
    marks = getattr(cls, "__metadata__", ())
    if marks and isinstance(marks[0], str):
        return marks[0]
    return cls.__name__ if isinstance(cls, type) else _MODULES.sub("", str(cls))
