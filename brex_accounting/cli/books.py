"""Which books a command means, and the chart they are kept by."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ..errors import ConfigurationError
from .console import Mistakes, UsageError
from .options import day

if TYPE_CHECKING:
    from ..posters.beancount import BeancountPoster
    from ..posters.chart import Chart
    from ..posters.csv import CsvPoster

__all__ = ["Books", "books", "first_day", "load_chart"]

Books: TypeAlias = "BeancountPoster | CsvPoster"


def books(*, csv: Path | None, beancount: Path | None, chart: Path | None) -> Books:
    """The poster of the books that are named. Raises ``UsageError`` unless exactly one is, and for a bad chart."""
    if (csv is None) == (beancount is None):
        raise UsageError("name the books: --csv FILE or --beancount FILE")
    # Here: the files are locked in a way that only POSIX knows, and the other commands do without.
    if csv is not None:
        from ..posters.csv import CsvPoster

        return CsvPoster(csv, load_chart(chart) if chart is not None else None)
    from ..posters.beancount import BeancountPoster

    assert beancount is not None
    if chart is None:
        raise UsageError("--beancount needs --chart, by which it is kept; 'sync chart' writes one to begin with")
    return BeancountPoster(beancount, load_chart(chart))


def load_chart(path: Path) -> Chart:
    """The chart in a file. Raises ``Mistakes`` with a line for each."""
    # Here: charts need the extra [books], and most commands do without.
    from ..posters.chart_file import parse_chart

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the chart {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"the chart {path} is not written in UTF-8") from None
    try:
        return parse_chart(text, str(path))
    except ConfigurationError as error:
        raise Mistakes(str(error)) from None


def first_day(post_from: str | None, chart: Chart | None) -> date:
    """The first day of the books: the chart's where there is one, which the option may only repeat."""
    asked = day("--post-from", post_from) if post_from is not None else None
    if chart is None:
        if asked is None:
            raise UsageError("--post-from DAY is required without a --chart: the first day of the books")
        return asked
    if asked is not None and asked != chart.post_from:
        raise UsageError(f"--post-from {asked} contradicts the chart, which says {chart.post_from}: leave it out")
    return chart.post_from
