"""Forks a Python for each order: ``python -m tests.fork_server FD MODULE...`` imports the modules once, for all.

A process that is forked is a process: it has its own arguments, environment, folder and standard streams, dies of
its own signals, and ends as Python ends. It only need not import anything. ``forks.Forks`` is the other side. When
that has gone, every child is killed. POSIX only.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any, TypeAlias

import attrs

from brex_accounting import warm_up

Order: TypeAlias = dict[str, Any]


@attrs.frozen
class Child:
    """A process that was forked: whom to tell how it ended, and the pipe that closes when it does."""

    pid: int
    conversation: socket.socket
    life: int

    def ended(self) -> None:
        """Tell how: its exit code, negative after a signal."""
        _, status = os.waitpid(self.pid, 0)
        with suppress(OSError):  # nobody may wait for it any more
            self.conversation.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
        self.forget()

    def forget(self) -> None:
        """Close what is kept for it."""
        os.close(self.life)
        self.conversation.close()


def received(conversation: socket.socket) -> tuple[Order, list[int]]:
    """An order, and the three standard streams that came with it."""
    data, streams, _, _ = socket.recv_fds(conversation, 2**16, 3)
    while not data.endswith(b"\n"):
        more = conversation.recv(2**16)
        if not more:
            raise EOFError
        data += more
    return json.loads(data), list(streams)


def become(order: Order, streams: list[int]) -> None:
    """Take over what a new process is given."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])


def forked(control: socket.socket, selector: selectors.BaseSelector, conversation: socket.socket) -> Order | None:
    """Fork for the order that comes there; the order in the child, and nothing in the server."""
    order, streams = received(conversation)
    life, alive = os.pipe()
    pid = os.fork()
    if pid == 0:
        for other in children(selector):
            other.forget()
        for ours in (selector, control, conversation):
            ours.close()
        os.close(life)
        become(order, streams)
        return order
    for descriptor in (alive, *streams):
        os.close(descriptor)
    conversation.sendall(b"%d\n" % pid)
    selector.register(life, selectors.EVENT_READ, Child(pid, conversation, life))
    return None


def children(selector: selectors.BaseSelector) -> list[Child]:
    """Those that have not ended."""
    return [key.data for key in selector.get_map().values() if key.data is not None]


def serve(control: socket.socket) -> Order | None:
    """Fork for each order. Comes back in every child with its order, and at the end with none."""
    selector = selectors.DefaultSelector()
    selector.register(control, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.data is not None:
                selector.unregister(key.fileobj)
                key.data.ended()
                continue
            ordered, descriptors, _, _ = socket.recv_fds(control, 1, 1)
            if not ordered:
                for left in children(selector):
                    os.kill(left.pid, signal.SIGKILL)
                return None
            conversation = socket.socket(fileno=descriptors[0])
            conversation.set_inheritable(False)
            order = forked(control, selector, conversation)
            if order is not None:
                return order


def main() -> None:
    """Import, freeze, serve; in a child, run what was ordered."""
    for name in sys.argv[2:]:
        import_module(name)
    warm_up()
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as control:
        order = serve(control)
    if order is None:
        return
    sys.argv = ["", *order["arguments"]]
    if order["module"]:
        runpy.run_module(order["module"], run_name="__main__", alter_sys=True)
    else:
        sys.argv[0] = order["script"]
        runpy.run_path(order["script"], run_name="__main__")


if __name__ == "__main__":
    main()
