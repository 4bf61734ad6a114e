"""Posters for the fake ERP, one for each ``recovery``: the worked example of writing one.

    accounts = {"6100": "6100", "CARD": "2100"}
    async with SameKeyErpPoster(erp.url, erp.token, accounts=accounts) as poster:
        ...  # give it to the export

Which one fits depends on the ERP alone:

    SameKeyErpPoster   it refuses a second document with the same key      FakeErp(dedupe="key")
    FindErpPoster      it takes a second one, but can be asked first       FakeErp(dedupe="none", lookup="number")
    ParkErpPoster      it takes a second one, and cannot be asked          FakeErp(dedupe="none", lookup="none")

What to see in them: a draft is made of accounting content alone, so that a key comes again with the same body,
and where the ERP finds another one, the first document stands; the ERP's no becomes a code and words for the
customer; only what the ERP documents as not processed is ``NotNow``; everything else is raised, and the
recovery settles it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import ClassVar, Final, Literal, Self
from urllib.parse import quote

import aiohttp

from ..models import AccountingRecord, LineItem, Receipt
from ..sync.content import is_live
from ..sync.keys import ExportKey
from ..sync.poster import NotNow, Outcome, Posted, Recovery, Rejected, RejectionCode, Skipped
from .erp_client import Answer, ErpClient, NothingWritten, Refusal, Unclear

__all__ = ["ErpPoster", "FindErpPoster", "ParkErpPoster", "SameKeyErpPoster", "download"]

_ENTRIES: Final = "/v1/journal-entries"

_WORDS: Final = {
    "period_closed": (RejectionCode.CLOSED_PERIOD, "The books are closed on {}: reopen the period or change the date"),
    "account_not_found": (RejectionCode.ACCOUNT_UNKNOWN, "There is no account {} in the ERP: choose another one"),
    "account_inactive": (RejectionCode.ACCOUNT_INACTIVE, "Account {} is inactive: activate it or choose another one"),
    "vendor_not_found": (RejectionCode.VENDOR_UNKNOWN, "There is no vendor {} in the ERP: add it"),
    "currency_not_enabled": (RejectionCode.CURRENCY, "The ERP does not keep {}: enable the currency"),
    "unbalanced": (RejectionCode.UNBALANCED, "Debits and credits of the record differ"),
}
"""The ERP's refusals about one value: our code, and what the customer reads."""


class ErpPoster:
    """What the three have in common. ``timeout`` is in seconds per request.

    ``accounts`` gives the ERP's account number for a field value's remote or Brex id. A line with coding that
    is not in it goes to the account of the record's type, a line without coding to that of the record's source
    ("CARD", "REIMBURSEMENT", "BILL"); a line with no account at all is rejected. ``fetch`` gets a receipt's content.
    """

    recovery: Recovery
    named_by: ClassVar[Literal["key", "number"]] = "number"
    """The ERP's field that carries our key. A document number has room for 21 characters: ``key.short``."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        accounts: Mapping[str, str],
        timeout: float = 30.0,
        fetch: Callable[[Receipt], Awaitable[bytes]] | None = None,
    ) -> None:
        self._erp = ErpClient(url, token, timeout=timeout)
        self._accounts = dict(accounts)
        self._fetch = fetch or download

    async def __aenter__(self) -> Self:
        await self._erp.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._erp.__aexit__(kind, error, trace)

    async def check(self) -> None:
        """Raise if the ERP would refuse everything."""
        await self._erp.ask("GET", "/v1/company")

    async def post(self, record: AccountingRecord, *, key: ExportKey, supersedes: ExportKey | None) -> Outcome:
        """Book the record as a journal entry; with ``supersedes``, in place of that one."""
        try:
            if not is_live(record):
                return await self._take_out(supersedes)
            lines = [self._line(record, line) for line in record.line_items]
            return _posted(await self._erp.ask("POST", _ENTRIES, self._draft(record, lines, key, supersedes)))
        except NothingWritten as error:
            return NotNow(error.reason, error.after)
        except Refusal as refusal:
            if refusal.code == "key_reused":  # booked before, while ``accounts`` said something else: that one stands
                return _posted(await self._erp.ask("GET", f"{_ENTRIES}/{quote(refusal.value)}"))
            return _rejected(refusal)

    async def attach(
        self,
        record: AccountingRecord,  # noqa: ARG002 - the protocol gives it
        *,
        key: ExportKey,  # noqa: ARG002
        posted: Posted,
        receipts: Sequence[Receipt],
    ) -> None:
        """Attach receipts under their ids; one that is there already is left alone."""
        path = f"{_ENTRIES}/{quote(posted.reference_id)}"
        there = {file["name"] for file in (await self._erp.ask("GET", path))["attachments"]}
        for receipt in receipts:
            if receipt.id not in there:
                content = await self._fetch(receipt)
                headers = {"X-Content-SHA256": hashlib.sha256(content).hexdigest()}
                query = {"name": receipt.id}
                await self._erp.ask("POST", f"{path}/attachments", content=content, query=query, headers=headers)

    async def _documents(self, key: ExportKey) -> list[Answer]:
        query = {str(self.named_by): self._name(key)}
        found: list[Answer] = (await self._erp.ask("GET", _ENTRIES, query=query))["items"]
        return [document for document in found if document["status"] != "VOID"]

    async def _take_out(self, supersedes: ExportKey | None) -> Outcome:
        if supersedes is None:
            return Skipped("it is not due")
        for document in await self._documents(supersedes):
            return _posted(await self._erp.ask("POST", f"{_ENTRIES}/{quote(document['id'])}/void"))
        return Skipped("its document is not in the books any more")

    def _name(self, key: ExportKey) -> str:
        return str(key) if self.named_by == "key" else key.short

    def _draft(
        self, record: AccountingRecord, lines: list[dict[str, str]], key: ExportKey, supersedes: ExportKey | None
    ) -> dict[str, object]:
        return {
            "date": record.accounting_date.isoformat(),
            "memo": record.memo or "",
            "vendor": record.vendor.id if record.vendor else None,
            "lines": lines,
            self.named_by: self._name(key),
            "supersedes": self._name(supersedes) if supersedes else None,
            "record": record.id,
            "revision": int(key.rpartition(".")[2]),
        }

    def _line(self, record: AccountingRecord, line: LineItem) -> dict[str, str]:
        ids = [name for value in line.coding for name in (value.remote_field_value_id, value.brex_field_value_id)]
        names = [*filter(None, ids), record.type] if line.coding else [record.source_type]
        account = next((self._accounts[name] for name in names if name in self._accounts), None)
        if account is None:
            raise Refusal("account_not_found", "accounts", str(names[0]))  # the ERP would say so too
        money = {"amount": f"{line.amount.amount:f}", "currency": line.amount.currency}
        return {"account": account, "side": line.type, **money, "memo": line.memo or ""}


class SameKeyErpPoster(ErpPoster):
    """For an ERP that knows keys: after an unknown outcome the same post is made again."""

    recovery: Recovery = "same_key"
    named_by: ClassVar[Literal["key", "number"]] = "key"


class FindErpPoster(ErpPoster):
    """For an ERP that can be asked: after an unknown outcome its document number is looked up."""

    recovery: Recovery = "find"

    async def find(self, key: ExportKey) -> Posted | None:
        """The document with the key's number; None: there is none, or somebody voided it."""
        return next(map(_posted, await self._documents(key)), None)


class ParkErpPoster(ErpPoster):
    """For an ERP that cannot be asked: after an unknown outcome a person looks for the document number."""

    recovery: Recovery = "park"

    async def _take_out(self, supersedes: ExportKey | None) -> Outcome:
        if supersedes is None:
            return Skipped("it is not due")
        return Rejected(RejectionCode.OTHER, f"Void document {supersedes.short} in the ERP: it is no longer due")


async def download(receipt: Receipt) -> bytes:
    """A receipt's content from its first address. Raises ``Unclear`` when it does not come."""
    for address in receipt.download_uris or ():
        # A request of its own: the ERP's session is no business of whoever keeps receipts.
        try:
            async with aiohttp.request("GET", address, timeout=aiohttp.ClientTimeout(total=60)) as response:
                content = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unclear(f"the receipt did not come: {type(error).__name__}") from None
        if response.status == 200:
            return content
    raise Unclear("the receipt did not come")


def _posted(document: Answer) -> Posted:
    try:
        return Posted(document["id"], document["url"])
    except KeyError:
        raise Unclear("the ERP's answer is no document") from None


def _rejected(refusal: Refusal) -> Rejected:
    if refusal.code in _WORDS:
        code, words = _WORDS[refusal.code]
        return Rejected(code, words.format(refusal.value))
    if refusal.code == "field_too_long":
        return Rejected(RejectionCode.TOO_LONG, f"Too long for the ERP: {refusal.field}. Shorten it")
    return Rejected(RejectionCode.OTHER, f"The ERP does not take it: {refusal.code}, {refusal.field}")
