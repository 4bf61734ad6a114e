"""What a record that was just read is to an export: what it would be posted as, or where it stands already. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import attrs

from ..converters import from_json
from ..models import AccountingRecord
from ..sync.content import HASH_VERSION, content_hash
from ..sync.exports import Export
from ..sync.keys import ExportKey, export_key
from ..sync.plan import copy_of, judge
from ..sync.states import UNDER_WAY, State

__all__ = ["Due", "next_post", "open_post"]

_IN_THE_BOOKS: Final = frozenset({State.POSTED, State.REPORTING, State.REPORTED})
_A_PERSON_LEFT_IT: Final = frozenset({State.SKIPPED})


@attrs.frozen(kw_only=True)
class Due:
    """To be posted under ``key``, in place of the document under ``supersedes`` if there is one."""

    key: ExportKey
    supersedes: ExportKey | None = None


def next_post(
    record: AccountingRecord, stored: Sequence[Export], *, post_from: date, read_at: datetime
) -> Due | State | None:
    """What the next run does with a record: posts it, or leaves it in the state it has; None: it is not offered.

    ``stored``: its revisions in the store, oldest first.
    """
    judgement = judge(copy_of(record, b"", read_at=read_at), stored, post_from=post_from, rehash=_rehash)
    last = stored[-1] if stored else None
    if judgement.begin is not None:
        revision, state = (last.revision + 1 if last else 1), judgement.begin
    elif last is not None:
        revision, state = last.revision, judgement.move or last.state
        if judgement.move is None and last.not_before is not None and last.not_before > read_at:
            return state
    else:
        return None
    waits_for = next((one.state for one in stored if one.revision < revision and one.state in UNDER_WAY), None)
    if waits_for is not None:
        return waits_for
    return _due(record, stored, revision) if state is State.DISCOVERED else state


def open_post(record: AccountingRecord, stored: Sequence[Export]) -> Due | State:
    """What posting a record would be once it is ready, whatever was said to it before.

    The state when nothing is to be posted any more: its content is in the books, or a person left it out.
    """
    if not stored:
        return _due(record, stored, 1)
    last = stored[-1]
    if last.state is State.SUPERSEDED or _hash_of(last) != content_hash(record):
        return _due(record, stored, last.revision + 1)
    done = last.state in _IN_THE_BOOKS or last.state in _A_PERSON_LEFT_IT
    return last.state if done else _due(record, stored, last.revision)


def _due(record: AccountingRecord, stored: Sequence[Export], revision: int) -> Due:
    documents = [one.key for one in stored if one.revision < revision and one.reference_id is not None]
    return Due(key=export_key(record.id, revision), supersedes=documents[-1] if documents else None)


def _hash_of(export: Export) -> str:
    return export.content_hash if export.hash_version == HASH_VERSION else _rehash(export)


def _rehash(export: Export) -> str:
    return content_hash(from_json(export.body, AccountingRecord))
