"""Keeping secrets from error reporters, which print the local variables of every frame behind an exception."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Generic, ParamSpec, TypeVar

from ..errors import BrexError

__all__ = ["Hidden", "Unchained", "discreet"]

P = ParamSpec("P")
R = TypeVar("R")
T_co = TypeVar("T_co", covariant=True)


class Hidden(Generic[T_co]):
    """A value that may stand in a local variable: the repr does not show it."""

    # No attrs here: this is imported with the package.
    __slots__ = ("value",)

    def __init__(self, value: T_co) -> None:
        self.value: T_co = value

    def __repr__(self) -> str:
        return "Hidden(...)"


class Unchained:
    """A ``with`` block that a ``BrexError`` leaves without the exceptions that were handled inside.

    ``raise ... from None`` keeps them, only not for printing. Their frames are those of HTTP clients and
    decoders, with headers and bodies. What the caller itself was handling stays.
    """

    def __init__(self) -> None:
        self._handled = sys.exception()

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, BrexError):
            _unchain(error, self._handled)


def discreet(function: Callable[P, R]) -> Callable[P, R]:
    """A plain function that is given secrets: what it raises leaves no local variables in the frames below.

    Not for coroutines: the frames behind their exceptions may be those of tasks that still run.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        handled = sys.exception()
        try:
            return function(*args, **kwargs)
        except Exception as error:
            del args, kwargs
            _unchain(error, handled)
            _clear_frames(error.__traceback__)
            raise

    return call


def _clear_frames(trace: TracebackType | None) -> None:
    while trace is not None:
        with contextlib.suppress(RuntimeError):  # one that still runs: this call's own
            trace.tb_frame.clear()
        trace = trace.tb_next


def _unchain(error: BaseException, handled: BaseException | None) -> None:
    below = error.__context__
    while below is not None and below is not handled:
        below = below.__context__
    error.__context__ = below
