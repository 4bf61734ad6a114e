"""A chart's accounts as a Beancount ledger names them."""

from __future__ import annotations

import attrs
import pytest
from beancount.core import account as beancount_account
from hypothesis import given, reject
from hypothesis import strategies as st

from brex_accounting.errors import ConfigurationError
from brex_accounting.posters.beancount.accounts import account_names, is_account

from .booked import CHART
from .charts import chart


@pytest.mark.parametrize(
    ("account", "name"),
    [
        ("6100 Airfare", "Expenses:6100-Airfare"),
        ("7500 Other G&A", "Expenses:7500-Other-G-A"),
        ("_", "Expenses:X"),
        ("travel", "Expenses:Travel"),
        ("Travel:Air fare", "Expenses:Travel:Air-fare"),
        ("Expenses:Travel:Air", "Expenses:Travel:Air"),
        ("Assets:Prepaid:Rent", "Assets:Prepaid:Rent"),
        ("Assets:prepaid rent", "Assets:Prepaid-rent"),
        ("Income", "Expenses:Income"),
        ("Aktiva:Bank", "Expenses:Aktiva:Bank"),
        ("Büromaterial (klein)", "Expenses:Büromaterial-klein"),
        ("漢字", "Expenses:X漢字"),
        ("ß", "Expenses:SS"),
        ("٣ Rent", "Expenses:٣-Rent"),
        ("-- a --", "Expenses:A"),
        ("A::B", "Expenses:A:X:B"),
    ],
)
def test_a_name(account: str, name: str) -> None:
    """What is a Beancount account stays as it is; anything else becomes one that still reads like it."""
    assert account_names(chart(('6100 = "6100 Airfare"', f'6100 = "{account}"')))[account] == name
    assert beancount_account.is_valid(name)
    assert is_account(account) == (account == name)


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=40))
def test_any_name_is_one_that_beancount_takes(text: str) -> None:
    """Whatever people call their accounts, as long as a chart takes it."""
    try:
        books = attrs.evolve(CHART, accounts={**CHART.accounts, "6100": text})
    except ConfigurationError:
        reject()
    try:
        names = account_names(books)
    except ConfigurationError as error:
        assert "would both be" in str(error)  # noqa: PT017 - one of the other accounts of the chart
    else:
        assert beancount_account.is_valid(names[text])
        assert is_account(names[text])


def test_control_accounts_go_below_the_root_of_their_role() -> None:
    """What is owed is a liability, what is on its way an asset, rewards are income; records are coded to expenses."""
    names = account_names(CHART)
    assert {account: names[account] for account in names if account not in CHART.accounts.values()} == {
        "2100 Brex card": "Liabilities:2100-Brex-card",
        "2110 Brex card UK": "Liabilities:2110-Brex-card-UK",
        "2120 Brex card DE": "Liabilities:2120-Brex-card-DE",
        "2200 Owed to staff": "Liabilities:2200-Owed-to-staff",
        "2000 Accounts payable": "Liabilities:2000-Accounts-payable",
        "1050 Clearing": "Assets:1050-Clearing",
        "1300 Owed by staff": "Assets:1300-Owed-by-staff",
        "1000 Bank": "Assets:1000-Bank",
        "4900 Card rewards": "Income:4900-Card-rewards",
    }
    assert {names[account].split(":")[0] for account in CHART.accounts.values()} == {"Expenses"}


def test_a_control_account_that_is_coded_too_keeps_the_root_of_its_role() -> None:
    """One account has one name."""
    names = account_names(chart(('6100 = "6100 Airfare"', '6100 = "1300 Owed by staff"')))
    assert names["1300 Owed by staff"] == "Assets:1300-Owed-by-staff"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ('6210 = "6210 Software"', '6210 = "6200-Software"'),
            'the accounts "6200 Software" and "6200-Software" would both be Expenses:6200-Software',
        ),
        (
            ('6210 = "6210 Software"', '6210 = "Expenses:6200-Software"'),
            'the accounts "6200 Software" and "Expenses:6200-Software" would both be',
        ),
        (
            ('rewards = "4900 Card rewards"', 'rewards = "1300 Owed by staff"'),
            'the account "1300 Owed by staff" has roles that make it Assets:1300-Owed-by-staff and '
            "Income:1300-Owed-by-staff: write it in the chart as the one that it is to be",
        ),
    ],
)
def test_names_that_cannot_be_told_apart_are_refused(change: tuple[str, str], words: str) -> None:
    """Two accounts of one name, or two names of one account: the words say which, and what to do."""
    with pytest.raises(ConfigurationError) as caught:
        account_names(chart(change))
    assert words in str(caught.value)


def test_what_was_refused_is_mended_in_the_chart() -> None:
    """Written as a Beancount account, one that has two roles has one name."""
    changes = [(f'"{old}"', '"Assets:Staff"') for old in ("4900 Card rewards", "1300 Owed by staff")]
    assert account_names(chart(*changes))["Assets:Staff"] == "Assets:Staff"
