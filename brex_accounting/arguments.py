"""Arguments of any client, refused before anything is sent. No value is echoed."""

from __future__ import annotations

import difflib
from typing import Final, TypeVar

from .errors import ConfigurationError
from .wiretypes import OpenEnum

__all__ = ["checked_id", "checked_text", "is_encodable", "member"]

E_ = TypeVar("E_", bound=OpenEnum)

_LONGEST_ID: Final = 200


def checked_id(name: str, value: str) -> str:
    """An id that can stand in a path: not empty, no path, no blanks. The value is not echoed."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be a string, not {type(value).__name__}")
    if not value or value in {".", ".."}:
        raise ConfigurationError(f"{name} is empty or a path")
    if len(value) > _LONGEST_ID:
        raise ConfigurationError(f"{name} is longer than {_LONGEST_ID} characters")
    if any(character in "/\\" or character.isspace() or not character.isprintable() for character in value):
        raise ConfigurationError(f"{name} holds a slash, a blank or a control character")
    return value


def checked_text(name: str, value: str) -> str:
    """A text argument that is not blank and holds no control characters."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be a string, not {type(value).__name__}")
    if not value.strip() or not value.isprintable() or not is_encodable(value):
        raise ConfigurationError(f"{name} is blank or holds control characters")
    return value


def is_encodable(text: str) -> bool:
    """Whether a text can be UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def member(enum: type[E_], name: str, value: E_ | str | None) -> E_ | None:
    """A member of an open enum, or None. A text that is none of its known members is taken for a mistake."""
    if value is None or isinstance(value, enum):
        return value
    known = [str(one) for one in enum]
    if value not in known:
        by_capitals = {one.upper(): one for one in known}
        close = difflib.get_close_matches(str(value).upper(), by_capitals, n=1)
        hint = f"did you mean {by_capitals[close[0]]}?" if close else f"known: {', '.join(known)}"
        # A member made on purpose is the way to send a value newer than this package.
        raise ConfigurationError(f"unknown {name}; {hint} (to send a newer value, pass {enum.__name__}(value))")
    return enum(value)
