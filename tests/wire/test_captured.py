"""The one real record that is public, when BREX_CAPTURED_RECORD names its file; it is not ours to ship."""

from __future__ import annotations

import os
from pathlib import Path

from brex_accounting import AccountingRecord, from_json, to_json
from brex_accounting.converters.drift import drift_of
from brex_accounting.converters.wire import codec

from .comparing import same

CAPTURED = os.environ.get("BREX_CAPTURED_RECORD")

if CAPTURED:
    DATA = Path(CAPTURED).read_bytes()

    def test_the_captured_record_decodes_whole() -> None:
        """The real record decodes, with an id, lines on both sides, and balanced."""
        record = from_json(DATA, AccountingRecord)
        assert record.id.startswith("accr_")
        assert record.debits
        assert record.credits
        assert record.is_balanced

    def test_the_captured_record_has_no_unknown_name() -> None:
        """Every name in it is modelled."""
        drift = drift_of(codec(), DATA, AccountingRecord, "get record")
        assert drift is None or drift.unknown == ()

    def test_the_captured_record_is_written_back_the_same() -> None:
        """Decoding loses nothing of it."""
        assert same(to_json(from_json(DATA, AccountingRecord)), DATA)
