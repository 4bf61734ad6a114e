"""One page ahead over a fake list: when it is asked for, what ends it, and that nothing else changes."""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import APIConnectionError, ConfigurationError, Page, ServerError
from brex_accounting.converters.cursors import peek_cursor
from brex_accounting.paging import RecordQuery, Source
from brex_accounting.prefetching import Peeked

from .documents import thorough
from .lists import FILTERS, THREE, Item, Pages, Server, identify, ids, served


@attrs.define
class Gated(Server):
    """Answers a request when its gate is opened. ``ended`` are the cursors whose fetch is over, however it ended."""

    gates: dict[str | None, asyncio.Event] = attrs.field(factory=dict)
    ended: list[str | None] = attrs.field(factory=list)
    tasks: list[asyncio.Task[Any]] = attrs.field(factory=list)

    def gate(self, cursor: str | None) -> asyncio.Event:
        return self.gates.setdefault(cursor, asyncio.Event())

    async def fetch(self, cursor: str | None, page_size: int, peeked: Peeked | None) -> Page[Item]:
        self.asked.append((cursor, page_size))
        try:
            await self.gate(cursor).wait()
            if self.failures:
                raise self.failures.popleft()
            page = self.pages[cursor]
            if peeked is not None and page.next_cursor and peeked(page.next_cursor):
                await asyncio.sleep(0)
            return page
        finally:
            self.ended.append(cursor)

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        self.tasks.append(asyncio.get_running_loop().create_task(work))
        return self.tasks[-1]

    def query(self, *, page_size: int = 10, max_items: int | None = None, prefetch: int = 1) -> RecordQuery[Item]:
        source: Source[Item] = Source(fetch=self.fetch, identify=identify, filters=FILTERS, spawn=self.spawn)
        return RecordQuery(source, page_size=page_size, max_items=max_items, prefetch=prefetch)

    @property
    def cursors(self) -> list[str | None]:
        return [cursor for cursor, _ in self.asked]


async def settle() -> None:
    """Let everybody run who can."""
    for _ in range(10):
        await asyncio.sleep(0)


def gated(*opened: str | None, pages: Pages = THREE) -> Gated:
    server = Gated(pages)
    for cursor in opened:
        server.gate(cursor).set()
    return server


async def test_the_next_page_is_asked_for_before_this_one_is_handed_out() -> None:
    """With prefetch the second request is out when the reader gets page one; without, it is not. Never two ahead."""
    server = gated(None, "c1", "c2")
    assert ids((await anext(server.query(prefetch=1).pages())).items) == "ab"
    assert server.cursors == [None, "c1"]
    await settle()
    assert server.cursors == [None, "c1"]
    lazy = gated(None, "c1", "c2")
    await anext(lazy.query(prefetch=0).pages())
    await settle()
    assert lazy.cursors == [None]


@pytest.mark.parametrize("prefetch", [0, 1])
async def test_what_is_read_is_the_same(prefetch: int) -> None:
    """Records, pages, checkpoints and the requests, each once, do not depend on it."""
    for limit in (None, 1, 2, 3, 4, 5, 9):
        server = Server(THREE)
        query = server.query(prefetch=prefetch, max_items=limit)
        assert ids([item async for item in query]) == "abcde"[:limit]
        assert [page.checkpoint async for page in query.pages()] == [
            page.checkpoint async for page in Server(THREE).query(max_items=limit).pages()
        ]
        assert len({cursor for cursor, _ in server.asked}) * 2 == len(server.asked)


@thorough
@given(
    sizes=st.lists(st.integers(0, 3), min_size=1, max_size=6),
    limit=st.none() | st.integers(1, 12),
    stop=st.integers(0, 12),
)
def test_any_list_resumed_anywhere(sizes: list[int], limit: int | None, stop: int) -> None:
    """Whatever the pages hold, stopping anywhere and going on from the checkpoint gives each record once."""
    names = [[f"{number}.{place}" for place in range(size)] for number, size in enumerate(sizes)]
    cursors = [None, *(f"c{number}" for number in range(1, len(sizes)))]
    follows = [*cursors[1:], None]
    pages = {cursor: served(*items, then=then) for cursor, items, then in zip(cursors, names, follows, strict=True)}

    async def scenario() -> list[str]:
        walk = Server(pages).query(prefetch=1, max_items=limit).records()
        first = [item async for item, _ in _some(walk, stop)]
        rest = Server(pages).query(prefetch=1).records(resume_from=walk.checkpoint)
        await walk.aclose()
        return [one for one, _ in first] + [one async for one, _ in rest]

    assert asyncio.run(scenario()) == [one for some in names for one in some]


async def _some(walk: Any, count: int) -> Any:
    for number in range(count):
        item = await anext(walk, None)
        if item is None:
            return
        yield item, number


async def test_no_more_than_max_items_needs() -> None:
    """The page that holds the last record wanted starts no other, peeked or not."""
    for limit in (1, 2):
        server = Server(THREE)
        assert len(await server.query(prefetch=1, max_items=limit, page_size=2).collect()) == limit
        assert [cursor for cursor, _ in server.asked] == [None]


async def test_its_error_waits_until_its_page_is_reached() -> None:
    """Page one is read in peace; asking for page two raises, with the checkpoint; asking again goes on."""
    server = gated(None, "c1", "c2")
    walk = server.query().records()
    assert (await anext(walk))[0] == "a"
    server.failures = deque([ServerError("GET /x answered 500", status=500)])
    await settle()
    # What is under way already was answered before the failure: so the failure is that of page three.
    assert [(await anext(walk))[0] for _ in range(3)] == ["b", "c", "d"]
    with pytest.raises(ServerError) as caught:
        await anext(walk)
    assert caught.value.checkpoint == walk.checkpoint
    assert (await anext(walk))[0] == "e"
    assert server.cursors == [None, "c1", "c2", "c2"]


async def test_an_error_nobody_comes_for_is_nobodys() -> None:
    """A page ahead that failed and was abandoned is not reported as an exception never retrieved."""
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    server = gated(None)
    walk = server.query().pages()
    await anext(walk)
    server.failures = deque([ServerError("GET /x answered 500", status=500)])
    server.gate("c1").set()
    await settle()
    assert server.tasks[0].done()
    del walk
    server.tasks.clear()
    await settle()
    gc.collect()
    await settle()
    assert told == []


@pytest.mark.parametrize("how", ["aclose", "async with", "dropped", "records aclose", "exhausted"])
async def test_leaving_ends_the_page_ahead(how: str) -> None:
    """However a reader leaves, nothing is under way afterwards."""
    server = gated(None)
    if how == "records aclose":
        walk = server.query().records()
        await anext(walk)
        await walk.aclose()
    elif how == "async with":
        async with server.query().pages() as pages:
            await anext(pages)
            assert not server.tasks[0].done()
    elif how == "exhausted":
        server = gated(None, "c1", "c2")
        assert len([page async for page in server.query().pages()]) == 3
    else:
        pages = server.query().pages()
        await anext(pages)
        assert not server.tasks[0].done()
        if how == "aclose":
            await pages.aclose()
        else:
            del pages
            await settle()
    assert server.tasks
    assert all(task.done() for task in server.tasks)
    assert sorted(map(str, server.ended)) == sorted(map(str, server.cursors))


async def test_cancelling_the_reader_cancels_the_page_it_waits_for() -> None:
    """Nothing is left under way; asked again, the iterator goes on with that page."""
    server = gated(None)
    pages = server.query().pages()
    await anext(pages)
    reader = asyncio.ensure_future(anext(pages))
    await settle()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert [task.cancelled() for task in server.tasks] == [True]
    server.gate("c1").set()
    server.gate("c2").set()
    assert [ids(page.items) async for page in pages] == ["cd", "e"]


@pytest.mark.parametrize("turns", range(8))
async def test_cancelled_at_any_turn_no_page_is_skipped(turns: int) -> None:
    """Whenever the reader is cancelled, what it reads afterwards follows what it was handed."""
    server = Server(THREE)
    pages = server.query(prefetch=1).pages()
    got: list[Item] = []

    async def read() -> None:
        async for page in pages:
            got.extend(page.items)

    reader = asyncio.ensure_future(read())
    for _ in range(turns):
        await asyncio.sleep(0)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    got += [item async for page in pages for item in page.items]
    assert ids(got) == "abcde"


async def test_ended_from_outside_is_an_error_of_ours() -> None:
    """When its client closes while a reader waits for a page ahead, the reader is told, and is not cancelled itself."""
    server = gated(None)
    pages = server.query().pages()
    await anext(pages)
    reader = asyncio.ensure_future(anext(pages))
    await settle()
    server.tasks[0].cancel()
    with pytest.raises(APIConnectionError, match="closed"):
        await reader


async def test_a_cursor_that_turns_out_otherwise() -> None:
    """A request for a cursor that was misread is dropped, and the right page is asked for."""

    class Misread(Gated):
        async def fetch(self, cursor: str | None, page_size: int, peeked: Peeked | None) -> Page[Item]:
            return await super().fetch(cursor, page_size, (lambda _: peeked("wrong")) if peeked is not None else None)

    server = Misread(THREE)
    for cursor in (None, "c1", "c2"):
        server.gate(cursor).set()
    assert ids([item async for item in server.query()]) == "abcde"
    assert server.cursors.count("c1") == server.cursors.count("c2") == 1


@pytest.mark.parametrize("wrong", [True, False, -1, 2, 1.5, "1", None])
def test_what_prefetch_takes(wrong: Any) -> None:
    """0 or 1, and nothing that only looks like it."""
    with pytest.raises(ConfigurationError, match="prefetch"):
        Server(THREE).query(prefetch=wrong)


@pytest.mark.parametrize(
    ("body", "cursor"),
    [
        (b'{"items":[],"next_cursor":"abc","has_next_page":true}', "abc"),
        (b'{ "items" : [ {} ] , "has_next_page" : true, "total_count": 7, "next_cursor" : "a\\u0062c" }\n', "abc"),
        (b'{"items":[],"next_cursor":"abc","has_next_page":false}', None),
        (b'{"items":[],"next_cursor":null,"has_next_page":true}', None),
        (b'{"items":[],"next_cursor":"","has_next_page":true}', None),
        (b'{"items":[],"has_next_page":true}', None),
        (b'{"next_cursor":"abc","has_next_page":true,"items":[]}', None),
        (b'{"next_cursor":"abc","has_next_page":true,"items":["next_cursor"]}', None),
        (b'{"items":[{"memo":"],\\"next_cursor\\":\\"x\\",\\"has_next_page\\":true}"}]}', None),
        (b'{"items":[{"memo":"x","next_cursor":"x","has_next_page":true}]}', None),
        (b'{"items":[],"next_cursor":"a]bc","has_next_page":true}', None),
        (b'{"items":[],"next_cursor":"abc","has_next_page":"true"}', None),
        (b'{"items":[],"next_cursor":"a\xffc","has_next_page":true}', None),
        (b'{"items":[],"next_cursor":"abc","has_next_page":tru', None),
        (b'{"items":[' + b"0," * 9000 + b'0],"next_cursor":"abc","has_next_page":true}', "abc"),
        (b'{"items":[],"next_cursor":"' + b"c" * 5000 + b'","has_next_page":true}', None),
        (b'{"items":[],"z":' + b"[" * 4000, None),
        (b"<html>]", None),
        (b"", None),
    ],
)
def test_peeking(body: bytes, cursor: str | None) -> None:
    """The end of the body tells the cursor, or nothing: never what stands inside a record."""
    assert peek_cursor(body) == cursor
