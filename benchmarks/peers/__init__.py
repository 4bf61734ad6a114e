"""What one would use instead, and what is missing of it here."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["AHEAD", "AIOHTTP", "CATTRS", "DLT", "HTTPX", "LIMIT", "OURS", "PYDANTIC", "STAINLESS", "is_here", "missing"]

OURS = "brex_accounting"
AHEAD = f"{OURS}, prefetch=1"
LIMIT = "raw Protocol + msgspec.Struct"
AIOHTTP = "aiohttp + resp.json()"
HTTPX = "httpx + pydantic"
STAINLESS = "Stainless runtime"
DLT = "dlt REST source"
PYDANTIC = "pydantic"
CATTRS = "cattrs as it comes"

_NEEDS = {
    HTTPX: ("httpx", "pydantic"),
    PYDANTIC: ("pydantic",),
    STAINLESS: ("increase",),  # a package that Stainless generated, for its runtime
    DLT: ("dlt",),
}


def is_here(peer: str) -> bool:
    """Whether what a peer needs is installed."""
    return all(find_spec(name) is not None for name in _NEEDS.get(peer, ()))


def missing(*peers: str) -> tuple[str, ...]:
    """Those that cannot take part; ``pip install '.[peers]'`` brings them."""
    return tuple(peer for peer in peers if not is_here(peer))
