"""TLS on loopback, with a certificate made for the run."""

from __future__ import annotations

import asyncio
import gc
import shutil
import ssl
import subprocess
import warnings
from pathlib import Path

import pytest

from brex_accounting import APIConnectionError, BrexAccounting, ExportSuccess, OAuthTokens, TokenRefreshError
from brex_accounting.oauth import TokenPair

from ..session.raw import answering, http_bytes
from .support import QUICK, page_json, wire_record

OPENSSL = shutil.which("openssl")

pytestmark = pytest.mark.skipif(OPENSSL is None, reason="the certificate is made with openssl")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody else trusts, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "cert.pem", folder / "key.pem"
    order = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=loopback"]
    order += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(made)]
    subprocess.run([str(OPENSSL), *order], check=True, capture_output=True, timeout=60)
    return made, key


def server_side(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


async def test_with_a_ca_of_ones_own(certificate: tuple[Path, Path]) -> None:
    """ssl= takes a context; the page is read, and closing leaves no transport open."""
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        async with answering(http_bytes(page_json(wire_record())), close=False, ssl=server_side(certificate)) as server:
            async with BrexAccounting("bxt_x", base_url=server.url, ssl=trusting) as brex:
                for _ in range(3):
                    assert len(await brex.records.list().collect()) == 1
            assert server.connections == 1
        gc.collect()
    assert [str(one.message) for one in warned] == []


async def test_an_untrusted_certificate_gets_no_token(certificate: tuple[Path, Path]) -> None:
    """The handshake fails before the request: not sent, so not even a report is in doubt."""
    async with answering(http_bytes(), ssl=server_side(certificate)) as server:
        async with BrexAccounting("bxt_x", base_url=server.url, retry=QUICK) as brex:
            with pytest.raises(APIConnectionError) as caught:
                await brex.records.report_export_results([ExportSuccess(accounting_record_id="accr_1")])
        assert (caught.value.sent, caught.value.may_have_happened) == (False, False)
        assert len(caught.value.attempts) == 4
        assert server.requests == []


@pytest.mark.usefixtures("idle_time")
async def test_tls_leaves_nothing_open_when_things_go_wrong(certificate: tuple[Path, Path]) -> None:
    """Cut, cancelled, oversized and abandoned answers over TLS: no ResourceWarning, no transport, no task."""
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    page = http_bytes(page_json(wire_record(), wire_record(1), next_cursor="c", has_next_page=True))
    answers = {"whole": page, "cut": page[:-50], "large": http_bytes(bytes(200_000)), "silent": b""}
    before = asyncio.all_tasks()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        for kind, answer in answers.items():
            close = kind not in ("whole", "silent")
            async with (
                answering(answer, close=close, ssl=server_side(certificate)) as server,
                BrexAccounting(
                    "bxt_x", base_url=server.url, ssl=trusting, retry=QUICK, max_response_bytes=100_000
                ) as brex,
            ):
                walk = asyncio.create_task(_first(brex))
                await asyncio.wait([walk], timeout=0.3)
                walk.cancel()
                await asyncio.gather(walk, return_exceptions=True)
            assert (kind, asyncio.all_tasks() - {walk}) == (kind, before)
        gc.collect()
    assert [str(one.message) for one in warned] == []


async def test_oauth_over_tls(certificate: tuple[Path, Path]) -> None:
    """Tokens come through a context of one's own; without it the handshake fails and nothing is spent."""
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    granted = http_bytes(b'{"access_token":"a1","refresh_token":"r1","expires_in":3600}')
    saved: list[TokenPair] = []

    async def save(pair: TokenPair) -> None:
        saved.append(pair)

    async with answering(granted, ssl=server_side(certificate)) as server:
        url = f"{server.url}/v1/token"
        distrusting = OAuthTokens("client", "secret", "r0", save=save, token_url=url)
        with pytest.raises(TokenRefreshError) as caught:
            await distrusting.token()
        assert (caught.value.may_have_happened, server.requests) == (False, [])
        assert await OAuthTokens("client", "secret", "r0", save=save, token_url=url, ssl=trusting).token() == "a1"
        assert b"refresh_token=r0" in server.requests[0]
    assert [pair.refresh_token for pair in saved] == ["r1"]


async def _first(brex: BrexAccounting) -> None:
    async for _ in brex.records.list():
        break
