"""A fake ERP over HTTP, to test posters and exports against. It keeps what it confirmed through its own SIGKILL.

    async with FakeErp("erp.db", closed_through="2026-05-31") as erp:      # in this process
    with ErpProcess("erp.db", dedupe="none") as erp:                       # as a child, which can crash
    $ python -m brex_accounting.testing.erp --store erp.db --set lookup=number --order crash-after:at=7

Its API, behind ``POST /v1/login`` with ``{"token": ...}``, which gives a session:

    POST /v1/journal-entries                       create: 201; 200 for the first document of a known key
    GET  /v1/journal-entries?key=  or  ?number=    look up, where ``lookup`` offers it
    GET  /v1/journal-entries/{id}                  one
    PUT  /v1/journal-entries/{id}                  another content, while its period is open
    POST /v1/journal-entries/{id}/void             out of the totals, while its period is open
    POST /v1/journal-entries/{id}/reverse          {"date": ...}: a second document with the sides swapped
    POST /v1/journal-entries/{id}/attachments?name=   a file; X-Content-SHA256 is checked
    GET  /v1/company                               shows that the session counts

A 422 is the books' no: ``period_closed``, ``account_not_found``, ``account_inactive``, ``vendor_not_found``,
``currency_not_enabled``, ``unbalanced``, ``field_too_long``, ``document_not_found``, ``not_open``,
``hash_differs``. 409 ``key_reused``. After these, and after 400, 401, 404, 429 and 503, nothing was written.

Tests look into it and steer it through ``erp.control``, other languages below ``/_/``: GET ``summary``,
``counts``, ``documents``, ``state``; POST ``options``, ``orders``, ``offline``; DELETE ``orders``, ``sessions``.
"""

from .control import Control, State
from .counting import Counts, Sides, Summary
from .local import TOKEN, FakeErp
from .options import Options
from .orders import KINDS, Order, parse_order
from .process import ErpProcess
from .values import Attachment, Document, Draft, DraftLine, Side, Status

__all__ = [
    "KINDS",
    "TOKEN",
    "Attachment",
    "Control",
    "Counts",
    "Document",
    "Draft",
    "DraftLine",
    "ErpProcess",
    "FakeErp",
    "Options",
    "Order",
    "Side",
    "Sides",
    "State",
    "Status",
    "Summary",
    "parse_order",
]
