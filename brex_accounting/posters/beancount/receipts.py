"""Receipts as files in a folder: what they are called, and how they come there whole.

A name is made of the ids of the record and of the receipt, so that a receipt is one file however often its document
is amended, and of what the content is, never of anything that somebody called it.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Final

from ..appended import sync_folder

__all__ = ["MOST_BYTES", "ReceiptFolder", "receipt_name"]

MOST_BYTES: Final = 32 * 1024 * 1024
"""A receipt larger than this is none."""

_LONGEST: Final = 60
_KINDS: Final = (
    *((b"%PDF-", ".pdf"), (b"\x89PNG\r\n\x1a\n", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF8", ".gif")),
    *((b"II*\0", ".tiff"), (b"MM\0*", ".tiff")),
)
_PHOTOS: Final = {b"heic": ".heic", b"heix": ".heic", b"mif1": ".heic", b"avif": ".avif"}
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_]+")


def receipt_name(record_id: str, receipt_id: str) -> str:
    """The name of a receipt's file, without its ending: letters, digits, ``_`` and ``-``, at most 140."""
    # The digest tells ids apart that look the same once they are cleaned, and where cases are not told apart.
    digest = hashlib.sha256(f"{record_id}\0{receipt_id}".encode("utf-8", "backslashreplace")).hexdigest()[:12]
    parts = [_UNSAFE.sub("-", one).strip("-")[:_LONGEST] for one in (record_id, receipt_id)]
    return "-".join([*filter(None, parts), digest])


class ReceiptFolder:
    """Files in ``path``, which is made with the first one. Every method blocks; raises ``OSError``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, name: str) -> str | None:
        """The path of a receipt that is there whole, from beside the folder; None: it is not."""
        found = sorted(self._path.glob(f"{name}.*"))
        return f"{self._path.name}/{found[0].name}" if found else None

    def save(self, name: str, content: bytes) -> str:
        """The same for one that comes now, on disk before this returns."""
        if not self._path.is_dir():
            self._path.mkdir(mode=0o700, exist_ok=True)
            sync_folder(self._path)
        target = self._path / f"{name}{_ending(content)}"
        file, draft = tempfile.mkstemp(prefix=".", suffix=".part", dir=self._path)
        try:
            with os.fdopen(file, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            Path(draft).replace(target)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        sync_folder(target)
        return f"{self._path.name}/{target.name}"


def _ending(content: bytes) -> str:
    if content[4:8] == b"ftyp":
        return _PHOTOS.get(content[8:12], ".bin")
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return ".webp"
    return next((ending for begin, ending in _KINDS if content.startswith(begin)), ".bin")
