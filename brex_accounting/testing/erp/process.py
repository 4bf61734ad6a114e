"""A fake ERP as a child process, to be killed and started again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from os import PathLike, fspath
from types import TracebackType
from typing import Self

import msgspec

from .control import Control
from .local import TOKEN

__all__ = ["ErpProcess"]


class ErpProcess:
    """An ERP in a process of its own; it ends with the block, or with the process that started it.

        with ErpProcess("erp.db", dedupe="none", orders=["crash-after:at=7"]) as erp:
            ...  # erp.url and erp.token are what a poster needs
            erp.kill()
            erp.start()  # the same port, the same documents; orders given here, or none

    ``store`` and ``options`` are as of ``FakeErp``, ``orders`` as on the command line. Starting blocks until it
    listens.
    """

    def __init__(
        self, store: str | PathLike[str], *, port: int = 0, orders: Iterable[str] = (), **options: object
    ) -> None:
        self.token: str = TOKEN
        self._store = fspath(store)
        self._port = port
        self._first_orders = tuple(orders)
        self._options = options
        self._child: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """The base URL; it stays the same when the ERP starts again."""
        if not self._port:
            raise RuntimeError("the ERP has not been started; use it inside 'with'")
        return f"http://127.0.0.1:{self._port}"

    @property
    def control(self) -> Control:
        """What steers it and looks into it."""
        return Control(self.url)

    @property
    def is_running(self) -> bool:
        """Whether the process is alive."""
        return self._child is not None and self._child.poll() is None

    def __enter__(self) -> Self:
        self.start(self._first_orders)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self, orders: Iterable[str] = ()) -> None:
        """Start it, after a crash on the same port. Raises ``RuntimeError`` when it runs or does not come up."""
        if self.is_running:
            raise RuntimeError("the ERP is running")
        self.kill()
        settings = [f"--set={name}={msgspec.json.encode(value).decode()}" for name, value in self._options.items()]
        self._options = {}  # they are in the store now, and may be changed there
        arguments = ["--port", str(self._port), "--store", self._store, *settings, "--until-eof"]
        command = [sys.executable, "-m", __package__, *arguments, *(f"--order={order}" for order in orders)]
        # A session of its own: Ctrl-C at the terminal is for whoever started it, and ends it by its stdin.
        self._child = subprocess.Popen(  # noqa: S603 - this interpreter, this package
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._child.stdout is not None
        name, _, url = self._child.stdout.readline().strip().partition("=")
        if name != "ERP_URL":
            self.kill()
            raise RuntimeError("the ERP did not start; its words are on stderr")
        self._port = int(url.rpartition(":")[2])

    def kill(self) -> None:
        """SIGKILL, if it still runs, and wait for its end."""
        if self._child is None:
            return
        with self._child as child:
            child.kill()
        self._child = None

    def wait(self, timeout: float = 30.0) -> int:
        """Wait for an ordered crash, so many seconds at most; the exit code is negative after a signal."""
        if self._child is None:
            raise RuntimeError("the ERP has not been started")
        return self._child.wait(timeout)
