"""What a Beancount ledger of ours holds, read line by line, and what is appended to it. No I/O.

    <blank line>
    ; brex-begin accr_8.1
    2026-06-01 open Expenses:6110-Lodging
      brex-account: "6110 Lodging"
    2026-06-11 * "Fennelby Inns" ...
    ; brex-end accr_8.1 5b1f0c7d9a2e4c36

An account is opened in the block of its first entry; receipts are linked in blocks of their own. The last line holds
a checksum of the block and of all blocks before it, and only that line makes the block complete: Beancount itself
takes a transaction whose end is missing, fills in what is not there, and does not mind one that stands there twice.
So nothing in the file may be changed, moved, taken out or put in between. A person's own entries go into another
file, with ``include`` of this one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final

import attrs

from ...errors import ConfigurationError
from ..contents import Changed
from ..entries import Entry
from ..refusing import quoted as shown
from ..standing import EntryIndex
from .syntax import DOCUMENT, OPEN, TRANSACTION, is_line, link, quoted
from .text import Booking, Unreadable, entry_text, read_entry, values_of

__all__ = ["HEADER", "Attachment", "LedgerContents"]

HEADER: Final = b"""\
;; A ledger of brex-accounting, version 1. It is only ever appended to: write entries of your own into another file,
;; which says include and the name of this one.
"""
_BEGIN: Final = "; brex-begin "
_END: Final = re.compile(r"; brex-end (.+) ([0-9a-f]{16})")
_RECEIPTS: Final = " receipts"


@attrs.frozen(kw_only=True)
class Attachment:
    """A receipt beside the ledger: ``path`` is relative to the ledger's folder."""

    receipt_id: str
    path: str


class LedgerContents:
    """The entries of a ledger, its accounts and its receipts.

    ``names`` gives the name of each account that is open, ``first_day`` the earliest day on which one was opened.
    ``contents`` is the hash of the record's content, by key; ``attached`` holds (key, receipt id).
    """

    def __init__(self) -> None:
        self.index: EntryIndex = EntryIndex()
        self.names: dict[str, str] = {}
        self.first_day: date | None = None
        self.contents: dict[str, str] = {}
        self.attached: set[tuple[str, str]] = set()
        self._accounts: dict[str, str] = {}
        self._block: list[str] = []
        self._sum = ""

    # Reading.

    def take(self, line: bytes) -> bool:
        """The next line."""
        text = _decoded(line)
        end = _END.fullmatch(text)
        if end is None:
            if not _may_follow(self._block, text):
                raise Changed
            self._block.append(text)
            return False
        block, self._block = self._block, []
        checksum = _checksum(self._sum, block)
        if block[1:2] != [f"{_BEGIN}{end[1]}"] or end[2] != checksum:
            raise Changed
        try:
            self._keep(end[1], block[2:])
        except (Unreadable, ValueError, KeyError):
            raise Changed from None
        self._sum = checksum
        return True

    def drop(self, rest: bytes) -> None:
        """The block that was begun last is torn; anything else was not written here."""
        block, self._block = self._block, []
        rest = rest.rstrip(b"\0")  # a power cut may leave zeros where the end of the file should be
        begin = _BEGIN.encode()
        if rest and len(block) < 2 and not (block and (rest.startswith(begin) or begin.startswith(rest))):
            raise Changed

    def _keep(self, label: str, lines: Sequence[str]) -> None:
        for part in _parts(lines):
            if opened := OPEN.fullmatch(part[0]):
                self._open(date.fromisoformat(opened[1]), opened[2], values_of(part[1:], "  ")["brex-account"])
            elif DOCUMENT.fullmatch(part[0]):
                self.attached.add((label.removesuffix(_RECEIPTS), values_of(part[1:], "  ")["brex-receipt"]))
            else:
                self._book(label, read_entry(part, self._accounts))

    def _open(self, day: date, name: str, account: str) -> None:
        if name in self._accounts or account in self.names:
            raise Unreadable
        self.names[account] = name
        self._accounts[name] = account
        self.first_day = day if self.first_day is None else min(day, self.first_day)

    def _book(self, label: str, booking: Booking) -> None:
        if booking.entry.key != label or not self.index.add(booking.entry):
            raise Unreadable
        if booking.content is not None:
            self.contents[label] = booking.content

    # Writing.

    def check_names(self, named: Mapping[str, str]) -> None:
        """Raise ``ConfigurationError`` where a chart's names contradict those of the accounts that are open."""
        for account, name in named.items():
            other = self._accounts.get(name, account)
            if other != account:
                raise ConfigurationError(
                    f"{name} is open in the ledger as the account {shown(other)}, and the chart would make it "
                    f"{shown(account)}: rename that one in the chart"
                )
            if self.names.get(account, name) != name:
                raise ConfigurationError(
                    f"the account {shown(account)} is open in the ledger as {self.names[account]}, and the chart "
                    f"would make it {name}: write it in the chart as the first, or begin another ledger"
                )

    def check_first_day(self, day: date) -> None:
        """Raise ``ConfigurationError`` for books that begin before their accounts are open."""
        if self.first_day is not None and day < self.first_day:
            raise ConfigurationError(
                f"post_from is {day}, and the accounts of the ledger are open from {self.first_day} on: "
                "set it to that day or later, or begin another ledger"
            )

    def entry_block(self, booking: Booking, *, named: Mapping[str, str], day: date) -> bytes:
        """The block of an entry. ``named`` are the chart's names; what is not open yet is opened on ``day``.

        Raises ``ConfigurationError`` for what would not come back from the text as it is.
        """
        entry = booking.entry
        names = {**named, **self.names}
        new = dict.fromkeys(line.account for line in entry.lines if line.account not in self.names)
        lines: list[str] = []
        for account in new:
            lines += [f"{day} open {names[account]}", f"  brex-account: {quoted(account)}"]
        text = entry_text(booking, names)
        if not _reads_as(text, booking, {name: account for account, name in names.items()}):
            raise ConfigurationError(f"the entry {entry.key} cannot be written so that it reads as it is")
        return self._closed(entry.key, [*lines, *text])

    def receipts_block(self, entry: Entry, attachments: Sequence[Attachment]) -> bytes:
        """The block that links receipts to an entry, on the account of its first coded line."""
        line = next((one for one in entry.lines if one.role is None), entry.lines[0])
        lines: list[str] = []
        for one in attachments:
            head = f"{entry.date} document {self.names[line.account]} {quoted(one.path)}{link([entry.key])}"
            lines += [head, f"  brex-receipt: {quoted(one.receipt_id)}"]
        return self._closed(f"{entry.key}{_RECEIPTS}", lines)

    def _closed(self, label: str, lines: Sequence[str]) -> bytes:
        block = ["", f"{_BEGIN}{label}", *lines]
        return "".join(f"{line}\n" for line in [*block, f"; brex-end {label} {_checksum(self._sum, block)}"]).encode()


def _reads_as(text: Sequence[str], booking: Booking, accounts: Mapping[str, str]) -> bool:
    try:
        return all(map(is_line, text)) and read_entry(text, accounts) == booking
    except Unreadable:
        return False


def _may_follow(block: Sequence[str], text: str) -> bool:
    if len(block) < 2:
        return text.startswith(_BEGIN) if block else not text
    # A second transaction in a block was written by somebody else, behind one that was torn.
    return is_line(text) and not (TRANSACTION.fullmatch(text) and any(map(TRANSACTION.fullmatch, block)))


def _parts(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    """What begins at the left margin, each with what is indented below it."""
    begins = [at for at, line in enumerate(lines) if not line.startswith(" ")]
    for begin, end in zip(begins, [*begins[1:], len(lines)], strict=True):
        yield lines[begin:end]


def _checksum(before: str, block: Sequence[str]) -> str:
    return hashlib.sha256("\n".join([before, *block]).encode()).hexdigest()[:16]


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        pass
    raise Changed
