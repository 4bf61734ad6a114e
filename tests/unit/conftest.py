"""Records that several tests of the seeds look at."""

from __future__ import annotations

import pytest

from brex_accounting.models import AccountingRecord

from .seeded import MANY, MONTH, built


@pytest.fixture
def month() -> tuple[AccountingRecord, ...]:
    return built("lifelike", MONTH)


@pytest.fixture
def many() -> tuple[AccountingRecord, ...]:
    return built("lifelike", MANY)


@pytest.fixture
def awkward() -> tuple[AccountingRecord, ...]:
    return built("awkward", 200)
