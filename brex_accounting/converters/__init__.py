"""Wire <-> models: the only place that knows Brex's spellings."""

from __future__ import annotations

from .wire import SPELLINGS, from_json, to_json

__all__ = ["SPELLINGS", "from_json", "to_json"]
