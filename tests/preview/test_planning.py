"""What a record is to an export, for each state that its revisions can be in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from brex_accounting.enums import ReviewStatus
from brex_accounting.preview.planning import Due, next_post, open_post
from brex_accounting.sync.exports import Export
from brex_accounting.sync.keys import export_key
from brex_accounting.sync.plan import copy_of
from brex_accounting.sync.states import State

from ..posters.booked import CHART, record
from ..sync.world import START

RECORD = record()
LATER = START + timedelta(hours=1)
FIRST, SECOND = Due(key=export_key(RECORD.id, 1)), Due(key=export_key(RECORD.id, 2))
AMENDED = attrs.evolve(SECOND, supersedes=FIRST.key)


def export(state: State, revision: int = 1, **changes: Any) -> Export:
    """A revision of the record, with the record's content."""
    copy = attrs.asdict(copy_of(RECORD, b"", read_at=START), recurse=False)
    copy.pop("review_status")
    key = export_key(RECORD.id, revision)
    return Export(order=1, revision=revision, key=key, state=state, changed_at=START, **{**copy, **changes})


def posted(state: State = State.POSTED, **changes: Any) -> Export:
    return export(state, reference_id="JE-1", **changes)


def changed(state: State, revision: int = 1, **changes: Any) -> Export:
    """A revision of another content."""
    return export(state, revision, content_hash="0" * 64, **changes)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ((), FIRST),
        ((export(State.DISCOVERED),), FIRST),
        ((export(State.DISCOVERED, not_before=LATER + timedelta(seconds=1)),), State.DISCOVERED),
        ((export(State.DISCOVERED, not_before=LATER),), FIRST),
        ((export(State.INTENT),), State.INTENT),
        ((posted(),), State.POSTED),
        ((posted(State.REPORTING),), State.REPORTING),
        ((export(State.REJECTED),), State.REJECTED),
        ((export(State.REPORTED_FAILED, left_queue=True),), FIRST),
        ((export(State.REPORTED_FAILED, not_before=LATER),), FIRST),
        ((export(State.WITHDRAWN, left_queue=True),), FIRST),
        ((export(State.SKIPPED),), State.SKIPPED),
        ((export(State.OUT_OF_SCOPE),), State.OUT_OF_SCOPE),
        ((changed(State.DISCOVERED),), SECOND),
        ((changed(State.REJECTED),), SECOND),
        ((changed(State.POSTED, reference_id="JE-1"),), AMENDED),
        ((changed(State.INTENT),), State.INTENT),
        ((changed(State.UNCONFIRMED),), State.UNCONFIRMED),
        ((changed(State.REPORTED, reference_id="JE-1"),), State.HELD),
        (
            (changed(State.POSTED, reference_id="JE-1"), changed(State.SUPERSEDED, 2)),
            Due(key=export_key(RECORD.id, 3), supersedes=FIRST.key),
        ),
    ],
)
def test_the_next_run(stored: tuple[Export, ...], expected: Due | State) -> None:
    """Posted under its key, in place of the last document there is; or left in the state it has."""
    assert next_post(RECORD, stored, post_from=CHART.post_from, read_at=LATER) == expected


def test_what_is_not_offered() -> None:
    """Never seen and not ready, it is nothing to an export; dated before the books begin, it is out of scope."""
    for status, expected in ((ReviewStatus.PREPARE, None), (ReviewStatus.REVIEW, None)):
        coming = attrs.evolve(RECORD, review_status=status)
        assert next_post(coming, (), post_from=CHART.post_from, read_at=LATER) is expected
    tomorrow = RECORD.accounting_date + timedelta(days=1)
    assert next_post(RECORD, (), post_from=tomorrow, read_at=LATER) is State.OUT_OF_SCOPE


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ((), FIRST),
        ((posted(),), State.POSTED),
        ((posted(State.REPORTED),), State.REPORTED),
        ((export(State.SKIPPED),), State.SKIPPED),
        ((export(State.REJECTED),), FIRST),
        ((export(State.REPORTED_FAILED),), FIRST),
        ((export(State.WITHDRAWN),), FIRST),
        ((changed(State.REPORTED, reference_id="JE-1"),), AMENDED),
        ((changed(State.REJECTED),), SECOND),
        ((export(State.SUPERSEDED),), SECOND),
    ],
)
def test_once_it_is_ready(stored: tuple[Export, ...], expected: Due | State) -> None:
    """What was refused or taken back counts as open; what is in the books, or was left out by a person, does not."""
    assert open_post(RECORD, stored) == expected
