"""The sandbox against its own document: schemathesis makes right and wrong requests, and checks each answer."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import negative_data_rejection, positive_data_acceptance
from schemathesis.core.result import Ok

from brex_accounting.converters.fields import FieldBody
from brex_accounting.enums import FieldGroup
from brex_accounting.fields import NewFieldValue
from brex_accounting.sandbox import Refused, Rules, Sandbox

OPERATIONS = {
    "POST /v3/accounting/integration": {},
    "POST /v3/accounting/integration/{integration_id}/disconnect": {"integration_id": "int_000000000001"},
    "POST /v3/accounting/integration/{integration_id}/reactivate": {"integration_id": "int_000000000001"},
    "GET /v3/accounting/records": {},
    "GET /v3/accounting/records/{record_id}": {"record_id": "first"},
    "POST /v3/accounting/records/export-results": {},
}
VALUES = "/v1/fields/{field_id}/values"
FIELD_OPERATIONS = {
    "GET /v1/fields": (),
    "POST /v1/fields": (),
    "GET /v1/fields/{id}": ("id",),
    "PUT /v1/fields/{id}": ("id",),
    "DELETE /v1/fields/{id}": ("id",),
    f"GET {VALUES}": ("field_id",),
    f"POST {VALUES}": ("field_id",),
    f"PUT {VALUES}": ("field_id",),
    f"DELETE {VALUES}": ("field_id",),
    f"GET {VALUES}/{{brex_id}}": ("field_id", "brex_id"),
    "GET /v2/company": (),
}
ALL = (*OPERATIONS, *FIELD_OPERATIONS)
MODES = list(GenerationMode)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    """A sandbox in a thread of its own, because schemathesis asks and waits; it counts no requests against a limit."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    sandbox = Sandbox(records=40, rules=Rules(rate_limit=None))
    asyncio.run_coroutine_threadsafe(sandbox.__aenter__(), loop).result()
    yield sandbox
    asyncio.run_coroutine_threadsafe(sandbox.__aexit__(None, None, None), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def path_of(sandbox: Sandbox, label: str) -> Mapping[str, str]:
    """Ids that exist, for the operations that have one in the path."""
    record_id = next(sandbox.brex.records()).id
    return {name: record_id if name == "record_id" else value for name, value in OPERATIONS[label].items()}


def operations(sandbox: Sandbox) -> dict[str, Any]:
    """The operations of the document as it is served."""
    document = schemathesis.openapi.from_url(f"{sandbox.url}/openapi.json")
    found: list[Any] = [one.ok() for one in document.get_all_operations() if isinstance(one, Ok)]
    return {one.label: one for one in found}


def unfounded(case: Case[Any]) -> list[Any]:
    """Checks that would find fault with what is right."""
    # A schema cannot say all that is refused: a cursor of another query, a record reported before.
    # And in a query a wrong kind of ids looks like a right one: ids=39952 is the text "39952", once.
    told = any(key == "ids" or key.endswith("[]") or key == "value" for key in case.query or {})
    return [positive_data_acceptance, *([negative_data_rejection] if told else [])]


def check(sandbox: Sandbox, label: str, mode: GenerationMode, examples: int, **given_parts: Any) -> Counter[int]:
    """Make requests for an operation, hold each answer against the document, and count the statuses."""
    operation = operations(sandbox)[label]
    statuses: Counter[int] = Counter()
    bounded = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with requests.Session() as session:
        session.trust_env = False

        @bounded
        @given(case=operation.as_strategy(generation_mode=mode, **given_parts))
        def run(case: Case[Any]) -> None:
            answer = case.call(headers={"Authorization": f"Bearer {sandbox.token}"}, session=session)
            statuses[answer.status_code] += 1
            case.validate_response(answer, excluded_checks=unfounded(case))

        run()
    return statuses


def test_every_operation_is_fuzzed(running: Sandbox) -> None:
    """The operations here are those of the document."""
    assert operations(running).keys() == set(ALL)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: str(mode.value))
@pytest.mark.parametrize("label", ALL)
def test_every_answer_conforms(running: Sandbox, label: str, mode: GenerationMode) -> None:
    """8 requests of each kind: status, headers and body are as the document says, none is a 5xx."""
    assert sum(check(running, label, mode, 8).values()) >= 8


@pytest.mark.parametrize("label", [label for label, path in OPERATIONS.items() if path])
def test_every_answer_about_things_that_exist_conforms(running: Sandbox, label: str) -> None:
    """The same with ids that exist: found, or refused for their state."""
    with suppress(Refused):  # one is connected already
        running.brex.create_integration("ACME", "1")
    statuses = check(running, label, GenerationMode.POSITIVE, 20, path_parameters=path_of(running, label))
    assert set(statuses) <= {200, 409}


@pytest.mark.parametrize("label", [label for label, names in FIELD_OPERATIONS.items() if names])
def test_every_answer_about_a_field_that_exists_conforms(running: Sandbox, label: str) -> None:
    """The same with a field and a value that exist until they are deleted: done, or refused for what is written."""
    field = running.brex.fields.create_field(FieldBody(name="Accounts", group=FieldGroup.ACCOUNTING))
    (value,) = running.brex.fields.create_values(field.brex_id, [NewFieldValue(value="Airfare", remote_id="6100")])
    ids = {name: value.brex_id if name == "brex_id" else field.brex_id for name in FIELD_OPERATIONS[label]}
    statuses = check(running, label, GenerationMode.POSITIVE, 8, path_parameters=ids)
    assert set(statuses) <= {200, 400, 404}


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: str(mode.value))
@pytest.mark.parametrize("label", ALL)
def test_many_more_answers_conform(running: Sandbox, label: str, mode: GenerationMode) -> None:
    """The same with 200 requests of each kind, 60 about fields."""
    examples = 60 if label in FIELD_OPERATIONS else 200
    assert sum(check(running, label, mode, examples).values()) >= examples
