"""What an export would do, before it does anything: a dry run, a check of what is coming, a chart to begin with.

    found = await dry_run(brex, chart)
    for entry in found.entries:
        ...

Nothing here writes a state, posts or reports. Needs the extra ``[books]``.
"""

from .checking import Check, check
from .dry_run import dry_run
from .outcomes import Preview, Refusal, Total
from .starter import starter_chart
from .usage import Usage, read_usage

__all__ = [
    "Check",
    "Preview",
    "Refusal",
    "Total",
    "Usage",
    "check",
    "dry_run",
    "read_usage",
    "starter_chart",
]
