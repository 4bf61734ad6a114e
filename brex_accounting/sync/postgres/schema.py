"""The tables, version by version: one set for all companies, in the schema that a new table goes to.

``MIGRATIONS[n]`` brings a database of version n to n + 1; a released one never changes. The history is
written by triggers, so that no move can be made without it, and refuses to be changed.
"""

from __future__ import annotations

from typing import Final

__all__ = ["MIGRATIONS", "MIGRATION_LOCK"]

MIGRATION_LOCK: Final = 0x62785331
"""The advisory lock under which one process at a time makes the tables or changes them."""

_TABLES: Final = (
    "CREATE TABLE brex_version (version integer NOT NULL)",
    "INSERT INTO brex_version VALUES (0)",
    # Each write changes its company's row, in place as long as the page has room.
    """
    CREATE TABLE brex_companies (
        company text PRIMARY KEY,
        vendor text NOT NULL,
        vendor_account_id text NOT NULL,
        since timestamptz NOT NULL,
        not_now integer NOT NULL DEFAULT 0,
        writes bigint NOT NULL DEFAULT 0,
        recent uuid[] NOT NULL DEFAULT '{}'
    ) WITH (fillfactor = 40)
    """,
    """
    CREATE TABLE brex_feeds (
        company text REFERENCES brex_companies,
        name text,
        watermark timestamptz NOT NULL,
        PRIMARY KEY (company, name)
    )
    """,
    """
    CREATE TABLE brex_batches (
        company text REFERENCES brex_companies,
        id bigint GENERATED ALWAYS AS IDENTITY,
        key text NOT NULL,
        body bytea NOT NULL,
        opened_at timestamptz NOT NULL,
        closed_at timestamptz,
        owner text NOT NULL,
        epoch integer NOT NULL DEFAULT 1,
        until timestamptz NOT NULL,
        PRIMARY KEY (company, id)
    )
    """,
    # Turns and ids are compared byte by byte, as everywhere else, whatever language the database speaks.
    """
    CREATE TABLE brex_exports (
        company text REFERENCES brex_companies,
        number bigint GENERATED ALWAYS AS IDENTITY,
        record_id text COLLATE "C" NOT NULL,
        revision integer NOT NULL,
        key text NOT NULL,
        state text NOT NULL,
        attempt integer NOT NULL DEFAULT 0,
        version bigint NOT NULL,
        is_live boolean NOT NULL,
        source_type text NOT NULL,
        source_id text COLLATE "C",
        accounting_date date NOT NULL,
        turn text COLLATE "C" NOT NULL,
        content_hash text NOT NULL,
        receipts_hash text NOT NULL,
        hash_version integer NOT NULL,
        body bytea NOT NULL,
        read_at timestamptz NOT NULL,
        reference_id text,
        deep_link_url text,
        code text,
        message text,
        detail text NOT NULL DEFAULT '',
        not_before timestamptz,
        rejections integer NOT NULL DEFAULT 0,
        left_queue boolean NOT NULL DEFAULT false,
        attached_hash text NOT NULL DEFAULT '',
        supersedes text,
        batch bigint,
        owner text,
        epoch integer NOT NULL DEFAULT 0,
        until timestamptz,
        changed_at timestamptz NOT NULL,
        why text NOT NULL,
        by text NOT NULL,
        PRIMARY KEY (company, number),
        UNIQUE (company, record_id, revision),
        UNIQUE (company, key),
        FOREIGN KEY (company, batch) REFERENCES brex_batches
    )
    """,
    """
    CREATE TABLE brex_history (
        company text,
        number bigint GENERATED ALWAYS AS IDENTITY,
        at timestamptz NOT NULL,
        record_id text COLLATE "C" NOT NULL,
        revision integer NOT NULL,
        before text,
        after text NOT NULL,
        why text NOT NULL,
        by text NOT NULL,
        PRIMARY KEY (company, number)
    )
    """,
    """
    CREATE TABLE brex_pauses (
        company text REFERENCES brex_companies,
        number bigint GENERATED ALWAYS AS IDENTITY,
        at timestamptz NOT NULL,
        is_pause boolean NOT NULL,
        reason text NOT NULL,
        code text NOT NULL,
        by text NOT NULL,
        PRIMARY KEY (company, number)
    )
    """,
    "CREATE TABLE brex_tally (company text, state text, many bigint NOT NULL, PRIMARY KEY (company, state))",
    # Not a company's: a client id and a company share a limit whoever asks. In seconds of the database's clock.
    """
    CREATE TABLE brex_limits (
        key text PRIMARY KEY,
        next_at double precision NOT NULL,
        paused_until double precision NOT NULL,
        allowed integer NOT NULL,
        before integer NOT NULL,
        clean_since double precision NOT NULL,
        counted_from double precision NOT NULL,
        counted integer NOT NULL,
        counted_before integer NOT NULL
    ) WITH (fillfactor = 40)
    """,
)

# What is asked for again and again costs what is to be done, not what was ever done.
_INDEXES: Final = (
    "CREATE INDEX brex_batches_open ON brex_batches (company, until) WHERE closed_at IS NULL",
    "CREATE INDEX brex_history_by_record ON brex_history (company, record_id, number)",
    "CREATE INDEX brex_exports_by_state ON brex_exports (company, state, number)",
    "CREATE INDEX brex_exports_by_batch ON brex_exports (company, batch) WHERE batch IS NOT NULL",
    # In turns: in any other order those that wait for another one of their source pile up before the rest.
    "CREATE INDEX brex_exports_due ON brex_exports (company, turn, number) WHERE state = 'DISCOVERED'",
    "CREATE INDEX brex_exports_leased ON brex_exports (company, number) WHERE state = 'INTENT'",
    # Bills stay POSTED for good.
    "CREATE INDEX brex_exports_to_report ON brex_exports (company, number) "
    "WHERE state IN ('POSTED', 'REJECTED') AND NOT left_queue AND source_type <> 'BILL'",
    "CREATE INDEX brex_exports_without_receipts ON brex_exports (company, number) "
    "WHERE state IN ('POSTED', 'REPORTED', 'REPORTING') AND reference_id IS NOT NULL "
    "AND receipts_hash <> '' AND receipts_hash <> attached_hash",
    "CREATE INDEX brex_exports_open_by_source ON brex_exports (company, source_id, turn) "
    "WHERE source_id IS NOT NULL AND state IN ('DISCOVERED', 'INTENT', 'UNCONFIRMED')",
)

_TRIGGERS: Final = (
    """
    CREATE FUNCTION brex_keep_move() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        before text := CASE WHEN TG_OP = 'UPDATE' THEN OLD.state END;
    BEGIN
        INSERT INTO brex_history (company, at, record_id, revision, before, after, why, by)
        VALUES (NEW.company, NEW.changed_at, NEW.record_id, NEW.revision, before, NEW.state, NEW.why, NEW."by");
        IF before IS DISTINCT FROM NEW.state THEN
            UPDATE brex_tally SET many = many - 1 WHERE company = NEW.company AND state = before;
            INSERT INTO brex_tally AS t VALUES (NEW.company, NEW.state, 1)
            ON CONFLICT (company, state) DO UPDATE SET many = t.many + 1;
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER brex_keep_beginnings AFTER INSERT ON brex_exports
    FOR EACH ROW EXECUTE FUNCTION brex_keep_move()
    """,
    """
    CREATE TRIGGER brex_keep_moves AFTER UPDATE OF state ON brex_exports
    FOR EACH ROW EXECUTE FUNCTION brex_keep_move()
    """,
    """
    CREATE FUNCTION brex_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END $$
    """,
    *(
        f"CREATE TRIGGER {table}_refused BEFORE {events} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION brex_refuse()"
        for table, events in [
            *(("brex_history", "UPDATE OR DELETE OR TRUNCATE"), ("brex_pauses", "UPDATE OR DELETE OR TRUNCATE")),
            *(("brex_exports", "DELETE OR TRUNCATE"), ("brex_batches", "DELETE OR TRUNCATE")),
        ]
    ),
)

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = ((*_TABLES, *_INDEXES, *_TRIGGERS),)
