"""A local Brex: the Accounting API on loopback, for developing and testing without an account.

async with Sandbox(records=500) as sandbox:
    async with BrexAccounting(sandbox.token, base_url=sandbox.url) as brex:
        ...
"""

from .books import lifelike_chart
from .faults import KINDS, Fault, FaultPlan, parse_fault
from .local import TOKEN, Sandbox
from .mishaps import MISHAPS, Mishap, parse_mishap
from .oauth import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, LocalOAuth
from .refusal import Refused
from .rules import ALL_SCOPES, LocalBrex, Rules
from .seeds import Header, Profile, Seed, make_seed
from .webhooks import LocalWebhooks

__all__ = [
    "ALL_SCOPES",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "KINDS",
    "MISHAPS",
    "REDIRECT_URI",
    "TOKEN",
    "Fault",
    "FaultPlan",
    "Header",
    "LocalBrex",
    "LocalOAuth",
    "LocalWebhooks",
    "Mishap",
    "Profile",
    "Refused",
    "Rules",
    "Sandbox",
    "Seed",
    "lifelike_chart",
    "make_seed",
    "parse_fault",
    "parse_mishap",
]
