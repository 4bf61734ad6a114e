"""Fields and their values: the lists that records are coded with, such as the chart of accounts."""

from .models import (
    ChartConflict,
    ChartPlan,
    ChartUpdate,
    ConflictKind,
    Field,
    FieldValue,
    FieldValueChange,
    FieldValueEdit,
    FieldValueKey,
    NewFieldValue,
    SettledValues,
)
from .plan import Missing, plan_chart

__all__ = [
    "ChartConflict",
    "ChartPlan",
    "ChartUpdate",
    "ConflictKind",
    "Field",
    "FieldValue",
    "FieldValueChange",
    "FieldValueEdit",
    "FieldValueKey",
    "Missing",
    "NewFieldValue",
    "SettledValues",
    "plan_chart",
]
