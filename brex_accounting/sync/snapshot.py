"""What a store held at one moment. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from .exports import Export, Pause

__all__ = ["Snapshot"]


@attrs.frozen(kw_only=True)
class Snapshot:
    """All revisions of each record, oldest first, and why posting was paused.

    A body is kept only where its hash is of an earlier version of this package: nothing else needs it.
    """

    exports: Mapping[str, tuple[Export, ...]]
    paused: Pause | None = None
