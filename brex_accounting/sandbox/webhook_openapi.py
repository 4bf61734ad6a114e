"""The sandbox's OpenAPI document of its webhooks: Brex's operations as served here, and what is added to them.

Groups are not in the document of Brex's that is known here; their shapes are guesses from its reference
pages. No sentence in it is Brex's.

Source: Brex, Webhooks API reference; Brex guides, "Webhooks".
"""

from __future__ import annotations

from collections.abc import Sequence

from ..enums import SubscriptionStatus, WebhookSecretStatus
from ..models import JsonValue
from .schemas import Schema, choice, component, text

__all__ = ["webhooks_document"]


def webhooks_document(base_url: str, version: str) -> dict[str, JsonValue]:
    """The document as plain JSON values, served at ``base_url`` by ``version`` of this package."""
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "brex_accounting sandbox: webhooks",
            "version": version,
            "description": "A local stand-in for Brex's Webhooks API, stricter than Brex. Not made by Brex.",
        },
        "servers": [{"url": base_url, "description": "This sandbox."}],
        "tags": [
            {"name": "Subscriptions", "description": "Where events are sent to, and what signs them."},
            {"name": "Groups", "description": "A partner's groups of companies, each with subscriptions of its own."},
        ],
        "paths": {**_subscription_paths(), **_group_paths()},
        "components": {
            "schemas": _schemas(),
            "responses": _shared_responses(),
            "headers": _headers(),
            "securitySchemes": {"BearerAuth": {"type": "http", "scheme": "bearer"}},
        },
    }


def _subscription_paths() -> Schema:
    subscription = _answer("The subscription.", "WebhookSubscription")
    bad = component("BadRequest", "responses")
    return {
        "/v1/webhooks": {
            "get": _operation("listSubscription", "List the subscriptions", _paging(), _page("WebhookSubscriptions")),
            "post": _operation(
                "createSubscription",
                "Subscribe an address",
                [_key()],
                {"200": subscription, "404": _refusal("There is no such group.")},
                body="CreateWebhookSubscriptionRequest",
            ),
        },
        "/v1/webhooks/secrets": {
            "get": _operation(
                "listSecrets",
                "List what signs the deliveries",
                [],
                {"200": _response("One, or two while one is replaced.", _many(component("WebhookSecret")))},
            ),
        },
        "/v1/webhooks/{id}": {
            "get": _operation("getSubscriptionById", "Read a subscription", [_id()], {"200": subscription, **_gone()}),
            "put": _operation(
                "updateSubscription",
                "Write a subscription anew",
                [_id()],
                {"200": subscription, **_gone(), "400": bad},
                body="UpdateWebhookSubscriptionRequest",
            ),
            "delete": _operation(
                "deleteSubscription", "Unsubscribe", [_id()], {"200": _response("It is gone."), **_gone()}
            ),
        },
    }


def _group_paths() -> Schema:
    group = _answer("The group.", "WebhookGroup")
    done = _response("Done.", {"type": "object"})
    members = [_id()], {"200": done, **_gone()}
    root = "/v1/webhooks/groups"
    return {
        root: {
            "get": _operation("listGroups", "List the groups", _paging(), _page("WebhookGroups")),
            "post": _operation(
                "createGroup", "Make a group", [_key()], {"200": group}, body="CreateWebhookGroupRequest"
            ),
        },
        root + "/{id}": {
            "get": _operation("getGroup", "Read a group", [_id()], {"200": group, **_gone()}),
            "delete": _operation("deleteGroup", "Unmake a group", [_id()], {"200": _response("Gone."), **_gone()}),
        },
        root + "/{id}/members": {
            "get": _operation(
                "listMembers",
                "List who is in a group",
                [_id(), *_paging()],
                {**_page("WebhookGroupMembers"), **_gone()},
            )
        },
        root + "/{id}/add_members": {
            "post": _operation("addMembers", "Take companies in", *members, body="WebhookGroupMembersRequest")
        },
        root + "/{id}/remove_members": {
            "post": _operation("removeMembers", "Let companies out", *members, body="WebhookGroupMembersRequest")
        },
    }


def _operation(
    operation_id: str,
    summary: str,
    parameters: Sequence[JsonValue],
    responses: Schema,
    *,
    body: str | None = None,
) -> Schema:
    shared = {status: component(name, "responses") for status, name in _SHARED.items()}
    operation: Schema = {
        "operationId": operation_id,
        "summary": summary,
        "tags": ["Groups" if "Group" in operation_id or "Members" in operation_id else "Subscriptions"],
        "security": [{"BearerAuth": []}],
        "parameters": list(parameters),
        "responses": dict(sorted({**shared, **responses}.items())),
    }
    if body is None:
        return operation
    return {**operation, "requestBody": {"required": True, "content": _json(component(body))}}


_SHARED = {
    "400": "BadRequest",
    "401": "NoCredential",
    "403": "Forbidden",
    "429": "TooMany",
    "500": "Internal",
    "503": "Unavailable",
}


def _shared_responses() -> Schema:
    return {
        "BadRequest": _refusal("A value, a body, a header or a query key that cannot be used."),
        "NoCredential": _response("No credential was sent. The body is empty."),
        "Forbidden": _refusal("The token is unknown, expired or revoked."),
        "TooMany": _response("Too many requests, or a fault on order. The body is empty."),
        "Internal": _response("Only as a fault on order.", {"type": "object"}),
        "Unavailable": _response("Only as a fault on order."),
    }


def _schemas() -> Schema:
    return {**_requests(), **_answers(), **_groups()}


def _requests() -> Schema:
    status: Schema = {**text("Whether events are sent there."), "enum": ["ACTIVE", "INACTIVE"]}
    return {
        "CreateWebhookSubscriptionRequest": _shape(
            {"url": _url(), "event_types": _types(), "group_id": text("The group whose events are sent.")},
            "url event_types",
        ),
        "UpdateWebhookSubscriptionRequest": _shape(
            {"url": _url(), "event_types": _types(), "status": status}, "url event_types status"
        ),
    }


def _answers() -> Schema:
    return {
        "WebhookSubscription": _shape(
            {
                "id": text("The subscription (wsub_...)."),
                "group_id": {**text("Its group, or null."), "nullable": True},
                "url": _url(),
                "event_types": _types(),
                "status": choice(SubscriptionStatus, "ERROR is Brex's to set."),
            },
            "id url event_types status",
        ),
        "WebhookSubscriptions": _list_of("WebhookSubscription"),
        "WebhookSecret": _shape(
            {
                "secret": text("The key, in base64."),
                "status": choice(WebhookSecretStatus, "Whether it is about to go."),
            },
            "secret status",
        ),
        "ErrorResponse": _shape(
            {"type": text("Which rule was broken."), "message": text("The same for a person.")}, "type message"
        ),
    }


def _groups() -> Schema:
    member: Schema = {
        "member_type": {**text("What is a member."), "enum": ["ACCOUNT"]},
        "member_id": {**text("The company (cuacc_...)."), "minLength": 1},
    }
    return {
        "CreateWebhookGroupRequest": _shape({"name": {**text("What to call it."), "minLength": 1}}, "name"),
        "WebhookGroup": _shape({"id": text("The group."), "name": {**text("Its name."), "nullable": True}}, "id"),
        "WebhookGroups": _list_of("WebhookGroup"),
        "WebhookGroupMember": _shape(member, "member_type member_id"),
        "WebhookGroupMembers": _list_of("WebhookGroupMember"),
        "WebhookGroupMembersRequest": _shape(
            {"members": {**_many(component("WebhookGroupMember")), "minItems": 1}}, "members"
        ),
    }


def _url() -> Schema:
    return text("Where events are sent to. Brex wants https; a sandbox sends to loopback alone.")


def _types() -> Schema:
    # No enum: Brex sends more types than it lists.
    return {**_many(text("A type of event.")), "description": "At least one.", "minItems": 1}


def _list_of(name: str) -> Schema:
    cursor: Schema = {**text("Asks for the next page; null at the end."), "nullable": True}
    return _shape({"items": _many(component(name)), "next_cursor": cursor}, "items")


def _shape(properties: Schema, required: str) -> Schema:
    return {"type": "object", "properties": properties, "required": required.split()}


def _many(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _page(name: str) -> Schema:
    return {"200": _answer("One page.", name)}


def _gone() -> Schema:
    return {"404": _refusal("There is no such thing.")}


def _paging() -> list[JsonValue]:
    limit: Schema = {"type": "integer", "format": "int32", "nullable": True, "minimum": 1, "maximum": 1000}
    cursor: Schema = {"type": "string", "nullable": True}
    return [
        {"name": "cursor", "in": "query", "required": False, "schema": cursor},
        {"name": "limit", "in": "query", "required": False, "schema": limit},
    ]


def _id() -> Schema:
    return {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


def _key() -> Schema:
    return {"name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string"}}


def _answer(description: str, name: str) -> Schema:
    return _response(description, component(name))


def _refusal(description: str) -> Schema:
    return _response(description, component("ErrorResponse"))


def _response(description: str, schema: Schema | None = None) -> Schema:
    response: Schema = {
        "description": description,
        "headers": {name: component(name, "headers") for name in _headers()},
    }
    return response if schema is None else {**response, "content": _json(schema)}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _headers() -> Schema:
    return {
        "X-Brex-Trace-Id": {"description": "Names this request to Brex's support.", "schema": {"type": "string"}},
        "Date": {"description": "The sandbox's clock when it answered.", "schema": {"type": "string"}},
    }
