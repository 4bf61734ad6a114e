"""A chart to begin with: what it says comes from the records, and what is left to a person is named line by line."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting.enums import RecordType
from brex_accounting.errors import ConfigurationError
from brex_accounting.models import AccountingFieldValue, AccountingRecord
from brex_accounting.posters.chart import Chart
from brex_accounting.posters.chart_file import parse_chart
from brex_accounting.preview import Usage, read_usage, starter_chart
from brex_accounting.sandbox import lifelike_chart, make_seed

from ..posters.booked import booked, coding, record
from ..sync.world import World
from .coded import content

LIFELIKE = parse_chart(lifelike_chart())


def usage_of(*records: AccountingRecord) -> Usage:
    usage = Usage()
    for one in records:
        usage.add(one)
    return usage


def open_lines(text: str) -> list[int]:
    """The lines that a person has to fill in."""
    lines = enumerate(text.split("\n"), 1)
    return [number for number, line in lines if "?" in tomllib.loads(line).values()]


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        parse_chart(text)
    return str(refused.value).splitlines()


def test_each_open_place_is_one_mistake_with_its_line() -> None:
    """Nothing else is wrong with a starter, and nothing that only a person knows is guessed."""
    text = starter_chart(usage_of(record(), record("BILL_EXPENSE", values=coding("6200"))))
    found = mistakes(text)
    assert [int(one.split(":")[1]) for one in found] == open_lines(text)
    assert all('still "?"' in one for one in found)
    assert "chart.toml:" in found[0]
    assert found[0].endswith('post_from is still "?": the first day whose records are posted')
    assert found[-1].endswith('accounts.6200 is still "?": give an account of the books')
    assert len(found) == 1 + 1 + 3 + 6 + 2


def test_filled_in_it_books_a_lifelike_month_as_the_companys_own_chart_does() -> None:
    """With the accounts of the company, and the guesses taken: the same entries, and the same refusals."""
    made = make_seed("lifelike", records=900, seed=11)
    records = [made.record(at) for at in range(len(made))]
    chart = parse_chart(filled_in(starter_chart(usage_of(*records)), LIFELIKE))
    assert attrs.evolve(chart, vendors=None, currencies=LIFELIKE.currencies) == LIFELIKE
    for one in records:
        assert booked(one, chart) == booked(one, LIFELIKE)


def filled_in(text: str, books: Chart) -> str:
    """What a person does: fills in each "?", and takes the guesses."""
    roles = {role: account for role, account in books.control.items() if role != "bank"}
    for name, value in {**roles, **books.accounts}.items():
        text = re.sub(rf'^("?{name}"?) = "\?"', rf'\1 = "{value}"', text, flags=re.MULTILINE)
    for name, value in (
        ("post_from", str(books.post_from)),
        ("reimbursements", '"accrual"'),
        *((switch, '"post"') for switch in ("card_payments", "payins", "bill_payments")),
    ):
        text = text.replace(f'{name} = "?"', f"{name} = {value}")
    text = text.replace('# bank = "..."', 'bank = "1000 Bank"')
    for guess in ("closed_through", "on_closed", "entity_field", "required_fields", "currencies", "[entities"):
        text = text.replace(f"\n# {guess}", f"\n{guess}")
    for entity, own in (books.entities or {}).items():
        lines = "".join(f'\n{role} = "{account}"' for role, account in own.items())
        text = re.sub(rf'(\n\[entities."{entity}"\].*)', rf"\1{lines}", text)
    return text


def test_guesses_stand_beside_their_numbers() -> None:
    """Fields, entities, types and currencies with how often they are used, and by which record."""
    made = make_seed("lifelike", records=900, seed=7)
    text = starter_chart(usage_of(*(made.record(at) for at in range(len(made)))))
    assert 'account_field = "GL_ACCOUNT"  # GL Account, on ' in text
    assert re.search(
        r'^# entity_field = "ENTITY"  # perhaps: Entity, on [\d,]+ lines, such as LWI \(', text, re.MULTILINE
    )
    assert '# tax_field = "..."' in text
    assert '# required_fields = ["DEPARTMENT"]' in text
    assert re.search(
        r'^# \[entities."LWU"\]  # Larkmoor Works UK Ltd: on \d+ lines, such as one of accr_', text, re.MULTILINE
    )
    assert re.search(r'^# currencies = \["USD", "GBP", "EUR", "CAD"\]  # \d+ USD, ', text, re.MULTILINE)
    assert re.search(r'^card_payments = "\?"  # \d+ CARD_PAYMENT$', text, re.MULTILINE)
    assert re.search(r"^# There is no posting rule for BILL_MONEY_MOVEMENT_PAYIN: \d+ record", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"GL_ACCOUNT": "GL Account"}, ("GL_ACCOUNT", None, None)),
        ({"f_1": "Ledger account", "f_2": "Subsidiary", "f_3": "VAT code"}, ("f_1", "f_2", "f_3")),
        ({"f_1": "Colour"}, (None, None, None)),
    ],
)
def test_what_is_guessed(names: dict[str, str], expected: tuple[str | None, ...]) -> None:
    """By the words in a field's id or name; where none fits, nothing."""
    values = tuple(
        AccountingFieldValue(brex_field_id=f"ef_{one}", remote_field_id=one, field_name=name, brex_field_value_id="v")
        for one, name in names.items()
    )
    text = starter_chart(usage_of(record(values=values)))
    for key, field in zip(("account_field", "# entity_field", "# tax_field"), expected, strict=True):
        blank = "?" if key == "account_field" else "..."
        assert f'\n{key} = "{field or blank}"' in text


def test_what_is_used_under_two_ids_is_one_field() -> None:
    """A field that Brex sends with the id of the books on some lines, and without on others."""
    bare = AccountingFieldValue(brex_field_id="ef_GL_ACCOUNT", brex_field_value_id="efo_6100")
    usage = usage_of(record(), record(values=(bare,)))
    [account] = [one for one in usage.fields.values() if one.id == "GL_ACCOUNT"]
    assert (account.lines, [(one.id, one.count) for one in account.values.values()]) == (2, [("6100", 2)])


def test_what_a_chart_cannot_name_is_a_comment() -> None:
    """A value that is the open place itself, one that is not printable, and one that stands there already."""
    values = [
        AccountingFieldValue(
            brex_field_id="gl", remote_field_id="GL_ACCOUNT", brex_field_value_id=brex, remote_field_value_id=remote
        )
        for brex, remote in (("efo_1", "6100"), ("efo_2", "6100"), ("efo_3", "?"), ("efo_4", "61\n00"))
    ]
    text = starter_chart(usage_of(*(record(values=(one,)) for one in values)))
    assert [line[:6] for line in text.splitlines() if line.startswith(('"', '# "')) and ' = "?"' in line] == [
        *('# "61 ', '"6100"', '# "610', '# "?" '),
    ]
    assert [one for one in mistakes(text) if "accounts." in one] == [
        f'chart.toml:{len(text.splitlines()) - 2}: accounts.6100 is still "?": give an account of the books'
    ]


def test_no_records_at_all() -> None:
    """There is still a chart to begin with."""
    text = starter_chart(Usage())
    assert len(mistakes(text)) == 13
    assert "the 0 records" in text


TEXTS = st.text(max_size=20) | st.sampled_from(
    ["?", " x ", 'a"b', "a\\b", "a\nb", "=", "#", "\x7f", "6100.10", "'", "é"]
)


@given(
    st.lists(st.tuples(TEXTS, TEXTS, st.none() | TEXTS, TEXTS, st.none() | TEXTS), min_size=1, max_size=6),
    TEXTS,
    TEXTS,
)
def test_any_text_makes_a_chart(fields: list[Any], vendor: str, kind: str) -> None:
    """Whatever ids and names Brex sends: TOML, and each mistake is a place to fill in, on its own line."""
    values = tuple(
        AccountingFieldValue(
            brex_field_id=f"gl {brex}",
            remote_field_id=remote or None,
            field_name=name,
            brex_field_value_id=value or "v",
            field_value_name=label,
        )
        for brex, remote, name, value, label in fields
    )
    one = attrs.evolve(record("BILL_EXPENSE", values=values), id=f"accr_{vendor}")
    assert one.vendor is not None
    named = attrs.evolve(one, vendor=attrs.evolve(one.vendor, id=vendor, name=kind))
    text = starter_chart(usage_of(named, attrs.evolve(one, type=RecordType(kind or "x"))))
    tomllib.loads(text)
    found = mistakes(text)
    assert [int(line.split(":")[1]) for line in found if 'still "?"' in line] == open_lines(text)
    assert [line for line in found if 'still "?"' not in line and "accounts is empty" not in line] == []


async def test_every_record_is_read(world: World) -> None:
    """Of every status, bills included; what cannot be read is counted apart and said."""
    for number, status in enumerate(("PREPARE", "REVIEW", "READY_FOR_EXPORT", "EXPORTED")):
        world.put(f"accr_{number}", **content(), review_status=status)
    world.put("accr_bill", **content() | {"source_type": "BILL", "type": "BILL_EXPENSE"})
    world.put("accr_bad", **content())
    world.broken.add("accr_bad")
    usage = await read_usage(world.brex)
    assert (usage.records, usage.unreadable, usage.coded_lines) == (5, 1, 5)
    assert "1 record could not be read" in starter_chart(usage)
