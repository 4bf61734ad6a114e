"""``webhook verify`` and ``webhook listen``."""

from __future__ import annotations

import math
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ..errors import ConfigurationError, WebhookVerificationError
from ..webhooks import unwrap
from .console import UsageError, say
from .hook_secrets import SECRETS, known_secrets
from .listening import event_line
from .saved import Saved, read_headers, read_request

__all__ = ["verify"]

_LARGEST: Final = 32 * 2**20


def verify(
    request: Path | None = None,
    /,
    *,
    body: Path | None = None,
    headers: Path | None = None,
    at: str | None = None,
    tolerance: float = 300.0,
) -> None:
    """Say whether a saved delivery is from Brex, or precisely why not. Prints its event as JSON.

    The secrets come from the environment variable BREX_WEBHOOK_SECRET,
    several with blanks between them.

    Parameters
    ----------
    request
        The delivery in one file: an HTTP request, or a curl command.
    body
        Its body alone, byte for byte; then --headers too.
    headers
        Its headers, one to a line.
    at
        When it came, like 2026-01-31T12:00:00Z; by default now.
    tolerance
        Seconds that may lie between its signature and then.
    """
    saved = _saved(request, body, headers)
    secrets = known_secrets()
    if not secrets:
        raise UsageError(f"set the environment variable {SECRETS} to the secret; it is never an argument")
    now = datetime.now(UTC) if at is None else _moment(at)
    try:
        event = unwrap(saved.body, saved.headers, secrets=secrets, now=now, tolerance=tolerance)
    except WebhookVerificationError as error:
        for hint in _hints(saved, secrets, at):
            error.add_note(hint)
        raise
    sys.stdout.write(event_line(event) + "\n")
    age = (now - event.sent_at).total_seconds()
    say(f"valid: signed {abs(age):.0f} s {'before' if age >= 0 else 'after'} {'now' if at is None else 'then'}")


def _saved(request: Path | None, body: Path | None, headers: Path | None) -> Saved:
    if request is not None and body is None and headers is None:
        return read_request(_read(request))
    if request is None and body is not None and headers is not None:
        return Saved(read_headers(_read(headers)), _read(body))
    raise UsageError("give the delivery as one file, or as --body and --headers")


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise UsageError("the file is too large to be a delivery")
    return data


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.utcoffset() is None:
        raise UsageError("--at takes a moment like 2026-01-31T12:00:00Z")
    return moment


def _hints(saved: Saved, secrets: list[str], at: str | None) -> list[str]:
    """What nearly fits: it is told apart from what was forged."""
    signed = _signed_at(saved.body, saved, secrets)
    if signed is not None:
        return [] if at is not None else [f"The signature fits; to check it as of then, add --at {signed}."]
    if any(_signed_at(other, saved, secrets) for other in _nearly(saved.body)):
        return ["It fits the body without the line break at its end: the file was saved with one more."]
    return []


def _nearly(body: bytes) -> list[bytes]:
    return [body[: -len(end)] for end in (b"\n", b"\r\n") if body.endswith(end)]


def _signed_at(body: bytes, saved: Saved, secrets: list[str]) -> str | None:
    """When it was signed, if a signature fits this body at all."""
    try:
        seconds = int(saved.headers.get("webhook-timestamp", ""))
        now = datetime.fromtimestamp(seconds, UTC)
        unwrap(body, saved.headers, secrets=secrets, now=now, tolerance=math.nextafter(math.inf, 0))
    except (WebhookVerificationError, ConfigurationError, ValueError, OverflowError, OSError):
        return None
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")
