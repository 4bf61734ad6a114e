"""What Monite's own Python package does where ours differs: the claims of README's table, each run on both.

It is no dependency: the [peers] extra installs it, and without it these are not collected. Run with ``-m slow``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

import pytest
from aiohttp import web

from brex_accounting import AuthenticationError, ConfigurationError, Conflict
from brex_accounting.monite import MoniteAccounting
from brex_accounting.sandbox import Fault
from brex_accounting.sandbox.monite import MoniteSandbox

from .support import Seen, Tap, connected

pytestmark = pytest.mark.slow
official: Any = import_module("monite")
httpx: Any = import_module("httpx")


@pytest.fixture
async def theirs(sandbox: MoniteSandbox) -> AsyncIterator[Any]:
    """Their client, as its README makes it, with a token that lives."""
    sandbox.monite.accept("t")
    async with httpx.AsyncClient(timeout=10) as http:
        client = official.AsyncMonite(
            base_url=sandbox.url,
            monite_version="2024-05-25",
            monite_entity_id=sandbox.entity_id,
            token="t",
            httpx_client=http,
        )
        yield client.accounting.connections


async def failure_of(work: Any) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is, it is looked at
        await work
    return caught.value


@pytest.mark.parametrize(("asked", "sent"), [(None, 1), (1, 1), (2, 1), (3, 2)])
async def test_retries(sandbox: MoniteSandbox, theirs: Any, tap: Tap, asked: int | None, sent: int) -> None:
    """A 503 is not retried by default, nor when one or two are asked for; three give one."""
    sandbox.faults.add(Fault(kind="503", every=1))
    options = {} if asked is None else {"request_options": {"max_retries": asked}}
    error = await failure_of(theirs.get(**options))
    assert type(error).__name__ == "ApiError"
    assert len(tap.seen) == sent


async def test_our_retries(sandbox: MoniteSandbox, monite: MoniteAccounting, tap: Tap) -> None:
    """A read is tried four times, and each attempt is sent."""
    sandbox.faults.add(Fault(kind="503", next=3, path="/accounting_connections"))
    assert await monite.connections.list() == ()
    assert len(tap.lines) == 4


async def test_a_create_is_sent_twice(sandbox: MoniteSandbox, theirs: Any, tap: Tap) -> None:
    """When retries are on, a POST that was processed goes again."""

    def processed(_one: Seen) -> web.Response | None:
        if len(tap.seen) > 1:
            return None
        sandbox.monite.create(sandbox.entity_id)
        return web.Response(status=502)

    tap.instead = processed
    error = await failure_of(theirs.create(request_options={"max_retries": 3}))
    assert error.status_code == 409  # type: ignore[attr-defined]
    assert tap.lines == ["POST /accounting_connections"] * 2


@pytest.mark.parametrize(
    ("id_", "path"),
    [
        ("../entities/x", "/entities/x/disconnect"),
        ("a/b?c=d", "/accounting_connections/a/b"),
        ("", "/accounting_connections/disconnect"),
    ],
)
async def test_ids(theirs: Any, monite: MoniteAccounting, tap: Tap, id_: str, path: str) -> None:
    """They are put into the path as they are: another resource is posted to. Ours sends nothing."""
    await failure_of(theirs.disconnect_by_id(id_))
    assert tap.lines == [f"POST {path}"]
    with pytest.raises(ConfigurationError):
        await monite.connections.disconnect(id_)
    assert len(tap.lines) == 1


async def test_an_answer_after_the_server_has_acted(
    sandbox: MoniteSandbox, theirs: Any, monite: MoniteAccounting
) -> None:
    """The guide's own answer to a disconnect raises pydantic's error; the connection is gone."""
    id_ = await connected(sandbox, monite)
    error = await failure_of(theirs.disconnect_by_id(id_))
    assert type(error).__name__ == "ValidationError"
    assert type(error).__module__.startswith("pydantic")
    assert (await monite.connections.get(id_)).status == "disconnected"
    again = await connected(sandbox, monite)
    assert (await monite.connections.disconnect(again)).status == "disconnected"


async def test_errors(sandbox: MoniteSandbox, theirs: Any, monite: MoniteAccounting) -> None:
    """One class for every status, and for a page of HTML with status 200; ours has a class and the server's words."""
    id_ = await connected(sandbox, monite)
    await monite.connections.disconnect(id_)
    refused = await failure_of(theirs.disconnect_by_id(id_))
    assert (type(refused).__name__, refused.status_code) == ("ApiError", 409)  # type: ignore[attr-defined]
    sandbox.faults.add(Fault(kind="html", next=1))
    page = await failure_of(theirs.get())
    assert (type(page).__name__, page.status_code) == ("ApiError", 200)  # type: ignore[attr-defined]
    with pytest.raises(Conflict) as caught:
        await monite.connections.disconnect(id_)
    assert caught.value.message == "The connection is disconnected."


async def test_an_expired_token(sandbox: MoniteSandbox, theirs: Any, monite: MoniteAccounting) -> None:
    """Theirs takes a token and gets none: when it expires, every call fails. Ours asks for another."""
    await monite.connections.list()
    sandbox.monite.expire_tokens()
    error = await failure_of(theirs.get())
    assert error.status_code == 400  # type: ignore[attr-defined]
    assert not isinstance(error, AuthenticationError)
    assert await monite.connections.list() == ()
