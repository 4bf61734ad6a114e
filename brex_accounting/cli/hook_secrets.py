"""The secrets of webhooks, from the environment: an argument would show in every list of processes."""

from __future__ import annotations

import os
from typing import Final

__all__ = ["SECRETS", "known_secrets"]

SECRETS: Final = "BREX_WEBHOOK_SECRET"
"""Names the environment variable; several secrets have blanks or commas between them."""


def known_secrets() -> list[str]:
    """The secrets that the environment holds."""
    return os.environ.get(SECRETS, "").replace(",", " ").split()
