"""The front door: what the package and its rooms export."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import brex_accounting
from brex_accounting import errors

ROOT = Path(brex_accounting.__file__).parent
NOT_ERRORS = {
    *("ALL_TIME", "AccountingRecord", "BrexAccounting", "Checkpoint", "ExportFailure", "ExportSuccess", "FixedToken"),
    *("Integration", "LineItem", "Money", "OAuthTokens", "Page", "RateLimit", "RetryPolicy", "ScanCheckpoint"),
    *("UpdatedAt", "WebhookEvent", "__version__", "from_json", "to_json", "warm_up"),
}


def test_the_front_door_holds_the_listed_names_and_every_error() -> None:
    """``__all__`` is the documented list plus the error tree, sorted, without doubles."""
    tree = {name for name, found in vars(errors).items() if is_error(found)}
    assert set(brex_accounting.__all__) == NOT_ERRORS | tree
    assert len(set(brex_accounting.__all__)) == len(brex_accounting.__all__)


def is_error(found: object) -> bool:
    return inspect.isclass(found) and issubclass(found, errors.BrexError)


def test_every_error_is_exported_by_its_room() -> None:
    """``errors.__all__`` names each class of the tree."""
    assert set(errors.__all__) == {name for name, found in vars(errors).items() if is_error(found)}


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_module_lists_what_it_exports(path: Path) -> None:
    """``__all__`` of every module names things that exist and that are its own or its folder's front door."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(["brex_accounting", *(part for part in parts if part != "__init__")])
    module = importlib.import_module(name)
    for exported in getattr(module, "__all__", ()):
        assert hasattr(module, exported)


def test_the_lazy_names_live_where_type_checkers_look() -> None:
    """Each name comes, when it is first asked for, from the module that it is imported from for type checkers."""
    tree = ast.parse((ROOT / "__init__.py").read_text())
    homes = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names
    }
    assert homes.pop("__version__") == "_version"
    assert {*homes, "__version__"} == set(brex_accounting.__all__)
    for name, home in homes.items():
        found = getattr(importlib.import_module(f"brex_accounting.{home}"), name)
        assert brex_accounting.__getattr__(name) is found
    assert set(brex_accounting.__all__) <= set(dir(brex_accounting))
    with pytest.raises(AttributeError, match="no_such"):
        getattr(brex_accounting, "no_such")  # noqa: B009 - as a user would run into it


def test_importing_the_package_loads_neither_aiohttp_nor_an_extra() -> None:
    """``import brex_accounting`` is light: what a client is made of comes with the first, aiohttp when it opens."""
    heavy = {"aiohttp", "asyncio", "attrs", "cattrs", "cyclopts", "msgspec", "opentelemetry", "pytest", "rich"}
    code = (
        f"import sys; from brex_accounting import BrexAccounting, BrexError; print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    made = f"{code.rpartition(';')[0]}; BrexAccounting('bxt_x'); print('aiohttp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", made], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_importing_starts_nothing() -> None:
    """No module starts a thread or an event loop, or compiles the codec, while it is imported."""
    code = (
        "import threading, brex_accounting, brex_accounting.sandbox\n"
        "from brex_accounting.converters.wire import codec\n"
        "print(threading.active_count(), codec.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "0"]


def test_warming_up_loads_what_the_first_client_would() -> None:
    """After it aiohttp is there and the codec compiled; opening a client and decoding load nothing more."""
    code = (
        "import asyncio, sys, brex_accounting\n"
        "from brex_accounting.converters.wire import codec\n"
        "brex_accounting.warm_up()\n"
        "print('aiohttp' in sys.modules, codec.cache_info().currsize)\n"
        "before = set(sys.modules)\n"
        "async def main():\n"
        "    async with brex_accounting.BrexAccounting('bxt_x'): pass\n"
        "asyncio.run(main())\n"
        'brex_accounting.from_json(b\'{"items":[],"has_next_page":false}\', brex_accounting.Page)\n'
        "print(sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["True 1", "[]"]
