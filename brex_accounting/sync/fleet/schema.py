"""What a fleet keeps in PostgreSQL beside the queue: one row for each company."""

from __future__ import annotations

from typing import Final, LiteralString

__all__ = ["TABLE"]

TABLE: Final[LiteralString] = """
CREATE TABLE IF NOT EXISTS brex_fleet_company (
    company_id text PRIMARY KEY,
    secret bytea,  -- NULL once retired
    generation integer NOT NULL DEFAULT 1,  -- counts what was in secret
    resting_until timestamptz,  -- the last refresh failed; none is tried before
    added_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz,
    due_at timestamptz,  -- NULL: not polled any more
    goes_first boolean NOT NULL DEFAULT false,  -- a poll of it was cut short
    queued_at timestamptz,  -- NULL: no poll waits
    started_at timestamptz,
    ended_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,  -- polls begun since the last that came to its end
    last_error text,
    paused_code text,
    paused_reason text,
    unreported bigint NOT NULL DEFAULT 0,
    unconfirmed bigint NOT NULL DEFAULT 0,
    watermark timestamptz,
    requests bigint NOT NULL DEFAULT 0,  -- of the last poll
    throttled bigint NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS brex_fleet_company_due ON brex_fleet_company (due_at) WHERE due_at IS NOT NULL;
"""
