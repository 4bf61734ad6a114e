"""The client's verbs for fields. Each checks its arguments when it is called."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

from ..converters.fields import MAX_PAGE, checked_new_values, field_body, field_filters
from ..core import View
from ..enums import FieldGroup
from ..errors import NotFound
from ..models import Page
from ..paging import RecordQuery
from ..session.call import Call
from . import endpoints
from .chart import ChartSync, checked_missing
from .models import ChartPlan, Field, NewFieldValue
from .plan import Missing
from .reading import query
from .values import FieldValues

__all__ = ["Fields"]


class Fields:
    """Fields: the lists that records are coded with. ``values`` has the verbs for what is in them.

    Source: Brex, Fields API reference (beta).
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self.values: FieldValues = FieldValues(view)

    def list(
        self, *, ids: Iterable[str] | None = None, page_size: int = MAX_PAGE, max_items: int | None = None
    ) -> RecordQuery[Field]:
        """The fields, read page by page when the query is iterated or awaited. ``ids``: at most 200."""
        filters = field_filters(ids)

        def call(page_size: int, cursor: str | None) -> Call[Page[Field]]:
            return endpoints.list_fields(filters, page_size=page_size, cursor=cursor)

        return query(self._view, call, filters=filters, page_size=page_size, max_items=max_items)

    async def get(self, field_id: str) -> Field:
        """One field by its ``brex_id``. Raises ``NotFound``."""
        return await self._view.run(endpoints.get_field(field_id))

    async def create(
        self,
        *,
        name: str,
        group: FieldGroup | str,
        remote_id: str | None = None,
        integration_id: str | None = None,
        is_disabled: bool | None = None,
        idempotency_key: str | None = None,
    ) -> Field:
        """Make a field. One of the group ERP belongs to the active integration, so it takes an ``integration_id``.

        A lost answer is followed by the same request with the same Idempotency-Key, which is made up
        unless it is given. Give one that you keep, and the call may be repeated after a crash.
        """
        body = field_body(
            name=name, group=group, remote_id=remote_id, integration_id=integration_id, is_disabled=is_disabled
        )
        del name, remote_id  # error reporters print local variables
        call = endpoints.create_field(body, idempotency_key=idempotency_key or str(uuid4()))
        del body
        return await self._view.run(call)

    async def update(self, field_id: str, *, name: str | None = None, is_disabled: bool | None = None) -> Field:
        """Give a field another name, switch it off or on, or both. None leaves it as it is."""
        body = field_body(name=name, is_disabled=is_disabled)
        del name  # error reporters print local variables
        call = endpoints.update_field(field_id, body, idempotency_key=str(uuid4()))
        del body
        return await self._view.run(call)

    async def delete(self, field_id: str) -> None:
        """Delete a field with its values. What records are coded with stays on them.

        Raises ``NotFound``, also when an earlier try of this call was the one that deleted it: its
        ``may_have_happened`` is True, because a broken connection is repaired by sending again unseen.
        """
        try:
            await self._view.run(endpoints.delete_field(field_id))
        except NotFound as error:
            error.may_have_happened = True
            raise

    async def sync_chart_of_accounts(
        self,
        values: Iterable[NewFieldValue],
        *,
        field_id: str | None = None,
        missing: Missing = "disable",
        dry_run: bool = False,
    ) -> ChartPlan:
        """Make a field's values those of the accounting system. Returns what was done; with ``dry_run``, what would be.

        ``values``: all of them, each with a ``remote_id``, by which the two lists are matched. New ones are
        created, other names and switches are updated. ``missing`` says what becomes of values that are in
        Brex with a ``remote_id`` and not listed any longer: switched off, deleted, or kept. Values without a
        ``remote_id`` were not sent by the accounting system and are left alone. ``field_id``: by default the one
        field whose ``remote_id`` is GL_ACCOUNT.

        The plan is made from what Brex holds now, so the same call again does nothing, and after a crash it
        does the rest. Two at a time for one field would create values twice.

        Raises ``ConfigurationError`` for an empty list, which would switch every account off, and
        ``ChartConflicts``, with all of them, before anything is changed; a dry run returns them in the
        plan. Any other error has what is settled already as ``settled``.
        """
        sync = ChartSync(
            values=self.values,
            list_fields=self.list().collect,
            wanted=checked_new_values(values),
            missing=checked_missing(missing),
        )
        del values  # error reporters print local variables
        return await sync.run(field_id, dry_run=dry_run)

    def __repr__(self) -> str:
        return "Fields()"
