"""``sync rebuild``: a store that was lost, made again from Brex and the books."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ..sync import Binding, FindingRecords, Rebuilt, State, rebuild
from .books import books, load_chart
from .console import Failed, LiveLine, UsageError, one_line
from .options import who
from .printing import print_lines
from .stores import client_at, store_at
from .wording import state_lines

__all__ = ["rebuild_store"]

_NAMED = 5
"""Record ids that are named where there are more."""


async def rebuild_store(
    *,
    store: Path,
    beancount: Path,
    chart: Path,
    company: str = "",
    vendor: str = "",
    vendor_account_id: str = "",
    by: str | None = None,
    json_: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Make a store that was lost again, from Brex's records and the books, so that nothing is posted twice.

    Export nothing meanwhile. It posts nothing and reports nothing: the next
    export does, with what is missing. If it did not end, remove the store and
    run it again. It fails when the books hold something that Brex does not
    return, or that cannot be read.

    Parameters
    ----------
    store
        A new file, or fleet:COMPANY_ID for a company of a fleet.
    beancount
        The ledger that the lost store's export wrote.
    chart
        Its chart of accounts (TOML).
    company
        The Brex company; from then on the store refuses another one.
    vendor
        The vendor id of the integration, kept in the same way.
    vendor_account_id
        Your own id of the customer's account, kept in the same way.
    by
        Who rebuilds it; your login name by default.
    json_
        Print one JSON object.
    """
    _check_there(beancount)
    accounts = load_chart(chart)
    poster = books(csv=None, beancount=beancount, chart=chart)
    assert isinstance(poster, FindingRecords)
    person, binding = who(by), Binding(company=company, vendor=vendor, vendor_account_id=vendor_account_id)
    booked = {entry.record_id for entry in await poster.entries()}
    with LiveLine("reading Brex and the books"):
        async with client_at(store) as brex:
            found = await rebuild(
                brex, store_at(store, is_there=False), poster, post_from=accounts.post_from, by=person, binding=binding
            )
    lost = sorted(booked - found.restored)
    print_lines([_facts(found, lost)] if json_ else _lines(found))
    if lost:
        sys.stdout.flush()
        more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
        raise Failed(
            f"{len(lost)} records of the books were not returned by Brex, or cannot be read, and are not in the store: "
            f"{one_line(', '.join(lost[:_NAMED]))}{more}"
        )


def _check_there(ledger: Path) -> None:
    if not ledger.exists():
        raise UsageError(f"there is no ledger {one_line(str(ledger))}: without the books nothing can be rebuilt")


def _facts(found: Rebuilt, lost: Iterable[str]) -> dict[str, object]:
    by_state = {state.value: found.by_state.get(state, 0) for state in State}
    counts = {"read": found.read, "restored": len(found.restored), "unreadable": found.unreadable}
    return {**counts, "by_state": by_state, "not_in_store": list(lost)}


def _lines(found: Rebuilt) -> Iterable[str]:
    yield f"{found.read} records in Brex, {len(found.restored)} of them in the books"
    if found.unreadable:
        yield f"{found.unreadable} records of Brex cannot be read"
    yield from state_lines(found.by_state)
