"""``fields list``, ``fields values`` and ``fields sync-accounts``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, NoReturn, TypeVar

from cyclopts import Parameter

from ..client import BrexAccounting
from ..converters import to_json
from ..errors import BrexError, ChartConflicts
from ..fields.models import ChartConflict, ChartPlan, Field, FieldValue
from ..fields.plan import Missing
from ..paging import RecordQuery
from .chart_csv import read_chart
from .chart_lines import conflict_lines, plan_lines
from .console import Failed, one_line, say

__all__ = ["list_fields", "list_values", "sync_accounts"]

T = TypeVar("T", Field, FieldValue)
Format = Literal["jsonl", "table"]

_WIDTH = 20


async def list_fields(*, format_: Annotated[Format, Parameter(name="--format")] = "jsonl") -> None:
    """Print the fields.

    Parameters
    ----------
    format_
        How they are printed.
    """
    async with BrexAccounting() as brex:
        await _print_all(brex.fields.list(), format_, _field_cells, ("GROUP", "REMOTE ID", "NAME", "ID"))


async def list_values(
    field_id: str,
    /,
    *,
    remote_id: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    max_items: int | None = None,
    format_: Annotated[Format, Parameter(name="--format")] = "jsonl",
) -> None:
    """Print the values of a field as they arrive.

    Parameters
    ----------
    field_id
        The field's id in Brex (extended_field_...).
    remote_id
        Only the value with this id in the accounting system; repeat it for several (at most 200).
    max_items
        Stop after so many values.
    format_
        How they are printed.
    """
    async with BrexAccounting() as brex:
        query = brex.fields.values.list(field_id, remote_ids=remote_id or None, max_items=max_items)
        await _print_all(query, format_, _value_cells, ("STATE", "REMOTE ID", "CODE", "NAME", "ID"))


async def sync_accounts(
    file: Path,
    /,
    *,
    field: str | None = None,
    missing: Missing = "disable",
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    format_: Annotated[Format, Parameter(name="--format")] = "jsonl",
) -> None:
    """Make Brex's accounts those of a CSV file, and print each change. Run again, it changes nothing.

    Accounts are matched by remote_id alone. A file that contradicts itself, or Brex, is refused: every
    conflict is printed, and nothing is changed.

    Parameters
    ----------
    file
        CSV with the columns remote_id and value (the name), and if you like value_id (the code) and is_disabled.
    field
        The field's id in Brex; by default the one field whose remote id is GL_ACCOUNT.
    missing
        What becomes of accounts that are in Brex and no longer in the file.
    dry_run
        Print what would be changed, and change nothing.
    format_
        How changes are printed.
    """
    values = read_chart(file)
    table = format_ == "table"
    async with BrexAccounting() as brex:
        try:
            plan = await brex.fields.sync_chart_of_accounts(values, field_id=field, missing=missing, dry_run=dry_run)
        except ChartConflicts as error:
            _fail(error.conflicts, table=table)
        except BrexError as error:
            error.add_note(_how_far(error))
            raise
    _show(plan, dry_run=dry_run, table=table)


def _show(plan: ChartPlan, *, dry_run: bool, table: bool) -> None:
    if plan.conflicts:
        _fail(plan.conflicts, table=table)
    for line in plan_lines(plan, table=table):
        sys.stdout.buffer.write(line)
    say(f"{'would be' if dry_run else 'done'}: {plan}")


def _fail(conflicts: tuple[ChartConflict, ...], *, table: bool) -> NoReturn:
    for line in conflict_lines(conflicts, table=table):
        sys.stdout.buffer.write(line)
    sys.stdout.flush()
    raise Failed(f"{len(conflicts)} conflicts, printed above; nothing was changed")


def _how_far(error: BrexError) -> str:
    settled = error.settled
    if settled is None:
        return "Nothing was changed."
    unknown = f", {len(settled.unknown)} may have been" if settled.unknown else ""
    done, left = len(settled.done), len(settled.left)
    return f"{done} changes were made{unknown}, {left} are left: the same command does the rest."


async def _print_all(
    query: RecordQuery[T], format_: Format, cells: Callable[[T], tuple[str, ...]], heading: tuple[str, ...]
) -> None:
    out = sys.stdout.buffer
    if format_ == "table":
        out.write(_row(heading))
    async for page in query.pages():
        for one in page.items:
            out.write(_row(cells(one)) if format_ == "table" else to_json(one) + b"\n")
        out.flush()


def _field_cells(field: Field) -> tuple[str, ...]:
    return field.group or "", field.remote_id or "", field.name or "", field.brex_id


def _value_cells(value: FieldValue) -> tuple[str, ...]:
    state = "disabled" if value.is_disabled else "active"
    return state, value.remote_id or "", value.value_id or "", value.value, value.brex_id


def _row(cells: tuple[str, ...]) -> bytes:
    # Ids are never cut: a shortened one is a wrong one.
    return ("  ".join(one_line(cell, 200).ljust(_WIDTH) for cell in cells).rstrip() + "\n").encode()
