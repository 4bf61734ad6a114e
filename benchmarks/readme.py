"""benchmarks/README.md, made of results."""

from __future__ import annotations

from collections.abc import Sequence

from .pictures import draw
from .report import Machine, Result, markdown, targets_table

__all__ = ["readme"]

HEAD = """\
# Benchmarks

```sh
python -m benchmarks                  # all of them
python -m benchmarks stream --quick   # one, with few samples
python -m benchmarks --gate           # what CI holds, in three minutes
python -m benchmarks --write          # renew this page
```

`pip install '.[peers]'` brings what others would use; a peer that is not installed is named and left out.

Each benchmark asserts that every record came once and every amount is right. What is compared runs in the same rounds,
in an order of its own in each, in several fresh processes; a ratio is the median over processes of the medians over
rounds. The server holds its answers ready, in a process and on a core of its own, so that the client is what is
measured. Ours runs with limiter, retry loop and an observer in place, under a limit that is never met; beside it stands
the rate under Brex's own, 1,000 requests per 60 s, and the share of a core that this takes. A list is streamed in a
loop that has its caches to itself; a page is decoded between those of others, once after each collection of garbage.
Ratios carry over to other machines, absolute figures do not.

What stands in the way where a line is not met: msgspec fills an attrs class field by field, through Python's own
attribute protocol, and asks for each field once more at the end, where it fills a Struct's memory; and the collector
looks at every attrs object, but not at a Struct of plain values. With warm caches that alone is 1.55 x. End to end it
is most of what lies between ours and the bare protocol; aiohttp's request and response and the session around them are
the rest. The lines against Stainless fit an older runtime: increase 0.300 takes a third longer for a page than 0.552.
CI holds wider lines there (`gate_at` in `report.py`), so that they get no worse.

How many companies a fleet of workers holds on a PostgreSQL, measured, reckoned and simulated up to 100,000 an hour, and
where it would break first, stands in [FLEET.md](FLEET.md).
"""


def readme(results: Sequence[Result], where: Machine) -> str:
    """The page. Its pictures lie beside it in ``pictures``."""
    figures = [figure for result in results for figure in result.figures]
    parts = [HEAD, f"Measured on {where}.\n", "## Targets\n", markdown(targets_table(figures)) + "\n"]
    for result in results:
        parts.append(f"## {result.name}: {result.title}\n")
        if draw(result) is not None:
            parts.append(f"![{result.title}](pictures/{result.name}.svg)\n")
        parts.append(markdown(result.table) + "\n")
        if result.missing:
            parts.append(f"Left out, because it was not installed: {', '.join(result.missing)}.\n")
    return "\n".join(parts)
