"""The rules of a walk against a model: any pages, any cursors, resumed anywhere."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from brex_accounting import CheckpointMismatch, ConfigurationError, CursorLoop, Page, PaginationError
from brex_accounting.models import Checkpoint
from brex_accounting.paging import Walk

from .documents import thorough
from .lists import FILTERS, Item, Pages, Server, ids, served


def walk(pages: Pages, *, max_items: int | None = None, resume_from: Checkpoint | None = None) -> Walk[Item]:
    return Walk(Server(pages).source(), 10, max_items=max_items, resume_from=resume_from)


def expected(pages: Pages, at: Checkpoint, limit: int | None) -> tuple[list[Item], type[Exception] | None]:
    """The model: the items from a checkpoint on, in order, and the error at their end, if any."""
    out: list[Item] = []
    seen, cursor, after = {at.cursor}, at.cursor, at.after
    while True:
        items = list(pages[cursor].items)
        if after in items:
            items = items[items.index(after) + 1 :]
        after = None
        out += items
        if limit is not None and len(out) >= limit:
            return out[:limit], None
        onward = pages[cursor].next_cursor
        if not pages[cursor].has_next_page:
            return out, None
        if not onward:
            return out, PaginationError
        if onward in seen:
            return out, CursorLoop
        seen.add(onward)
        cursor = onward


@st.composite
def lists(draw: st.DrawFn) -> Pages:
    """Chains of pages of any sizes, ended in every way: well, by a stray cursor, without one, or in a circle."""
    count = draw(st.integers(1, 6))
    cursors: list[str | None] = [None, *(f"c{number}" for number in range(1, count))]
    pages: dict[str | None, Page[Item]] = {}
    for number, cursor in enumerate(cursors):
        size = draw(st.integers(0, 3))
        items = [(f"accr_{number}_{place}", draw(st.integers(1, 2))) for place in range(size)]
        if number + 1 < count:
            pages[cursor] = served(*items, then=cursors[number + 1])
            continue
        stray = draw(st.sampled_from(["c0", "", *cursors[1:]]))
        pages[cursor] = draw(
            st.sampled_from(
                [
                    served(*items),
                    served(*items, then=stray, more=False),
                    served(*items, more=True),
                    served(*items, then="", more=True),
                    *[served(*items, then=known) for known in cursors[1:] if known is not None],
                ]
            )
        )
    return pages


class Walking(RuleBasedStateMachine):
    """Fetches, failed fetches and resumptions in any order; ``before`` + ``got`` is what the user holds."""

    @initialize(pages=lists(), limit=st.none() | st.integers(1, 8))
    def begin(self, pages: Pages, limit: int | None) -> None:
        self.pages, self.limit = pages, limit
        start = Checkpoint(filters=FILTERS, page_size=10)
        self.whole, self.ending = expected(pages, start, None)
        self.saved: list[tuple[Checkpoint, list[Item]]] = [(start, [])]
        self.resume(0)

    def resume(self, which: int) -> None:
        checkpoint, self.before = self.saved[which]
        self.walk = walk(self.pages, max_items=self.limit, resume_from=checkpoint)
        self.model, self.problem = expected(self.pages, checkpoint, self.limit)
        self.got: list[Item] = []
        self.fetched: list[str | None] = []
        self.over = False

    def asked(self) -> tuple[str | None] | type[Exception] | None:
        """What the walk wants next: a cursor, nothing more, or to raise an error of this class."""
        try:
            return self.walk.next_cursor()
        except PaginationError as error:
            return type(error)

    @precondition(lambda self: not self.over)
    @rule()
    def fetch(self) -> None:
        """Ask for a cursor and give its page; at the end, the end is the model's."""
        turn = self.asked()
        if not isinstance(turn, tuple):
            self.over = True
            assert turn is self.problem
            assert self.got == self.model
            return
        (cursor,) = turn
        assert cursor not in self.fetched, "a page is asked for once"
        self.fetched.append(cursor)
        page = self.walk.accept(self.pages[cursor])
        for item in page.items:
            self.got.append(item)
            self.saved.append((self.walk.at(page, item), self.before + self.got))
        assert page.checkpoint is not None
        self.saved.append((page.checkpoint, self.before + self.got))
        self.walk.handed_out(page.checkpoint)

    @precondition(lambda self: not self.over)
    @rule()
    def fail(self) -> None:
        """A fetch that fails leaves the walk where it was: it asks for the same page again."""
        assert self.asked() == self.asked()

    @rule(data=st.data())
    def go_on_elsewhere(self, data: st.DataObject) -> None:
        """Another process goes on from any checkpoint that was ever saved."""
        self.resume(data.draw(st.integers(0, len(self.saved) - 1)))

    @invariant()
    def nothing_is_skipped_or_repeated(self) -> None:
        """What this walk gave is the model's beginning; in a list without a circle, all walks give the list once."""
        if not hasattr(self, "walk"):
            return
        assert self.got == self.model[: len(self.got)]
        if self.ending is not CursorLoop:
            together = self.before + self.got
            assert together == self.whole[: len(together)]


Walking.TestCase.settings = settings(thorough, max_examples=150, stateful_step_count=25)
TestWalking = Walking.TestCase


changes = st.lists(st.sampled_from(["drop", "bump", "insert"]), max_size=3)


@thorough
@given(size=st.integers(1, 5), done=st.integers(1, 5), moves=changes, data=st.data())
def test_data_that_moved_is_never_skipped(size: int, done: int, moves: list[str], data: st.DataObject) -> None:
    """Whatever became of a page meanwhile, resuming gives every record not yet given; a known one only if it moved."""
    items: list[Item] = [(f"a{number}", 1) for number in range(size)]
    done = min(done, size)
    first = walk({None: served(*items)})
    first.next_cursor()
    page = first.accept(served(*items))
    checkpoint = first.at(page, page.items[done - 1])
    handed, after = set(items[:done]), items[done - 1]
    for move in moves:
        place = data.draw(st.integers(0, max(0, len(items) - 1)))
        if move == "insert":
            items.insert(
                data.draw(st.integers(items.index(after) + 1 if after in items else 0, len(items))), ("new", len(items))
            )
        elif items and move == "drop":
            del items[place]
        elif items:
            items[place] = (items[place][0], items[place][1] + 1)
    resumed = walk({}, resume_from=checkpoint)
    given_out = resumed.accept(served(*items)).items
    assert {one for one, _ in given_out} >= {one for one, _ in items} - {one for one, _ in handed}
    assert list(given_out) == [item for item in items if item in given_out]
    if after in items:
        assert handed.isdisjoint(given_out)
    else:
        assert list(given_out) == items


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        (served("a", more=True), PaginationError),
        (served("a", then="", more=True), PaginationError),
        (served("a", then="x"), None),
        (served("a", then="x", more=False), None),
        (served(then="x"), None),
    ],
)
def test_what_follows_a_page(page: Page[Item], problem: type[Exception] | None) -> None:
    """The items of a contradictory page are handed out first; its problem is raised at each later question."""
    walking = walk({})
    assert walking.next_cursor() == (None,)
    assert walking.accept(page).items == page.items
    if problem is None:
        assert walking.next_cursor() == (("x",) if page.has_next_page else None)
    else:
        for _ in range(2):
            with pytest.raises(problem) as caught:
                walking.next_cursor()
            assert type(caught.value) is problem


@pytest.mark.parametrize("back", ["c1", "c2"])
def test_a_circle_is_an_error(back: str) -> None:
    """A cursor that was used before, the page's own or an older one, is CursorLoop."""
    walking = walk({})
    for page in (served("a", then="c1"), served("b", then="c2"), served("c", then=back)):
        assert walking.next_cursor() is not None
        walking.accept(page)
    with pytest.raises(CursorLoop):
        walking.next_cursor()


def test_a_circle_is_found_after_resuming_too() -> None:
    """A resumed walk knows the cursor it began with."""
    resumed = walk({}, resume_from=Checkpoint(filters=FILTERS, page_size=10, cursor="c1"))
    resumed.accept(served("a", then="c2"))
    resumed.accept(served("b", then="c1"))
    with pytest.raises(CursorLoop):
        resumed.next_cursor()


def test_max_items_is_exact() -> None:
    """No item beyond the limit is handed out, and no page asked for once it is reached."""
    walking = walk({}, max_items=3)
    assert ids(walking.accept(served("a", "b", then="c1")).items) == "ab"
    last = walking.accept(served("c", "d", then="c2"))
    assert ids(last.items) == "c"
    assert last.checkpoint == Checkpoint(filters=FILTERS, page_size=10, cursor="c1", after=("c", 1))
    assert walking.next_cursor() is None


def test_the_limit_stands_before_a_problem() -> None:
    """Who asked for two items and got them is not told that there is no third."""
    walking = walk({}, max_items=2)
    walking.accept(served("a", "b", more=True))
    assert walking.next_cursor() is None


@pytest.mark.parametrize("filters", [(), (("review_status", "REVIEW"),), (*FILTERS, ("ids", "accr_1"))])
def test_a_checkpoint_of_other_filters(filters: Any) -> None:
    """A checkpoint of another query is refused when the walk is made, before anything is fetched."""
    with pytest.raises(CheckpointMismatch):
        walk({}, resume_from=Checkpoint(filters=filters, page_size=10))


@pytest.mark.parametrize("page_size", [0, -1, True])
def test_a_checkpoint_that_asks_for_nothing(page_size: Any) -> None:
    """A page size that someone edited into a checkpoint is refused before it is sent."""
    with pytest.raises(ConfigurationError, match="page_size"):
        walk({}, resume_from=Checkpoint(filters=FILTERS, page_size=page_size))


def test_a_resumed_walk_keeps_its_page_size() -> None:
    """A cursor belongs to the page size it was made with."""
    resumed = walk({}, resume_from=Checkpoint(filters=FILTERS, page_size=77, cursor="c1"))
    assert resumed.page_size == 77
    checkpoint = resumed.accept(served("a")).checkpoint
    assert checkpoint is not None
    assert checkpoint.page_size == 77


def test_end_ends() -> None:
    """After ``end`` nothing more is asked for."""
    walking = walk({})
    walking.end()
    assert walking.next_cursor() is None
