"""Deterministic records for the local Brex: each is computed from its number, none is kept."""

from .bookings import Header
from .seed import PROFILES, CompanySeed, Profile, Seed, make_seed

__all__ = ["PROFILES", "CompanySeed", "Header", "Profile", "Seed", "make_seed"]
