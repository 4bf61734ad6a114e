"""The sandbox's document of its webhooks: valid, different from Brex's only where said, and kept by its answers."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate
from schemathesis import Case, GenerationMode
from schemathesis.checks import negative_data_rejection, positive_data_acceptance
from schemathesis.core.result import Ok

from brex_accounting import enums, webhooks
from brex_accounting.sandbox import Rules, Sandbox
from brex_accounting.sandbox.webhook_openapi import webhooks_document

from .contract import Contract
from .openapi_structure import Facts, differences, from_facts, skeleton
from .webhooks_differences import DIFFERENCES, SECTIONS

DOCUMENT = json.loads(json.dumps(webhooks_document("http://127.0.0.1:8765", "0.1.0")))
SCHEMAS = DOCUMENT["components"]["schemas"]
FACTS: Facts = json.loads(Path(__file__).with_name("brex_webhooks_facts.json").read_text())
READY = "ACCOUNTING_RECORD_READY_FOR_EXPORT"


def test_document_is_valid_openapi() -> None:
    """The document is valid OpenAPI 3.0."""
    validate(DOCUMENT)


def test_differences_from_brex_are_exactly_those_listed() -> None:
    """Nothing differs from Brex's document that is not listed, and nothing listed is gone."""
    ours = skeleton(DOCUMENT)
    assert isinstance(ours, dict)
    found = differences(ours, from_facts(FACTS))
    listed = {(difference.location, difference.kind) for difference in DIFFERENCES}
    assert sorted(found - listed) == [], "not listed"
    assert sorted(listed - found) == [], "listed in vain"
    assert len(listed) == len(DIFFERENCES)
    assert all(difference.section in SECTIONS and difference.because for difference in DIFFERENCES)


def test_facts_hold_no_prose() -> None:
    """The facts are names, numbers and addresses: nothing with a space in it."""
    leaves = [leaf for value in FACTS.values() for leaf in (value if isinstance(value, list) else [value])]
    assert [leaf for leaf in leaves if isinstance(leaf, str) and " " in leaf] == []


@pytest.mark.parametrize(
    ("schema", "model"),
    [
        ("WebhookSubscription", webhooks.WebhookSubscription),
        ("WebhookSecret", webhooks.WebhookSecret),
        ("WebhookGroup", webhooks.WebhookGroup),
        ("WebhookGroupMember", webhooks.GroupMember),
    ],
)
def test_properties_are_the_fields_of_the_model(schema: str, model: type[attrs.AttrsInstance]) -> None:
    """A schema has the model's fields by name."""
    assert set(SCHEMAS[schema]["properties"]) == set(attrs.fields_dict(model))


@pytest.mark.parametrize(
    ("schema", "enum"),
    [("WebhookSubscriptionStatus", enums.SubscriptionStatus), ("WebhookSecretStatus", enums.WebhookSecretStatus)],
)
def test_enums_are_the_documented_ones(schema: str, enum: type[enums.OpenEnum]) -> None:
    """Our enums have the values Brex documents."""
    assert FACTS[f"/components/schemas/{schema}/enum"] == sorted(enum.__members__)


def test_the_older_event_types_are_known() -> None:
    """Those of the older document, and the one of accounting that the newer pages added."""
    older = FACTS["/components/schemas/WebhookEventType/enum"]
    assert isinstance(older, list)
    assert {*older, READY} == set(enums.WebhookEventType.__members__)


def test_no_component_is_unused() -> None:
    """Everything named is referred to somewhere."""
    everything = json.dumps(DOCUMENT)
    for kind in ("schemas", "responses", "headers"):
        for name in DOCUMENT["components"][kind]:
            assert f'"#/components/{kind}/{name}"' in everything, name


HOOKS, GROUPS = "/v1/webhooks", "/v1/webhooks/groups"
NEW: dict[str, Any] = {"url": "http://127.0.0.1:9/brex", "event_types": [READY]}
MEMBERS = {"members": [{"member_type": "ACCOUNT", "member_id": "cuacc_1"}]}
KEY = {"Idempotency-Key": "k"}
# Method, template, id in the path, headers and body; then the status.
ASKED: list[tuple[str, str, str, Mapping[str, str], Any, int]] = [
    ("POST", HOOKS, "", KEY, NEW, 200),
    ("POST", HOOKS, "", KEY, NEW, 200),
    ("POST", HOOKS, "", KEY, NEW | {"event_types": ["USER_UPDATED"]}, 400),
    ("POST", HOOKS, "", {}, NEW, 400),
    ("POST", HOOKS, "", {"Idempotency-Key": "2"}, NEW | {"url": "https://books.example/brex"}, 400),
    ("POST", HOOKS, "", {"Idempotency-Key": "3"}, NEW | {"url": "http://[::1/"}, 400),
    ("POST", HOOKS, "", {"Idempotency-Key": "4"}, NEW | {"url": "/brex"}, 400),
    ("POST", HOOKS, "", {"Idempotency-Key": "5"}, NEW | {"event_types": []}, 400),
    ("POST", HOOKS, "", {"Idempotency-Key": "6"}, NEW | {"group_id": "wgrp_none"}, 404),
    ("POST", HOOKS, "", {"Idempotency-Key": "7"}, [], 400),
    ("GET", HOOKS, "", {}, None, 200),
    ("GET", f"{HOOKS}/secrets", "", {}, None, 200),
    ("GET", HOOKS + "/{id}", "wsub_000000000001", {}, None, 200),
    ("GET", HOOKS + "/{id}", "wsub_none", {}, None, 404),
    ("PUT", HOOKS + "/{id}", "wsub_000000000001", {}, NEW | {"status": "INACTIVE"}, 200),
    ("PUT", HOOKS + "/{id}", "wsub_000000000001", {}, NEW, 400),
    ("PUT", HOOKS + "/{id}", "wsub_000000000001", {}, NEW | {"status": "ERROR"}, 400),
    ("PUT", HOOKS + "/{id}", "wsub_none", {}, NEW | {"status": "ACTIVE"}, 404),
    ("DELETE", HOOKS + "/{id}", "wsub_none", {}, None, 404),
    ("DELETE", HOOKS + "/{id}", "wsub_000000000001", {}, None, 200),
    ("POST", GROUPS, "", KEY, {"name": "clients"}, 200),
    ("POST", GROUPS, "", KEY, {"name": "others"}, 400),
    ("POST", GROUPS, "", {"Idempotency-Key": "2"}, {"name": ""}, 400),
    ("GET", GROUPS, "", {}, None, 200),
    ("GET", GROUPS + "/{id}", "wgrp_000000000001", {}, None, 200),
    ("GET", GROUPS + "/{id}", "wgrp_none", {}, None, 404),
    ("POST", GROUPS + "/{id}/add_members", "wgrp_000000000001", {}, MEMBERS, 200),
    ("POST", GROUPS + "/{id}/add_members", "wgrp_000000000001", {}, {"members": []}, 400),
    ("GET", GROUPS + "/{id}/members", "wgrp_000000000001", {}, None, 200),
    ("GET", GROUPS + "/{id}/members", "wgrp_none", {}, None, 404),
    ("POST", GROUPS + "/{id}/remove_members", "wgrp_000000000001", {}, MEMBERS, 200),
    ("DELETE", GROUPS + "/{id}", "wgrp_000000000001", {}, None, 200),
    ("DELETE", GROUPS + "/{id}", "wgrp_000000000001", {}, None, 404),
]


async def test_each_answer_is_one_that_the_document_allows() -> None:
    """Right and wrong requests of each operation, in order: the statuses, and bodies as the served document says."""
    async with Sandbox(records=1) as sandbox, aiohttp.ClientSession(sandbox.url) as http:
        async with http.get("/openapi/webhooks.json") as served:
            contract = Contract(await served.json())
        for method, template, id_, headers, body, status in ASKED:
            sent = {"Authorization": f"Bearer {sandbox.token}", **headers}
            async with http.request(method, template.replace("{id}", id_), headers=sent, json=body) as answer:
                assert answer.status == status, (method, template, await answer.text())
                contract.check(method, template, answer.status, answer.headers, await answer.read())
        for method, template in {(method, template) for method, template, *_ in ASKED}:
            for token, status in ((None, 401), ("bxt_dead", 403)):
                sent = {} if token is None else {"Authorization": f"Bearer {token}"}
                async with http.request(method, template.replace("{id}", "x"), headers=sent) as answer:
                    assert answer.status == status
                    contract.check(method, template, status, answer.headers, await answer.read())


OPERATIONS = {f"{method.upper()} {path}" for path, operations in DOCUMENT["paths"].items() for method in operations}


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    """A sandbox in a thread of its own, because schemathesis asks and waits; it counts no requests against a limit."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    sandbox = Sandbox(records=4, rules=Rules(rate_limit=None))
    asyncio.run_coroutine_threadsafe(sandbox.__aenter__(), loop).result()
    yield sandbox
    asyncio.run_coroutine_threadsafe(sandbox.__aexit__(None, None, None), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def fuzzed(sandbox: Sandbox, label: str, mode: GenerationMode, examples: int) -> int:
    """Make requests for an operation and hold each answer against the served document; how many there were."""
    document = schemathesis.openapi.from_url(f"{sandbox.url}/openapi/webhooks.json")
    found: list[Any] = [one.ok() for one in document.get_all_operations() if isinstance(one, Ok)]
    operation = {one.label: one for one in found}[label]
    asked = 0
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
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case: Case[Any]) -> None:
            nonlocal asked
            answer = case.call(headers={"Authorization": f"Bearer {sandbox.token}"}, session=session)
            asked += 1
            # A schema cannot say that an address is on loopback, and in a query a number looks like a text.
            case.validate_response(answer, excluded_checks=[positive_data_acceptance, negative_data_rejection])

        run()
    return asked


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_every_answer_conforms(running: Sandbox, label: str, mode: GenerationMode) -> None:
    """6 generated requests of each kind: status, headers, content type and body are as the document says."""
    assert fuzzed(running, label, mode, 6) >= 6


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_many_more_answers_conform(running: Sandbox, label: str, mode: GenerationMode) -> None:
    """The same with 20 requests of each kind."""
    assert fuzzed(running, label, mode, 20) >= 20
