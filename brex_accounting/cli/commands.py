"""Which commands there are, and where. Each is loaded when it is called, or when help is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Final

from cyclopts import App

from .._version import __version__

__all__ = ["build"]

_HELP: Final = """Brex's Accounting API from the command line.

The token comes from the environment variable BREX_TOKEN, the host from BREX_BASE_URL.
Data goes to stdout, words to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 Ctrl-C, 143 SIGTERM.
With --json anywhere, an error is one JSON object on stderr.
"""

_MONITE: Final = """Monite's accounting connections.

The credentials come from MONITE_CLIENT_ID and MONITE_CLIENT_SECRET, the entity from MONITE_ENTITY_ID or --entity,
the host from MONITE_BASE_URL (by default Monite's sandbox).
"""

_FLEET: Final = """Many companies on PostgreSQL, polled by as many processes as are started.

The database comes from BREX_FLEET_DATABASE (a connection string), the keys that tokens are encrypted with from
BREX_FLEET_KEYS (Fernet keys separated by commas, newest first). What refreshes the tokens of consents comes from
BREX_CLIENT_ID and BREX_CLIENT_SECRET, the OAuth server from BREX_OAUTH_URL.
"""

_HELP_OPTIONS: Final = frozenset({"--help", "-h"})

_GROUPS: Final[Mapping[tuple[str, ...], str]] = MappingProxyType(
    {
        (): _HELP,
        ("records",): "Read accounting records.",
        ("sync",): "Look into an export's store, and decide what it cannot.",
        ("fleet",): _FLEET,
        ("integration",): "Connect and disconnect the accounting system.",
        ("webhook",): "Check a saved delivery; receive deliveries.",
        ("fields",): "The lists that records are coded with.",
        ("monite",): _MONITE,
        ("monite", "connections"): "The links between an entity and its accounting systems.",
    }
)

_COMMANDS: Final[Mapping[tuple[str, ...], str]] = MappingProxyType(
    {
        ("demo",): "demo:demo",
        ("sandbox",): "sandbox:serve",
        ("records", "list"): "records:list_records",
        ("records", "get"): "records:get_record",
        ("export",): "export:export",
        ("sync", "status"): "sync:status",
        ("sync", "exceptions"): "sync:exceptions",
        ("sync", "resolve"): "sync:resolve",
        ("sync", "retry"): "sync:retry",
        ("sync", "replay"): "sync:replay",
        ("sync", "pause"): "sync:pause",
        ("sync", "resume"): "sync:resume",
        ("sync", "history"): "sync:history",
        ("sync", "verify"): "sync:verify",
        ("sync", "chart"): "chart:chart",
        ("sync", "check"): "check:check",
        ("sync", "report"): "report:report",
        ("sync", "rebuild"): "rebuild:rebuild_store",
        ("fleet", "init"): "fleet:init",
        ("fleet", "new-key"): "fleet:new_key",
        ("fleet", "import-store"): "fleet:import_store",
        ("fleet", "add-company"): "fleet:add_company",
        ("fleet", "run"): "fleet:run",
        ("fleet", "status"): "fleet:status",
        ("fleet", "retire-company"): "fleet:retire_company",
        ("integration", "create"): "integration:create",
        ("integration", "disconnect"): "integration:disconnect",
        ("integration", "reactivate"): "integration:reactivate",
        ("webhook", "verify"): "webhook:verify",
        ("webhook", "listen"): "listening:listen",
        ("fields", "list"): "fields:list_fields",
        ("fields", "values"): "fields:list_values",
        ("fields", "sync-accounts"): "fields:sync_accounts",
        ("monite", "connections", "list"): "monite:list_connections",
        ("monite", "connections", "get"): "monite:get",
        ("monite", "connections", "create"): "monite:create",
        ("monite", "connections", "disconnect"): "monite:disconnect",
        ("monite", "connections", "sync"): "monite:sync",
    }
)
"""The words of each command, and the module below this one and the function that it is."""


def build(words: Sequence[str] = ()) -> App:
    """The command line, for a call with these words."""
    # The help of a group has the first sentence of each command: only then are all of them loaded.
    shows_all = tuple(word for word in words if word not in _HELP_OPTIONS) in _GROUPS
    groups = {names: _group(names, text) for names, text in _GROUPS.items()}
    for names, group in groups.items():
        if names:
            groups[names[:-1]].command(group)
    for names, place in _COMMANDS.items():
        groups[names[:-1]].command(_loaded(place) if shows_all else f"{__package__}.{place}", name=names[-1])
    return groups[()]


def _loaded(place: str) -> Callable[..., object]:
    module, _, function = place.partition(":")
    command: Callable[..., object] = getattr(import_module(f".{module}", __package__), function)
    return command


def _group(names: tuple[str, ...], text: str) -> App:
    if names:
        return App(name=names[-1], help=text, help_format="plaintext")
    return App(name="brex-accounting", help=text, version=__version__, help_format="plaintext")
