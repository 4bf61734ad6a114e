"""``python -m brex_accounting`` and the ``brex-accounting`` command."""

from __future__ import annotations

import importlib.util
import sys

__all__ = ["main"]


def main() -> int:
    """Run the command line; its exit code."""
    missing = [name for name in ("cyclopts", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        sys.stderr.write(f"error: the command line needs {' and '.join(missing)}: pip install 'brex-accounting[cli]'\n")
        return 1
    # Here: the extra may be absent, and a program that imports the package must not pay for it.
    from .cli.app import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
