"""A chart from TOML: what a good one holds, and every mistake as one clear line with its number."""

from __future__ import annotations

import pickle
from datetime import date

import attrs
import pytest

from brex_accounting.errors import ConfigurationError
from brex_accounting.posters import chart_file
from brex_accounting.posters.chart import Chart
from brex_accounting.posters.chart_file import parse_chart
from brex_accounting.posters.rule_table import RULES, ByHand, Role, roles_in, used_rules

from .charts import GOOD, changed, chart

REQUIRED = {
    "post_from": "the first day whose records are posted",
    "reimbursements": '"accrual" books them when approved, "cash" when paid',
    "card_payments": '"post", or "skip" where the bank feed of the books brings them',
    "payins": '"post", or "skip" where the bank feed of the books brings them',
    "bill_payments": '"post", or "skip" where the bank feed of the books brings them',
    "account_field": "the field whose value is the GL account, by its remote or Brex id",
}
DAY = "must be a day, without quotes and without a time: 2026-06-01"
EMPTY = "must not be empty, nor have blanks around it or line breaks in it"
ROLES = "cards_payable, reimbursements_payable, accounts_payable, bank_clearing, rewards, employee_receivable, bank"

# What is exchanged in the good chart, and the lines of the error, without the file's name.
MISTAKES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "date as text": ("= 2026-06-01", '= "2026-06-01"', (f"2: post_from {DAY}",)),
    "time": ("= 2026-05-31", "= 2026-05-31T12:00:00Z", (f"3: closed_through {DAY}",)),
    "no such word": ('"reject"', '"Reject"', ('4: on_closed must be "reject" or "next_open"',)),
    "basis": ('"accrual"', '"both"', ('5: reimbursements must be "accrual" or "cash"',)),
    "switch": ('card_payments = "post"', "card_payments = true", ('6: card_payments must be "post" or "skip"',)),
    "unknown key": (
        "tax_field",
        "tax_feild",
        ("11: tax_feild is no key of a chart: did you mean tax_field?",),
    ),
    "misspelt and so missing": (
        "payins =",
        "Pay-ins =",
        (f"1: payins is missing: {REQUIRED['payins']}", "7: Pay-ins is no key of a chart: did you mean payins?"),
    ),
    "number for an account": (
        '"2100 Brex card"',
        "2100",
        ('22: control.cards_payable must be a text: put quotes around it, "2100"',),
    ),
    "truth for an account": ('"1000 Bank"', "true", ("28: control.bank must be a text in quotes",)),
    "blanks": ('"4900 Card rewards"', '" 4900"', (f"26: control.rewards {EMPTY}",)),
    "empty": ('"GL_ACCOUNT"', '""', (f"9: account_field {EMPTY}",)),
    "line break": ('"2110 Brex card UK"', '"2110\\nUK"', (f"33: entities.LWU.cards_payable {EMPTY}",)),
    "unknown role": (
        'rewards = "4900 Card rewards"',
        'reward = "4900"',
        ("26: control.reward is no control account: did you mean rewards?",),
    ),
    "nothing like a role": (
        'rewards = "4900 Card rewards"',
        'xyz = "4900"',
        (f"26: control.xyz is no control account: there are {ROLES}",),
    ),
    "role missing": (
        'rewards = "4900 Card rewards"\n',
        "",
        tuple(
            f"{line}: entities.{name} has no rewards: give an account in [entities.{name}], or for all in [control]"
            for line, name in ((29, "LWI"), (31, "LWU"), (34, "LWG"))
        ),
    ),
    "text for a list": (
        '["DEPARTMENT"]',
        '"DEPARTMENT"',
        ('12: required_fields must be a list of texts: ["...", "..."]',),
    ),
    "number in a list": ('"EUR"', "7", ('16: currencies must be a text: put quotes around it, "7"',)),
    "twice in a list": ('"EUR"', '"GBP"', ("16: currencies names GBP twice",)),
    "currency in lower case": (
        '"EUR"',
        '"eur"',
        ("16: currencies names eur, which is no currency of ISO 4217: did you mean EUR?",),
    ),
    "no currency": ('"CAD"', '"XAU"', ("17: currencies names XAU, which is no currency of ISO 4217",)),
    "inactive and unknown": (
        '["6710 Utilities"]',
        '["6710 Utilities", "6711"]',
        ("19: inactive names 6711, which is no account of this chart",),
    ),
    "inactive control": (
        '["6710 Utilities"]',
        '["2110 Brex card UK"]',
        ("33: entities.LWU.cards_payable is 2110 Brex card UK, which is inactive",),
    ),
    "entities without their field": (
        'entity_field = "ENTITY"\n',
        "",
        ("29: entities needs entity_field: the field that names a record's entity",),
    ),
    "one field for two": ('"TAX"', '"ENTITY"', ("11: tax_field and entity_field are the same field",)),
    "one account on both sides": (
        '"2110 Brex card UK"',
        '"2000 Accounts payable"',
        (
            "33: entities.LWU: accounts_payable and cards_payable are both 2000 Accounts payable, "
            "so that BILL_EXPENSE_CARD_PAYMENT books nothing",
        ),
    ),
    "one account on both sides of all that have none of their own": (
        '"2000 Accounts payable"',
        '"2100 Brex card"',
        (
            "30: entities.LWI: accounts_payable and cards_payable are both 2100 Brex card, "
            "so that BILL_EXPENSE_CARD_PAYMENT books nothing",
        ),
    ),
    "an account for nothing": ('6100 = "6100 Airfare"', '6100 = ""', (f"39: accounts.6100 {EMPTY}",)),
    "twice mapped": ("6110 =", "6100 =", ("40: accounts.6100 is given twice, first on line 39",)),
    "table twice": ("[entities.LWG]", "[entities.LWU]", ("35: entities.LWU is given twice, first on line 32",)),
    "no limit": ('on_closed = "reject"', "longest_memo = 0", ("4: longest_memo must be a whole number from 1 on",)),
    "table for a text": (
        '"TAX"',
        "{ name = 1 }",
        ("11: tax_field must be a text: put quotes around a key that has a dot in it",),
    ),
    "text for a table": (
        "[entities.LWI]\n",
        '[entities]\nLWI = "2100"\n',
        ("31: entities.LWI must be a table: [entities.LWI]",),
    ),
    "a dot without quotes": (
        '6110 = "6110 Lodging"',
        '6110.10 = "6110 Lodging"',
        ("40: accounts.6110 must be a text: put quotes around a key that has a dot in it",),
    ),
    "fraction for an account": ('"1000 Bank"', "1000.10", ("28: control.bank must be a text in quotes",)),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_one_line_with_its_number(name: str) -> None:
    """File, line, key, and what to write instead: nothing else, whatever is wrong."""
    old, new, expected = MISTAKES[name]
    with pytest.raises(ConfigurationError) as caught:
        parse_chart(changed((old, new)), "books/chart.toml")
    assert str(caught.value).splitlines() == [f"books/chart.toml:{line}" for line in expected]


@pytest.mark.parametrize("name", REQUIRED)
def test_what_must_be_there_is_asked_for(name: str) -> None:
    """What is missing is said with what it is for, on the first line."""
    text = "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith(f"{name} ="))
    with pytest.raises(ConfigurationError) as caught:
        parse_chart(text)
    assert str(caught.value) == f"chart.toml:1: {name} is missing: {REQUIRED[name]}"


def test_all_mistakes_are_told_at_once_in_the_order_of_lines() -> None:
    """Five different mistakes are five lines; a mistake in one table does not hide one in another."""
    text = changed(
        ("= 2026-06-01", '= "2026-06-01"'),
        ('"reject"', '"never"'),
        ('"EUR"', '"EUX"'),
        ('"1000 Bank"', "1000"),
        ('6700 = "6700 Rent"', "6700 = 6700"),
    )
    with pytest.raises(ConfigurationError) as caught:
        parse_chart(text)
    assert [line.split(" ")[:2] for line in str(caught.value).splitlines()] == [
        ["chart.toml:2:", "post_from"],
        ["chart.toml:4:", "on_closed"],
        ["chart.toml:16:", "currencies"],
        ["chart.toml:28:", "control.bank"],
        ["chart.toml:54:", "accounts.6700"],
    ]


def test_an_empty_chart_names_everything_that_is_missing() -> None:
    """Each required key, and each control account that every chart needs."""
    with pytest.raises(ConfigurationError) as caught:
        parse_chart("")
    named = [line.removeprefix("chart.toml:1: ") for line in str(caught.value).splitlines()]
    expected = {f"{name} is missing: {why}" for name, why in REQUIRED.items()}
    assert expected < set(named)
    (control,) = [line for line in named if line.startswith("control has no ")]
    assert all(role.value in control for role in Role if role is not Role.BANK)
    assert any(line.startswith("accounts is missing: ") for line in named)
    assert len(named) == len(expected) + 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("post_from = \n", 1),
        ("a = 1\nb = [1,\n2\nc = 3\n", 4),
        ('a = 1\n\nb = "no end\nc = 1\n', 3),
        ("a = 1\nb\n", 2),
        ('x = """never\nclosed\n\n', 2),
        ("a = 1\r\n= 2\r\n", 2),
        ("a = 1\na = 2\n", 2),
        ("[t]\nx = 1\n[t]\n", 3),
    ],
)
def test_what_is_no_toml_is_one_line_with_its_number(text: str, line: int) -> None:
    """A file that cannot be read says where it stops making sense."""
    with pytest.raises(ConfigurationError) as caught:
        parse_chart(text)
    words = str(caught.value)
    assert words.startswith(f"chart.toml:{line}: ")
    assert "\n" not in words
    assert caught.value.__cause__ is None


def test_depth_and_length_without_end_are_refused_in_words() -> None:
    """A number of many thousand digits and brackets without end are no crash."""
    for text in ("a = " + "9" * 20_000, "a = " + "[" * 50_000):
        with pytest.raises(ConfigurationError, match=r"^chart\.toml:1: ") as caught:
            parse_chart(text)
        assert len(str(caught.value)) < 200


def test_a_good_chart_holds_what_was_written() -> None:
    """Days, words, lists and tables as in the file; what is not there has its default."""
    made = chart()
    assert (made.post_from, made.closed_through, made.on_closed) == (date(2026, 6, 1), date(2026, 5, 31), "reject")
    assert (made.reimbursements, made.card_payments, made.payins, made.bill_payments) == (
        "accrual",
        "post",
        "post",
        "post",
    )
    assert (made.account_field, made.entity_field, made.tax_field) == ("GL_ACCOUNT", "ENTITY", "TAX")
    assert made.currencies == ("USD", "GBP", "EUR", "CAD")
    assert (made.required_fields, made.inactive, made.vendors) == (("DEPARTMENT",), ("6710 Utilities",), None)
    assert (made.accounts["6410"], made.accounts["6400"], len(made.accounts)) == ("6400 Meals", "6400 Meals", 20)
    assert (made.amortization, made.longest_memo, made.most_lines) == ("reject", None, None)
    assert made.control_account(Role.CARDS_PAYABLE, None) == "2100 Brex card"
    assert made.control_account(Role.CARDS_PAYABLE, "LWI") == "2100 Brex card"
    assert made.control_account(Role.CARDS_PAYABLE, "LWU") == "2110 Brex card UK"
    assert made.control_account(Role.BANK, "LWU") == "1000 Bank"


def test_line_ends_and_byte_order_marks_change_nothing() -> None:
    """A file saved on Windows is the same chart, and its mistakes are on the same lines."""
    assert parse_chart("\ufeff" + GOOD.replace("\n", "\r\n")) == chart()
    with pytest.raises(ConfigurationError, match=r"^chart\.toml:28: "):
        parse_chart("\ufeff" + changed(('"1000 Bank"', "1000")).replace("\n", "\r\n"))


def test_closed_periods() -> None:
    """The last closed day is closed, the next one is open; without one every day is open."""
    made = chart()
    assert [made.is_closed(date(2026, 5, 31)), made.is_closed(date(2026, 6, 1))] == [True, False]
    assert made.first_open(date(2025, 1, 1)) == date(2026, 6, 1)
    assert made.first_open(date(2026, 6, 2)) == date(2026, 6, 2)
    opened = chart(("closed_through = 2026-05-31\n", ""))
    assert not opened.is_closed(date.min)
    assert opened.first_open(date(2025, 1, 1)) == date(2025, 1, 1)


def test_only_accounts_that_are_used_are_asked_for() -> None:
    """The bank itself is needed where payins are posted, and nowhere else."""
    without = ('bank = "1000 Bank"\n', "")
    assert chart(without, ('payins = "post"', 'payins = "skip"')).control_account(Role.BANK, None) is None
    with pytest.raises(ConfigurationError, match="has no bank"):
        chart(without)


def test_one_account_on_both_sides_is_no_mistake_where_no_rule_has_both() -> None:
    """Cards and suppliers may not share an account, staff and suppliers may."""
    assert chart(('"2200 Owed to staff"', '"2000 Accounts payable"'))


def test_a_chart_made_in_python_is_held_to_the_same() -> None:
    """A chart with mistakes cannot be made; copies of a good one can, and they stay as they are."""
    good = chart()
    with pytest.raises(ConfigurationError, match=r'^on_closed must be "reject" or "next_open"$'):
        attrs.evolve(good, on_closed="maybe")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"^accounts is empty: "):
        attrs.evolve(good, accounts={})
    with pytest.raises(ConfigurationError, match=r"^entity_field needs the control accounts of each entity"):
        attrs.evolve(good, entities=None)
    with pytest.raises(ConfigurationError, match=r"^accounts must be a table"):
        attrs.evolve(good, accounts="6100")  # type: ignore[arg-type]
    mine = {"6100": "6100 Airfare"}
    kept = attrs.evolve(good, accounts=mine, inactive=())
    mine["6100"] = "changed behind its back"
    assert kept.accounts == {"6100": "6100 Airfare"}
    with pytest.raises(TypeError):
        kept.accounts["6100"] = "changed"  # type: ignore[index]
    assert Chart(**attrs.asdict(good, recurse=False)) == good


def test_the_table_of_rules_can_be_read_to_the_end() -> None:
    """Every rule that posts needs roles; with every switch on and either basis all but three types post or pair."""
    switches = {"card_payments": "post", "payins": "post", "bill_payments": "post"}
    used = {kind for basis in ("accrual", "cash") for kind, _ in used_rules(basis=basis, switches=switches)}  # type: ignore[arg-type]
    assert set(RULES) - used == {kind for kind, rule in RULES.items() if isinstance(rule, ByHand)}
    assert {role for rule in RULES.values() if not isinstance(rule, ByHand) for role in roles_in(rule)} == set(Role)


def test_mistakes_travel_between_processes() -> None:
    """The error can be pickled, as every error of the package."""
    with pytest.raises(ConfigurationError) as caught:
        parse_chart("")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_the_example_of_the_docstring_is_a_chart() -> None:
    """What the reference shows can be copied."""
    shown = [line[4:] for line in str(chart_file.__doc__).splitlines() if line.startswith("    ") or not line]
    made = parse_chart("\n".join(shown))
    assert made.control_account(Role.CARDS_PAYABLE, "UK") == "2110"
    assert made.accounts == {"6100": "6100 Airfare"}
