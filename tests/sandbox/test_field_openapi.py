"""The part of the sandbox's OpenAPI document about fields and the company: different from Brex's only where said."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
from openapi_schema_validator import OAS30Validator

from brex_accounting import enums
from brex_accounting.companies import Address, Company
from brex_accounting.fields import Field, FieldValue, NewFieldValue
from brex_accounting.sandbox.openapi import openapi_document

from .field_openapi_differences import DIFFERENCES, SECTIONS
from .openapi_structure import FIELDS_FACTS_FILE, Facts, differences, from_facts, part_of, read_brex_facts, skeleton

DOCUMENT = json.loads(json.dumps(openapi_document("http://127.0.0.1:8765", "0.1.0")))
SCHEMAS = DOCUMENT["components"]["schemas"]
FACTS: Facts = json.loads(FIELDS_FACTS_FILE.read_text(encoding="utf-8"))
BREX_FIELDS_OPENAPI = os.environ.get("BREX_FIELDS_OPENAPI")

# What the page of "Get company" says about structure: names, and which are required.
COMPANY = {"id", "legal_name", "mailing_address", "accountType"}
ADDRESS = {"line1", "line2", "city", "state", "country", "postal_code", "phone_number"}


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        if path.startswith("/v1/fields"):
            for method, operation in methods.items():
                yield f"/paths/{path.replace('/', '~1')}/{method}", operation


def _is_valid(name: str, value: object) -> bool:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return cast(bool, OAS30Validator(schema).is_valid(value))


def test_differences_from_brex_are_exactly_those_listed() -> None:
    """Nothing differs from Brex's document that is not listed, and nothing listed is gone."""
    ours = skeleton(DOCUMENT)
    assert isinstance(ours, dict)
    found = differences(part_of(ours, "/v1/fields"), from_facts(FACTS))
    listed = {(difference.location, difference.kind) for difference in DIFFERENCES}
    assert sorted(found - listed) == [], "not listed"
    assert sorted(listed - found) == [], "listed in vain"


def test_differences_are_listed_once_with_a_reason() -> None:
    """Each difference stands once, names a section that exists and says why."""
    assert len({difference.location for difference in DIFFERENCES}) == len(DIFFERENCES)
    assert all(difference.section in SECTIONS and difference.because for difference in DIFFERENCES)


if BREX_FIELDS_OPENAPI:  # Not collected otherwise: a test that cannot run is no test.

    def test_facts_are_those_of_the_original() -> None:
        """The facts file says what Brex's own document says."""
        assert read_brex_facts(Path(str(BREX_FIELDS_OPENAPI))) == FACTS


def test_facts_hold_no_prose() -> None:
    """The facts are names, numbers and addresses: nothing with a space in it."""
    leaves = [leaf for value in FACTS.values() for leaf in (value if isinstance(value, list) else [value])]
    assert [leaf for leaf in leaves if isinstance(leaf, str) and " " in leaf] == []


def test_scopes_are_the_documented_ones() -> None:
    """Each operation lists Brex's scopes for it, also where they surprise: values are deleted with fields.write."""
    for location, operation in _operations():
        assert operation["x-any-of-scopes"] == FACTS[f"{location}/security/0/OAuth2"]
    deletion = DOCUMENT["paths"]["/v1/fields/{field_id}/values"]["delete"]
    assert deletion["x-any-of-scopes"] == ["fields.write"]


@pytest.mark.parametrize(
    ("schema", "model"), [("Field", Field), ("FieldValue", FieldValue), ("CreateFieldValueBody", NewFieldValue)]
)
def test_properties_are_the_fields_of_the_model(schema: str, model: type[attrs.AttrsInstance]) -> None:
    """A schema has the model's fields by name."""
    assert set(SCHEMAS[schema]["properties"]) == set(attrs.fields_dict(model))


def test_the_company_is_as_its_page_says() -> None:
    """Names, all required, and the one in camelCase; the models have the same fields."""
    shape = SCHEMAS["CompanyResponse"]
    assert set(shape["properties"]) == set(shape["required"]) == COMPANY
    assert set(shape["properties"]["mailing_address"]["properties"]) == ADDRESS == set(attrs.fields_dict(Address))
    assert set(attrs.fields_dict(Company)) == COMPANY - {"accountType"} | {"account_type"}
    assert shape["properties"]["accountType"]["enum"] == list(enums.AccountType.__members__)


def test_groups_are_the_documented_ones_and_the_newer_one() -> None:
    """Our enum has the values of Brex's document, and TRAVEL of its newer pages."""
    documented = FACTS["/components/schemas/FieldGroup/enum"]
    assert isinstance(documented, list)
    assert sorted([*documented, "TRAVEL"]) == sorted(enums.FieldGroup.__members__)


@pytest.mark.parametrize(
    ("key", "valid"),
    [
        ({"brex_id": "efo_1"}, True),
        ({"value_id": "6100"}, True),
        ({"remote_id": "r/6100"}, True),
        ({"brex_id": "efo_1", "remote_id": "r"}, False),
        ({}, False),
    ],
)
def test_a_value_is_selected_by_exactly_one_id(key: dict[str, str], valid: bool) -> None:
    """To update or to delete, one of the three ids is given."""
    assert _is_valid("DeleteFieldValueListBody", {"items": [key]}) is valid
    assert _is_valid("UpdateFieldValueListBody", {"items": [{**key, "data": {"is_disabled": True}}]}) is valid
    assert not _is_valid("DeleteFieldValueListBody", {"items": []})
    assert not _is_valid("DeleteFieldValueListBody", {"items": [{"brex_id": "efo_1"}] * 1001})
