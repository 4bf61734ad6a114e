"""The operations about fields and companies: each makes its call, and says whether the caller got what is so."""

from __future__ import annotations

from brex_accounting.converters.fields import FieldBody
from brex_accounting.enums import FieldGroup
from brex_accounting.fields import FieldValue, FieldValueChange, NewFieldValue

from .canary import BODY
from .operations import PAGE, Operation, World

__all__ = ["FIELD_OPERATIONS"]

_VALUES = [NewFieldValue(value=f"{BODY} {number}", remote_id=f"{BODY}/{number}") for number in range(3 * PAGE)]


def _field(world: World, count: int) -> tuple[str, tuple[FieldValue, ...]]:
    """A field with so many values."""
    fields = world.sandbox.brex.fields
    field_id = fields.create_field(FieldBody(name=BODY, group=FieldGroup.ACCOUNTING)).brex_id
    return field_id, fields.create_values(field_id, _VALUES[:count]) if count else ()


async def _create_values(world: World) -> bool:
    field_id, _ = _field(world, 0)
    await world.arm()
    try:
        made = await world.brex.fields.values.create(field_id, _VALUES[:3])
    finally:
        held = world.sandbox.brex.fields.values(field_id)
        assert len(held) in (0, 3), "created twice"
    return made == held and [one.value for one in made] == [one.value for one in _VALUES[:3]]


async def _update_values(world: World) -> bool:
    field_id, before = _field(world, 3)
    await world.arm()
    changes = [FieldValueChange(key=one.key, value=f"{BODY} anew", is_disabled=True) for one in before]
    changed = await world.brex.fields.values.update(field_id, changes)
    return changed == world.sandbox.brex.fields.values(field_id) and all(one.is_disabled for one in changed)


async def _delete_values(world: World) -> bool:
    field_id, before = _field(world, 3)
    await world.arm()
    await world.brex.fields.values.delete(field_id, [one.key for one in before[:2]])
    return world.sandbox.brex.fields.values(field_id) == before[2:]


async def _delete_field(world: World) -> bool:
    field_id, _ = _field(world, 1)
    await world.arm()
    await world.brex.fields.delete(field_id)
    return all(one.brex_id != field_id for one in await world.brex.fields.list().collect())


async def _list_values(world: World) -> bool:
    field_id, held = _field(world, 3 * PAGE)
    await world.arm()
    pages = [page.items async for page in world.brex.fields.values.list(field_id, page_size=PAGE).pages()]
    return tuple(item for items in pages for item in items) == held


async def _company(world: World) -> bool:
    await world.arm()
    return await world.brex.company() == world.sandbox.brex.company


FIELD_OPERATIONS: dict[str, Operation] = {
    "create values": _create_values,
    "update values": _update_values,
    "delete values": _delete_values,
    "delete field": _delete_field,
    "list values": _list_values,
    "company": _company,
}
"""A list is walked to its end, and what may be gone is looked for: reads are counted as well."""
