"""A caller's own class in place of a record: the same rules for fewer fields, and clear refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Annotated, Any, Generic, NewType, TypeVar

import attrs
import pytest
from hypothesis import given

from brex_accounting import AccountingRecord, ConfigurationError, DecodeError, LineItem, Money
from brex_accounting.codec import Codec
from brex_accounting.converters.money import exact_amount, settle_money
from brex_accounting.converters.pages import read_page
from brex_accounting.converters.projection import project
from brex_accounting.converters.wire import ABSENT, SPELLINGS, codec
from brex_accounting.enums import RecordType, SourceType
from brex_accounting.exact import exact_numbers, exact_value
from brex_accounting.models import Amount, BadRecord, Vendor
from brex_accounting.wiretypes import Unmodelled

from .documents import encoded, line, money, page, record, records, second_pass, thorough

T = TypeVar("T")


@attrs.frozen
class Price:
    amount: Decimal


@attrs.define(slots=False)
class Line:
    amount: Price | None
    id: str
    amortization: object = None


@attrs.frozen
class Shop:
    name: str


@attrs.frozen(kw_only=True)
class Entry:
    """Fields in another order than the wire's, wider types, classes of its own and of the package."""

    posted_at: datetime
    line_items: tuple[Line, ...]
    type: str
    vendor: Shop | None
    amount: Money
    memo: str | int | None = "none yet"
    due_at: datetime | None


def read(cls: type[T], *documents: Any, codec_: Codec | None = None, told: list[BadRecord] | None = None) -> list[T]:
    """A page of these documents as ``cls``."""
    projection = project(cls)
    body = encoded({"items": documents, "has_next_page": False})
    items = read_page(codec_ or codec(), body, projection.wire, "raise" if told is None else told.append).items
    return [projection.show(item) if projection.show else item for item in items]


@thorough
@given(document=records)
def test_it_holds_what_the_record_holds(document: dict[str, Any]) -> None:
    """Each field is what the full record has, digit for digit, from either pass."""
    (full,) = read(AccountingRecord, document)
    for given_document in (document, second_pass(document)):
        (entry,) = read(Entry, given_document)
        assert type(entry) is Entry
        for name in ("posted_at", "type", "amount", "memo", "due_at"):
            assert repr(getattr(entry, name)) == repr(getattr(full, name))
        assert entry.vendor == (full.vendor and Shop(full.vendor.name))
        assert repr(entry.line_items) == repr(
            tuple(Line(Price(one.amount.amount), one.id, one.amortization) for one in full.line_items)
        )


@pytest.mark.parametrize("amount", [b"-0", b"1.10", b"7", b'"0012.50"', b"1e28", b"0.00", b"-0.0", b"1" * 28])
@pytest.mark.parametrize("version", [2, 2.0])
def test_amounts_obey_the_same_rule(amount: bytes, version: float) -> None:
    """Signs, trailing zeros, strings and the ends of the range arrive in a class of the caller's own."""
    data = encoded(
        {"items": [record(version=version, line_items=[line(amount=money("slot"))])], "has_next_page": False}
    )
    projection = project(Entry)
    assert projection.show is not None
    (item,) = read_page(codec(), data.replace(b'"slot"', amount), projection.wire, "raise").items
    (one,) = projection.show(item).line_items
    assert one.amount is not None
    assert repr(one.amount.amount) == repr(Decimal(amount.decode().strip('"')))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"amount": money("NaN")}, "expected amount at $.items[1].amount.amount"),
        ({"amount": money(Decimal("1e29"))}, "expected amount at $.items[1].amount.amount"),
        ({"posted_at": "2026-06-11T09:09:05"}, "expected a date-time with an offset at $.items[1].posted_at"),
        ({"type": 5}, "expected RecordType at $.items[1].type"),
        ({"line_items": {}}, "expected tuple[Line, ...] at $.items[1].line_items"),
        ({"line_items": [line(amount=money("1_0"))]}, "expected amount at $.items[1].line_items[0].amount.amount"),
        ({"vendor": {}}, "required field missing at $.items[1].vendor.name"),
        ({"version": 1.5}, "expected int at $.items[1].version"),
    ],
)
def test_problems_are_named_the_same(change: dict[str, Any], problem: str) -> None:
    """A bad record fails with its path, or is told with its id; what is not asked for is not looked at."""
    documents = [
        record(),
        record(id="accr_bad", **change) if "version" not in change else record(id="accr_bad") | change,
    ]
    with pytest.raises(DecodeError) as caught:
        read(Entry, *documents)
    assert caught.value.problems == (problem,)
    told: list[BadRecord] = []
    assert len(read(Entry, *documents, told=told)) == 1
    assert [(one.index, one.record_id, one.problem) for one in told] == [(1, "accr_bad", problem)]
    assert len(read(Entry, record(user=5, review_status=None))) == 1


def test_lenient_values_and_unknown_members() -> None:
    """A date without a time, a whole number with a fraction and a type of tomorrow are read as in a record."""
    (entry,) = read(Entry, record(posted_at="2026-06-11", version=2.0, type="TOMORROW"))
    assert entry.posted_at.isoformat() == "2026-06-11T00:00:00+00:00"
    assert isinstance(entry.type, RecordType)
    assert entry.type == "TOMORROW"


def test_a_renamed_field_is_read_under_its_new_name() -> None:
    """The spellings of the model are those of the projection."""
    renamed = Codec(
        spellings={**SPELLINGS, AccountingRecord: {"note": "memo", "kind": "source_id"}, Vendor: {"title": "name"}},
        absent=ABSENT,
        leaves={Amount: exact_amount, Unmodelled: exact_value},
        settlers={Money: settle_money},
        float_hook=exact_numbers(),
    )
    (entry,) = read(Entry, record(note="x", memo="old", vendor={"title": "Kiosk"}), codec_=renamed)
    assert (entry.memo, entry.vendor) == ("x", Shop("Kiosk"))


def test_identity_is_always_read() -> None:
    """Where a walk stands needs id and version, also when the class has neither."""
    wire = project(Entry).wire
    (item,) = read_page(codec(), page(record(id="accr_7", version=3)), wire, "raise").items
    assert (item.id, item.version) == ("accr_7", 3)
    assert not hasattr(item, "review_status")


def test_a_record_is_no_projection() -> None:
    """Whole records are handed out as they were read."""
    assert project(AccountingRecord).show is None
    assert project(AccountingRecord).wire is AccountingRecord


def _positive(_one: object, _field: object, value: Money) -> None:
    if value.amount < 0:
        raise ValueError("negative")


def _upper(text: str) -> str:
    return text.upper()


def _day(moment: datetime) -> date:
    return moment.date()


@attrs.define
class Careful:
    """Everything that an initializer can do."""

    id: str = attrs.field(converter=_upper)
    amount: Money = attrs.field(validator=_positive)
    posted_at: date = attrs.field(converter=_day)
    line_items: int = attrs.field(converter=len)
    cents: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.cents = int(self.amount.amount * 100)


def test_the_initializer_of_the_class_is_called() -> None:
    """Converters, validators and what runs after them see what a record holds."""
    (one,) = read(Careful, record(amount=money(Decimal("1.25"))))
    assert (one.id, one.cents, one.posted_at, one.line_items) == ("ACCR_1", 125, date(2026, 6, 11), 2)
    with pytest.raises(ValueError, match="negative"):
        read(Careful, record(amount=money(-1)))


@attrs.frozen
class Parent:
    id: str


RecordId = NewType("RecordId", str)


@attrs.frozen
class Child(Parent):
    source_id: RecordId | None
    version: Any
    memo: Annotated[str | None, "a note"]
    line_items: tuple[LineItem, ...] = ()


def test_inherited_and_annotated_fields() -> None:
    """Fields of a base count, Any takes what is there, and other annotations do no harm."""
    (one,) = read(Child, record(memo="m", source_id="s"))
    assert (one.id, one.source_id, one.version, one.memo, len(one.line_items)) == ("accr_1", "s", 2, "m", 2)
    plain: Any = read(type("Plain", (Child,), {}), record())[0]
    assert type(plain).__name__ == "Plain"


def refused() -> Iterator[tuple[Any, str]]:
    """Classes that cannot be read, and why."""

    def of(**kinds: Any) -> Any:
        return attrs.make_class("Mine", {name: attrs.field(type=kind) for name, kind in kinds.items()})

    yield of(memos=str | None), "Mine.memos is no field of AccountingRecord; did you mean memo?"
    yield of(zzz=int), "Mine.zzz is no field of AccountingRecord"
    yield of(amount=float), "Mine.amount is float; a record holds Money there"
    yield of(amount=Decimal), "Mine.amount is Decimal; a record holds Money there"
    yield of(memo=str), "Mine.memo may be null or left out by Brex; annotate it with | None"
    yield of(memo=int | None), "Mine.memo is int | None; a record holds str | None there"
    yield of(version=float), "Mine.version is float; a record holds int there"
    yield of(version=bool), "Mine.version is bool; a record holds int there"
    yield of(posted_at=str), "Mine.posted_at is str; a record holds datetime there"
    yield of(type=SourceType), "Mine.type is SourceType; a record holds RecordType there"
    yield of(line_items=list[LineItem]), "Mine.line_items is list[LineItem]; a record holds tuple[LineItem, ...] there"
    yield of(line_items=tuple[LineItem]), "Mine.line_items is tuple[LineItem]; a record holds tuple[LineItem, ...]"
    yield of(line_items=LineItem), "Mine.line_items is LineItem; a record holds tuple[LineItem, ...] there"
    yield of(amount=attrs.make_class("Own", {"amount": attrs.field(type=float)})), "Own.amount is float"
    yield of(line_items=tuple[Vendor, ...]), "Vendor.name is no field of LineItem"
    yield of(vendor=Shop), "Mine.vendor may be null"
    yield attrs.make_class("Mine", ["id"]), "Mine.id has no annotation"
    yield OwnInitializer, "OwnInitializer has an initializer of its own"
    yield InheritedInitializer, "InheritedInitializer has an initializer of its own"
    yield attrs.make_class("Mine", {"id": attrs.field(type=str)}, init=False), "Mine has an initializer of its own"
    yield Unseen, "the annotations of Unseen name types that it cannot see"
    for wrong in (dict, "AccountingRecord", None, 5, Generically[int], list[int], Parent("a")):
        yield wrong, "as_type takes an attrs class"


@attrs.define
class OwnInitializer:
    id: str

    def __init__(self) -> None:
        self.id = "mine"


class InheritedInitializer(Parent):
    def __init__(self, text: str) -> None:
        super().__init__(text)


@attrs.define
class Unseen:
    id: Invisible  # type: ignore[name-defined]  # noqa: F821


@attrs.define
class Generically(Generic[T]):
    id: T


@pytest.mark.parametrize(("cls", "reason"), list(refused()))
def test_what_cannot_be_read_is_refused_at_once(cls: Any, reason: str) -> None:
    """The field is named, and what is wrong with it."""
    with pytest.raises(ConfigurationError, match=re.escape(reason)):
        project(cls)


@attrs.frozen
class NamedFirst:
    id: str
    type: object = attrs.field(kw_only=True)
    memo: str | None = None


def test_keyword_only_fields_may_stand_anywhere() -> None:
    """Before positional ones too, as attrs allows."""
    show = project(NamedFirst).show
    assert show is not None
    read = SimpleNamespace(id="a", type="T", memo="m")
    assert show(read) == NamedFirst("a", type="T", memo="m")


def test_classes_made_on_the_fly_are_not_kept_for_ever() -> None:
    """A service that makes a class in each request keeps a bounded number of decoders."""
    for _ in range(600):
        made = attrs.make_class("Made", {"id": attrs.field(type=str)}, frozen=True)
        codec().decode(b'{"id":"a","version":1}', project(made).wire)
    assert len(codec()._passes) <= 256
