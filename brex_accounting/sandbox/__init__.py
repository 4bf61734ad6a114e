"""A local Brex: the Accounting API on loopback, for developing and testing without an account.

async with Sandbox(records=500) as sandbox:
    async with BrexAccounting(sandbox.token, base_url=sandbox.url) as brex:
        ...
"""

from .faults import KINDS, Fault, FaultPlan, parse_fault
from .local import TOKEN, Sandbox
from .refusal import Refused
from .rules import ALL_SCOPES, LocalBrex, Rules
from .seeds import Header, Profile, Seed, make_seed

__all__ = [
    "ALL_SCOPES",
    "KINDS",
    "TOKEN",
    "Fault",
    "FaultPlan",
    "Header",
    "LocalBrex",
    "Profile",
    "Refused",
    "Rules",
    "Sandbox",
    "Seed",
    "make_seed",
    "parse_fault",
]
