"""What a lost store must have held of a record, seen from the documents that the books hold of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from .exports import Copy, Export, Judgement, Verdict
from .keys import revision_of
from .poster import FoundDocument, Posted
from .states import State

__all__ = ["Revision", "begun_again", "revisions_of"]

_UNKNOWN = ""
"""The hash of a content that nobody knows: no copy of the record has it."""


@attrs.frozen(kw_only=True)
class Revision:
    """A revision to be stored again. ``posted`` is None for one that left no document."""

    copy: Copy
    posted: Posted | None


def revisions_of(copy: Copy, documents: Sequence[FoundDocument]) -> tuple[Revision, ...]:
    """All revisions up to the last that has a document, oldest first; none when the books have none of them.

    What they contained is not known any more but for its hash. The last one has the hash that the books keep, or
    else that of the ``copy``: without it no change can be told. Where its document was taken out and nothing came
    in its place, whatever Brex returns is a change, and is posted.
    """
    found = {revision_of(copy.record_id, one.key): one for one in documents}
    last = max((revision for revision in found if revision is not None), default=0)
    return tuple(_revision(copy, found.get(one), is_last=one == last) for one in range(1, last + 1))


def begun_again(_: Copy, stored: Sequence[Export]) -> Judgement:
    """A ``Judge`` that lets a revision begin so that it waits for the word that it is in the books."""
    # One that left no document makes room.
    is_in_the_way = bool(stored) and stored[-1].state is State.HELD
    return Judgement(verdict=Verdict.NEW, move=State.SUPERSEDED if is_in_the_way else None, begin=State.HELD)


def _revision(copy: Copy, document: FoundDocument | None, *, is_last: bool) -> Revision:
    if document is None:
        return Revision(copy=attrs.evolve(copy, content_hash=_UNKNOWN), posted=None)
    if is_last and not document.stands:
        copy = attrs.evolve(copy, content_hash=_UNKNOWN)
    elif document.content_hash is not None:
        copy = attrs.evolve(copy, content_hash=document.content_hash, hash_version=document.hash_version)
    return Revision(copy=copy, posted=document.posted)
