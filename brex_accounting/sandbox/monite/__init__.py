"""A local Monite: accounting connections on loopback, for developing and testing without an account."""

from .local import MoniteSandbox
from .refusal import MoniteRefused
from .rules import CLIENT_ID, CLIENT_SECRET, ENTITY_ID, LocalMonite, MoniteRules

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "ENTITY_ID", "LocalMonite", "MoniteRefused", "MoniteRules", "MoniteSandbox"]
