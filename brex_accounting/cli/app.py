"""A command run, and how it ends: 0 done, 1 failed, 2 wrong usage, 130 Ctrl-C, 143 SIGTERM."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec
from cyclopts import CycloptsError

from ..errors import APIStatusError, BrexError, ConfigurationError
from .commands import build
from .console import Failed, Mistakes, Terminated, UnexpectedError, UsageError, one_line, say

__all__ = ["build", "run"]


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code. Never a traceback for what a person can cause."""
    as_json = "--json" in arguments
    if sys.stdout is None:
        return _failed(UsageError("stdout is closed, and there is nowhere to print to"), as_json)
    words = [word for word in arguments if word != "--json"]
    try:
        command, bound, _ = build(words).parse_args(words, print_error=False, exit_on_error=False)
        if as_json and "json_" in inspect.signature(command).parameters:
            bound.arguments["json_"] = True
        _execute(command, bound)
        sys.stdout.flush()
    except CycloptsError as error:
        return _failed(UsageError(str(error)), as_json, help_for=words)
    except (UsageError, ConfigurationError) as error:
        return _failed(error, as_json)
    except (BrexError, Failed) as error:
        return _failed(error, as_json)
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    except (asyncio.CancelledError, Terminated):
        say("terminated")
        return 143
    except BrokenPipeError:
        # The reader has seen enough. Without this, Python complains once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _failed(error, as_json)
    except Exception as error:  # noqa: BLE001 - a person at a terminal is not helped by a traceback
        return _failed(UnexpectedError(f"unexpected {type(error).__name__}; please report it"), as_json)
    return 0


def _execute(command: Any, bound: inspect.BoundArguments) -> None:
    result = command(*bound.args, **bound.kwargs)
    if inspect.iscoroutine(result):
        asyncio.run(_until_told(result))


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    # SIGTERM ends a command as Ctrl-C does: what it has begun is cleared away.
    task = asyncio.current_task()
    if task is not None and sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await work


def _failed(error: Exception, as_json: bool, *, help_for: Sequence[str] = ()) -> int:
    code = 2 if isinstance(error, (UsageError, ConfigurationError)) else 1
    lines = _words_of(error).splitlines() if isinstance(error, Mistakes) else [_words_of(error)]
    text = "\n".join(map(one_line, lines)) or type(error).__name__
    if isinstance(error, APIStatusError) and error.message:
        text += f" The server says: {one_line(error.message)}"
    text = " ".join([text, *getattr(error, "__notes__", ())])
    if help_for:
        command = " ".join(word for word in help_for[:2] if word.isalpha())
        text += f" Try: brex-accounting {command} --help".replace("  ", " ")
    say(msgspec.json.encode({"error": _facts(error, text, code)}).decode() if as_json else f"error: {text}")
    return code


def _words_of(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"  # Python's own words begin with a number
    return str(error)


def _facts(error: Exception, text: str, code: int) -> dict[str, object]:
    facts: dict[str, object] = {"type": type(error).__name__, "message": text, "exit_code": code}
    if isinstance(error, BrexError):
        facts["may_have_happened"] = error.may_have_happened
    if isinstance(error, APIStatusError):
        facts |= {"status": error.status, "error_code": error.error_code, "trace_id": error.trace_id}
    return facts
