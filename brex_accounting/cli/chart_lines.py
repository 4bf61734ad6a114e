"""The plan for a chart of accounts, a line for each change: JSON Lines, or a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..converters.wire import codec
from ..fields.models import ChartConflict, ChartPlan, ChartUpdate
from .console import one_line

__all__ = ["conflict_lines", "plan_lines"]

_COLUMNS = (("ACTION", 10), ("REMOTE ID", 20), ("CODE", 12), ("NAME", 40))


def plan_lines(plan: ChartPlan, *, table: bool) -> Iterator[bytes]:
    """Every change of a plan, in the order in which they are made."""
    if table:
        yield _row([name for name, _ in _COLUMNS])
    for facts in _changes(plan):
        yield _table_line(facts) if table else codec().dumps(facts) + b"\n"


def conflict_lines(conflicts: tuple[ChartConflict, ...], *, table: bool) -> Iterator[bytes]:
    """Every reason why a chart cannot be brought to Brex."""
    for one in conflicts:
        facts = {
            "conflict": one.kind.value,
            "remote_id": one.remote_id,
            "value_id": one.value_id,
            "brex_ids": one.brex_ids,
        }
        if not table:
            yield codec().dumps(facts) + b"\n"
            continue
        named = {"remote_id": one.remote_id, "value_id": one.value_id, "in Brex": ", ".join(one.brex_ids)}
        shown = ", ".join(f"{name} {value}" for name, value in named.items() if value)
        yield (one_line(f"{one.kind.value}: {shown}") + "\n").encode()


def _changes(plan: ChartPlan) -> Iterator[Mapping[str, str | None]]:
    for new in plan.created:
        yield {"action": "create", "remote_id": new.remote_id, "value_id": new.value_id, "value": new.value}
    for update in plan.updated:
        yield _update(_verb(update), update)
    for update in plan.deactivated:
        yield _update("deactivate", update)
    for gone in plan.deleted:
        yield {"action": "delete", "remote_id": gone.remote_id, "value_id": gone.value_id, "value": gone.value}


def _verb(update: ChartUpdate) -> str:
    if update.change.value is not None:
        return "rename"
    return "deactivate" if update.change.is_disabled else "activate"


def _update(action: str, update: ChartUpdate) -> Mapping[str, str | None]:
    before, name = update.before, update.change.value
    facts = {"action": action, "remote_id": before.remote_id, "value_id": before.value_id}
    return {**facts, "value": name or before.value, **({"was": before.value} if name else {})}


def _table_line(facts: Mapping[str, str | None]) -> bytes:
    was = f" (was {facts['was']})" if facts.get("was") else ""
    return _row([facts["action"] or "", facts["remote_id"] or "", facts["value_id"] or "", f"{facts['value']}{was}"])


def _row(cells: list[str]) -> bytes:
    # Ids are never cut: a shortened one is a wrong one.
    padded = [one_line(cell, 200).ljust(width) for (_, width), cell in zip(_COLUMNS, cells, strict=True)]
    return ("  ".join(padded).rstrip() + "\n").encode()
