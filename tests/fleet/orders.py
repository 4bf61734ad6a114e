"""What a worker is told: where everything is, and what is to happen to it."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

__all__ = ["Blow", "Engine", "Orders", "Store"]

Store: TypeAlias = Literal["sqlite", "postgres"]
Engine: TypeAlias = Literal["fleet", "loop"]
Blow: TypeAlias = Literal["", "kill", "leave", "freeze", "freeze-writing"]


@attrs.frozen(kw_only=True)
class Orders:
    """``stores``: a folder for stores in SQLite; without it they are in PostgreSQL, at ``dsn``.

    ``companies``: for the loop, which has no roster. ``blow``: falls once all workers together have posted ``at``
    documents and ``beside`` of them have begun a poll, itself included. ``poison``: a company whose export always
    fails, and takes its time. ``killer``: one whose export kills the process. ``hang``: one whose export never comes
    to its end, and is given up after ``longest`` seconds.
    """

    dsn: str
    key: str
    brex: str
    erp: str
    erp_token: str
    diary: str
    number: int = 0
    engine: Engine = "fleet"
    companies: tuple[str, ...] = ()
    stores: str = ""
    every: float = 3600.0
    stale: float = 2.0
    lease: float = 2.0
    polls: int = 4
    parallel: int = 8
    blow: Blow = ""
    at: int = 0
    beside: int = 1
    poison: str = ""
    killer: str = ""
    hang: str = ""
    longest: float = 1800.0
