"""Who may import whom, read from the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "brex_accounting"
# Who alone may import what an extra installs.
EXTRAS = {"cyclopts": "cli", "iso4217": "posters.currencies", "rich": "cli", "opentelemetry": "otel"}
EXTRAS |= {"cryptography": "sync.fleet", "procrastinate": "sync.fleet", "psycopg": "sync", "psycopg_pool": "sync"}

# Room -> what it may import of the package. A room is the longest prefix that matches.
ALLOWED: dict[str, set[str]] = {
    "_version": set(),
    "wiretypes": set(),
    "pages": set(),
    "enums": {"wiretypes"},
    "session.call": set(),
    "models": {"enums", "pages", "wiretypes"},
    "webhook_models": {"enums"},
    "windows": {"models"},
    "root_error": {"fields.models", "models", "session.call", "windows"},
    "store_errors": {"root_error"},
    "errors": {"enums", "fields.models", "models", "root_error", "store_errors"},
    "exact": set(),
    "shapes": set(),
    "codec": {"errors", "shapes", "wiretypes"},
    "arguments": {"errors", "wiretypes"},
    "converters": {
        *("arguments", "codec", "companies.models", "converters", "enums", "errors", "exact", "fields.models"),
        *("models", "session.call", "shapes", "statuses", "urls", "webhook_models", "wiretypes"),
    },
    "operations": {"converters", "session.call"},
    "endpoints": {"converters", "enums", "errors", "models", "operations", "session.call"},
    "statuses": {"errors", "session.call"},
    "session": {"errors", "session"},
    "prefetching": {"errors", "pages"},
    "paging": {"errors", "pages", "prefetching"},
    "scanning": {"errors", "models", "paging", "prefetching", "windows"},
    "confirming": {"enums", "errors", "models"},
    "reporting": {"confirming", "converters", "enums", "errors", "models"},
    "urls": {"errors"},
    "auth": {"errors", "session"},
    "oauth": {"_version", "auth", "errors", "session", "urls"},
    "core": {"errors", "session"},
    "opening": {"_version", "arguments", "auth", "core", "errors", "session", "urls"},
    "drifting": {"converters", "core", "errors", "models"},
    "integrations": {"core", "endpoints", "errors", "models", "session.call"},
    "records": {
        *("converters", "core", "drifting", "endpoints", "enums", "errors", "models", "paging", "prefetching"),
        *("reporting", "scanning", "session.call", "session.events", "windows"),
    },
    "views": {
        *("auth", "converters", "core", "endpoints", "errors", "models", "opening", "session"),
    },
    "fields.models": {"enums", "models"},
    "fields.plan": {"fields.models"},
    "fields.endpoints": {"converters", "fields.models", "models", "operations", "session.call"},
    "fields": {"converters", "core", "enums", "errors", "fields", "models", "paging", "prefetching", "session"},
    "companies.models": {"enums"},
    "companies.endpoints": {"companies.models", "operations", "session.call"},
    "companies": {"auth", "client", "companies", "errors", "session.discreet", "webhook_models"},
    "client": {
        *("auth", "companies", "core", "errors", "fields", "integrations", "records", "session", "views", "webhooks"),
    },
    "sandbox.monite": {
        *("_version", "monite.converters", "monite.dialect", "monite.enums", "monite.models", "sandbox.faults"),
        *("sandbox.misbehaving", "sandbox.monite", "sandbox.statistics", "wiretypes"),
    },
    "sandbox": {
        *("_version", "companies.models", "converters", "enums", "errors", "fields.models", "models", "sandbox"),
        *("urls", "webhook_models"),
    },
    "testing": {"client", "enums", "errors", "models", "sandbox", "sync", "testing"},
    "posters": {
        *("enums", "errors", "models", "posters", "session.discreet", "sync.content", "sync.keys", "sync.poster"),
        "urls",
    },
    "closing": {
        *("client", "converters", "enums", "errors", "models", "posters", "sync.content", "sync.exports", "sync.keys"),
        *("sync.poster", "sync.states", "sync.store", "closing"),
    },
    "cli": {
        *(
            "_version",
            "cli",
            "client",
            "converters",
            "core",
            "oauth",
            "enums",
            "errors",
            "fields.models",
            "fields.plan",
        ),
        *("models", "monite", "paging", "sandbox"),
        *("session.call", "session.clock", "session.events", "session.limiter", "sync", "testing", "urls"),
        *("webhook_models", "webhooks"),
        # For types; what needs the extra [books] is imported late.
        *("posters.chart", "posters.entries", "preview.outcomes"),
        *("closing", "posters.ledger"),
    },
    "cli.story": {
        *("cli", "client", "closing", "enums", "errors", "models", "posters", "preview", "sandbox", "session.call"),
        *("session.events", "sync"),
    },
    "preview": {
        *("client", "converters", "enums", "models", "errors", "paging", "posters", "preview", "sync.content"),
        *("sync.exports", "sync.keys", "sync.plan", "sync.poster", "sync.snapshot", "sync.states"),
    },
    "__init__": {
        *("_version", "auth", "client", "converters", "errors", "models", "oauth", "session", "webhook_models"),
        "windows",
    },
    "webhooks": {"webhooks", "webhook_models"},
    "webhooks.verify": {"converters", "enums", "errors", "session.discreet", "webhook_models"},
    "webhooks.endpoints": {"converters", "enums", "models", "operations", "session.call", "webhook_models"},
    "webhooks.verbs": {
        *("core", "enums", "errors", "models", "paging", "prefetching", "session.call", "webhook_models", "webhooks"),
    },
    "webhooks.seen": set(),
    "webhooks.unwrap": {"session.discreet", "webhook_models", "webhooks"},
    "webhooks.keyring": {"errors", "session", "webhook_models", "webhooks"},
    "webhooks.receiver": {"errors", "session", "webhook_models", "webhooks"},
    "webhooks.listener": {"errors", "webhooks"},
    "sync.states": {"errors"},
    "sync.keys": {"errors"},
    "sync.content": {"enums", "models"},
    "sync.exports": {"enums", "models", "sync.keys", "sync.states"},
    "sync.poster": {"enums", "errors", "models", "sync.keys"},
    "sync.plan": {"enums", "models", "sync.content", "sync.exports", "sync.states"},
    "sync.store": {"models", "sync.exports", "sync.poster", "sync.states"},
    "sync.wording": set(),
    "sync.sqlite": {
        *("converters", "enums", "errors", "models", "sync.exports", "sync.keys", "sync.poster", "sync.sqlite"),
        *("sync.content", "sync.snapshot", "sync.states", "sync.store", "sync.store_rules"),
    },
    "sync.store_rules": {"errors", "models", "sync.exports", "sync.poster", "sync.states"},
    "sync.postgres.inheriting": {"errors", "session", "sync"},
    "sync.postgres": {
        *("converters", "enums", "errors", "models", "session.clock", "session.limiter", "sync.exports", "sync.keys"),
        *("sync.poster", "sync.postgres", "sync.states", "sync.store", "sync.store_rules"),
    },
    "sync.snapshot": {"sync.exports"},
    "sync.summary": {"session", "sync.exports", "sync.poster"},
    "sync.pausing": {"errors", "sync.exports"},
    "sync.results": {"confirming", "models", "sync.exports", "sync.states", "sync.wording"},
    "sync.context": {
        *("client", "session", "sync.exports", "sync.pausing", "sync.poster", "sync.store", "sync.summary"),
    },
    "sync.reading": {
        *("converters", "enums", "errors", "models", "sync.content", "sync.context", "sync.exports", "sync.plan"),
        "sync.summary",
    },
    "sync.posting": {
        *("errors", "models", "sync.content", "sync.context", "sync.exports", "sync.pausing", "sync.poster"),
        "sync.reading",
    },
    "sync.attaching": {"errors", "models", "session.discreet", "sync.context", "sync.exports", "sync.poster"},
    "sync.reports": {
        *("confirming", "enums", "errors", "models", "reporting", "sync.context", "sync.exports", "sync.results"),
        "sync.states",
    },
    "sync.verifying": {
        *("client", "enums", "models", "sync.content", "sync.exports", "sync.reading", "sync.states", "sync.store"),
    },
    "sync.restoring": {"sync.exports", "sync.keys", "sync.poster", "sync.states"},
    "sync.rebuilding": {
        *("client", "enums", "errors", "models", "sync.exports", "sync.pausing", "sync.plan", "sync.poster"),
        *("sync.reading", "sync.restoring", "sync.results", "sync.states", "sync.store"),
    },
    "sync.admin": {
        "enums",
        "errors",
        "session",
        "sync.exports",
        "sync.pausing",
        "sync.poster",
        "sync.states",
        "sync.store",
    },
    "sync.run": {"sync"},
    "sync.triggered": {"converters", "enums", "errors", "session", "sync", "webhook_models"},
    "sync.company_exports": {"errors", "session", "sync", "webhook_models"},
    "sync.engine": {"client", "errors", "session", "sync"},
    "sync.fleet": {"auth", "client", "companies", "errors", "oauth", "session", "sync", "webhook_models"},
    "sync.fleet.spread": set(),
    "sync.fleet.status": set(),
    "sync.fleet.secret": {"errors", "session.grants"},
    "sync": {"sync"},
    "monite": {
        *("_version", "arguments", "auth", "codec", "core", "errors", "exact", "monite", "opening", "pages", "paging"),
        *("prefetching", "session", "statuses", "urls", "wiretypes"),
    },
    "connections": {"connections", "enums", "errors", "integrations", "models", "monite"},
    "connections.link": set(),
    "__main__": {"cli"},
    "otel": {"errors", "session"},
}
# Imports inside functions: an optional extra, the command line's start, what only POSIX has, and what the first
# client or refresh opens.
LATE = {
    ("posters.csv.poster", "posters.rules"),
    *(("__main__", "cli.app"), ("core", "session.transport"), ("session.grants", "session.transport")),
    *(
        ("cli.demo", "cli.story.telling"),
        ("cli.books", "posters.beancount"),
        ("cli.books", "posters.chart_file"),
        ("cli.books", "posters.csv"),
        ("cli.chart", "preview"),
        ("cli.check", "preview"),
        ("cli.dry_run", "preview"),
        *(("cli.fleet", "sync.fleet.secret"), ("cli.fleet_settings", "sync.fleet"), ("cli.stores", "sync.postgres")),
        *(("cli.report", "cli.report_tables"), ("cli.report", "closing"), ("cli.report", "posters.csv.rows")),
        ("client", "companies.endpoints"),
        ("client", "fields.verbs"),
        ("client", "integrations"),
        ("client", "records"),
        ("client", "session.transport"),
        ("client", "views"),
        ("client", "webhooks.verbs"),
    ),
}

PURE = [
    *("enums", "models", "errors", "shapes", "codec", "converters", "endpoints", "session.call", "session.retry"),
    *("confirming", "windows", "operations", "root_error", "store_errors"),
    *("arguments", "exact", "pages", "statuses", "wiretypes"),
    *("webhook_models", "webhooks.endpoints", "webhooks.seen", "webhooks.verify"),
    *("fields.models", "fields.plan", "fields.endpoints", "companies.models", "companies.endpoints"),
    *("sandbox.rules", "sandbox.table", "sandbox.reading", "sandbox.refusal", "sandbox.faults", "sandbox.seeds"),
    *(
        "sandbox.company",
        "sandbox.field_openapi",
        "sandbox.field_reading",
        "sandbox.field_schemas",
        "sandbox.fields",
        "sandbox.value_table",
    ),
    *("sync.content", "sync.exports", "sync.keys", "sync.pausing", "sync.plan"),
    *("sync.postgres.pacing", "sync.restoring", "sync.results", "sync.states", "sync.store_rules", "sync.wording"),
    *("sandbox.openapi", "sandbox.openapi_parts", "sandbox.schemas", "sandbox.oauth", "urls"),
    *("testing.erp.admission", "testing.erp.books", "testing.erp.counting", "testing.erp.options"),
    *("monite.converters", "monite.dialect", "monite.endpoints", "monite.enums", "monite.models", "monite.queries"),
    *("monite.refusing", "monite.webhooks", "sandbox.monite.openapi", "sandbox.monite.reading"),
    *("sandbox.monite.refusal", "sandbox.monite.rules", "sandbox.monite.schemas"),
    *("testing.erp.orders", "testing.erp.refusal", "testing.erp.values", "posters.csv.rows"),
    *("posters.chart", "posters.chart_file", "posters.chart_schema", "posters.coding", "posters.currencies"),
    *("closing.expecting", "closing.paper", "closing.period", "closing.placing", "closing.queueing"),
    *("closing.reconciling", "closing.rolling", "closing.sums"),
    *("posters.entries", "posters.refusing", "posters.rule_table", "posters.rules", "posters.toml_lines"),
    *("posters.beancount.accounts", "posters.beancount.ledger", "posters.beancount.syntax", "posters.beancount.text"),
    *("posters.contents", "posters.csv.contents", "posters.csv.entry_rows", "posters.standing", "sync.snapshot"),
    *("sync.fleet.schema", "sync.fleet.secret", "sync.fleet.spread", "sync.fleet.status"),
    *("preview.deciding", "preview.outcomes", "preview.planning", "preview.starter"),
]
BANNED = {"aiohttp", "asyncio", "random", "time", "os", "uuid", "secrets", "socket", "threading", "logging"}


def modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name if name == "__init__" else name.removesuffix(".__init__")] = ast.parse(path.read_text())
    return found


MODULES = modules()


def package_of(name: str) -> list[str]:
    parts = name.split(".")
    is_package = (ROOT / Path(*parts) / "__init__.py").exists()
    return [] if name == "__init__" else parts if is_package else parts[:-1]


def imports(name: str, tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Each module imported, and whether it is of this package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, False
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or "", False
        elif isinstance(node, ast.ImportFrom):
            base = package_of(name)
            base = base[: len(base) - (node.level - 1)]
            if node.module:
                yield ".".join([*base, *node.module.split(".")]), True
            else:
                for alias in node.names:
                    yield ".".join([*base, alias.name]), True


def within(name: str, rooms: set[str]) -> bool:
    return any(name == room or name.startswith(room + ".") for room in rooms)


def room_of(name: str) -> str:
    return max((room for room in ALLOWED if within(name, {room})), key=len)


@pytest.mark.parametrize("name", MODULES)
def test_imports_follow_the_directions(name: str) -> None:
    """No module imports a room that its own may not know."""
    allowed = ALLOWED[room_of(name)]
    inner = {target for target, ours in imports(name, MODULES[name]) if ours}
    assert {target for target in inner if not within(target, allowed)} - {late for _, late in LATE} == set()


def test_no_import_cycles() -> None:
    """The modules can be put in an order in which each imports only earlier ones."""
    edges = {
        name: {found for found, ours in imports(name, tree) if ours and found in MODULES and found != name}
        for name, tree in MODULES.items()
    }
    while edges:
        free = {name for name, targets in edges.items() if not targets & edges.keys()}
        assert free, f"a cycle among {sorted(edges)}"
        edges = {name: targets for name, targets in edges.items() if name not in free}


@pytest.mark.parametrize("name", [name for name in MODULES if within(name, set(PURE))])
def test_pure_rooms_take_time_and_randomness_as_arguments(name: str) -> None:
    """A pure module imports nothing that reads a clock, a socket or dice, and holds no coroutine."""
    tree = MODULES[name]
    outside = {target.split(".")[0] for target, ours in imports(name, tree) if not ours}
    assert outside & BANNED == set()
    asynchronous = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
    assert not [node for node in ast.walk(tree) if isinstance(node, asynchronous)]


def test_every_pure_room_exists() -> None:
    """The list of pure rooms names no room that has gone."""
    assert [room for room in PURE if not any(within(name, {room}) for name in MODULES)] == []


NEUTRAL = [
    ROOT / f"{name}.py"
    for name in (
        *("arguments", "auth", "codec", "core", "opening", "pages", "paging", "prefetching", "shapes", "statuses"),
        *("exact", "urls", "wiretypes"),
    )
]
"""What every provider is built on, beside session/."""


@pytest.mark.parametrize("path", [*sorted((ROOT / "session").glob("*.py")), *NEUTRAL], ids=lambda path: path.name)
def test_what_is_shared_knows_no_provider(path: Path) -> None:
    """No provider's name and no id prefix occurs in session/ and the rooms beside it."""
    # The package's own name may: it stands in the User-Agent and names the logger.
    assert re.findall(r"\bbrex\b(?![-_]accounting)|monite|accr_", path.read_text(), re.IGNORECASE) == []


def test_only_the_transport_uses_aiohttps_client() -> None:
    """One module of the client side imports aiohttp at run time, and what gets receipts from elsewhere. Servers, and
    what tests are written with, may.
    """
    users = set()
    for name, tree in MODULES.items():
        if within(name, {"sandbox", "testing", "webhooks"}):
            continue
        typing_only = {id(node) for block in typing_blocks(tree) for node in ast.walk(block)}
        for node in ast.walk(tree):
            if id(node) not in typing_only and "aiohttp" in imported_by(node):
                users.add(name)
    assert users == {"session.transport", "posters.beancount.fetching"}


def typing_blocks(tree: ast.Module) -> list[ast.If]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]


def imported_by(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return {(node.module or "").split(".")[0]}
    return set()


def test_late_imports_are_the_listed_ones() -> None:
    """Imports inside functions are for extras, the command line's start and the transport alone."""
    late = set()
    for name, tree in MODULES.items():
        for function in ast.walk(tree):
            if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                late |= {(name, target) for target, _ in imports(name, function)}
    assert late == LATE


def test_each_extra_stays_in_its_room() -> None:
    """What [books], [cli] and [otel] install is imported in the one room that each is for."""
    strangers = {
        (name, top)
        for name, tree in MODULES.items()
        for top in {target.split(".")[0] for target, ours in imports(name, tree) if not ours} & EXTRAS.keys()
        if not within(name, {EXTRAS[top]})
    }
    assert strangers == set()


@pytest.mark.parametrize("name", MODULES)
def test_files_and_functions_stay_small(name: str) -> None:
    """No file passes 400 lines, no function 40."""
    parts = [] if name == "__init__" else name.split(".")
    path = ROOT.joinpath(*parts)
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    assert len(path.read_text().splitlines()) <= 400
    functions = [n for n in ast.walk(MODULES[name]) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    long = {f.name: code_lines(f) for f in functions if code_lines(f) > 40}
    assert long == {}


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines below the signature and the docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0
