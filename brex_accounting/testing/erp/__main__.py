"""``python -m brex_accounting.testing.erp``: the fake ERP as a process. Prints its URL and token."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

from .local import FakeErp
from .options import Options, parse_setting
from .orders import KINDS, parse_order

__all__ = ["main"]


def main() -> int:
    """Serve until Ctrl-C; 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m brex_accounting.testing.erp", description=FakeErp.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"{Options.__doc__}\n" + "\n".join(f"{kind:13}{words}" for kind, words in KINDS.items())
    parser.add_argument("--store", required=True, help="the file that holds documents and options")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an option; repeat it")
    parser.add_argument("--order", action="append", default=[], metavar="KIND[:next=N]", help="misbehave; repeat it")
    parser.add_argument("--until-eof", action="store_true", help="end when stdin ends")
    given = parser.parse_args()
    try:
        settings = dict(parse_setting(text) for text in given.set)
        orders = [parse_order(text) for text in given.order]
        erp = FakeErp(given.store, port=given.port, orders=orders, may_crash=True, **settings)
        asyncio.run(_serve(erp, until_eof=given.until_eof))
    except (ValueError, TypeError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


async def _serve(erp: FakeErp, *, until_eof: bool) -> None:
    async with erp:
        sys.stdout.write(f"ERP_URL={erp.url}\nERP_TOKEN={erp.token}\n")
        sys.stdout.flush()
        ended = asyncio.Event()
        with contextlib.ExitStack() as stack:
            if until_eof:
                loop = asyncio.get_running_loop()
                loop.add_reader(sys.stdin.fileno(), ended.set)
                stack.callback(loop.remove_reader, sys.stdin.fileno())
            await ended.wait()


if __name__ == "__main__":
    sys.exit(main())
