"""How a scan cuts time: everything once, whatever lies where and however it is listed, and with how many requests."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import ScanCheckpoint, to_json
from brex_accounting.windows import AIM, GRAIN, OVERFLOW, KnownPage, Left, Seen, Window, Windows

from .documents import thorough
from .scans import COUNTS, DAY, ORDERS, START, TICK, YEAR, Listed, Reading, spread

SPANS = [1, 2, 999, 1000, 1001, 1200, 1999, 2001, 10_000, 10**6 + 1, DAY, 9 * YEAR + 1]


@st.composite
def anything(draw: st.DrawFn) -> Listed:
    """Data of any density: single moments, crowds at one, edges of everything."""
    span = draw(st.sampled_from(SPANS))
    inside = st.integers(0, span - 1)
    edges = st.sampled_from([0, span - 1, span // 2, min(span - 1, 999), min(span - 1, 1000)])
    crowd = st.builds(lambda at, count: [at] * count, inside | edges, st.integers(1, 50))
    near = st.builds(
        lambda at, steps: [min(span - 1, at + step) for step in steps],
        inside,
        st.lists(st.integers(0, 1500), max_size=50),
    )
    some = st.lists(inside | edges, max_size=60)
    moments = [moment for part in draw(st.lists(crowd | near | some, max_size=3)) for moment in part]
    order, counts = draw(st.sampled_from(sorted(ORDERS))), draw(st.sampled_from(sorted(COUNTS)))
    return Listed(moments=moments, span=span, order=order, counts=counts)


def check_cover(windows: list[Window], listed: Listed) -> None:
    """What was read to its end is the whole time, each moment once."""
    spans = sorted((window.begin, window.end) for window in windows)
    [(begin, end)] = listed.whole.spans
    assert [begin, *(last for _, last in spans)] == [*(first for first, _ in spans), end]


def check_depth(windows: list[Window]) -> None:
    assert [window for window in windows if window.pages > OVERFLOW and window.width > GRAIN] == []


@thorough
@given(anything(), st.integers(1, 5), st.integers(1, 4), st.lists(st.integers(0, 9), max_size=200))
def test_everything_once(listed: Listed, parallel: int, page_size: int, landings: list[int]) -> None:
    """Any data in any order, whoever's page lands next: each record once, from windows that meet and cover all."""
    reading = Reading(listed, parallel=parallel, page_size=page_size)
    for which in landings:
        if reading.under_way:
            reading.land(which)
        assert len(reading.under_way) <= parallel
    reading.finish()
    assert sorted(reading.got) == sorted(listed.identities)
    check_cover(reading.done, listed)
    check_depth(reading.done)
    assert reading.windows.left == Left(spans=())
    assert reading.windows.take() is None


@thorough
@given(anything(), st.integers(1, 5), st.integers(1, 4), st.lists(st.integers(0, 12), max_size=8), st.integers())
def test_stopped_anywhere_the_rest_follows(
    listed: Listed, parallel: int, page_size: int, stops: list[int], seed: int
) -> None:
    """Stopped any number of times, with pages under way, what is left gives exactly the rest."""
    chance = random.Random(seed)
    reading = Reading(listed, parallel=parallel, page_size=page_size)
    got = []
    for stop in stops:
        for _ in range(stop):
            if reading.under_way:
                reading.land(chance.randrange(100))
        got += reading.got
        reading = reading.resumed()
    got += reading.finish().got
    assert sorted(got) == sorted(listed.identities)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("counts", ["exact", "none"])
@pytest.mark.parametrize("kind", ["uniform", "90 in 1", "instant"])
def test_stopped_after_each_page(kind: str, counts: str, order: str) -> None:
    """A process that dies after each page it was handed gets on all the same, and its checkpoint stays small."""
    listed = Listed(moments=spread(kind, 1500), span=YEAR, order=order, counts=counts)
    reading = Reading(listed, parallel=4, page_size=10)
    got, known, spans, runs = [], [], [], 0
    while reading.under_way:
        while reading.under_way and not reading.land():
            pass
        got += reading.got
        left = reading.windows.left
        known.append(sum(len(page.identities) for page in left.known))
        spans.append(len(left.spans))
        reading = reading.resumed()
        runs += 1
    assert sorted(got) == sorted(listed.identities)
    assert runs <= 2 * reading.sequential
    alone = 750 if kind == "instant" else 0  # nothing can cut that moment up
    assert max(known) <= alone + 3 * 4 * OVERFLOW * 10
    assert max(spans) <= 60


@pytest.mark.parametrize("counts", ["exact", "none"])
@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize("kind", ["uniform", "90 in 1"])
def test_no_chain_is_left_with_most_of_the_work(kind: str, order: str, counts: str) -> None:
    """With 90 % of the records in 1 % of the time, 8 chains are at least 0.8 x 8 times as fast as one, in rounds."""
    listed = Listed(moments=spread(kind, 18_000), span=YEAR, order=order, counts=counts)
    reading = Reading(listed, parallel=8, page_size=30).finish()
    assert sorted(reading.got) == sorted(listed.identities)
    assert reading.speed_up >= 0.8 * 8
    assert reading.requests <= 1.25 * reading.sequential
    check_depth(reading.done)


@pytest.mark.parametrize("kind", ["uniform", "90 in 1", "99 in 0.01", "month", "bursts"])
def test_records_in_no_order_of_time(kind: str) -> None:
    """Where the server counts them it is as fast; where it does not, half as fast at worst."""
    for counts, speed_up, requests in (("exact", 6.0, 1.3), ("none", 3.2, 1.8)):
        listed = Listed(moments=spread(kind, 18_000), span=YEAR, order="arbitrary", counts=counts)
        reading = Reading(listed, parallel=8, page_size=30).finish()
        assert (reading.speed_up >= speed_up, reading.requests <= requests * reading.sequential) == (True, True)
        check_depth(reading.done)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", ["uniform", "90 in 1", "99 in 0.01", "month", "instant"])
def test_small_scans_cost_little_more_than_a_list(kind: str, order: str) -> None:
    """Up to a window's worth is read by one chain, without a request too many; 50 pages cost less than as many again,
    but for those in no order, of which a page does not tell where the others lie.
    """
    for count, most in ((300, 3), (800, 8), (5000, 140 if order == "arbitrary" else 95)):
        listed = Listed(moments=spread(kind, count), span=26 * YEAR, order=order)
        assert Reading(listed, parallel=8, page_size=100).finish().requests <= most


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("order", ORDERS)
def test_counts_that_are_wrong_cost_little(order: str, counts: str) -> None:
    """A total_count of something else is found out, and only costs requests."""
    listed = Listed(moments=spread("90 in 1", 6_000), span=YEAR, order=order, counts=counts)
    reading = Reading(listed, parallel=8, page_size=30).finish()
    assert sorted(reading.got) == sorted(listed.identities)
    assert reading.requests <= 2.5 * reading.sequential


def test_an_empty_time_is_one_request() -> None:
    """And no time is none."""
    assert Reading(Listed(moments=[], span=YEAR), parallel=8, page_size=100).finish().requests == 1
    nothing = Left(spans=((START, START),))
    assert Reading(Listed(moments=[0], span=1), nothing, parallel=8, page_size=100).requests == 0


def test_a_checkpoint_holds_what_is_under_way() -> None:
    """Not what is done: 100,000 records on, it names the pages of the windows that are open."""
    reading = Reading(Listed(moments=spread("90 in 1", 100_000), span=YEAR), parallel=8, page_size=100)
    sizes = []
    while reading.under_way:
        reading.land()
        if reading.requests % 20 == 0:
            left = reading.windows.left
            assert sum(len(page.identities) for page in left.known) <= 8 * OVERFLOW * 100
            sizes.append(len(to_json(ScanCheckpoint(page_size=100, left=left))))
    assert len(sizes) > 40
    assert max(sizes) < 300_000


@pytest.mark.parametrize("requests", [1, 3, 10, 100])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", ["uniform", "90 in 1"])
def test_stopped_after_so_many_requests(kind: str, order: str, requests: int) -> None:
    """A process that lives for a few requests gets on each time, and forgets what lies in parts that are done."""
    listed = Listed(moments=spread(kind, 5_000), span=YEAR, order=order)
    reading = Reading(listed, parallel=4, page_size=10)
    got, known, runs = [], [], 0
    while reading.under_way and runs * requests < 2 * reading.sequential:
        for _ in range(requests):
            if reading.under_way:
                reading.land()
        got += reading.got
        reading = reading.resumed()
        known.append(sum(len(page.identities) for page in reading.windows.left.known))
        runs += 1
    assert sorted(got) == sorted(listed.identities)
    assert runs * requests <= 1.6 * reading.sequential + requests
    assert max(known) <= 2 * 4 * OVERFLOW * 10


def test_one_millisecond_full_of_records() -> None:
    """Windows little wider than the grain, listed in no order, are cut to an end."""
    for span in (1001, 1100, 1200, 1249, 1999):
        moments = [number % span for number in range(40 * OVERFLOW)]
        for counts in ("exact", "none"):
            listed = Listed(moments=moments, span=span, order="arbitrary", counts=counts)
            reading = Reading(listed, parallel=2, page_size=2)
            for _ in range(20 * reading.sequential):
                if reading.under_way:
                    reading.land()
            assert not reading.under_way
            assert sorted(reading.got) == sorted(listed.identities)


@pytest.mark.parametrize("start", [datetime.min.replace(tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)])
def test_the_first_and_the_last_moment_there_is(start: datetime) -> None:
    """From year 1 and to the end of year 9999, with records at both ends."""
    span = (datetime.max.replace(tzinfo=UTC) - start) // TICK
    moments = [0, 1, span - 1, *spread("90 in 1", 2000, span=span)]
    for order in ORDERS:
        for counts in ("exact", "none"):
            listed = Listed(moments=moments, span=span, start=start, order=order, counts=counts)
            reading = Reading(listed, parallel=4, page_size=10).finish()
            assert sorted(reading.got) == sorted(listed.identities)
            check_cover(reading.done, listed)


def many(count: int, moment: datetime | None) -> list[Seen]:
    return [Seen((f"accr_{number}", 1), moment) for number in range(count)]


@pytest.mark.parametrize("moment", [None, START - DAY * TICK, START + 2 * DAY * TICK, START + DAY * TICK])
def test_records_that_say_another_time(moment: datetime | None) -> None:
    """Records that moved out of a window while it was read, or that name no time, leave its parts inside it."""
    windows = Windows(Left(spans=((START, START + DAY * TICK),)), parallel=4, page_size=10)
    window = windows.take()
    assert window is not None
    new, goes_on = windows.read(window, many(10, moment), more=True, total=1000)
    assert (all(new), goes_on) == (True, False)
    parts = []
    while (part := windows.take()) is not None:
        parts.append(part)
        windows.read(part, [], more=False, total=0)
    check_cover(parts, Listed(moments=[], span=DAY))


def test_a_record_on_two_pages_of_a_window() -> None:
    """Handed out once, also when the server moves it to the next page or names it twice on one."""
    windows = Windows(Left(spans=((START, START + DAY * TICK),)), parallel=1, page_size=2)
    window = windows.take()
    assert window is not None
    one, two, three = (Seen((name, 1), START) for name in "abc")
    assert windows.read(window, [one, two], more=True, total=3) == ([True, True], True)
    assert windows.read(window, [two, three, three], more=False, total=3) == ([False, True, False], False)


def test_pages_smaller_than_asked_for_and_empty_ones() -> None:
    """A server that gives one record a page, or none, is read to the end: every part within its bounds."""
    for sizes in ([1], [0], [0, 1], [3, 0, 0]):
        listed = Listed(moments=spread("uniform", 300), span=YEAR, counts="none")
        windows = Windows(listed.whole, parallel=4, page_size=100)
        got: Counter[object] = Counter()
        requests = 0
        while (window := windows.take()) is not None:
            records, goes_on, number = listed.of(window), True, 0
            while goes_on:
                size = sizes[number % len(sizes)]
                number += 1
                # Empty pages for ever would never end by anybody's rules.
                page = records[:size] if number <= 12 else records[: max(1, size)]
                records = records[len(page) :]
                seen = [Seen(identity, START + moment * TICK) for moment, identity in page]
                new, goes_on = windows.read(window, seen, more=bool(records))
                got.update(one.identity for one, is_new in zip(seen, new, strict=True) if is_new)
                requests += 1
        assert got == Counter(listed.identities)
        assert requests < 20 * 300


def test_known_pages_matter_to_the_time_they_came_from() -> None:
    """A page that was handed out of one window is no part of what is left elsewhere."""
    middle, end = START + DAY * TICK, START + 2 * DAY * TICK
    page = KnownPage(begin=START, end=middle, identities=(("accr_0", 1),))
    windows = Windows(Left(spans=((middle, end),), known=(page,)), parallel=1, page_size=10)
    assert windows.left.known == ()
    windows = Windows(Left(spans=((START, end),), known=(page,)), parallel=1, page_size=10)
    assert windows.left == Left(spans=((START, end),), known=(page,))


def test_a_window_goes_on_with_its_cursor() -> None:
    """A checkpoint names the cursor of its next page; if that is refused, it is read from its start."""
    listed = Listed(moments=spread("uniform", 70), span=YEAR)
    reading = Reading(listed, parallel=1, page_size=10)
    before = [*reading.land(), *reading.land()]
    [opened] = reading.checkpoint().left.windows
    assert (opened.cursor, opened.pages, opened.records) == ("20", 2, 20)
    again = reading.resumed()
    assert again.windows.left == reading.windows.left
    [walk] = again.under_way
    assert (walk.window.is_resumed, walk.window.cursor, walk.at) == (True, "20", 20)
    again.windows.restart(walk.window)
    assert again.windows.left == Left(spans=listed.whole.spans, known=reading.windows.left.known)
    again.under_way.clear()
    again.fill()
    assert sorted([*before, *again.finish().got]) == sorted(listed.identities)
    assert again.requests == 1 + 7


def test_one_chain_alone_cuts_too() -> None:
    """So that a checkpoint of a plain walk does not name all that was read."""
    reading = Reading(Listed(moments=spread("uniform", 10_000), span=YEAR), parallel=1, page_size=100).finish()
    assert max(window.pages for window in reading.done) <= 2 * AIM
    assert reading.requests <= 1.15 * reading.sequential
