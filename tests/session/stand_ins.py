"""Stand-ins for everything that the manager is given, writing into one journal."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta

import attrs

from brex_accounting.errors import APIStatusError, BrexError, DecodeError
from brex_accounting.session.call import Answer, Call, Refusal, Repeat, Reply, Request, Sent, Silence
from brex_accounting.session.manager import Manager
from brex_accounting.session.services import Options

__all__ = ["NOTHING", "Bench", "a_call", "reply"]

Step = Answer | Callable[[], Awaitable[Answer]]
NOTHING = Silence(sent=Sent.UNSURE, cause="ServerDisconnectedError")
NOT_SENT = Silence(sent=Sent.NO, cause="ClientConnectorError")
START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def reply(status: int = 200, body: bytes = b"ok", **headers: str) -> Reply:
    """An answer."""
    return Reply(status=status, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def a_call(*, method: str = "GET", again: bool = True, body: bytes | None = None) -> Call[str]:
    """A call of no provider: a 401 is a dead token, a body of b"bad" cannot be decoded."""

    def decode(answer: Reply) -> str:
        if answer.body == b"bad":
            raise DecodeError("expected text at $")
        return answer.body.decode()

    def refuse(answer: Reply) -> Refusal:
        error = APIStatusError(f"{method} /things", status=answer.status)
        return Refusal(error=error, token_dead=answer.status == 401)

    return Call(
        name="things",
        method=method,
        path="/things",
        body=body,
        repeat=Repeat(after_ambiguous=again, because="The test says so."),
        decode=decode,
        refuse=refuse,
        trace_header="x-trace",
    )


class Clock:
    """Time that passes when it is slept or advanced."""

    def __init__(self, journal: list[str]) -> None:
        self.time = 1000.0
        self._journal = journal

    def monotonic(self) -> float:
        """Seconds."""
        return self.time

    def now(self) -> datetime:
        """The same, as a date."""
        return START + timedelta(seconds=self.time - 1000)

    async def sleep(self, seconds: float) -> None:
        """Let it pass at once."""
        self._journal.append(f"sleep {seconds:g}")
        self.time += seconds


@attrs.define(slots=False)
class Tokens:
    """Tokens handed out in order; the last one stays."""

    names: list[str]
    journal: list[str]

    async def token(self) -> str:
        """The current one."""
        self.journal.append("token")
        return self.names[0]

    async def renew(self, refused: str) -> bool:
        """Go to the next one, if there is one."""
        self.journal.append(f"renew {refused}")
        if len(self.names) > 1:
            del self.names[0]
            return True
        return False

    async def aclose(self) -> None:
        """Nothing to let go of."""


@attrs.define(slots=False)
class Limiter:
    """Lets everybody in at once."""

    journal: list[str]

    async def turn(self, key: str, *, again: bool = False) -> None:
        """Note it."""
        self.journal.append(" ".join(["turn", *([key] if key else []), *(["again"] if again else [])]))

    async def throttled(self, key: str, wait: float) -> None:
        """Note it."""
        self.journal.append(f"throttled {key} {wait:g}")


class PausableLimiter(Limiter):
    """One that can be told before anything was refused."""

    async def pause(self, key: str, seconds: float) -> None:
        """Note it."""
        self.journal.append(f"pause {key} {seconds:g}")


@attrs.define(slots=False)
class Transport:
    """Answers from a script, which may hold functions that wait."""

    script: list[Step]
    journal: list[str]
    requests: list[Request] = attrs.field(factory=list)

    async def send(self, request: Request, timeout: float) -> Answer:
        """The next step of the script."""
        assert timeout > 0
        self.journal.append("send")
        self.requests.append(request)
        step = self.script.pop(0)
        return await step() if callable(step) else step

    async def aclose(self) -> None:
        """Nothing to let go of."""


class Bench:
    """A manager with stand-ins around it."""

    def __init__(self, script: Iterable[Step], *, tokens: tuple[str, ...] = ("t1",)) -> None:
        self.journal: list[str] = []
        self.events: list[object] = []
        self.clock = Clock(self.journal)
        self.tokens = Tokens(list(tokens), self.journal)
        self.limiter = Limiter(self.journal)
        self.transport = Transport(list(script), self.journal)
        self.manager = Manager(
            transport=self.transport,
            limiter=self.limiter,
            clock=self.clock,
            roll=lambda: 0.5,
            user_agent="test/1",
            observers=[self.events.append],
            log=logging.getLogger("test_session"),
        )

    async def run(self, call: Call[str] | None = None, *, key: str = "", options: Options | None = None) -> str:
        """The result of a call."""
        return await self.manager.run(call or a_call(), key, self.tokens, options or Options())

    async def fail(self, call: Call[str] | None = None, *, key: str = "", options: Options | None = None) -> BrexError:
        """The error of a call that must fail."""
        try:
            result = await self.run(call, key=key, options=options)
        except BrexError as error:
            return error
        raise AssertionError(f"it gave {result!r}")
