"""Records that several tests of the seeds look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from brex_accounting.models import AccountingRecord

from .seeded import MANY, MONTH, built


@pytest.fixture(scope="module", autouse=True)
def forgotten() -> Iterator[None]:
    """The records go with the module that looked at them."""
    yield
    built.cache_clear()


@pytest.fixture
def month() -> tuple[AccountingRecord, ...]:
    return built("lifelike", MONTH)


@pytest.fixture
def many() -> tuple[AccountingRecord, ...]:
    return built("lifelike", MANY)


@pytest.fixture
def awkward() -> tuple[AccountingRecord, ...]:
    return built("awkward", 200)
