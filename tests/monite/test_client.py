"""What the client is made of: its arguments, ids that cannot leave their place, other names, and its limit."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import ConfigurationError, NotFound, RateLimit, UnprocessableEntity
from brex_accounting.monite import Dialect, MoniteAccounting, ObjectType, client, endpoints
from brex_accounting.monite.dialect import MONITE, VERSION, Wire
from brex_accounting.sandbox.monite import MoniteRules, MoniteSandbox
from brex_accounting.session.call import Repeat
from brex_accounting.session.events import AttemptEvent, PauseEvent

from ..reporter import printed
from ..session.stand_ins import Limiter
from ..unit.documents import thorough
from .support import Hurried, Tap, client_of, connected

ENTITY = "c7a1d0f2-52c5-4f06-9a51-2f2f0f8a7e10"
CLIENT = "3f0ae3a1-79a3-4f3b-8f0e-0f6d6b3c2b11"
SECRET = "canary_of_a_secret"
WIRE = Wire(dialect=MONITE, version=VERSION, entity_id=ENTITY)
VERBS = (
    endpoints.get_connection,
    endpoints.disconnect_connection,
    endpoints.sync_connection,
    endpoints.get_synced_record,
    endpoints.push_synced_record,
)
BAD_IDS = ["", ".", "..", "../entities/x", "a/b", "a\\b", "a b", "a\n", "x" * 201, 5, None, b"x"]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
@pytest.mark.parametrize("id_", BAD_IDS, ids=repr)
def test_an_id_that_is_none(verb: Any, id_: object) -> None:
    """Refused before anything is sent, and not echoed."""
    with pytest.raises(ConfigurationError) as caught:
        verb(WIRE, id_)
    assert "entities" not in str(caught.value)


@thorough
@given(st.text())
def test_no_id_leaves_its_place(id_: str) -> None:
    """Whatever is taken stands in one segment of the path, quoted, and reads back as it was."""
    for verb in VERBS:
        try:
            path = verb(WIRE, id_).path
        except ConfigurationError:
            continue
        before, segment = path.split("/")[1:3]
        assert before in ("accounting_connections", "accounting_synced_records")
        assert unquote(segment) == id_
        assert not set(segment) & set("?#&; ")


async def test_an_odd_id_reaches_the_server_quoted(monite: MoniteAccounting, tap: Tap) -> None:
    """With what would be a query or a fragment."""
    with pytest.raises(UnprocessableEntity):
        await monite.connections.get("a?b=c#d%2e")
    assert unquote(tap.lines[0]) == "GET /accounting_connections/a?b=c#d%2e"
    assert len(tap.lines[0].split("?")) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"client_id": None}, "MONITE_CLIENT_ID"),
        ({"client_secret": None}, "MONITE_CLIENT_SECRET"),
        ({"entity_id": None}, "MONITE_ENTITY_ID"),
        ({"client_secret": ""}, "client_secret"),
        ({"entity_id": ""}, "entity_id"),
        ({"entity_id": "a\r\nb"}, "entity_id"),
        ({"entity_id": "é"}, "entity_id"),
        ({"version": "latest"}, "version"),
        ({"base_url": ""}, "base_url"),
        ({"base_url": "http://api.monite.example/v1"}, "https"),
        ({"dialect": {}}, "Dialect"),
        ({"token": "t"}, "not both"),
        ({"timeout": 0}, "timeout"),
        ({"ssl": False}, "ssl"),
        ({"rate_limit": 30}, "rate_limit"),
    ],
)
def test_wrong_arguments(monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], words: str) -> None:
    """Each is refused by name, and no secret is echoed."""
    for name in ("CLIENT_ID", "CLIENT_SECRET", "ENTITY_ID", "BASE_URL"):
        monkeypatch.delenv(f"MONITE_{name}", raising=False)
    given: dict[str, Any] = {"client_id": CLIENT, "client_secret": SECRET, "entity_id": ENTITY, **arguments}
    with pytest.raises(ConfigurationError, match=words) as caught:
        MoniteAccounting(**given)
    assert SECRET not in printed(caught.value)


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not given comes from it; without a URL it is Monite's sandbox."""
    monkeypatch.setenv("MONITE_CLIENT_ID", CLIENT)
    monkeypatch.setenv("MONITE_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("MONITE_ENTITY_ID", ENTITY)
    monkeypatch.delenv("MONITE_BASE_URL", raising=False)
    url = "https://api.sandbox.monite.com/v1"
    assert repr(MoniteAccounting()) == f"MoniteAccounting(base_url={url!r}, entity={ENTITY!r})"
    monkeypatch.setenv("MONITE_BASE_URL", "https://us.api.monite.com/v1/")
    assert "'https://us.api.monite.com/v1'" in repr(MoniteAccounting())


@pytest.mark.parametrize(
    "names",
    [
        {"version_header": "x version"},
        {"version_header": ""},
        {"entity_header": "x:\r\ny"},
        {"connections": "accounting"},
        {"connections": "/a/../b"},
        {"connections": "/a?b"},
        {"connections": "/"},
        {"token": None},
    ],
)
def test_a_dialect_that_cannot_be(names: dict[str, Any]) -> None:
    """Headers are names, paths are plain segments."""
    with pytest.raises(ConfigurationError):
        Dialect(**names)


async def test_a_renamed_api(tap: Tap) -> None:
    """Headers, paths and the source of tokens are arguments: the same verbs run against other names."""
    renamed = Dialect(
        version_header="X-Finops-Version",
        entity_header="X-Organization-Id",
        request_id_header="X-Correlation-Id",
        connections="/accounting-connections",
        synced_records="/accounting-synced-records",
        token="/openid/connect/token",
        revoke="/openid/connect/revoke",
    )
    async with (
        MoniteSandbox(dialect=renamed) as sandbox,
        client_of(sandbox, dialect=renamed, version="2025-06-23") as monite,
    ):
        id_ = await connected(sandbox, monite)
        sandbox.monite.add_records(sandbox.entity_id, ObjectType.BILL, 3)
        await monite.connections.sync_and_wait(id_, object_types=["bill"])
        assert len(await monite.synced_records.list(object_type="bill", page_size=2).collect()) == 3
        await monite.connections.disconnect(id_)
        with pytest.raises(NotFound) as caught:
            await monite.connections.get(ENTITY)
        await monite.revoke_token()
    assert caught.value.trace_id is not None
    first = tap.seen[1]
    assert first.line == "POST /accounting-connections"
    assert (first.headers["x-finops-version"], first.headers["x-organization-id"]) == ("2025-06-23", ENTITY)
    assert [one.line for one in tap.seen if "openid" in one.path] == [
        "POST /openid/connect/token",
        "POST /openid/connect/revoke",
    ]
    assert not [one for one in tap.seen if any("monite" in name for name in one.headers)]


async def test_the_limit_is_the_clients(sandbox: MoniteSandbox) -> None:
    """All entities take their turns at one limiter under one key, 30 in a second unless told otherwise."""
    journal: list[str] = []
    async with client_of(sandbox, limiter=Limiter(journal)) as monite:
        await asyncio.gather(monite.connections.list(), monite.for_entity(CLIENT).connections.list())
    assert journal == ["turn", "turn"]
    assert RateLimit(limit=30, per=1.0) == client.RATE


async def test_what_is_left_is_obeyed(sandbox: MoniteSandbox, clock: Hurried) -> None:
    """A client that knows of no limit is stopped by the headers of the answer that used it up, before a 429."""
    sandbox.monite.rules = MoniteRules(rate_limit=5, rate_window=1.0)
    began = clock.time
    async with client_of(sandbox, clock=clock) as monite:
        for _ in range(12):
            await monite.connections.list()
    assert sandbox.statistics.throttled == 0
    assert clock.time - began > 1.9


async def test_retry_after_is_obeyed(sandbox: MoniteSandbox, clock: Hurried) -> None:
    """A crowd that meets the limit waits as long as the server says, and everybody is served."""
    sandbox.monite.rules = MoniteRules(rate_limit=10, rate_window=1.0)
    events: list[object] = []
    async with client_of(sandbox, clock=clock, observers=[events.append]) as monite:
        await asyncio.gather(*(monite.connections.list() for _ in range(15)))
    assert sandbox.statistics.throttled
    waits = [event.wait for event in events if isinstance(event, PauseEvent)]
    assert waits
    assert all(wait >= 1 for wait in waits)
    assert {event.status for event in events if isinstance(event, AttemptEvent)} == {200, 429}


def test_every_repeat_says_on_what_it_rests() -> None:
    """A sentence for each, and only those that change nothing, or no more than the first time, go again."""
    rows = {name: row for name, row in vars(endpoints).items() if isinstance(row, Repeat)}
    assert {name: row.after_ambiguous for name, row in rows.items()} == {
        "READ": True,
        "CREATE": False,
        "DISCONNECT": False,
        "SYNC": True,
        "PUSH": False,
    }
    assert all(row.because.endswith(".") for row in rows.values())
