"""A source of tokens in trouble: a server that wants a rest, answers that are lost, saves that wait for themselves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from brex_accounting import OAuthTokens, TokenRefreshError
from brex_accounting.oauth import LONGEST_REST, REST, TokenPair

from .granting import Bench


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


def throttled(seconds: float | None) -> TokenRefreshError:
    error = TokenRefreshError("the OAuth server answered 429; try again later")
    error.retry_after = seconds
    return error


def lost() -> TokenRefreshError:
    error = TokenRefreshError("the OAuth server failed")
    error.may_have_happened = True
    return error


@pytest.mark.parametrize(
    ("said", "rest"), [(None, REST), (0.0, REST), (2.0, REST), (60.0, 60.0), (299.0, 299.0), (1e9, LONGEST_REST)]
)
async def test_the_rest_is_as_long_as_the_server_says(bench: Bench, said: float | None, rest: float) -> None:
    """Nothing is asked before it ends; whoever comes meanwhile is told what is left of it."""
    bench.failures = [throttled(said)]
    source = bench.source()
    assert (await bench.fail(source.token())).retry_after == said
    await bench.clock.advance(rest - 1)
    error = await bench.fail(source.token())
    assert bench.asked == 1
    assert error.retry_after == (None if said is None else max(0.0, said - (rest - 1)))
    await bench.clock.advance(1.001)
    assert await bench.run(source.token()) == "access-2"


async def test_a_doubtful_refresh_is_not_repeated_while_the_old_token_lives(bench: Bench) -> None:
    """After a lost answer nothing is sent until the last 30 s; then the same refresh token goes out again."""
    bench.failures = [lost()]
    source = bench.source(left=100)
    assert await source.token() == "access-0"
    await bench.clock.advance(10)
    assert bench.asked == 1
    for _ in range(5):
        await bench.clock.advance(10)
        assert await source.token() == "access-0"
    await bench.clock.settle()
    assert bench.asked == 1
    await bench.clock.advance(15)
    assert await bench.run(source.token()) == "access-2"
    assert [form["refresh_token"] for form in bench.forms] == ["refresh-0", "refresh-0"]


async def test_a_certain_failure_is_repeated_in_the_background(bench: Bench) -> None:
    """What certainly was not processed costs nothing to send again, after the rest."""
    bench.failures = [throttled(None)]
    source = bench.source(left=100)
    await source.token()
    await bench.clock.advance(REST + 2)
    assert await source.token() == "access-0"
    await bench.clock.advance(2)
    assert (await source.token(), bench.asked) == ("access-2", 2)


async def test_after_a_success_there_is_no_doubt(bench: Bench) -> None:
    """A refusal makes the doubtful refresh; the next expiry is refreshed in the background as ever."""
    bench.failures = [lost()]
    source = bench.source(left=1000)
    await bench.fail(source.renew("access-0"))
    await bench.clock.advance(REST + 1)
    assert await bench.run(source.token()) == "access-2"
    await bench.clock.advance(3600 - 100)
    assert await source.token() == "access-2"
    await bench.clock.advance(2)
    assert await source.token() == "access-3"


async def _gathered(work: Awaitable[Any]) -> None:
    await asyncio.gather(work)


async def _in_time(work: Awaitable[Any]) -> None:
    await asyncio.wait_for(work, 5)


async def _grouped(work: Awaitable[Any]) -> None:
    async def await_it() -> None:
        await work

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(await_it())
    except* TokenRefreshError as caught:
        raise caught.exceptions[0] from None


@pytest.mark.parametrize("wait", [_gathered, _in_time, _grouped])
@pytest.mark.parametrize("use", ["token", "renew", "aclose"])
async def test_a_save_whose_tasks_use_the_tokens_it_saves(
    bench: Bench, wait: Callable[[Awaitable[Any]], Awaitable[None]], use: str
) -> None:
    """Whatever task asks for them: it is told so at once, the pair is kept, and closing does not hang."""
    uses: dict[str, Callable[[], Awaitable[Any]]] = {
        "token": lambda: source.token(),
        "renew": lambda: source.renew("access-1"),
        "aclose": lambda: source.aclose(),
    }
    refused: list[BaseException] = []

    async def save(pair: TokenPair) -> None:
        try:
            await wait(uses[use]())
        except TokenRefreshError as error:
            refused.append(error)
        bench.saved.append(pair)

    source: OAuthTokens = bench.source(save=save)
    assert await bench.run(source.token()) == "access-1"
    assert len(refused) == 1
    assert "save" in str(refused[0])
    await bench.run(source.aclose())


async def test_a_save_may_use_the_tokens_of_another_company(bench: Bench) -> None:
    """The mark that tells who is inside is of one source."""
    other = bench.source()

    async def save(pair: TokenPair) -> None:
        await other.token()
        bench.saved.append(pair)

    source = bench.source(save=save)
    assert await bench.run(source.token()) == "access-1"
    assert len(bench.saved) == 2


async def test_what_a_save_leaves_running_may_use_the_tokens_later(bench: Bench) -> None:
    """A task that outlives its save is outside again."""
    later: list[asyncio.Task[str]] = []

    async def save(pair: TokenPair) -> None:
        bench.saved.append(pair)

        async def use() -> str:
            await bench.clock.sleep(5)
            return await source.token()

        later.append(asyncio.ensure_future(use()))

    source = bench.source(save=save)
    await bench.run(source.token())
    await bench.clock.finish(*later)
    assert later[0].result() == "access-1"


async def test_a_save_that_never_returns(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """It is cancelled after its time, everybody who waits is told, and closing ends with a line in the log."""
    bench.save_gate = asyncio.Event()
    source = bench.source(save_timeout=0.05)
    error = await _failed(bench, source)
    assert "save did not return within 0.05 s" in str(error)
    with caplog.at_level(logging.ERROR, "brex_accounting"):
        await source.aclose()
    assert "could not be saved" in caplog.text
    bench.save_gate.set()
    await source.aclose()
    assert [pair.access_token for pair in bench.saved] == ["access-1"]


async def _failed(bench: Bench, source: OAuthTokens) -> TokenRefreshError:
    task = asyncio.ensure_future(source.token())
    await bench.clock.settle()
    bench.clock.wake_next()
    with pytest.raises(TokenRefreshError) as caught:
        await asyncio.wait_for(task, 10)
    return caught.value
