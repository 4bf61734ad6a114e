"""Records to post, balanced and of all kinds."""

from __future__ import annotations

from brex_accounting.sandbox import make_seed
from brex_accounting.sync.keys import export_key

_SEED = make_seed("lifelike", records=400, seed=11)
RECORDS = [record for record in map(_SEED.record, range(len(_SEED))) if record.is_balanced]
KEYS = [export_key(record.id, 1) for record in RECORDS]
