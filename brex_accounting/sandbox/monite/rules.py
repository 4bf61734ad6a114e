"""Monite's rules for accounting connections, without HTTP: models in, models or a refusal out.

What is documented is followed, what is left open is decided the stricter way and marked ``guess``.

Source: Monite's OpenAPI document of 2024-05-25; guides on accounting integration, authentication, rate limits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from ...monite.converters import SyncedRecordList
from ...monite.enums import ConnectionStatus, ObjectType, Order, Platform, ServiceProvider, SyncStatus
from ...monite.models import BusinessInfo, Connection, SyncedRecord
from .reading import is_uuid, pagination_token, read_list
from .refusal import not_found, refused, unprocessable

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "ENTITY_ID", "Allowance", "LocalMonite", "MoniteRules"]

CLIENT_ID: Final = "3f0ae3a1-79a3-4f3b-8f0e-0f6d6b3c2b11"
CLIENT_SECRET: Final = "sandbox_secret"  # noqa: S105 - opens nothing but the sandbox
ENTITY_ID: Final = "c7a1d0f2-52c5-4f06-9a51-2f2f0f8a7e10"

_ACTIVE: Final = (ConnectionStatus.CONNECTED, ConnectionStatus.PENDING_AUTH)


@attrs.frozen(kw_only=True)
class MoniteRules:
    """Switches. ``rate_limit`` requests in each window of ``rate_window`` seconds, None for no limit; tokens live
    for ``token_lifetime`` seconds; a sync ends after ``sync_takes`` seconds."""

    rate_limit: int | None = 30
    rate_window: float = 1.0
    token_lifetime: int = 1800
    sync_takes: float = 0.0


@attrs.frozen(kw_only=True)
class Allowance:
    """What is left of the limit: ``remaining`` requests for ``reset`` seconds. ``admitted``: this one counts too."""

    limit: int
    remaining: int
    reset: int
    admitted: bool


@attrs.define
class _Entity:
    connections: dict[str, Connection] = attrs.field(factory=dict)
    records: dict[str, SyncedRecord] = attrs.field(factory=dict)
    syncs: dict[str, datetime] = attrs.field(factory=dict)


class LocalMonite:
    """The accounting connections of a partner's entities. ``now`` is the server's clock, ``fresh`` gives new UUIDs.

    Every UUID is an entity. ``link`` makes a connection's ``connection_url``.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        fresh: Callable[[], str],
        link: Callable[[str], str] = lambda connection_id: f"https://authorise.example/{connection_id}",
        rules: MoniteRules | None = None,
    ) -> None:
        self.rules: MoniteRules = rules or MoniteRules()
        self.granted: int = 0
        """How many tokens were given out."""
        self.link = link
        self._now = now
        self._fresh = fresh
        self._entities: dict[str, _Entity] = {}
        self._expiries: dict[str, datetime] = {}
        self._revoked: set[str] = set()
        self._window = (0, 0)

    def now(self) -> datetime:
        """The server's clock."""
        return self._now()

    # Tokens, and how often one may ask.

    def token(self, asked: dict[str, Any]) -> dict[str, object]:
        """POST /auth/token."""
        self._check_client(asked)
        grant, user = asked.get("grant_type"), asked.get("entity_user_id")
        if grant not in ("client_credentials", "entity_user"):
            raise unprocessable(["body", "grant_type"], "value is not a valid enumeration member", "type_error.enum")
        if (grant == "entity_user" and user is None) or (user is not None and not is_uuid(user)):
            raise unprocessable(["body", "entity_user_id"], "value is not a valid uuid", "type_error.uuid")
        self.granted += 1
        token = f"sandbox_access_{self._fresh()}"
        self._expiries[token] = self._now() + timedelta(seconds=self.rules.token_lifetime)
        return {"access_token": token, "expires_in": self.rules.token_lifetime, "token_type": "Bearer"}

    def revoke(self, asked: dict[str, Any]) -> dict[str, object]:
        """POST /auth/revoke."""
        self._check_client(asked)
        token = asked.get("token")
        if not isinstance(token, str):
            raise unprocessable(["body", "token"], "field required", "value_error.missing")
        # guess: a token that is unknown is useless already
        if self._expiries.pop(token, None) is not None:
            self._revoked.add(token)
        return {"message": "The token has been revoked."}

    def accept(self, token: str) -> None:
        """Take a token that was not given out here, as long as any."""
        self._expiries[token] = self._now() + timedelta(seconds=self.rules.token_lifetime)

    def expire_tokens(self) -> None:
        """Let every token that was given out expire now."""
        self._expiries = dict.fromkeys(self._expiries, self._now())

    def authorize(self, authorization: str | None) -> None:
        """Let in who has a token that lives."""
        kind, _, token = (authorization or "").partition(" ")
        if kind.lower() != "bearer" or token not in self._expiries:
            raise refused(401, "The token has been revoked." if token in self._revoked else "Unauthorized.")
        if self._now() >= self._expiries[token]:
            raise refused(400, "The token has been expired.")

    def admit(self) -> Allowance | None:
        """What is left after this request; None when there is no limit. All tokens are one client's."""
        limit, width = self.rules.rate_limit, self.rules.rate_window
        if limit is None:
            return None
        now = self._now().timestamp()
        window, used = self._window
        if window != int(now // width):
            window, used = int(now // width), 0
        admitted = used < limit
        self._window = window, used + admitted
        # Whole seconds, and never 0: that would be now.
        reset = max(1, math.ceil((window + 1) * width - now))
        return Allowance(limit=limit, remaining=limit - used - admitted, reset=reset, admitted=admitted)

    # Connections.

    def connections(self, entity_id: str) -> tuple[Connection, ...]:
        """All of them, oldest first."""
        return tuple(self._settled(entity_id).connections.values())

    def create(self, entity_id: str) -> Connection:
        """A new connection that waits for a person."""
        entity = self._settled(entity_id)
        if any(one.status in _ACTIVE for one in entity.connections.values()):
            # guess: one is active at most, says the guide, and not how a second is refused
            raise refused(409, "The entity has an active connection.")
        id_, now = self._fresh(), self._now()
        made = Connection(
            id=id_, created_at=now, updated_at=now, connection_url=self.link(id_), status=ConnectionStatus.PENDING_AUTH
        )
        entity.connections[id_] = made
        return made

    def connection(self, entity_id: str, connection_id: str) -> Connection:
        """One connection."""
        found = self._settled(entity_id).connections.get(connection_id)
        if found is None:
            raise not_found("connection")
        return found

    def disconnect(self, entity_id: str, connection_id: str) -> Connection:
        """End a connection. Its answer has no ``connection_url``, as in the guide's own example."""
        found = self.connection(entity_id, connection_id)
        if found.status == ConnectionStatus.DISCONNECTED:
            # guess: undocumented
            raise refused(409, "The connection is disconnected.")
        return self._moved(entity_id, found, status=ConnectionStatus.DISCONNECTED, connection_url=None)

    def sync(self, entity_id: str, connection_id: str) -> None:
        """Pull from the accounting system, in a while."""
        found = self.connection(entity_id, connection_id)
        if found.status != ConnectionStatus.CONNECTED:
            # guess: undocumented
            raise refused(409, "The connection is not connected.")
        self._entity(entity_id).syncs[connection_id] = self._now() + timedelta(seconds=self.rules.sync_takes)

    # What people do elsewhere.

    def authorise(self, connection_id: str, platform: Platform = Platform.XERO) -> Connection:
        """Authorise a waiting connection, as the person at its ``connection_url``."""
        entity_id, found = self._of_any_entity(connection_id)
        if found.status != ConnectionStatus.PENDING_AUTH:
            raise refused(409, "The connection does not wait for anybody.")
        info = BusinessInfo(base_currency="EUR", name="A Shop")
        return self._moved(entity_id, found, status=ConnectionStatus.CONNECTED, platform=platform, business_info=info)

    def deauthorise(self, connection_id: str) -> Connection:
        """Take the consent back, as the person does in the accounting system."""
        entity_id, found = self._of_any_entity(connection_id)
        if found.status != ConnectionStatus.CONNECTED:
            raise refused(409, "The connection is not connected.")
        self._entity(entity_id).syncs.pop(connection_id, None)
        return self._moved(entity_id, found, status=ConnectionStatus.DEAUTHORIZED)

    def add_records(
        self, entity_id: str, object_type: ObjectType, count: int, *, fails: bool = False
    ) -> tuple[SyncedRecord, ...]:
        """Records that wait for a sync; ``fails``: it will not be able to take them."""
        made = tuple(self._record(object_type, fails) for _ in range(count))
        self._entity(entity_id).records |= {record.id: record for record in made}
        return made

    def _record(self, object_type: ObjectType, fails: bool) -> SyncedRecord:
        now = self._now()
        return SyncedRecord(
            id=self._fresh(),
            created_at=now,
            updated_at=now,
            last_pulled_at=now,
            object_id=self._fresh(),
            object_type=object_type,
            provider=ServiceProvider.CODAT,
            errors={"code": "account_missing"} if fails else None,
            sync_status=SyncStatus.PENDING,
        )

    # Synced records.

    def synced_records(self, entity_id: str, query: Sequence[tuple[str, str]]) -> SyncedRecordList:
        """One page."""
        request = read_list(query)
        found = [record for record in self._settled(entity_id).records.values() if request.holds(record)]
        found.sort(key=lambda record: (getattr(record, request.sort), record.id), reverse=request.order == Order.DESC)
        start, end = request.start, request.start + request.limit
        return SyncedRecordList(
            data=tuple(found[start:end]),
            next_pagination_token=pagination_token(request, end) if end < len(found) else None,
            prev_pagination_token=pagination_token(request, max(0, start - request.limit)) if start else None,
        )

    def synced_record(self, entity_id: str, record_id: str) -> SyncedRecord:
        """One record."""
        found = self._settled(entity_id).records.get(record_id)
        if found is None:
            raise not_found("synced record")
        return found

    def push(self, entity_id: str, record_id: str) -> SyncedRecord:
        """Push one record now."""
        found = self.synced_record(entity_id, record_id)
        pushed = self._ended(found, self._now())
        self._entity(entity_id).records[record_id] = pushed
        return pushed

    def _entity(self, entity_id: str) -> _Entity:
        return self._entities.setdefault(entity_id, _Entity())

    def _settled(self, entity_id: str) -> _Entity:
        """The entity, with the syncs that have ended by now."""
        entity, now = self._entity(entity_id), self._now()
        for connection_id, due in list(entity.syncs.items()):
            if due <= now:
                del entity.syncs[connection_id]
                # Two syncs within one tick of a clock are still two.
                before = entity.connections[connection_id].last_pull
                pulled = due if before is None or due > before else before + timedelta(microseconds=1)
                self._moved(entity_id, entity.connections[connection_id], last_pull=pulled)
                entity.records = {id_: self._ended(record, due) for id_, record in entity.records.items()}
        return entity

    def _ended(self, record: SyncedRecord, at: datetime) -> SyncedRecord:
        if record.sync_status != SyncStatus.PENDING:
            return record
        status = SyncStatus.ERROR if record.errors is not None else SyncStatus.DONE
        return attrs.evolve(record, sync_status=status, updated_at=at, last_pulled_at=at)

    def _moved(self, entity_id: str, found: Connection, **changes: Any) -> Connection:
        changed = attrs.evolve(found, updated_at=self._now(), **changes)
        self._entity(entity_id).connections[found.id] = changed
        return changed

    def _of_any_entity(self, connection_id: str) -> tuple[str, Connection]:
        for entity_id, entity in self._entities.items():
            if connection_id in entity.connections:
                return entity_id, entity.connections[connection_id]
        raise not_found("connection")

    def _check_client(self, asked: dict[str, Any]) -> None:
        if not is_uuid(asked.get("client_id")):
            raise unprocessable(["body", "client_id"], "value is not a valid uuid", "type_error.uuid")
        if (asked["client_id"], asked.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            raise refused(401, "The credentials are wrong.")
