"""Requests that carry an Idempotency-Key: the second one gets the first one's answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from .refusal import bad_request

__all__ = ["KeyedAnswers"]


class KeyedAnswers:
    """The answers that were given, by their key. Refusals are not kept: a corrected request may use the key again."""

    def __init__(self) -> None:
        self._given: dict[str, tuple[bytes, bytes]] = {}

    async def answer(self, key: str | None, asked: bytes, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """The answer to a request that says ``asked``: the one that was given for the key, or the one now made."""
        if key is None:
            return await make()
        if key in self._given:
            before, answer = self._given[key]
            if before != asked:
                # guess: Brex says that it must not happen, not what does.
                raise bad_request("The Idempotency-Key was used for another request.")
            return answer
        self._given[key] = asked, await make()
        return self._given[key][1]
