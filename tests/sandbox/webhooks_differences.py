"""Every structural difference between the sandbox's document of its webhooks and Brex's 0.1, with its reason.

The facts are of the operations below ``/v1/webhooks`` and of what they refer to. Sections are those of the
project's notes on Brex's wire.
"""

from __future__ import annotations

from collections.abc import Iterator

from .openapi_differences import Difference

SECTIONS = {"0": "Sources", "4.2": "Gateway and other bodies", "5": "Auth", "8.1": "Subscriptions", "8.2": "The event"}

_ROOT = "/paths/~1v1~1webhooks"
_ONE = f"{_ROOT}~1{{id}}"
_OPERATIONS = (f"{_ROOT}/get", f"{_ROOT}/post", f"{_ROOT}~1secrets/get", f"{_ONE}/get", f"{_ONE}/put", f"{_ONE}/delete")
_SHAPES = "/components/schemas"


def _everywhere() -> Iterator[Difference]:
    for operation in _OPERATIONS:
        at = f"{operation}/responses"
        yield Difference(f"{operation}/security/0/OAuth2", "removed", "5", "any token goes as Authorization: Bearer")
        yield Difference(f"{operation}/security/0/BearerAuth", "added", "5", "any token goes as Authorization: Bearer")
        yield Difference(f"{at}/429", "added", "4.2", "undocumented, but the rate limit guide promises it")
        yield Difference(f"{at}/503", "added", "4.2", "undocumented; sent here only as a fault on order")
        for status in ("200", "400", "401", "403", "500"):
            yield Difference(f"{at}/{status}/headers", "added", "4.2", "a trace id came with every answer seen")
        for status in ("400", "403", "500"):
            yield Difference(f"{at}/{status}/content", "added", "4.2", "the error guide's body: type and message")


def _groups() -> Iterator[Difference]:
    for path in ("", "~1{id}", "~1{id}~1members", "~1{id}~1add_members", "~1{id}~1remove_members"):
        yield Difference(f"{_ROOT}~1groups{path}", "added", "8.1", "in the newer pages, for partners")


def _types() -> Iterator[Difference]:
    for shape in ("CreateWebhookSubscriptionRequest", "UpdateWebhookSubscriptionRequest", "WebhookSubscription"):
        at = f"{_SHAPES}/{shape}/properties/event_types"
        yield Difference(f"{at}/items/enum", "removed", "8.2", "the newer pages have 20 types")
        yield Difference(f"{at}/minItems", "added", "8.1", "non-empty, says the newer page")


_DOCUMENT = (
    Difference("/openapi", "changed", "0", "nothing here needs 3.1, and the other document is 3.0"),
    Difference("/components/securitySchemes/OAuth2", "removed", "5", "any token goes as Authorization: Bearer"),
    Difference("/components/securitySchemes/BearerAuth", "added", "5", "any token goes as Authorization: Bearer"),
    *(Difference(f"{_ONE}/{one}/responses/404", "added", "8.1", "to be expected") for one in ("get", "put", "delete")),
    Difference(f"{_ROOT}/post/responses/404", "added", "8.1", "to be expected of a group that there is not"),
    Difference(f"{_ROOT}/get/parameters/query:limit/schema/minimum", "added", "8.1", "no empty pages: a guess"),
    Difference(f"{_ROOT}/get/parameters/query:limit/schema/maximum", "added", "8.1", "the paging guide's"),
)
_SCHEMAS = (
    Difference(
        f"{_SHAPES}/CreateWebhookSubscriptionRequest/properties/event_types/required",
        "removed",
        "8.1",
        "a list of strings has no required properties",
    ),
    Difference(f"{_SHAPES}/CreateWebhookSubscriptionRequest/properties/group_id", "added", "8.1", "in the newer pages"),
    Difference(f"{_SHAPES}/WebhookSubscription/properties/group_id", "added", "8.1", "in the newer pages"),
)

DIFFERENCES = (*_DOCUMENT, *_everywhere(), *_groups(), *_types(), *_SCHEMAS)
