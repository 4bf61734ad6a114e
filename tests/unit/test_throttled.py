"""What a 429 does to the sliding log: one pause for all, then less, evenly, and slowly more again."""

from __future__ import annotations

import pytest

from .racing import Race


async def test_a_pause_holds_everybody_back() -> None:
    """Who waits already and who comes during the pause start after it, first come first."""
    race = Race(100, 60.0)
    await race.refused(30)
    await race.called(3)
    await race.clock.advance(20)
    await race.called(2)
    assert race.starts == []
    await race.finish()
    assert race.order() == [0, 1, 2, 3, 4]
    assert race.times()[0] == pytest.approx(30)


async def test_a_pause_is_extended_while_the_first_in_line_sleeps() -> None:
    """Whoever sleeps until the end of a pause looks again, and sleeps on."""
    race = Race(100, 60.0)
    await race.refused(30)
    await race.called(1)
    await race.clock.advance(29)
    await race.refused(30)
    await race.clock.advance(2)
    assert race.starts == []
    await race.finish()
    assert race.times() == pytest.approx([59])


async def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    """Pauses do not add up, and the longest counts."""
    race = Race(5, 60.0)
    for seconds in (30, 10, 0):
        await race.refused(seconds)
    await race.called(1)
    await race.finish()
    assert race.times() == pytest.approx([30])


@pytest.mark.parametrize("broken", [float("nan"), -5.0, 0.0])
async def test_no_pause(broken: float) -> None:
    """A wait of nothing is no pause, and one that is no number does not stop the key for ever."""
    race = Race(5, 60.0)
    await race.refused(broken)
    await race.called(1)
    assert race.times() == [0.0]
    assert race.allowed == 1


@pytest.mark.parametrize(
    ("limit", "starts", "refused", "allowed"),
    [
        (1000, 500, 1, 499),
        (1000, 1000, 1, 999),
        (1000, 540, 40, 500),  # one burst: each of its 429s was not accepted
        (1000, 40, 40, 100),  # not below a tenth
        (1000, 0, 1, 100),
        (1000, 100, 1000, 100),
        (10, 10, 3, 7),
        (10, 2, 2, 1),
        (1, 1, 5, 1),
        (19, 0, 1, 1),
    ],
)
async def test_what_is_allowed_after_a_burst_of_429s(limit: int, starts: int, refused: int, allowed: int) -> None:
    """What the server accepted in the last window, but at least a tenth of the limit, and at least one."""
    race = Race(limit, 60.0)
    await race.called(starts)
    await race.clock.advance(5)
    await race.refused(2.0, refused)
    assert race.allowed == allowed


async def test_only_the_last_window_counts() -> None:
    """What started before, within the margin or earlier, says nothing about what was accepted."""
    race = Race(100, 60.0)
    await race.called(30)
    await race.clock.advance(50)
    await race.called(20)
    await race.clock.advance(10.5)
    await race.refused(2.0)
    assert race.allowed == 19


async def test_a_burst_is_measured_once() -> None:
    """What leaves the window while a burst's 429s still come in was accepted all the same."""
    race = Race(100, 60.0)
    await race.called(30)
    await race.clock.advance(30)
    await race.called(20)
    await race.clock.advance(29.5)
    await race.refused(2.0)
    await race.clock.advance(1.0)
    await race.refused(2.0)
    assert race.allowed == 48


async def test_the_window_of_what_is_allowed() -> None:
    """When less is allowed than was started, the last of these have to leave the window first."""
    race = Race(100, 60.0)
    await race.called(50)
    await race.clock.advance(10)
    await race.called(30)
    await race.refused(2.0, 60)
    assert race.allowed == 20
    await race.called(1)
    await race.finish()
    assert race.times()[80:] == pytest.approx([10 + 61])


async def test_refusals_of_an_earlier_pause_are_not_taken_for_accepted() -> None:
    """The second 429 in a window knows that the first burst's starts were refused."""
    race = Race(1000, 60.0)
    await race.called(500)
    await race.refused(2.0, 200)
    assert race.allowed == 300
    await race.clock.advance(3)
    await race.refused(2.0)
    assert race.allowed == 299


async def test_evenly_after_a_pause() -> None:
    """What is allowed is spread over nine tenths of a window; then the window is full."""
    race = Race(100, 60.0)
    await race.called(50)
    await race.clock.advance(59)
    await race.refused(3.0)
    assert race.allowed == 49
    await race.called(60)
    await race.clock.advance(62.9)
    spread = [62 + number * 0.9 * 61 / 49 for number in range(49)]
    assert race.times()[50:] == pytest.approx(spread)
    await race.clock.advance(1.1)
    assert race.times()[99:] == pytest.approx([62 + 61])
    await race.finish()


async def test_what_is_given_back() -> None:
    """Each clean window gives back half of what was taken, at least a twentieth of the limit, up to all of it."""
    race = Race(1000, 60.0)
    await race.called(501)
    await race.refused(2.0)
    await race.clock.advance(2.0)
    allowed = [race.allowed]
    for _ in range(7):
        await race.clock.advance(60.0)
        await race.called(1)
        allowed.append(race.allowed)
    assert allowed == [500, 750, 875, 937, 987, 1000, 1000, 1000]


async def test_a_quiet_hour_gives_everything_back() -> None:
    """Nobody has to call for it: time alone counts, also all at once."""
    race = Race(1000, 60.0)
    await race.refused(2.0)
    assert race.allowed == 100
    await race.clock.advance(3600)
    await race.called(1000)
    assert len(race.starts) == 1000
    assert race.allowed == 1000


async def test_nothing_is_given_back_before_a_window_without_429s() -> None:
    """The clean window is counted from the end of the last pause."""
    race = Race(1000, 60.0)
    await race.refused(2.0)
    for _ in range(5):
        await race.clock.advance(59.0)
        await race.refused(2.0)
        await race.called(1)
        assert race.allowed == 100
    await race.finish()
    await race.clock.advance(60.0)
    await race.called(1)
    assert race.allowed == 550


async def test_the_way_back_leads_to_where_the_last_window_stood() -> None:
    """A 429 soon after another keeps the goal; one after a clean window sets a new, lower one."""
    race = Race(1000, 60.0)
    await race.refused(2.0)
    await race.clock.advance(30)
    await race.refused(2.0)
    await race.clock.advance(62)
    await race.called(1)
    assert race.allowed == 550  # half of the way from 100 to 1000, not to 100
    await race.clock.advance(30)
    await race.refused(2.0)
    assert race.allowed == 100
    await race.clock.advance(62)
    await race.called(1)
    assert race.allowed == 325  # half of the way from 100 to 550


async def test_a_tiny_window_gives_back_without_end_or_overflow() -> None:
    """However many windows have passed, giving back takes no longer."""
    race = Race(7, 1e-300)
    await race.refused(2.0)
    await race.clock.advance(1e6)
    await race.called(1)
    assert race.allowed == 7
