"""A tap on a sandbox: the requests as the server got them, and what tests do just before one is served."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler

from brex_accounting import ExportFailure, ExportSuccess
from brex_accounting.enums import ReviewStatus
from brex_accounting.models import ExportResult
from brex_accounting.sandbox import Sandbox

from .support import held_states

__all__ = ["Post", "Tap", "all_different", "failure", "move", "moved", "naming", "success"]

Act = Callable[[], object]
Answer = Callable[["Post"], web.Response | None]


@attrs.frozen
class Post:
    """One report as it came."""

    ids: tuple[str, ...]
    key: str | None


@attrs.define
class Tap:
    """``before_post[n]`` and ``before_get[n]`` run before the n-th such request, counted from 1.

    ``answer`` and ``answer_get`` may answer in place of the sandbox.
    """

    posts: list[Post] = attrs.field(factory=list)
    gets: int = 0
    before_post: dict[int, Act] = attrs.field(factory=dict)
    before_get: dict[int, Act] = attrs.field(factory=dict)
    answer: Answer = lambda _: None
    answer_get: Callable[[], web.Response | None] = lambda: None

    @property
    def keys(self) -> list[str | None]:
        """The key of each report."""
        return [post.key for post in self.posts]

    @property
    def sizes(self) -> list[int]:
        """How many results each report held."""
        return [len(post.ids) for post in self.posts]

    def on(self, app: web.Application) -> web.Application:
        """The application, tapped."""

        @web.middleware
        async def tapped(request: web.Request, handler: Handler) -> web.StreamResponse:
            own = self._get() if request.method == "GET" else self._post(request, await request.json())
            return own or await handler(request)

        app.middlewares.insert(0, tapped)
        return app

    def _get(self) -> web.Response | None:
        self.gets += 1
        self.before_get.get(self.gets, _nothing)()
        return self.answer_get()

    def _post(self, request: web.Request, body: dict[str, Any]) -> web.Response | None:
        ids = tuple(one["accounting_record_id"] for one in body["results"])
        self.posts.append(Post(ids, request.headers.get("Idempotency-Key")))
        self.before_post.get(len(self.posts), _nothing)()
        return self.answer(self.posts[-1])


def _nothing() -> None:
    pass


def move(sandbox: Sandbox, record_id: str, *statuses: str) -> None:
    """Somebody else, or the customer, moves a record."""
    table = sandbox.brex.table
    row = table.row_of(record_id)
    assert row is not None
    for status in statuses:
        table.change(row, ReviewStatus(status), sandbox.brex.now())


def moved(sandbox: Sandbox, before: dict[str, tuple[str, int]]) -> dict[str, tuple[str, int]]:
    """The records that are not as before: their status, and by how many versions they moved."""
    after = held_states(sandbox)
    return {one: (after[one][0], after[one][1] - before[one][1]) for one in before if after[one] != before[one]}


def naming(*ids: str) -> web.Response:
    """A 200 that names these ids."""
    return web.json_response({"updated_accounting_record_ids": ids})


def success(record_id: str) -> ExportResult:
    """A success to report."""
    return ExportSuccess(accounting_record_id=record_id, reference_id="JE-1")


def failure(record_id: str) -> ExportResult:
    """A failure to report."""
    return ExportFailure(accounting_record_id=record_id, error_message="no such account")


def all_different(keys: list[str | None]) -> bool:
    """Whether there is a key each time, and never the same."""
    return len(set(keys)) == len(keys) and None not in keys
