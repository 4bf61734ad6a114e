"""Answers held against the OpenAPI document that the sandbox serves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from openapi_schema_validator import OAS30Validator, oas30_format_checker

NEWER = ("CARD_EXPENSE_ADJUSTMENT_V2", "TRAVEL_ADMIN", "ON_LEAVE")
"""Enum values that the awkward records hold on purpose: Brex adds some without notice."""


class Contract:
    """The document, with its validators made once."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._validators: dict[str, OAS30Validator] = {}

    def check(self, method: str, template: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Fail unless this answer of this operation is one that the document allows."""
        where = f"{method} {template} {status}"
        responses = self._document["paths"][template][method.lower()]["responses"]
        assert str(status) in responses, f"{where} is not in the document"
        answer = self._resolved(responses[str(status)])
        missing = [name for name in answer["headers"] if name not in headers]
        assert missing == [], where
        if "content" not in answer:
            assert body == b"", where
            return
        assert headers["Content-Type"].startswith("application/json"), where
        errors = self._validator(where, answer).iter_errors(json.loads(body))
        problems = [f"{one.json_path}: {one.message}" for one in errors if one.instance not in NEWER]
        assert problems == [], f"{where}: {problems[:3]}"

    def _validator(self, where: str, answer: Mapping[str, Any]) -> OAS30Validator:
        if where not in self._validators:
            schema = answer["content"]["application/json"]["schema"]
            whole = {"allOf": [schema], "components": self._document["components"]}
            self._validators[where] = OAS30Validator(whole, format_checker=oas30_format_checker)
        return self._validators[where]

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in node:
            return node
        found: Any = self._document
        for name in str(node["$ref"]).removeprefix("#/").split("/"):
            found = found[name]
        assert isinstance(found, Mapping)
        return found
