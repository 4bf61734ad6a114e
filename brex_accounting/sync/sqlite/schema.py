"""The tables, version by version.

``MIGRATIONS[n]`` brings a store of version n to n + 1; a released one never changes. The history is written
by triggers, so that no move can be made without it, and refuses to be changed.
"""

from __future__ import annotations

from typing import Final

__all__ = ["APPLICATION_ID", "LEFT", "MIGRATIONS"]

APPLICATION_ID: Final = 0x62785331
"""In the file's header, to tell a store from other databases."""

LEFT: Final = "left for another store"
"""What SQLite says to whoever writes to a store whose exports go on elsewhere."""

_FIRST: Final = (
    """
    CREATE TABLE binding (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        company TEXT NOT NULL,
        vendor TEXT NOT NULL,
        vendor_account_id TEXT NOT NULL,
        since TEXT NOT NULL,
        not_now INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    """
    CREATE TABLE feeds (
        name TEXT PRIMARY KEY,
        watermark TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE batches (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL,
        body BLOB NOT NULL,
        opened_at TEXT NOT NULL,
        closed_at TEXT,
        owner TEXT NOT NULL,
        epoch INTEGER NOT NULL DEFAULT 1,
        until TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX open_batches ON batches (until) WHERE closed_at IS NULL",
    """
    CREATE TABLE exports (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        record_id TEXT NOT NULL,
        revision INTEGER NOT NULL,
        key TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL,
        attempt INTEGER NOT NULL DEFAULT 0,
        version INTEGER NOT NULL,
        is_live INTEGER NOT NULL,
        source_type TEXT NOT NULL,
        source_id TEXT,
        accounting_date TEXT NOT NULL,
        turn TEXT NOT NULL,
        content_hash TEXT NOT NULL,
        receipts_hash TEXT NOT NULL,
        hash_version INTEGER NOT NULL,
        body BLOB NOT NULL,
        read_at TEXT NOT NULL,
        reference_id TEXT,
        deep_link_url TEXT,
        code TEXT,
        message TEXT,
        detail TEXT NOT NULL DEFAULT '',
        not_before TEXT,
        rejections INTEGER NOT NULL DEFAULT 0,
        left_queue INTEGER NOT NULL DEFAULT 0,
        attached_hash TEXT NOT NULL DEFAULT '',
        supersedes TEXT,
        batch INTEGER REFERENCES batches (id),
        owner TEXT,
        epoch INTEGER NOT NULL DEFAULT 0,
        until TEXT,
        changed_at TEXT NOT NULL,
        why TEXT NOT NULL,
        by TEXT NOT NULL,
        UNIQUE (record_id, revision)
    ) STRICT
    """,
    "CREATE INDEX exports_by_state ON exports (state, number)",
    "CREATE INDEX exports_by_source ON exports (source_id, state) WHERE source_id IS NOT NULL",
    "CREATE INDEX exports_by_batch ON exports (batch) WHERE batch IS NOT NULL",
    """
    CREATE TABLE history (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL,
        record_id TEXT NOT NULL,
        revision INTEGER NOT NULL,
        before TEXT,
        after TEXT NOT NULL,
        why TEXT NOT NULL,
        by TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX history_by_record ON history (record_id, number)",
    """
    CREATE TABLE pauses (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL,
        is_pause INTEGER NOT NULL,
        reason TEXT NOT NULL,
        code TEXT NOT NULL,
        by TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TRIGGER keep_beginnings AFTER INSERT ON exports BEGIN
        INSERT INTO history (at, record_id, revision, before, after, why, by)
        VALUES (NEW.changed_at, NEW.record_id, NEW.revision, NULL, NEW.state, NEW.why, NEW.by);
    END
    """,
    """
    CREATE TRIGGER keep_moves AFTER UPDATE OF state ON exports BEGIN
        INSERT INTO history (at, record_id, revision, before, after, why, by)
        VALUES (NEW.changed_at, NEW.record_id, NEW.revision, OLD.state, NEW.state, NEW.why, NEW.by);
    END
    """,
    *(
        f"CREATE TRIGGER {table}_{event}_refused BEFORE {event} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
        for table, event in [
            *(("history", "UPDATE"), ("history", "DELETE"), ("pauses", "UPDATE"), ("pauses", "DELETE")),
            *(("exports", "DELETE"), ("batches", "DELETE")),
        ]
    ),
)

# What is asked for again and again costs what is to be done, not what was ever done. SQLite uses a partial index
# where a query says its condition word for word, and checks OR at each write in a third of the time of IN.
_SECOND: Final = (
    "CREATE INDEX exports_due ON exports (number, read_at) WHERE state = 'DISCOVERED'",
    "CREATE INDEX exports_to_read ON exports (read_at, number) WHERE state = 'DISCOVERED'",
    # Bills stay POSTED for good.
    "CREATE INDEX exports_to_report ON exports (number) "
    "WHERE state IN ('POSTED', 'REJECTED') AND left_queue = 0 AND source_type <> 'BILL'",
    "CREATE INDEX exports_without_receipts ON exports (number) "
    "WHERE (state = 'POSTED' OR state = 'REPORTED' OR state = 'REPORTING') AND reference_id IS NOT NULL "
    "AND receipts_hash NOT IN ('', attached_hash)",
    "CREATE INDEX exports_open_by_source ON exports (source_id, turn, state, record_id) "
    "WHERE source_id IS NOT NULL AND (state = 'DISCOVERED' OR state = 'INTENT' OR state = 'UNCONFIRMED')",
    "DROP INDEX exports_by_source",
    "CREATE TABLE tally (state TEXT PRIMARY KEY, many INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "INSERT INTO tally SELECT state, count(*) FROM exports GROUP BY state",
    """
    CREATE TRIGGER count_beginnings AFTER INSERT ON exports BEGIN
        INSERT INTO tally VALUES (NEW.state, 1) ON CONFLICT (state) DO UPDATE SET many = many + 1;
    END
    """,
    """
    CREATE TRIGGER count_moves AFTER UPDATE OF state ON exports WHEN NEW.state <> OLD.state BEGIN
        UPDATE tally SET many = many - 1 WHERE state = OLD.state;
        INSERT INTO tally VALUES (NEW.state, 1) ON CONFLICT (state) DO UPDATE SET many = many + 1;
    END
    """,
)

# In turns: in any other order those that wait for another one of their source pile up before the rest.
_THIRD: Final = (
    "DROP INDEX exports_due",
    "CREATE INDEX exports_due ON exports (turn, number, read_at) WHERE state = 'DISCOVERED'",
)

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (_FIRST, _SECOND, _THIRD)
