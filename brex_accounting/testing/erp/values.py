"""What the books hold: frozen values, and the JSON they travel and are kept as. No I/O.

Amounts stay the text they were sent as; whoever adds them up makes exact Decimals of them.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, TypeVar

import attrs
import msgspec

from .refusal import Refused

__all__ = [
    "LONGEST_KEY",
    "LONGEST_NUMBER",
    "Attachment",
    "Document",
    "Draft",
    "DraftLine",
    "Side",
    "Status",
    "read",
    "read_draft",
    "too_long",
]

LONGEST_KEY = 50
"""Characters of an external key."""
LONGEST_NUMBER = 21
"""Characters of a document number."""

T = TypeVar("T")
Amount = Annotated[str, msgspec.Meta(pattern=r"\A(0|[1-9][0-9]{0,19})(\.[0-9]{1,6})?\Z")]
"""Never negative: the side gives the direction."""
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Side(StrEnum):
    """The side of a line."""

    DEBIT = "DEBIT"
    CREDIT = "CREDIT"


class Status(StrEnum):
    """What a document is worth. POSTED ones count in the totals, the others do not.

    A document that was reversed stays POSTED: its reversal takes it back.
    """

    POSTED = "POSTED"
    VOID = "VOID"
    SUPERSEDED = "SUPERSEDED"


@attrs.frozen(kw_only=True)
class DraftLine:
    """One line of a journal entry. ``amount`` is an exact decimal in major units, as text."""

    account: Text
    side: Side
    amount: Amount
    currency: Annotated[str, msgspec.Meta(pattern=r"\A[A-Z]{3}\Z")]
    memo: str = ""


@attrs.frozen(kw_only=True)
class Draft:
    """A journal entry as somebody wants it.

    ``key`` is the sender's own (at most 50 characters), ``number`` a document number (at most 21).
    ``supersedes`` is the key or number of documents that this one replaces in the same step.
    ``record`` and ``revision`` say what it was made from; the ERP only counts by them.
    """

    date: date
    lines: tuple[DraftLine, ...]
    memo: str = ""
    vendor: str | None = None
    key: Text | None = None
    number: Text | None = None
    supersedes: Text | None = None
    record: Text | None = None
    revision: int | None = None


@attrs.frozen(kw_only=True)
class Attachment:
    """A file of a document: its name, its SHA-256 in hex, its size in bytes. The content is not kept."""

    name: str
    sha256: str
    size: int


@attrs.frozen(kw_only=True)
class Document:
    """A journal entry as the books hold it.

    ``id`` is the ERP's own, ``reverses`` the id that it takes back. ``created_as`` is the first content of an
    entry that was updated.
    """

    id: str
    draft: Draft
    created_at: datetime
    status: Status = Status.POSTED
    version: int = 1
    reverses: str | None = None
    reversed_by: str | None = None
    replaced_by: str | None = None
    created_as: Draft | None = None
    attachments: tuple[Attachment, ...] = ()


def read(data: bytes, cls: type[T]) -> T:
    """``cls`` from JSON; ``Refused`` with the path of what is wrong."""
    try:
        content = msgspec.json.decode(data)
        unknown = _unknown(content, cls)
        if unknown:
            raise Refused(400, "invalid", "There is no such field.", field=unknown)
        return msgspec.convert(content, cls)
    except RecursionError:
        raise Refused(400, "invalid", "The body is nested too deep.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(400, "invalid", str(error)) from None


def _unknown(content: object, cls: type[object]) -> str | None:
    # A misspelled field would be left out without a word.
    if not (attrs.has(cls) and isinstance(content, dict)):
        return None
    names = {field.name for field in attrs.fields(cls)}
    lines = content.get("lines")
    below = [_unknown(line, DraftLine) for line in lines] if cls is Draft and isinstance(lines, list) else []
    unknown = [str(name) for name in content if name not in names]
    return next(filter(None, [*unknown, *below]), None)


def read_draft(data: bytes, header: str | None = None) -> Draft:
    """A journal entry from JSON, its key from the field or from the header ``Idempotency-Key``."""
    draft = read(data, Draft)
    if header is not None and draft.key not in (None, header):
        raise Refused(400, "invalid", "The header and the field hold two keys.", field="key")
    draft = attrs.evolve(draft, key=draft.key or header or None)
    for name, value, most in (("key", draft.key, LONGEST_KEY), ("number", draft.number, LONGEST_NUMBER)):
        if value is not None and len(value) > most:
            raise too_long(name, most)
    return draft


def too_long(name: str, most: int) -> Refused:
    """422: a text is longer than the ERP's column."""
    return Refused(422, "field_too_long", f"At most {most} characters.", field=name)
