"""The version, and what the changelog says of it."""

from __future__ import annotations

import re
from datetime import date
from importlib.metadata import version
from pathlib import Path

import brex_accounting

CHANGELOG = (Path(__file__).parent.parent / "CHANGELOG.md").read_text()


def test_the_version_is_the_top_of_the_changelog() -> None:
    """The package, its metadata and the newest entry agree, and the entry has a date."""
    entries = re.findall(r"^## \[([0-9.]+)\] - ([0-9-]+)$", CHANGELOG, re.MULTILINE)
    newest, day = entries[0]
    assert newest == brex_accounting.__version__ == version("brex-accounting")
    assert date.fromisoformat(day)


def test_entries_stand_under_known_headings() -> None:
    """Only the headings of Keep a Changelog are used."""
    known = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", CHANGELOG, re.MULTILINE)) <= known
