"""Forgeries made of valid deliveries: none is taken, and each is refused by the one error for it."""

from __future__ import annotations

import base64
import itertools
import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import attrs
import pytest

from brex_accounting import WebhookVerificationError, webhooks

from .signing import NOW, SECRET, Delivery, delivery, secret, signature

Forgery = tuple[str, Delivery]


def valid(number: int) -> Delivery:
    """The so manieth of any number of deliveries, in both spellings and several sizes."""
    ids = [f"accr_{number:04}{one:06x}" for one in range(1 + number * 7 % 23)]
    newer = {"accountingRecordIds": ids, "companyId": f"cuacc_{number}"}
    told = newer if number % 2 else {"accounting_record_ids": ids}
    body = {"event_type": "ACCOUNTING_RECORD_READY_FOR_EXPORT"} | told
    return delivery(body, id_=f"msg_{number:027}", at=NOW + timedelta(seconds=number % 600 - 300))


def bit_flips(one: Delivery) -> Iterator[Forgery]:
    """Every bit of the body, the id and the timestamp, and of the signature too."""
    for place, bit in itertools.product(range(len(one.body)), range(8)):
        yield "body bit", attrs.evolve(one, body=_flipped(one.body, place, bit))
    for name in ("id", "timestamp", "signature"):
        text = getattr(one, name).encode()
        for place, bit in itertools.product(range(len(text)), range(8)):
            yield f"{name} bit", _with(one, {name: _flipped(text, place, bit).decode("latin-1")})


def _with(one: Delivery, changes: dict[str, Any]) -> Delivery:
    return attrs.evolve(one, **changes)


def _flipped(data: bytes, place: int, bit: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def resized(one: Delivery) -> Iterator[Forgery]:
    """Truncated and lengthened: the body, the id, the timestamp and the signature, at each place."""
    for end in range(len(one.body)):
        yield "body truncated", attrs.evolve(one, body=one.body[:end])
    for name in ("id", "timestamp", "signature"):
        text = getattr(one, name)
        for end in range(len(text)):
            yield f"{name} truncated", _with(one, {name: text[:end]})
        for more in ("0", "=", "A", " v1", ".", ",", "\x00", "\n"):
            longer = _with(one, {name: text + more})
            if longer.signature.split(" ")[0] != one.signature or name != "signature":
                yield f"{name} lengthened", longer
    for name, more in itertools.product(("id", "timestamp"), ("0", "00", "A", "-", "+", " ", ".")):
        yield f"{name} lengthened", _with(one, {name: more + getattr(one, name)})
    for extra in (b" ", b"\n", b"\x00", b"{}", b"\xef\xbb\xbf"):
        yield "body lengthened", attrs.evolve(one, body=one.body + extra)
        yield "body lengthened", attrs.evolve(one, body=extra + one.body)


def moved_dots(one: Delivery) -> Iterator[Forgery]:
    """The same signed bytes, cut elsewhere into id, timestamp and body."""
    signed = f"{one.id}.{one.timestamp}.".encode() + one.body
    dots = [place for place, byte in enumerate(signed) if byte == ord(".")]
    for first, second in itertools.combinations(dots, 2):
        id_, timestamp, body = signed[:first], signed[first + 1 : second], signed[second + 1 :]
        cut = attrs.evolve(one, id=id_.decode(), timestamp=timestamp.decode("latin-1"), body=body)
        if cut != one:
            yield "dots moved", cut


def swapped(one: Delivery, other: Delivery) -> Iterator[Forgery]:
    """Parts of two valid deliveries put together."""
    parts = ("id", "timestamp", "body", "signature")
    for some in itertools.chain.from_iterable(itertools.combinations(parts, size) for size in (1, 2, 3)):
        mixed = _with(one, {name: getattr(other, name) for name in some})
        if mixed not in (one, other):
            yield "swapped", mixed


def foreign(one: Delivery, number: int) -> Iterator[Forgery]:
    """Signed by somebody else, or not by the scheme."""
    for other in (secret(number + 1), base64.b64encode(SECRET.encode()).decode(), base64.b64encode(b"\x00").decode()):
        yield "foreign", attrs.evolve(one, signature=signature(other, one.id, one.timestamp, one.body))
    mine = one.signature.removeprefix("v1,")
    raw = base64.b64decode(mine)
    for text in (
        *(f"v1a,{mine}", f"v2,{mine}", f"V1,{mine}", f"v1:{mine}", mine, f"v1,,{mine}", f"v1,\t{mine}", f"v1, {mine}"),
        *(f"v1,{raw.hex()}", f"v1,{mine.rstrip('=')}", f"v1,{mine.lower()}", f"v1,{mine[::-1]}", f"v1,{mine};"),
        *(
            "v1,",
            "v1",
            ",",
            " ",
            "v1," + base64.b64encode(raw[:31]).decode(),
            "v1," + base64.b64encode(bytes(32)).decode(),
        ),
        "v1," + base64.b64encode(raw + b"\x00").decode(),
        signature(SECRET, "", one.timestamp, one.body),
        signature(SECRET, one.id, "", one.body),
        signature(SECRET, one.id, one.timestamp, b""),
    ):
        if text != one.signature:
            yield "foreign", attrs.evolve(one, signature=text)


def replays(number: int, seed: random.Random) -> Iterator[Forgery]:
    """Valid once, or not yet: whatever lies outside the tolerance."""
    for seconds in (301, 302, 600, 3600, 86_400, 10**7, *(seed.randrange(301, 10**8) for _ in range(10))):
        for late in (seconds, -seconds):
            yield "replay", delivery(valid(number).body, id_=f"msg_{number}", at=NOW - timedelta(seconds=late))


def forgeries(number: int) -> Iterator[Forgery]:
    """All of one delivery."""
    one = valid(number)
    yield from bit_flips(one)
    yield from resized(one)
    yield from moved_dots(attrs.evolve(one))
    yield from moved_dots(delivery(one.body, id_=f"msg.{one.timestamp}.1"))
    yield from swapped(one, valid(number + 1))
    yield from foreign(one, number)
    yield from replays(number, random.Random(number))


def tried(deliveries: int) -> tuple[Counter[str], list[str], list[str]]:
    """How many forgeries of each kind there were, which were taken, and which ended otherwise."""
    counted: Counter[str] = Counter()
    taken, otherwise = [], []
    for number in range(deliveries):
        one = valid(number)
        assert webhooks.verify(one.body, one.headers, secrets=[SECRET], now=NOW).id == one.id
        for kind, forged in forgeries(number):
            counted[kind] += 1
            try:
                webhooks.verify(forged.body, forged.headers, secrets=[SECRET], now=NOW)
            except WebhookVerificationError:
                continue
            except Exception as error:  # noqa: BLE001 - none may come
                otherwise.append(f"{kind}: {type(error).__name__}")
            else:
                taken.append(f"{kind} of {number}: {forged}")
    return counted, taken, otherwise


def told(counted: Counter[str], taken: list[str], otherwise: list[str]) -> None:
    """Print the numbers, and fail unless the last two are 0."""
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(counted.items()))
    print(f"\n{counted.total()} forgeries: {len(taken)} taken, {len(otherwise)} foreign exceptions ({kinds})")  # noqa: T201 - the figures
    assert (taken[:5], Counter(otherwise)) == ([], {})


def test_no_forgery_is_taken() -> None:
    """Every bit flip, cut, swap, foreign signature and replay of 4 deliveries: 0 taken, 0 foreign exceptions."""
    counted, *found = tried(4)
    assert counted.total() > 5_000
    assert {"body bit", "id bit", "timestamp bit", "signature bit", "swapped", "foreign", "replay", "dots moved"} <= {
        *counted
    }
    told(counted, *found)


@pytest.mark.slow
def test_no_forgery_of_many_is_taken() -> None:
    """The same of 150 deliveries."""
    counted, *found = tried(150)
    assert counted.total() > 300_000
    told(counted, *found)
