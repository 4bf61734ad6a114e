"""What an error reporter prints of an exception: its words, its chain, and the local variables of every frame."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

__all__ = ["printed"]

TESTS = Path(__file__).parent

OFFERED = ("message", "details")
"""Attributes that hold a server's words, for whoever chooses to show them."""


def printed(error: BaseException) -> str:
    """Everything. Only the frames of the tests are left out: they hold what they plant."""
    pieces = ["".join(traceback.format_exception(error))]
    for one in _chain(error):
        attributes = {name: value for name, value in vars(one).items() if name not in OFFERED}
        pieces += [str(one), repr(one), repr(one.args), repr(attributes)]
        for frame, line in traceback.walk_tb(one.__traceback__):
            code = frame.f_code
            if TESTS not in Path(code.co_filename).parents:
                where = f"{code.co_filename}:{line} {code.co_qualname}"
                pieces += [f"{where}: {name} = {value!r}" for name, value in frame.f_locals.items()]
    return "\n".join(pieces)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and all it hangs on: causes, contexts (suppressed ones too), members of groups."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
