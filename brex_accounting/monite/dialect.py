"""How a server spells headers and paths. The API is being renamed, so all of it may change."""

from __future__ import annotations

import re
from typing import Final

import attrs

from ..errors import ConfigurationError

__all__ = ["MONITE", "SANDBOX_URL", "VERSION", "Dialect", "Wire"]

SANDBOX_URL: Final = "https://api.sandbox.monite.com/v1"
"""Nothing of a real customer's can be touched by accident."""
VERSION: Final = "2024-05-25"

_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_PATH: Final = re.compile(r"(/[A-Za-z0-9._~-]*[A-Za-z0-9_~-])+")


@attrs.frozen(kw_only=True)
class Dialect:
    """Header names in any case, and paths below the base URL. The defaults are Monite's of 2024-05-25.

    Raises ``ConfigurationError`` for a name that no header has and a path that does not begin with a slash or
    holds anything but plain segments.
    """

    version_header: str = "x-monite-version"
    entity_header: str = "x-monite-entity-id"
    request_id_header: str = "x-request-id"
    connections: str = "/accounting_connections"
    synced_records: str = "/accounting_synced_records"
    token: str = "/auth/token"  # noqa: S105 - a path
    revoke: str = "/auth/revoke"

    def __attrs_post_init__(self) -> None:
        for field in attrs.fields(type(self)):
            text = getattr(self, field.name)
            shape, kind = (_HEADER, "header") if field.name.endswith("_header") else (_PATH, "path")
            if not isinstance(text, str) or not shape.fullmatch(text):
                raise ConfigurationError(f"{field.name} is no name of a {kind}")


MONITE: Final = Dialect()
"""The names of Monite's own hosts."""


@attrs.frozen(kw_only=True)
class Wire:
    """What is on every request of one entity: the dialect, the version asked for, and whose data it is."""

    dialect: Dialect
    version: str
    entity_id: str

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The two headers."""
        return (self.dialect.version_header, self.version), (self.dialect.entity_header, self.entity_id)
