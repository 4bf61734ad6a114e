"""RecordQuery over a fake list: every way to read it, and every way in which reading it can fail."""

from __future__ import annotations

import asyncio
import traceback
import weakref
from collections import deque
from typing import Any

import attrs
import pytest

from brex_accounting import (
    APIConnectionError,
    CheckpointMismatch,
    ConfigurationError,
    CursorExpired,
    CursorLoop,
    Page,
    PaginationError,
    from_json,
    to_json,
)
from brex_accounting.models import Checkpoint
from brex_accounting.paging import RecordQuery, Source
from brex_accounting.prefetching import Peeked

from .lists import FILTERS, THREE, Item, Server, ids, served

BEGIN = Checkpoint(filters=FILTERS, page_size=10)


def after(cursor: str | None, id_: str | None, version: int = 1) -> Checkpoint:
    last = None if id_ is None else (id_, version)
    return Checkpoint(filters=FILTERS, page_size=10, cursor=cursor, after=last)


async def test_every_record() -> None:
    """``async for`` gives every record in order, asking for each page once with the page size."""
    server = Server(THREE)
    assert ids([item async for item in server.query(page_size=7)]) == "abcde"
    assert server.asked == [(None, 7), ("c1", 7), ("c2", 7)]


async def test_a_query_can_be_read_again() -> None:
    """Each iteration begins anew, also while another is under way."""
    query = Server(THREE).query()
    one, other = aiter(query), aiter(query)
    assert ids([await anext(one), await anext(one), await anext(other)]) == "aba"
    assert ids([item async for item in query]) == "abcde"
    assert ids(await query.collect()) == "abcde"
    assert ids([item async for item in one]) == "cde"


async def test_a_query_alone_asks_nothing() -> None:
    """Making a query, its iterators and its repr fetches nothing."""
    server = Server(THREE)
    query = server.query()
    assert aiter(query).checkpoint == query.pages().checkpoint == BEGIN
    assert repr(query) == "RecordQuery(filters=1, page_size=10)"
    assert server.asked == []


@attrs.frozen
class Thing:
    id: str


async def test_a_page_is_let_go_before_the_next_one_comes() -> None:
    """While the next page is fetched, nothing holds the records of the one before that their reader has let go."""
    made: list[weakref.ref[Thing]] = []
    alive: list[int] = []

    async def fetch(cursor: str | None, _size: int, _peeked: Peeked | None) -> Page[Thing]:
        await asyncio.sleep(0)
        alive.append(sum(one() is not None for one in made))
        number = int(cursor or 0) + 1
        things = tuple(Thing(f"{number}-{place}") for place in range(3))
        made.extend(map(weakref.ref, things))
        return Page(items=things, next_cursor=str(number), has_next_page=number < 4)

    source: Source[Thing] = Source(fetch=fetch, identify=lambda thing: (thing.id, 1), filters=FILTERS)
    count = 0
    async for thing in RecordQuery(source, page_size=3):
        count += 1
        del thing
        await asyncio.sleep(0)
    assert count == 12
    assert alive == [0, 0, 0, 0]


async def test_await_gives_the_first_page() -> None:
    """``await query`` is the first page with its checkpoint, again at each await."""
    server = Server(THREE)
    query = server.query()
    page = await query
    assert ids(page.items) == "ab"
    assert page.checkpoint == after(None, "b")
    assert await query == page
    assert len(server.asked) == 2


async def test_pages_and_their_checkpoints() -> None:
    """Each page's checkpoint is its own cursor and its last record; the iterator's is that of the last page given."""
    pages = Server(THREE).query().pages()
    seen = []
    assert pages.checkpoint == BEGIN
    async for page in pages:
        assert pages.checkpoint == page.checkpoint
        seen.append((ids(page.items), page.checkpoint))
    assert seen == [("ab", after(None, "b")), ("cd", after("c1", "d")), ("e", after("c2", "e"))]


async def test_empty_pages_are_walked_over() -> None:
    """An empty page with a cursor is not the end, and an empty list is no error."""
    pages = {None: served(then="c1"), "c1": served(then="c2"), "c2": served("a", then="c3"), "c3": served()}
    assert ids(await Server(pages).query().collect()) == "a"
    assert await Server({None: served()}).query().collect() == []
    assert [page.items async for page in Server({None: served()}).query().pages()] == [()]


async def test_a_cursor_at_the_end_is_not_followed() -> None:
    """``has_next_page: false`` ends the list, whatever cursor stands beside it."""
    server = Server({None: served("a", then="c1", more=False)})
    assert ids(await server.query().collect()) == "a"
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("last", "kind"),
    [(served("c", then="c1"), CursorLoop), (served("c", more=True), PaginationError)],
)
async def test_lists_that_never_end_well(last: Page[Item], kind: type[PaginationError]) -> None:
    """A circle or a missing cursor is raised after all records came, with a checkpoint that has them all."""
    records = Server({None: served("a", "b", then="c1"), "c1": last}).query().records()
    assert ids([await anext(records) for _ in range(3)]) == "abc"
    for _ in range(2):
        with pytest.raises(kind) as caught:
            await anext(records)
        assert type(caught.value) is kind
        assert caught.value.checkpoint == records.checkpoint == after("c1", "c")


@pytest.mark.parametrize(
    ("limit", "got", "requests"), [(1, "a", 1), (2, "ab", 1), (3, "abc", 2), (5, "abcde", 3), (9, "abcde", 3)]
)
async def test_max_items(limit: int, got: str, requests: int) -> None:
    """No record more, and no request more than needed, in each way of reading."""
    for read in ("records", "pages", "collect", "collect argument"):
        server = Server(THREE)
        query = server.query(max_items=None if read == "collect argument" else limit)
        if read == "records":
            items = [item async for item in query]
        elif read == "pages":
            items = [item async for page in query.pages() for item in page.items]
        else:
            items = await query.collect(limit if read == "collect argument" else None)
        assert (ids(items), len(server.asked)) == (got, requests)


async def test_the_smaller_limit_counts() -> None:
    """``collect`` cannot go beyond the query's own limit."""
    assert ids(await Server(THREE).query(max_items=2).collect(4)) == "ab"
    assert ids(await Server(THREE).query(max_items=4).collect(2)) == "ab"


async def test_break_and_go_on() -> None:
    """After a break the same iterator goes on with the next record, and its checkpoint is exact meanwhile."""
    records = aiter(Server(THREE).query())
    seen: list[tuple[str, Checkpoint]] = []
    async for item in records:
        seen.append((item[0], records.checkpoint))
        if item[0] == "c":
            break
    assert seen == [("a", after(None, "a")), ("b", after(None, "b")), ("c", after("c1", "c"))]
    assert ids([item async for item in records]) == "de"
    assert records.checkpoint == after("c2", "e")
    assert [item async for item in records] == []


@pytest.mark.parametrize("stop", range(6))
async def test_resuming_after_any_record(stop: int) -> None:
    """From the checkpoint after any number of records, through JSON, the rest comes: none twice, none lost."""
    records = Server(THREE).query().records()
    got = [await anext(records) for _ in range(stop)]
    checkpoint = from_json(to_json(records.checkpoint), Checkpoint)
    server = Server(THREE)
    assert ids(got + [item async for item in server.query().records(resume_from=checkpoint)]) == "abcde"
    assert server.asked[0] == (checkpoint.cursor, 10)
    pages = [ids(page.items) async for page in Server(THREE).query().pages(resume_from=checkpoint)]
    assert ids(got) + "".join(pages) == "abcde"


@pytest.mark.parametrize(
    ("now", "rest"),
    [
        (served("a", "b", "c"), "c"),
        (served("x", "a", "b", "c"), "c"),
        (served("a", "c"), "ac"),
        (served("a", ("b", 2), "c"), "abc"),
        (served(), ""),
        (served("b"), ""),
    ],
)
async def test_resuming_where_data_moved(now: Page[Item], rest: str) -> None:
    """After a record that is gone or changed the page starts over; otherwise it goes on right after it."""
    records = Server({None: now}).query().records(resume_from=after(None, "b"))
    assert ids([item async for item in records]) == rest


async def test_an_error_carries_the_checkpoint_and_asking_again_goes_on() -> None:
    """A failed page loses nothing: the error says where, and the same iterator asks for the same page again."""
    server = Server(THREE)
    records = server.query().records()
    got = [await anext(records), await anext(records)]
    for _ in range(2):
        server.failures.append(APIConnectionError("gone"))
        with pytest.raises(APIConnectionError) as caught:
            await anext(records)
        assert caught.value.checkpoint == records.checkpoint == after(None, "b")
    assert ids(got + [item async for item in records]) == "abcde"
    assert [cursor for cursor, _ in server.asked] == [None, "c1", "c1", "c1", "c2"]


async def test_a_failed_page_of_pages() -> None:
    """The same holds for pages, where the checkpoint stands after the last page given."""
    server = Server(THREE, failures=deque([CursorExpired("refused")]))
    pages = server.query().pages()
    with pytest.raises(CursorExpired) as caught:
        await anext(pages)
    assert caught.value.checkpoint == BEGIN
    assert [ids(page.items) async for page in pages] == ["ab", "cd", "e"]


async def test_an_error_while_resuming_keeps_the_given_checkpoint() -> None:
    """When the first page of a resumed walk fails, the checkpoint to save is still the one it began from."""
    server = Server(THREE, failures=deque([APIConnectionError("gone")]))
    records = server.query().records(resume_from=after("c1", "c"))
    with pytest.raises(APIConnectionError) as caught:
        await anext(records)
    assert caught.value.checkpoint == after("c1", "c")
    assert ids([item async for item in records]) == "de"


async def test_collect_and_await_fail_with_a_checkpoint_too() -> None:
    """Whoever asks in one go is told where it stopped as well."""
    for together in (True, False):
        query = Server(THREE, failures=deque([APIConnectionError("gone")])).query()
        with pytest.raises(APIConnectionError) as caught:
            await (query.collect() if together else query)
        assert caught.value.checkpoint == BEGIN


async def test_cancellation_gets_through_and_leaves_the_iterator_whole() -> None:
    """A cancelled request is not swallowed, and the iterator can be asked again."""
    server = Server(THREE, failures=deque([asyncio.CancelledError()]))
    records = server.query().records()
    with pytest.raises(asyncio.CancelledError):
        await anext(records)
    assert ids([item async for item in records]) == "abcde"


async def test_two_tasks_on_one_iterator() -> None:
    """A second task is refused while the first waits for a page, and spoils nothing."""
    waiting, go = asyncio.Event(), asyncio.Event()

    class Slow(Server):
        async def fetch(self, cursor: str | None, page_size: int, peeked: Peeked | None) -> Page[Item]:
            waiting.set()
            await go.wait()
            return await super().fetch(cursor, page_size, peeked)

    for iterator in (Slow(THREE).query().records(), Slow(THREE).query().pages()):
        waiting.clear()
        go.clear()
        first: asyncio.Task[Any] = asyncio.ensure_future(anext(iterator))
        await waiting.wait()
        with pytest.raises(ConfigurationError, match="one task at a time"):
            await anext(iterator)
        go.set()
        await first
        assert len([item async for item in iterator]) in {4, 2}


async def test_a_checkpoint_of_another_query_is_refused_at_once() -> None:
    """Before anything is fetched, for records and for pages."""
    server = Server(THREE)
    for resume in (server.query().records, server.query().pages):
        with pytest.raises(CheckpointMismatch):
            resume(resume_from=Checkpoint(filters=(("ids", "x"),), page_size=10))
    assert server.asked == []


async def test_leaving_early() -> None:
    """``async with`` and ``aclose`` end the walk where it stands, and its checkpoint stays good."""
    server = Server(THREE)
    async with server.query().pages() as pages:
        async for page in pages:
            assert ids(page.items) == "ab"
            break
    assert [page async for page in pages] == []
    assert pages.checkpoint == after(None, "b")
    records = server.query().records()
    await anext(records)
    await records.aclose()
    assert [item async for item in records] == []
    assert records.checkpoint == after(None, "a")
    assert len(server.asked) == 2


async def test_an_error_between_pages_shows_no_record() -> None:
    """When the next page fails, no frame behind the error holds the last record of the one before."""
    server = Server(THREE)
    records = server.query().records()
    assert [(await anext(records))[0] for _ in range(2)] == ["a", "b"]
    server.failures = deque([APIConnectionError("cut")])
    with pytest.raises(APIConnectionError) as caught:
        await anext(records)
    shown = [
        frame.f_locals for frame, _ in traceback.walk_tb(caught.value.__traceback__) if "self" not in frame.f_locals
    ]
    assert ("b", 1) not in [value for names in shown[1:] for value in names.values()]
