"""What a user writes about fields and companies, checked by mypy --strict and pyright; never run."""

from __future__ import annotations

from typing import assert_type

from brex_accounting import BrexAccounting, BrexError, ChartConflicts, OAuthTokens, Page
from brex_accounting.companies import Address, Companies, Company
from brex_accounting.fields import (
    ChartConflict,
    ChartPlan,
    Field,
    FieldValue,
    FieldValueChange,
    FieldValueEdit,
    FieldValueKey,
    NewFieldValue,
    SettledValues,
    plan_chart,
)


async def lists(brex: BrexAccounting) -> None:
    async for field in brex.fields.list(ids=["extended_field_1"]):
        assert_type(field, Field)
        async for page in brex.fields.values.list(field.brex_id, remote_ids=["6100"]).pages():
            assert_type(page, Page[FieldValue])
    assert_type(await brex.fields.list(), Page[Field])
    assert_type(await brex.fields.values.list("extended_field_1").collect(), list[FieldValue])


async def writing(brex: BrexAccounting) -> None:
    field = await brex.fields.create(name="Accounts", group="ERP", remote_id="GL_ACCOUNT", integration_id="int_1")
    assert_type(field, Field)
    made = await brex.fields.values.create(field.brex_id, [NewFieldValue(value="Airfare", remote_id="6100")])
    assert_type(made, tuple[FieldValue, ...])
    changes = [FieldValueChange(key=FieldValueKey(remote_id="6100"), value="Air travel")]
    assert_type(await brex.fields.values.update(field.brex_id, changes), tuple[FieldValue, ...])
    await brex.fields.values.delete(field.brex_id, [value.key for value in made])
    await brex.fields.values.create(field.brex_id, changes)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def charts(brex: BrexAccounting, accounts: list[NewFieldValue], held: list[FieldValue]) -> None:
    plan = await brex.fields.sync_chart_of_accounts(accounts, missing="delete", dry_run=True)
    assert_type(plan, ChartPlan)
    assert_type(plan_chart(accounts, held), ChartPlan)
    try:
        await brex.fields.sync_chart_of_accounts(accounts)
    except ChartConflicts as error:
        assert_type(error.conflicts, tuple[ChartConflict, ...])
    except BrexError as error:
        assert_type(error.settled, SettledValues | None)
        if error.settled is not None:
            assert_type(error.settled.left, tuple[FieldValueEdit, ...])


async def companies(brex: BrexAccounting, tokens: OAuthTokens) -> None:
    registry = Companies(brex)
    company = await registry.connect(tokens)
    assert_type(company, Company)
    assert_type(company.mailing_address, Address | None)
    assert_type(registry.client(company.id), BrexAccounting)
    assert_type(await registry.client(None).company(), Company)
    assert_type(list(registry), list[str])
    await registry.remove(company.id)
