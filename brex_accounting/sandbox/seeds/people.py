"""The invented company: its staff, merchants, suppliers, chart of accounts and the words in memos.

Every name is made up and every address ends in a reserved domain.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate

from ...enums import UserRole, UserStatus
from ...models import AccountingFieldValue, User, Vendor
from .draws import Draws, Ids

__all__ = [
    "ENTITIES",
    "MERCHANTS",
    "STAFF",
    "account_of",
    "codings",
    "department",
    "entity",
    "gl_account",
    "is_subscription",
    "memo",
    "merchant",
    "staff_of",
    "supplier",
    "user",
    "zipf",
]

STAFF = 250
MERCHANTS = 480

ENTITIES = ("Larkmoor Works Inc.", "Larkmoor Works UK Ltd", "Larkmoor Werke GmbH")
_ENTITY_CODES = ("LWI", "LWU", "LWG")
# First staff number, heads, cardholders: 250 and 120 in all.
_BLOCKS = ((0, 195, 94), (195, 30, 14), (225, 25, 12))

_ACCOUNTS = (
    "6100 Airfare",
    "6110 Lodging",
    "6120 Ground transport",
    "6200 Software subscriptions",
    "6210 Cloud hosting",
    "6300 Office supplies",
    "6310 Small equipment",
    "6320 Postage and freight",
    "6400 Meals with customers",
    "6410 Team meals",
    "6500 Advertising",
    "6510 Events",
    "6600 Legal fees",
    "6610 Outside contractors",
    "6620 Recruiting",
    "6700 Rent",
    "6710 Utilities",
    "6720 Telephone",
    "6800 Training",
    "6900 Bank charges",
)
_DEPARTMENTS = ("Engineering", "Sales", "Marketing", "Finance", "People", "Support", "Operations", "Design")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_HOUSES = _words(
    "Amberfall Birchmoor Copperwick Dunmarrow Eastquill Fennelby Gorsehill Hollowbrook Ivorygate Junipermere "
    "Kestrelway Lanternford Mossvale Nettlecombe Oakenshore Pebblewick Quillhaven Rookmere Saltmarrow "
    "Thistledown Umberly Velvetmoor Willowfen Yarrowgate"
)
# A merchant's trade: the noun in its name, its usual account, whether it bills subscriptions.
_TRADES = (
    ("Airways", 0, False),
    ("Inns", 1, False),
    ("Cabs", 2, False),
    ("Software", 3, True),
    ("Cloud", 4, True),
    ("Stationers", 5, False),
    ("Hardware", 6, False),
    ("Couriers", 7, False),
    ("Bistro", 8, False),
    ("Coffee", 9, False),
    ("Media", 10, True),
    ("Events", 11, False),
    ("Legal", 12, False),
    ("Contracting", 13, False),
    ("Talent", 14, True),
    ("Offices", 15, True),
    ("Power", 16, False),
    ("Telecom", 17, True),
    ("Academy", 18, True),
    ("Analytics", 3, True),
)

_FIRST = _words(
    "Ansel Brona Corin Delphine Edda Fenwick Greta Hollis Ines Jorah Kerstin Ludo Maren Nico Odile Perrin Quinn "
    "Rosalba Søren Tamsin Ulla Viggo Wren Yannick Zoë"
)
_LAST = _words(
    "Ashgrove Bellweather Corvane Drumlin Elderfen Farrowby Gladmoor Hartquill Ivesbrook Jessop Kettering Lindqvist "
    "Marchbank Noakes Oxlade Pellworm Quarrie Ravensholt Åkerlind Tolliver"
)

_WORDS = _words(
    "lunch dinner coffee taxi flight hotel train parking with for the team customer offsite planning workshop renewal "
    "monthly annual seats licence invoice order replacement monitor keyboard cables paper postage booth sponsorship "
    "conference ticket travel to client site onboarding new hire interview candidate training course books hosting "
    "usage backup domain certificate cleaning repair review quarter launch campaign photos printing from office "
    "visit deposit balance trip"
)
_FOREIGN = ("café", "Zürich", "naïve", "Kraków", "東京", "£40", "façade", "Malmö", "🎉", "½", "→", "Łódź")


def user(ids: Ids, account_id: str, number: int) -> User:
    """Staff member ``number``."""
    return _user(ids, account_id, number)


@lru_cache(maxsize=1024)
def _user(ids: Ids, account_id: str, number: int) -> User:
    first = _FIRST[number % 25]
    last = _LAST[(number // 25 + number % 25 * 3) % 20]
    plain = f"{first}.{last}".lower().encode("ascii", "ignore").decode()
    roles = {0: UserRole.ACCOUNT_ADMIN, 1: UserRole.BOOKKEEPER, 2: UserRole.AP_CLERK, 3: UserRole.CARD_ADMIN}
    return User(
        id=ids.text(number),
        # Seen in captured data: names keep a blank somebody typed at the end.
        first_name=first + " " * (number % 9 == 4),
        last_name=last + " " * (number % 13 == 6),
        email=f"{plain}{number}@example.invalid",
        role=roles.get(number, UserRole.EMPLOYEE),
        status=UserStatus.ARCHIVED if number % 41 == 40 else UserStatus.ACTIVE,
        account_id=account_id,
    )


def staff_of(entity_number: int, *, cardholder: bool, draw: int) -> int:
    """A staff number in the entity, taken from 64 random bits."""
    start, heads, cards = _BLOCKS[entity_number]
    return start + (draw * (cards if cardholder else heads) >> 64)


def _trade(number: int) -> tuple[str, int, bool]:
    return _TRADES[(number * 77 + 5) % MERCHANTS // 24]


def account_of(number: int) -> int:
    """The account that purchases at a merchant usually go to."""
    return _trade(number)[1]


def is_subscription(number: int) -> bool:
    """Whether the merchant bills at fixed prices."""
    return _trade(number)[2]


def _name(number: int) -> str:
    # 77 is coprime to 480: each house and trade meet once, and popular ranks get mixed trades.
    return f"{_HOUSES[(number * 77 + 5) % MERCHANTS % 24]} {_trade(number)[0]}"


@lru_cache(maxsize=1024)
def merchant(ids: Ids, number: int) -> Vendor:
    """A card merchant: little more than a name, as captured."""
    return Vendor(id=ids.text(number), name=_name(number), website="https://example.invalid/" if number % 3 else None)


@lru_cache(maxsize=1024)
def supplier(ids: Ids, number: int) -> Vendor:
    """A supplier that sends bills, with somebody to talk to."""
    name = _name(number)
    return Vendor(
        id=ids.text(number),
        name=f"{name} {('Ltd', 'LLC', 'GmbH', 'Inc.')[number % 4]}",
        contact_name=f"{_FIRST[number % 25]} {_LAST[number % 20]}" if number % 3 else None,
        email=f"accounts@{name.lower().replace(' ', '-')}.example.invalid",
        phone=f"+1 555 01{number % 100:02}" if number % 2 else None,
    )


def zipf(size: int, exponent: float) -> tuple[float, ...]:
    """Cumulative shares of ranks whose weight falls with their number."""
    weights = list(accumulate((rank + 1) ** -exponent for rank in range(size)))
    return (*(weight / weights[-1] for weight in weights[:-1]), 1.0)


def gl_account(fields: Ids, options: Ids, account: int | None) -> AccountingFieldValue:
    """The GL entry of a line; None for the entry of a charge nobody has coded."""
    return _value(fields, options, 0, account)


def department(fields: Ids, options: Ids, number: int) -> AccountingFieldValue:
    """The department entry of a line."""
    return _value(fields, options, 1, number % len(_DEPARTMENTS))


def entity(fields: Ids, options: Ids, number: int) -> AccountingFieldValue:
    """The entity entry of a line."""
    return _value(fields, options, 2, number)


@lru_cache(maxsize=512)
def _value(fields: Ids, options: Ids, field: int, option: int | None) -> AccountingFieldValue:
    remote, name, choices = (
        ("GL_ACCOUNT", "GL Account", _ACCOUNTS),
        ("DEPARTMENT", "Department", _DEPARTMENTS),
        ("ENTITY", "Entity", ENTITIES),
    )[field]
    # guess: remote value ids are set, as they would be once an accounting system has sent its lists.
    return AccountingFieldValue(
        brex_field_id=fields.text(field),
        remote_field_id=remote,
        field_name=name,
        brex_field_value_id=options.text(field * 1000 + option) if option is not None else None,
        remote_field_value_id=_remote(field, option) if option is not None else None,
        field_value_name=choices[option] if option is not None else None,
        type="IDENTIFIER",
    )


def _remote(field: int, option: int) -> str:
    if field == 0:
        return _ACCOUNTS[option][:4]
    return f"D{option + 1:02}" if field == 1 else _ENTITY_CODES[option]


def codings(fields: Ids, options: Ids) -> Iterator[AccountingFieldValue]:
    """Every entry that a line can carry, field by field."""
    for field, choices in enumerate((_ACCOUNTS, _DEPARTMENTS, ENTITIES)):
        for option in range(len(choices)):
            yield _value(fields, options, field, option)


def memo(draws: Draws) -> str:
    """What somebody typed: 220 characters at the 99th percentile, a few foreign, a few on two lines."""
    target = max(4, draws.lognormal(30.0, 0.86))
    kind = draws.unit()
    text = _sentence(draws, target)
    if kind < 0.03:
        text = f"{_FOREIGN[draws.below(len(_FOREIGN))]} {text}"
    elif kind < 0.04:
        text = _broken(text)
    return text


def _sentence(draws: Draws, target: float) -> str:
    chosen: list[str] = []
    length, pool = 0, 0
    while True:
        if not pool:
            pool = draws.bits() | 1 << 64
        word = _WORDS[pool & 63]
        pool = pool >> 6 if pool > 1 << 10 else 0
        if chosen and length + len(word) > target:
            return " ".join(chosen).capitalize()
        chosen.append(word)
        length += len(word) + 1


def _broken(text: str) -> str:
    words = text.split(" ")
    half = (len(words) + 1) // 2
    return " ".join(words[:half]) + "\n" + " ".join(words[half:])
