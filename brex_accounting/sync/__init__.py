"""Durable export: what was seen, posted and reported, kept so that a crash loses nothing and doubles nothing."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .admin import ExceptionItem, ExportAdmin, Status
    from .company_exports import CompanyExports
    from .engine import ExportSync
    from .exports import Binding, Export, Move, Pause
    from .keys import ExportKey
    from .pausing import PauseCode
    from .poster import FindingRecords, FoundDocument, NotNow, Posted, Poster, Rejected, RejectionCode, Skipped
    from .rebuilding import Rebuilt, rebuild
    from .sqlite import SqliteStore
    from .states import State
    from .store import SyncStore
    from .summary import Summary
    from .triggered import Dispatch, Triggered
    from .verifying import Difference, Verification

__all__ = [
    "Binding",
    "CompanyExports",
    "Difference",
    "Dispatch",
    "ExceptionItem",
    "Export",
    "ExportAdmin",
    "ExportKey",
    "ExportSync",
    "FindingRecords",
    "FoundDocument",
    "Move",
    "NotNow",
    "Pause",
    "PauseCode",
    "Posted",
    "Poster",
    "Rebuilt",
    "Rejected",
    "RejectionCode",
    "Skipped",
    "SqliteStore",
    "State",
    "Status",
    "Summary",
    "SyncStore",
    "Triggered",
    "Verification",
    "rebuild",
]

# A name is loaded when it is first used: a poster needs no engine.
_HOMES = {
    "ExceptionItem": "admin",
    "ExportAdmin": "admin",
    "Status": "admin",
    "CompanyExports": "company_exports",
    "ExportSync": "engine",
    "Binding": "exports",
    "Export": "exports",
    "Move": "exports",
    "Pause": "exports",
    "ExportKey": "keys",
    "PauseCode": "pausing",
    "FindingRecords": "poster",
    "FoundDocument": "poster",
    "NotNow": "poster",
    "Posted": "poster",
    "Poster": "poster",
    "Rejected": "poster",
    "RejectionCode": "poster",
    "Skipped": "poster",
    "Rebuilt": "rebuilding",
    "rebuild": "rebuilding",
    "SqliteStore": "sqlite",
    "State": "states",
    "SyncStore": "store",
    "Summary": "summary",
    "Dispatch": "triggered",
    "Triggered": "triggered",
    "Difference": "verifying",
    "Verification": "verifying",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
