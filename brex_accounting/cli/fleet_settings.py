"""Where a fleet is, and what its workers do: from the environment, and from a function of the user's own."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from ..oauth import BASE_URL, OAuthApp
from .console import UsageError

if TYPE_CHECKING:
    from ..sync.fleet import Fleet, Keyring, MakeExport

__all__ = ["database", "fleet_of", "keyring_class", "make_export", "oauth_of"]

_DATABASE: Final = "BREX_FLEET_DATABASE"


def fleet_of(
    *,
    every: timedelta = timedelta(hours=1),
    polls: int = 8,
    longest: timedelta = timedelta(minutes=30),
    stale: timedelta = timedelta(minutes=1),
    drain: timedelta = timedelta(minutes=5),
) -> Fleet:
    """The fleet in the environment, not open yet. Raises ``UsageError``."""
    keyring, conninfo = keyring_class(), database()
    # Here: most commands do without the extra [fleet].
    from ..sync.fleet import Fleet

    return Fleet(
        conninfo,
        keyring=keyring.from_environment(),
        oauth=oauth_of(),
        every=every,
        polls=polls,
        longest=longest,
        stale=stale,
        drain=drain,
    )


def database() -> str:
    """The connection string in the environment. Raises ``UsageError``."""
    keyring_class()  # the packages that it takes
    conninfo = os.environ.get(_DATABASE, "")
    if not conninfo:
        raise UsageError(f"no database: set {_DATABASE} to a connection string, like postgresql://user@host/name")
    return conninfo


def keyring_class() -> type[Keyring]:
    """The class, once the extra [fleet] is there. Raises ``UsageError``."""
    try:
        from ..sync.fleet import Keyring
    except ImportError:
        raise UsageError("a fleet needs more packages: pip install 'brex-accounting[fleet]'") from None
    return Keyring


def oauth_of() -> OAuthApp | None:
    """The application in the environment; None without one."""
    client_id, secret = os.environ.get("BREX_CLIENT_ID", ""), os.environ.get("BREX_CLIENT_SECRET", "")
    if not client_id and not secret:
        return None
    base_url = os.environ.get("BREX_OAUTH_URL") or BASE_URL
    # Nobody is sent anywhere: consents are asked for elsewhere.
    return OAuthApp(client_id, secret, redirect_uri="https://localhost/", base_url=base_url)


def make_export(place: str) -> MakeExport:
    """The function at ``module:function``, modules of the current folder included. Raises ``UsageError``."""
    module, colon, name = place.partition(":")
    if not colon or not module or not name:
        raise UsageError("say where the export comes from, like books:export for export() in books.py")
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - sys.path holds strings
    try:
        found = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        raise UsageError(f"there is no module {error.name}") from None
    except AttributeError:
        raise UsageError(f"{module} has no {name}") from None
    finally:
        sys.path.pop(0)
    if not callable(found):
        raise UsageError(f"{place} is not a function")
    return cast("MakeExport", found)
