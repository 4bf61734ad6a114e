"""One transaction that writes: the company's lock at its beginning, and certainty about its end.

A connection that is lost during COMMIT leaves it open whether the server did it. Each transaction therefore
leaves a mark in the company's row, and whoever lost its answer looks for the mark as soon as the server is
back.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from ...errors import StoreUnavailable
from .session import Session

__all__ = ["begin", "was_kept"]

_KEPT: Final = 32
"""So many marks are kept: more writes than follow on one another while a lost answer is looked for."""

_IDLE: Final = "10s"

# Marking the row locks it: a company's writes follow on one another, as a store promises of its moves, and each
# statement after this one sees what the one before left. What a server does not keep through a crash is no store.
# A process that is frozen, or a host that is gone, must not keep the lock: between two statements of ours there is
# no work, and whoever is silent for so long in there loses the connection, and the transaction with it.
_BEGIN: Final = f"""
    UPDATE brex_companies SET writes = writes + 1, recent = (%(mark)s::uuid || recent)[1:{_KEPT}]
    WHERE company = %(company)s
    RETURNING writes, CASE current_setting('synchronous_commit')
        WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END,
    CASE current_setting('idle_in_transaction_session_timeout')
        WHEN '0' THEN set_config('idle_in_transaction_session_timeout', '{_IDLE}', true) END
"""


async def begin(session: Session, mark: UUID) -> int:
    """Wait for the company's lock; the number of this write."""
    row = await session.row(_BEGIN, {"mark": mark})
    if row is None:
        raise StoreUnavailable(f"{session.company}: there is no store")
    return int(row["writes"])


async def was_kept(session: Session, mark: UUID, number: int) -> bool | None:
    """Whether the transaction of this mark and number was committed; None: too long ago to say.

    Waits while it is not decided yet.
    """
    row = await session.row(
        "SELECT writes, %(mark)s = ANY(recent) AS is_there FROM brex_companies WHERE company = %(company)s FOR UPDATE",
        {"mark": mark},
    )
    if row is None:
        return False
    if row["is_there"]:
        return True
    return False if row["writes"] < number + _KEPT else None
