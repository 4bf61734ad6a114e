"""The books without HTTP: what is booked, what is refused, what the totals say."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting.testing.erp import Document, Draft, DraftLine, Options, Order, Side, Status, parse_order
from brex_accounting.testing.erp.books import Books
from brex_accounting.testing.erp.counting import count, is_balanced, summarize
from brex_accounting.testing.erp.options import changed, parse_setting
from brex_accounting.testing.erp.orders import Orders
from brex_accounting.testing.erp.refusal import Refused
from brex_accounting.testing.erp.values import Attachment, read_draft

from .support import entry, line

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def draft(**content: Any) -> Draft:
    return read_draft(msgspec.json.encode(entry(**content)))


def book(books: Books, wanted: Draft) -> Document:
    decision = books.create(wanted, NOW)
    for document in decision.writes:
        books.put(document)
    return decision.answer


def refusal(books: Books, wanted: Draft) -> tuple[int, str, str | None]:
    with pytest.raises(Refused) as caught:
        books.create(wanted, NOW)
    return caught.value.status, caught.value.code, caught.value.field


@pytest.mark.parametrize(
    ("options", "content", "expected"),
    [
        (Options(closed_through=date(2026, 6, 2)), {}, (422, "period_closed", "date")),
        (Options(accounts=("6100",)), {}, (422, "account_not_found", "lines[1].account")),
        (Options(inactive=("6100",)), {}, (422, "account_inactive", "lines[0].account")),
        (Options(vendors=("v1",)), {"vendor": "v2"}, (422, "vendor_not_found", "vendor")),
        (Options(currencies=("EUR",)), {}, (422, "currency_not_enabled", "lines[0].currency")),
        (Options(longest_memo=3), {"memo": "four"}, (422, "field_too_long", "memo")),
        (Options(), {"lines": [line("DEBIT", "1"), line("CREDIT", "1.01")]}, (422, "unbalanced", "lines")),
        (Options(), {"lines": [line("DEBIT", "0")]}, (422, "unbalanced", "lines")),
        (Options(), {"lines": []}, (422, "unbalanced", "lines")),
        (
            Options(),
            {"lines": [line("DEBIT", "1"), line("CREDIT", "1", currency="EUR")]},
            (422, "unbalanced", "lines"),
        ),
        (Options(), {"supersedes": "nobody"}, (422, "document_not_found", "supersedes")),
    ],
)
def test_what_the_books_refuse(
    options: Options, content: dict[str, Any], expected: tuple[int, str, str | None]
) -> None:
    """Each refusal has its code and names the field; the same entry is booked once the cause is gone."""
    assert refusal(Books(options), draft(**content)) == expected
    if options != Options():
        assert book(Books(Options()), draft(**content)).status == Status.POSTED


@pytest.mark.parametrize(
    "amount", ["-1", "+1", "01", "1.", ".5", "1e3", "NaN", "Infinity", "1_000", " 1", "1\n", "1.0000001", "٣", ""]
)
def test_amounts_are_plain_decimals(amount: str) -> None:
    """Anything but digits with at most six behind a point is malformed."""
    with pytest.raises(Refused) as caught:
        draft(amount=amount)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("content", "header", "code"),
    [
        ({"key": "k" * 51}, None, "field_too_long"),
        ({"key": None}, "k" * 51, "field_too_long"),
        ({"number": "n" * 22}, None, "field_too_long"),
        ({"key": "one"}, "another", "invalid"),
        ({"kee": "x"}, None, "invalid"),
        ({"lines": [line("DEBIT", "1", acount="6100")]}, None, "invalid"),
        ({"day": 5, "date": "2026-02-30"}, None, "invalid"),
    ],
)
def test_what_is_no_draft(content: dict[str, Any], header: str | None, code: str) -> None:
    """Long keys and numbers, two keys, and names that there are not."""
    with pytest.raises(Refused) as caught:
        read_draft(msgspec.json.encode({**entry(), **content}), header)
    assert caught.value.code == code


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b"null", b'{"date":"2026-01-01"}'])
def test_what_is_not_json_for_a_draft(data: bytes) -> None:
    """A body that is no entry at all is a 400, never a failure."""
    with pytest.raises(Refused) as caught:
        read_draft(data)
    assert caught.value.status == 400


def test_a_known_key_gives_the_first_document() -> None:
    """Also when its period was closed meanwhile, when it was updated, and when it was voided."""
    books = Books(Options())
    first = book(books, draft())
    books.options = Options(closed_through=date(2026, 12, 31))
    assert book(books, draft()) == first
    books.options = Options()
    books.put(books.update(first.id, draft(memo="changed")).answer)
    books.put(books.void(first.id).answer)
    assert book(books, draft()).id == first.id
    assert refusal(books, draft(memo="changed")) == (409, "key_reused", "key")
    assert len(books.all()) == 1


def test_without_keys_every_create_is_a_document() -> None:
    """An ERP with dedupe "none" takes the key, and makes a second document."""
    books = Books(Options(dedupe="none", lookup="number"))
    made = [book(books, draft(number="N-1", record="accr_1", revision=1)).id for _ in range(2)]
    assert [found.id for found in books.look_up("number", "N-1")] == made
    assert count(books.all()).doubled == ("N-1", "accr_1.1")
    with pytest.raises(Refused):
        books.look_up("key", "accr_1.1")


def test_superseding_moves_the_totals_in_one_step() -> None:
    """The new document and the old one's end are one decision; the totals hold the new content alone."""
    books = Books(Options())
    old = book(books, draft(record="accr_1", revision=1))
    decision = books.create(draft(key="accr_1.2", amount="99", supersedes="accr_1.1", record="accr_1", revision=2), NOW)
    assert [(document.id, document.status) for document in decision.writes] == [
        (old.id, Status.SUPERSEDED),
        (decision.answer.id, Status.POSTED),
    ]
    for document in decision.writes:
        books.put(document)
    assert str(summarize(books.all()).accounts["6100"]["USD"].debit) == "99"
    counts = count(books.all())
    assert (counts.doubled, counts.lost({"accr_1": 2}), counts.standing) == ((), (), {"accr_1": 1})
    assert counts.lost({"accr_1": 3, "accr_2": 1}) == ("accr_1", "accr_2")


def test_superseding_waits_for_an_open_period() -> None:
    """A document in a closed period is not replaced, whatever the date of the new one."""
    books = Books(Options())
    book(books, draft(day="2026-05-31"))
    books.options = Options(closed_through=date(2026, 5, 31))
    assert refusal(books, draft(key="accr_1.2", supersedes="accr_1.1"))[1] == "period_closed"


def test_a_reversal_nets_to_zero_and_is_made_once() -> None:
    """Both documents count, every account's net is zero, and a second reversal is the first one."""
    books = Books(Options(closed_through=date(2026, 5, 31)))
    books.options = Options()
    old = book(books, draft(day="2026-05-31", record="accr_1", revision=1))
    books.options = Options(closed_through=date(2026, 5, 31))
    decision = books.reverse(old.id, date(2026, 6, 1), NOW)
    for document in decision.writes:
        books.put(document)
    assert books.reverse(old.id, date(2026, 6, 1), NOW).answer == decision.answer
    summary = summarize(books.all())
    assert (summary.documents, {sides["USD"].net for sides in summary.accounts.values()}) == (2, {Decimal(0)})
    counts = count(books.all())
    assert (counts.doubled, counts.lost({"accr_1": 1})) == ((), ("accr_1",))


@pytest.mark.parametrize("act", ["update", "void"])
def test_closed_and_finished_documents_stay_as_they_are(act: str) -> None:
    """Neither a document in a closed period nor a superseded one is updated or voided."""
    books = Books(Options())
    old = book(books, draft())

    def acting() -> None:
        books.update(old.id, draft(memo="x")) if act == "update" else books.void(old.id)

    books.options = Options(closed_through=date(2026, 6, 30))
    with pytest.raises(Refused, match="period_closed"):
        acting()
    books.options = Options()
    books.put(attrs.evolve(old, status=Status.SUPERSEDED))
    with pytest.raises(Refused, match="not_open"):
        acting()


def test_the_same_file_twice_is_two_files() -> None:
    """An ERP does not know that it has a file already; whoever attaches looks first."""
    books = Books(Options())
    document = book(books, draft())
    for _ in range(2):
        books.put(books.attach(document.id, Attachment(name="a.pdf", sha256="0" * 64, size=3)).answer)
    assert summarize(books.all()).attachments == 2


AMOUNTS = st.decimals(min_value=0, max_value=10**19, places=6).map(lambda amount: f"{amount:f}")
LINES = st.lists(
    st.builds(
        DraftLine,
        account=st.sampled_from(["1000", "6100"]),
        side=st.sampled_from(Side),
        amount=AMOUNTS,
        currency=st.sampled_from(["USD", "BHD"]),
    ),
    max_size=8,
)


@given(LINES)
def test_totals_are_exact(lines: list[DraftLine]) -> None:
    """The totals and the balance are what fractions say, to the last digit of any amount."""
    document = Document(id="1", draft=Draft(date=date(2026, 1, 1), lines=tuple(lines)), created_at=NOW)
    totals = summarize([document]).accounts
    nets = {"USD": Fraction(), "BHD": Fraction()}
    for found in lines:
        nets[found.currency] += Fraction(found.amount) * (1 if found.side == Side.DEBIT else -1)
    for currency, net in nets.items():
        assert sum(Fraction(sides[currency].net) for sides in totals.values() if currency in sides) == net
    both = {found.side for found in lines} == set(Side)
    assert is_balanced(lines) == (both and not any(nets.values()))


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("500", Order(kind="500", next=1)),
        ("drop:every=7", Order(kind="drop", every=7)),
        ("late:at=2:seconds=3", Order(kind="late", at=2, seconds=3)),
    ],
)
def test_orders_as_text(text: str, order: Order) -> None:
    """KIND alone is the next one; numbers have names."""
    assert parse_order(text) == order


@pytest.mark.parametrize("text", ["", "600", "500:2", "500:next=0", "500:next=x", "500:next=1:at=2", "late:next=-1"])
def test_wrong_orders_are_refused(text: str) -> None:
    """Unknown kinds, no number, zero, two ways to count."""
    with pytest.raises(ValueError, match=r"kinds are|is written|whole number"):
        parse_order(text)


def test_orders_count_what_they_are_for() -> None:
    """Requests by path and method, commits for the crashes, each order on its own."""
    orders = Orders(
        [
            Order(kind="500", at=2, path="/void", method="POST"),
            Order(kind="429", every=3),
            Order(kind="crash-after", at=2),
        ]
    )
    asked = [("GET", "/void"), ("POST", "/void"), ("POST", "/void"), ("POST", "/x"), ("POST", "/void"), ("GET", "/x")]
    struck = [orders.on_request(*request) for request in asked]
    assert [order and order.kind for order in struck] == [None, None, "500", None, None, "429"]
    assert [orders.on_commit() for _ in range(3)] == [None, "crash-after", None]
    orders.clear()
    assert orders.on_request("GET", "/x") is None


@pytest.mark.parametrize(
    "changes",
    [{"nope": 1}, {"dedupe": "maybe"}, {"rate_limit": 0}, {"closed_through": "June"}, {"accounts": "6100"}],
)
def test_wrong_options_are_refused(changes: dict[str, object]) -> None:
    """Unknown names and values of the wrong kind."""
    with pytest.raises(ValueError, match=r"no option|\$\."):
        changed(Options(), changes)


def test_settings_are_json_or_text() -> None:
    """A date needs no quotes, a list is JSON."""
    settings = dict(map(parse_setting, ["closed_through=2026-05-31", 'accounts=["1","2"]', "rate_limit=null"]))
    assert changed(Options(rate_limit=5), settings) == Options(closed_through=date(2026, 5, 31), accounts=("1", "2"))
