"""Brex's webhooks: is a delivery to be believed, what does it tell, and a handler that receives them.

event = webhooks.unwrap(body, headers, secrets=["..."])
app.router.add_post("/brex", webhooks.Receiver(secrets=brex.webhooks.secrets, handler=export))
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ..webhook_models import GroupMember, WebhookEvent, WebhookGroup, WebhookSecret, WebhookSubscription
from .unwrap import unwrap
from .verify import verify

if TYPE_CHECKING:
    from .listener import Listener
    from .receiver import Received, Receiver

__all__ = [
    "GroupMember",
    "Listener",
    "Received",
    "Receiver",
    "WebhookEvent",
    "WebhookGroup",
    "WebhookSecret",
    "WebhookSubscription",
    "unwrap",
    "verify",
]

# Loaded when they are first used: who only verifies needs no aiohttp.
_HOMES = {"Listener": "listener", "Received": "receiver", "Receiver": "receiver"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
