"""The sandbox's OAuth server over HTTP: paths, bodies, redirects and faults."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp
import pytest

from brex_accounting.sandbox import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, Fault

from .drivers import TODAY, HttpDriver, http
from .test_oauth_rules import CLIENT, QUERY, VERIFIER

FORM = {**CLIENT, "grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
READ = "/v3/accounting/records"


@pytest.fixture
async def server() -> AsyncIterator[HttpDriver]:
    """One record, over HTTP."""
    async with http(records=1) as one:
        yield one


def place_of(server: HttpDriver, query: dict[str, str] | None = None) -> str:
    return f"{server.sandbox.oauth_url}/v1/authorize?{urlencode(QUERY if query is None else query)}"


async def post(server: HttpDriver, path: str, **given: Any) -> tuple[int, Any]:
    async with server.session.post(f"{server.sandbox.oauth_url}/v1/{path}", **given) as response:
        return response.status, await response.json() if response.content_type == "application/json" else None


async def test_from_consent_to_records_and_back(server: HttpDriver) -> None:
    """Redirect, exchange, a call, a refresh and a revocation, each over HTTP."""
    async with server.session.get(place_of(server), allow_redirects=False) as response:
        assert response.status == 302
        back = urlsplit(response.headers["Location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == REDIRECT_URI
    carried = dict(parse_qsl(back.query))
    assert carried["state"] == QUERY["state"]
    status, tokens = await post(server, "token", data={**FORM, "code": carried["code"]})
    assert (status, tokens["token_type"], tokens["expires_in"]) == (200, "Bearer", 3600)
    assert (await server.ask("list", authorization=f"Bearer {tokens['access_token']}")).status == 200
    again = {**CLIENT, "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    status, later = await post(server, "token", data=again)
    assert status == 200
    assert await post(server, "token", data=again) == (
        400,
        {
            "error": "invalid_grant",
            "error_description": "The refresh token is unknown, used, expired or revoked.",
        },
    )
    assert await post(server, "revoke", data={**CLIENT, "token": later["refresh_token"]}) == (200, None)
    assert (await server.ask("list", authorization=f"Bearer {later['access_token']}")).status == 403


async def test_an_expired_token_is_told_by_the_gateway(server: HttpDriver) -> None:
    """403, type and message, as documented."""
    code = server.sandbox.consent(place_of(server))["code"]
    _, tokens = await post(server, "token", data={**FORM, "code": code})
    server.clock.tick(3600)
    answer = await server.ask("list", authorization=f"Bearer {tokens['access_token']}")
    assert (answer.status, answer.body) == (403, {"type": "FORBIDDEN", "message": "Expired token"})


async def test_the_configuration_names_the_paths(server: HttpDriver) -> None:
    """Each address it gives is served."""
    base = server.sandbox.oauth_url
    async with server.session.get(f"{base}/.well-known/openid-configuration") as response:
        found = await response.json()
    assert found["issuer"] == base
    assert "accounting.record.write" in found["scopes_supported"]
    async with server.session.get(found["authorization_endpoint"]) as response:
        assert response.status == 400
    for name in ("token_endpoint", "revocation_endpoint"):
        async with server.session.post(found[name], data={"client_id": CLIENT_ID}) as response:
            assert (response.status, (await response.json())["error"]) == (401, "invalid_client")


async def test_answers_with_tokens_are_not_kept(server: HttpDriver) -> None:
    """Cache-Control, trace id and the sandbox's date are on them."""
    code = server.sandbox.consent(place_of(server))["code"]
    url = f"{server.sandbox.oauth_url}/v1/token"
    async with server.session.post(url, data={**FORM, "code": code}) as response:
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Brex-Trace-Id"].startswith("sandbox-")
        assert response.headers["Date"] == TODAY.strftime("%a, %d %b %Y %H:%M:%S GMT")


@pytest.mark.parametrize(
    "given",
    [
        {"json": FORM},
        {"data": b"a=b", "headers": {"Content-Type": "text/plain"}},
        {"data": b"\xff", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"data": b"&".join([b"a=b"] * 99), "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
    ],
)
@pytest.mark.parametrize("path", ["token", "revoke"])
async def test_only_forms_are_read(server: HttpDriver, path: str, given: dict[str, Any]) -> None:
    """JSON, other types and garbage are an invalid_request."""
    status, answer = await post(server, path, **given)
    assert (status, answer["error"]) == (400, "invalid_request")


async def test_a_form_that_is_too_large(server: HttpDriver) -> None:
    """More than 16 MiB is a 413 in OAuth's shape."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    data = io.BytesIO(b"a" * (16 * 2**20 + 1))
    status, answer = await post(server, "token", data=data, headers=headers)
    assert (status, answer["error"]) == (413, "invalid_request")


async def test_a_stranger_is_told_and_not_redirected(server: HttpDriver) -> None:
    """400 with the reason, and no Location."""
    stranger = place_of(server, {**QUERY, "redirect_uri": "https://evil.example/"})
    async with server.session.get(stranger, allow_redirects=False) as response:
        assert (response.status, (await response.json())["error"]) == (400, "invalid_request")
        assert "Location" not in response.headers


async def test_a_state_cannot_add_headers(server: HttpDriver) -> None:
    """What a state holds comes back quoted."""
    evil = "12345678\r\nX-Evil: 1&code=x"
    async with server.session.get(place_of(server, {**QUERY, "state": evil}), allow_redirects=False) as response:
        assert "X-Evil" not in response.headers
        assert dict(parse_qsl(urlsplit(response.headers["Location"]).query))["state"] == evil


@pytest.mark.parametrize(("method", "path"), [("GET", "token"), ("POST", "authorize"), ("HEAD", "authorize")])
async def test_other_methods_are_refused(server: HttpDriver, method: str, path: str) -> None:
    """405, with a trace id."""
    async with server.session.request(method, f"{server.sandbox.oauth_url}/v1/{path}") as response:
        assert response.status == 405
        assert "X-Brex-Trace-Id" in response.headers


@pytest.mark.parametrize(("kind", "status"), [("429", 429), ("500", 500), ("503", 503), ("html", 200)])
async def test_faults_strike_here_too(server: HttpDriver, kind: str, status: int) -> None:
    """They spend nothing: the code still works afterwards."""
    code = server.sandbox.consent(place_of(server))["code"]
    server.sandbox.faults.add(Fault(kind=kind, next=1, path="/v1/token"))
    assert (await post(server, "token", data={**FORM, "code": code}))[0] == status
    assert (await post(server, "token", data={**FORM, "code": code}))[0] == 200


async def test_a_lost_answer_has_spent_the_code(server: HttpDriver) -> None:
    """drop-after: processed, and then the connection closes."""
    code = server.sandbox.consent(place_of(server))["code"]
    server.sandbox.faults.add(Fault(kind="drop-after", next=1))
    with pytest.raises(aiohttp.ClientConnectionError):
        await post(server, "token", data={**FORM, "code": code})
    assert (await post(server, "token", data={**FORM, "code": code}))[0] == 400


async def test_the_lifetime_can_be_switched_over_http(server: HttpDriver) -> None:
    """access_token_lifetime and send_expires_in are among the switches."""
    await server.steer("POST", "rules", {"access_token_lifetime": 7})
    code = server.sandbox.consent(place_of(server))["code"]
    _, tokens = await post(server, "token", data={**FORM, "code": code})
    assert tokens["expires_in"] == 7
    assert (await server.steer("POST", "rules", {"send_expires_in": "no"})).status == 400
    assert (await server.steer("POST", "rules", {"send_expires_in": False})).status == 204


def test_the_client_is_no_secret() -> None:
    """Its names say that they open nothing else."""
    assert (CLIENT_ID, CLIENT_SECRET) == ("sandbox_client", "sandbox_secret")
