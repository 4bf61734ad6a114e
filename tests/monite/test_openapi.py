"""The local Monite's OpenAPI document: valid, different from Monite's only where said, and true to what is served.

Monite's own document is not ours to ship. What it says about structure is kept as facts beside this file; where
MONITE_OPENAPI names the original, one more test shows that the facts are current.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import aiohttp
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from brex_accounting.monite import ObjectType
from brex_accounting.monite.dialect import MONITE
from brex_accounting.sandbox.monite import CLIENT_ID, CLIENT_SECRET, MoniteRules, MoniteSandbox
from brex_accounting.sandbox.monite.openapi import openapi_document

from ..sandbox.openapi_structure import Facts, Node, differences, from_facts, skeleton
from .openapi_differences import DIFFERENCES, SECTIONS
from .openapi_facts import FACTS_FILE, facts_of

DOCUMENT: dict[str, Any] = json.loads(json.dumps(openapi_document("http://127.0.0.1:8765/v1", "0.1.0", MONITE)))
FACTS: Facts = json.loads(FACTS_FILE.read_text(encoding="utf-8"))
MONITE_OPENAPI = os.environ.get("MONITE_OPENAPI")
UNKNOWN = "00000000-0000-4000-8000-000000000000"
CREDENTIALS = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


def structure() -> dict[str, Node]:
    found = skeleton(DOCUMENT)
    assert isinstance(found, dict)
    return found


def test_the_document_is_valid() -> None:
    """OpenAPI 3.1, as Monite's is."""
    validate(DOCUMENT)
    assert DOCUMENT["openapi"] == "3.1.0"
    assert DOCUMENT["servers"][0]["url"] == "http://127.0.0.1:8765/v1"


def test_differences_from_monite_are_exactly_those_listed() -> None:
    """Nothing differs that is not listed, and nothing listed is gone."""
    found = differences(structure(), from_facts(FACTS))
    listed = {(difference.location, difference.kind) for difference in DIFFERENCES}
    assert sorted(found - listed) == [], "not listed"
    assert sorted(listed - found) == [], "listed in vain"


def test_differences_are_listed_once_with_a_reason() -> None:
    """Each stands once, names a section that exists and says why."""
    assert len({difference.location for difference in DIFFERENCES}) == len(DIFFERENCES)
    assert all(difference.section in SECTIONS and difference.because for difference in DIFFERENCES)


class Caller:
    """Asks the sandbox without our client, and holds each answer against the document."""

    def __init__(self, sandbox: MoniteSandbox, session: aiohttp.ClientSession) -> None:
        self._sandbox = sandbox
        self._session = session
        self.headers: dict[str, str] = {"x-monite-version": "2024-05-25", "x-monite-entity-id": sandbox.entity_id}
        self.seen: set[tuple[str, str, str]] = set()

    async def __call__(self, method: str, shape: str, *, id_: str = "", json: object = None, query: str = "") -> Any:
        path = shape.replace("{connection_id}", id_).replace("{synced_record_id}", id_)
        url = f"{self._sandbox.url}{path}{query}"
        async with self._session.request(method, url, headers=self.headers, json=json) as answer:
            body = await answer.read()
            declared = DOCUMENT["paths"][shape].get(method.lower(), {"responses": {"405": REFUSAL}})["responses"]
            response = declared[str(answer.status)]
            self.seen.add((method, shape, str(answer.status)))
            if "content" not in response:
                assert body == b""
                return None
            schema = {**response["content"]["application/json"]["schema"], "components": DOCUMENT["components"]}
            content = _plain(body)
            problems = [error.message for error in OAS31Validator(schema).iter_errors(content)]
            assert problems == [], (method, shape, answer.status)
            return content


REFUSAL = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorSchemaResponse"}}}}


def _plain(body: bytes) -> Any:
    return json.loads(body)


async def _token(call: Caller) -> None:
    granted = await call("POST", "/auth/token", json={**CREDENTIALS, "grant_type": "client_credentials"})
    call.headers["Authorization"] = f"Bearer {granted['access_token']}"


async def _live(call: Caller, sandbox: MoniteSandbox) -> None:
    connections, one = "/accounting_connections", "/accounting_connections/{connection_id}"
    records, record = "/accounting_synced_records", "/accounting_synced_records/{synced_record_id}"
    id_ = (await call("POST", connections))["id"]
    await call("POST", connections)
    await call("POST", f"{one}/sync", id_=id_)
    sandbox.monite.authorise(id_)
    made = sandbox.monite.add_records(sandbox.entity_id, ObjectType.BILL, 3)
    sandbox.monite.add_records(sandbox.entity_id, ObjectType.BILL, 1, fails=True)
    await call("POST", f"{one}/sync", id_=id_)
    await call("GET", connections)
    await call("GET", one, id_=id_)
    page = await call("GET", records, query="?object_type=bill&limit=2")
    await call("GET", records, query=f"?object_type=bill&limit=2&pagination_token={page['next_pagination_token']}")
    await call("GET", record, id_=made[0].id)
    await call("POST", f"{record}/push", id_=made[0].id)
    await call("POST", f"{one}/disconnect", id_=id_)
    await call("POST", f"{one}/disconnect", id_=id_)
    await call("GET", connections)
    await call("GET", records, query="?object_type=bill&pagination_token=none")


async def _refused(call: Caller) -> None:
    one, record = "/accounting_connections/{connection_id}", "/accounting_synced_records/{synced_record_id}"
    by_id = [("GET", one), ("POST", f"{one}/disconnect"), ("POST", f"{one}/sync"), ("GET", record)]
    for method, shape in [*by_id, ("POST", f"{record}/push")]:
        await call(method, shape, id_=UNKNOWN)
        await call(method, shape, id_="none")
    for query in ("", "?object_type=none", "?object_type=bill&limit=0", "?object_type=bill&sort=id"):
        await call("GET", "/accounting_synced_records", query=query)
    for more in ({}, {"grant_type": "none"}, {"x": 1}, {"grant_type": "entity_user"}):
        await call("POST", "/auth/token", json={**CREDENTIALS, **more})
    await call("POST", "/auth/token", json={**CREDENTIALS, "client_secret": "x", "grant_type": "client_credentials"})
    await call("POST", "/auth/revoke", json=CREDENTIALS)
    await call("POST", "/auth/revoke", json={**CREDENTIALS, "token": "unknown"})
    await call("DELETE", "/accounting_connections")


async def test_what_is_served_is_what_is_described() -> None:
    """Every answer of a whole life, and of whatever is refused, has a declared status and shape."""
    async with MoniteSandbox(rules=MoniteRules(rate_limit=None)) as sandbox, aiohttp.ClientSession() as session:
        call = Caller(sandbox, session)
        await call("GET", "/accounting_connections")
        await _token(call)
        await _live(call, sandbox)
        await _refused(call)
        for version in ("", "2024-13-01", "soon"):
            call.headers["x-monite-version"] = version
            await call("GET", "/accounting_connections")
        del call.headers["x-monite-version"]
        await call("GET", "/accounting_connections")
        await call("POST", "/auth/token", json={**CREDENTIALS, "grant_type": "client_credentials"})
        call.headers["x-monite-version"] = "2024-05-25"
        sandbox.monite.expire_tokens()
        await call("GET", "/accounting_connections")
        await _token(call)
        sandbox.monite.rules = MoniteRules(rate_limit=1, rate_window=1e6)
        await call("GET", "/accounting_connections")
        await call("GET", "/accounting_connections")
    declared = {
        (method.upper(), path, status)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
        for status in operation["responses"]
        if status in ("200", "201", "202", "404", "409")
    }
    assert declared - call.seen == set()
    statuses = {"200", "201", "202", "400", "401", "404", "405", "409", "422", "429"}
    assert {status for _, _, status in call.seen} == statuses


async def test_an_older_version_than_any_is_not_found() -> None:
    """Its routes do not exist; a later one than any is served by the closest before it."""
    async with MoniteSandbox() as sandbox, aiohttp.ClientSession() as session:
        for version, status in (("2023-08-31", 404), ("2099-01-01", 401)):
            headers = {"x-monite-version": version}
            async with session.get(f"{sandbox.url}/accounting_connections", headers=headers) as answer:
                assert answer.status == status


async def test_the_document_is_served() -> None:
    """With the address it is served at, for tools that start from it."""
    async with (
        MoniteSandbox() as sandbox,
        aiohttp.ClientSession() as session,
        session.get(sandbox.url.removesuffix("/v1") + "/openapi.json") as answer,
    ):
        document = await answer.json()
        url = sandbox.url
    assert document["servers"][0]["url"] == url
    assert document["paths"] == DOCUMENT["paths"]


if MONITE_OPENAPI:  # Not collected otherwise: a test that cannot run is no test.

    def test_facts_are_those_of_the_original() -> None:
        """The facts file says what Monite's own document says."""
        assert facts_of(Path(str(MONITE_OPENAPI))) == FACTS
