"""Every structural difference between the sandbox's document and Brex's of the Fields API, with its reason.

As in ``openapi_differences``, whose sections it uses, and two more.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import openapi_differences
from .openapi_differences import Difference

__all__ = ["DIFFERENCES", "SECTIONS"]

SECTIONS = {**openapi_differences.SECTIONS, "7": "Idempotency, versioning", "9": "Fields API"}

_FIELDS = "/paths/~1v1~1fields"
_ONE = f"{_FIELDS}~1{{id}}"
_VALUES = f"{_FIELDS}~1{{field_id}}~1values"
_SHAPES = "/components/schemas"

# Per operation the answers that both documents have.
_SHARED_ANSWERS = {
    f"{_FIELDS}/get": "200 400 401 403 500",
    f"{_FIELDS}/post": "200 400 401 403 404 500",
    f"{_ONE}/get": "200 400 401 403 404 500",
    f"{_ONE}/put": "200 400 401 403 404 500",
    f"{_ONE}/delete": "200 400 401 403 404 500",
    f"{_VALUES}/get": "200 400 401 403 500",
    f"{_VALUES}/post": "200 400 401 403 404 500",
    f"{_VALUES}/put": "200 400 401 403 404 500",
    f"{_VALUES}/delete": "200 400 401 403 404 500",
    f"{_VALUES}~1{{brex_id}}/get": "200 400 401 403 404 500",
}

_FILTERS = {
    f"{_FIELDS}/get": ("field_id[]", "cursor", "limit"),
    f"{_VALUES}/get": ("brex_id[]", "value_id[]", "remote_id[]", "cursor", "limit", "value"),
}


def _everywhere() -> Iterator[Difference]:
    for operation, answers in _SHARED_ANSWERS.items():
        at = f"{operation}/responses"
        yield Difference(f"{operation}/security/0/OAuth2", "removed", "5", "any token goes as Authorization: Bearer")
        yield Difference(f"{operation}/security/0/BearerAuth", "added", "5", "any token goes as Authorization: Bearer")
        yield Difference(
            f"{operation}/x-any-of-scopes", "added", "9", "the scopes Brex lists; that one will do is a guess"
        )
        yield Difference(f"{at}/429", "added", "2", "undocumented, but the rate limit guide promises it")
        yield Difference(f"{at}/503", "added", "2", "undocumented; sent here only as a fault on order")
        for status in answers.split():
            yield Difference(f"{at}/{status}/headers", "added", "4.2", "a trace id came with every answer seen")
            if status in ("400", "403", "404", "500"):
                because = "no body is shown; the general guide's shape, or the accounting one: a guess"
                yield Difference(f"{at}/{status}/content", "added", "4.2", because)


def _queries() -> Iterator[Difference]:
    for operation, names in _FILTERS.items():
        for name in names:
            at = f"{operation}/parameters/query:{name}"
            yield Difference(f"{at}/required", "added", "9", "false, which is what leaving it out means")
            yield Difference(f"{at}/schema/nullable", "removed", "9", "a query has no null")
        limit = f"{operation}/parameters/query:limit/schema"
        yield Difference(f"{limit}/default", "added", "9", "undocumented here; the paging guide's: a guess")
        yield Difference(f"{limit}/minimum", "added", "9", "an empty page is no page: a guess")
        yield Difference(f"{limit}/maximum", "added", "9", "in its description only")


_DOCUMENT = (
    Difference("/openapi", "changed", "0", "Brex's file is OpenAPI 3.0.1; 3.0.3 only words the same more clearly"),
    Difference("/security", "removed", "5", "each operation says it"),
    Difference("/x-explorer-enabled", "removed", "0", "for a viewer of Brex's"),
    Difference("/components/securitySchemes/OAuth2", "removed", "5", "any token goes as Authorization: Bearer"),
    Difference("/components/securitySchemes/BearerAuth", "added", "5", "any token goes as Authorization: Bearer"),
)

_BLANK = "required, so a blank one is refused: a guess"

_THE_REST = (
    Difference(f"{_VALUES}/get/responses/404", "added", "9", "of a field that does not exist: a guess"),
    *(
        Difference(f"{path}/post/parameters/header:Idempotency-Key/schema/minLength", "added", "7", "it is required")
        for path in (_FIELDS, _VALUES)
    ),
    Difference(f"{_SHAPES}/Field/properties/group/enum/TRAVEL", "added", "9", "in newer copies of the pages"),
    Difference(f"{_SHAPES}/FieldCreateBody/properties/group/enum/TRAVEL", "added", "9", "in newer copies of the pages"),
    Difference(f"{_SHAPES}/FieldCreateBody/properties/name/pattern", "added", "9", _BLANK),
    Difference(f"{_SHAPES}/FieldUpdateBody/properties/name/pattern", "added", "9", _BLANK),
    Difference(f"{_SHAPES}/CreateFieldValueBody/properties/value/pattern", "added", "9", _BLANK),
    Difference(f"{_SHAPES}/UpdateFieldValueDataBody/properties/value/pattern", "added", "9", _BLANK),
    Difference(
        f"{_SHAPES}/CreateFieldValueListBody/properties/items/maxItems", "added", "9", "in its description only"
    ),
)

DIFFERENCES = (*_DOCUMENT, *_everywhere(), *_queries(), *_THE_REST)
