"""The life of a customer's connection to an accounting system, alike for both providers.

async def press(link: Link) -> Standing:
    standing = await link.status()
    return await (link.disconnect() if standing.state is LinkState.CONNECTED else link.connect())
"""

from .brex import BrexLink
from .link import Link, LinkState, Standing
from .monite import MoniteLink

__all__ = ["BrexLink", "Link", "LinkState", "MoniteLink", "Standing"]
