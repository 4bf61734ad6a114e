"""The key under which a document is posted: made of record id and revision alone, and the same for ever. Pure."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from ..errors import ConfigurationError

__all__ = ["MAX_KEY", "NAMESPACE", "ExportKey", "export_key", "revision_of"]

MAX_KEY: Final = 50
"""Characters of a key at most."""

NAMESPACE: Final = "6fd7e0a4-2c1b-5b0e-9d53-0a5c1f4e7b62"
"""The namespace of ``ExportKey.uuid``. Accounting systems hold what is made of it: it never changes."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:-]+")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,5}")
_DIGESTED: Final = "bx-"
_SHORT: Final = 20


class ExportKey(str):
    """What tells an accounting system that it has seen a document: letters, digits and ``_.:-``, at most 50.

    Give it, ``uuid`` or ``short`` to the system as its idempotency key or external id, whichever fits.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> ExportKey:
        """Raises ``ConfigurationError`` for anything else."""
        if not isinstance(text, str) or len(text) > MAX_KEY or not _PLAIN.fullmatch(text):
            raise ConfigurationError(f"an export key is 1 to {MAX_KEY} letters, digits and _.:-")
        return super().__new__(cls, text)

    @property
    def uuid(self) -> str:
        """The key as a UUID (version 5, of ``NAMESPACE``), in lower case with hyphens."""
        named = bytes.fromhex(NAMESPACE.replace("-", "")) + self.encode()
        raw = bytearray(hashlib.sha1(named, usedforsecurity=False).digest()[:16])  # RFC 9562 names SHA-1
        raw[6] = raw[6] & 0x0F | 0x50
        raw[8] = raw[8] & 0x3F | 0x80
        text = raw.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    @property
    def short(self) -> str:
        """The key in 20 lower-case letters and digits, for systems with narrow fields: 100 bits of its SHA-256."""
        return _base32(self)[:_SHORT]


def export_key(record_id: str, revision: int) -> ExportKey:
    """The key of a revision (counted from 1) of a record.

    The record id and the revision with a dot between, or a digest of the id where that would be too long
    or hold other characters.
    """
    if isinstance(revision, bool) or not isinstance(revision, int) or not 1 <= revision <= 999_999:
        raise ConfigurationError("a revision is a whole number from 1 to 999,999")
    plain = f"{record_id}.{revision}"
    # An id that looks like a digest is digested too, so that no two records share a key.
    if len(plain) <= MAX_KEY and _PLAIN.fullmatch(plain) and not record_id.startswith(_DIGESTED):
        return ExportKey(plain)
    return ExportKey(f"{_DIGESTED}{_base32(record_id)[:40]}.{revision}")


def revision_of(record_id: str, key: str) -> int | None:
    """The revision of the record that has the key; None: the key is another record's, or of something else."""
    number = key.rpartition(".")[2]
    if not _NUMBER.fullmatch(number):
        return None
    return int(number) if export_key(record_id, int(number)) == key else None


def _base32(text: str) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()
