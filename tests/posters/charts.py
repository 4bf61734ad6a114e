"""A chart as an accountant writes it, for the lifelike company."""

from __future__ import annotations

from brex_accounting.posters.chart import Chart
from brex_accounting.posters.chart_file import parse_chart

GOOD = """\
# The books of Larkmoor Works.
post_from = 2026-06-01
closed_through = 2026-05-31
on_closed = "reject"
reimbursements = "accrual"
card_payments = "post"
payins = "post"
bill_payments = "post"
account_field = "GL_ACCOUNT"
entity_field = "ENTITY"
tax_field = "TAX"
required_fields = ["DEPARTMENT"]
currencies = [
    "USD",
    "GBP",  # the UK company
    "EUR",
    "CAD",
]
inactive = ["6710 Utilities"]

[control]
cards_payable = "2100 Brex card"
reimbursements_payable = "2200 Owed to staff"
accounts_payable = "2000 Accounts payable"
bank_clearing = "1050 Clearing"
rewards = "4900 Card rewards"
employee_receivable = "1300 Owed by staff"
bank = "1000 Bank"

[entities.LWI]

[entities.LWU]
cards_payable = "2110 Brex card UK"

[entities.LWG]
cards_payable = "2120 Brex card DE"

[accounts]
6100 = "6100 Airfare"
6110 = "6110 Lodging"
6120 = "6120 Ground transport"
6200 = "6200 Software"
6210 = "6210 Software"
6300 = "6300 Office supplies"
6310 = "6310 Small equipment"
6320 = "6320 Postage"
6400 = "6400 Meals"
6410 = "6400 Meals"
6500 = "6500 Advertising"
6510 = "6510 Events"
6600 = "6600 Legal fees"
6610 = "6610 Contractors"
6620 = "6620 Recruiting"
6700 = "6700 Rent"
6710 = "6710 Utilities"
6720 = "6720 Telephone"
6800 = "6800 Training"
6900 = "6900 Bank charges"
"""


def chart(*changes: tuple[str, str]) -> Chart:
    """The chart with pieces of its text exchanged."""
    return parse_chart(changed(*changes))


def changed(*changes: tuple[str, str]) -> str:
    """The text with pieces exchanged, each of which is in it."""
    text = GOOD
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text
