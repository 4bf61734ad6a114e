"""The client's verbs for the values of fields. Each checks its arguments when it is called."""

from __future__ import annotations

from collections.abc import Iterable

from ..converters.exports import checked_key
from ..converters.fields import MAX_PAGE, checked_changes, checked_keys, checked_new_values, value_filters
from ..converters.queries import checked_id
from ..core import View
from ..models import Page
from ..paging import RecordQuery
from ..session.call import Call
from . import endpoints
from .models import FieldValue, FieldValueChange, FieldValueKey, NewFieldValue
from .reading import query
from .writing import Writing

__all__ = ["FieldValues"]


class FieldValues:
    """The values of fields. Any number can be written: a request takes 1,000, and the order is kept.

    An error raised while writing says in ``settled`` which were done, which are unknown because an answer
    was lost, and which are left.

    Source: Brex, Fields API reference (beta), "Field Values".
    """

    def __init__(self, view: View) -> None:
        self._view = view

    def list(
        self,
        field_id: str,
        *,
        brex_ids: Iterable[str] | None = None,
        value_ids: Iterable[str] | None = None,
        remote_ids: Iterable[str] | None = None,
        value: str | None = None,
        page_size: int = MAX_PAGE,
        max_items: int | None = None,
    ) -> RecordQuery[FieldValue]:
        """The values of a field, read page by page when the query is iterated or awaited.

        ``brex_ids``, ``value_ids``, ``remote_ids``: at most 200 in all. ``value``: only those of this name.
        """
        checked_id("field_id", field_id)
        filters = value_filters(brex_ids=brex_ids, value_ids=value_ids, remote_ids=remote_ids, value=value)

        def call(page_size: int, cursor: str | None) -> Call[Page[FieldValue]]:
            return endpoints.list_values(field_id, filters, page_size=page_size, cursor=cursor)

        # A checkpoint of one field must not be taken for another's.
        named = (("field_id", field_id), *filters)
        return query(self._view, call, filters=named, page_size=page_size, max_items=max_items)

    async def get(self, field_id: str, brex_id: str) -> FieldValue:
        """One value by its ``brex_id``. Raises ``NotFound``."""
        return await self._view.run(endpoints.get_value(field_id, brex_id))

    async def create(
        self, field_id: str, values: Iterable[NewFieldValue], *, idempotency_key: str | None = None
    ) -> tuple[FieldValue, ...]:
        """Create values; as Brex made them, in the order given.

        A lost answer is followed by the same request with the same Idempotency-Key. ``idempotency_key`` is
        that of the first thousand, later ones add ``-2``, ``-3``: keep it, and the same call with the same
        values may be repeated after a crash.
        """
        key = None if idempotency_key is None else checked_key(idempotency_key)
        writing = Writing(view=self._view, field_id=field_id, edits=checked_new_values(values), key=key)
        del values  # error reporters print local variables
        return await writing.create()

    async def update(self, field_id: str, changes: Iterable[FieldValueChange]) -> tuple[FieldValue, ...]:
        """Change names and switches of values; as Brex returned them."""
        writing = Writing(view=self._view, field_id=field_id, edits=checked_changes(changes))
        del changes  # error reporters print local variables
        return await writing.update()

    async def delete(self, field_id: str, keys: Iterable[FieldValueKey]) -> None:
        """Delete values for good. What records are coded with stays on them; to retire an account, disable it.

        Values that are gone already count as deleted: Brex may refuse a request for one of them, and the
        others are then sent again. Raises ``NotFound`` when there is no such field.
        """
        writing = Writing(view=self._view, field_id=field_id, edits=checked_keys(keys))
        del keys  # error reporters print local variables
        await writing.delete(self.list(field_id).collect)

    def __repr__(self) -> str:
        return "FieldValues()"
