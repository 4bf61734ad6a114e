"""``demo``: a month of a company from end to end, against a local Brex, with no account and no network."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from .console import UsageError, say
from .crash import crash
from .sandbox import MOST_RECORDS

__all__ = ["demo"]

MONTH = 2637
"""What a company of 250 people books in one."""


async def demo(
    *,
    records: int = MONTH,
    quiet: Annotated[bool, Parameter(negative=())] = False,
    crash_: Annotated[bool, Parameter(name="--crash", negative=())] = False,
) -> None:
    """Take a month of a company from a local Brex into a Beancount ledger, with all that goes wrong on the way.

    It starts its own sandbox, which fails now and then, and reaches no other
    host. The ledger, brex-demo.beancount, stays in this folder with its receipts;
    the next demo begins a new one.

    Parameters
    ----------
    records
        How many records the company has.
    quiet
        Print the totals alone.
    crash_
        Instead: kill an export half-way with SIGKILL, start it again, and count
        what was lost and doubled in a fake ERP.
    """
    if not 1 <= records <= MOST_RECORDS:
        raise UsageError(f"--records must be at least 1 and at most {MOST_RECORDS}")
    say(f"starting a local Brex with {records} lifelike records, some failures included")
    if crash_:
        await crash(records)
        return
    # Here: the posting rules need the extra [books], and the other commands do without.
    from .story.telling import tell

    await tell(records, quiet=quiet)
