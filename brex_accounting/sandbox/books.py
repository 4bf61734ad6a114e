"""The chart of the company that a lifelike sandbox invents."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["lifelike_chart"]


def lifelike_chart() -> str:
    """The text of ``chart.toml`` beside this file: give it to ``parse_chart``, or copy it to begin with."""
    return files("brex_accounting.sandbox").joinpath("chart.toml").read_text(encoding="utf-8")
