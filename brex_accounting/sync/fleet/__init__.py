"""Many companies on many machines: a roster and a queue in PostgreSQL, and workers that come and go.

It needs the extra ``fleet``. All that counts is in the stores of the exports, so a poll may be killed anywhere,
run twice, or run late: the next one goes on.
"""

from .fleet import Fleet
from .keyring import Keyring
from .polling import MakeExport
from .status import CompanyStatus, FleetStatus

__all__ = ["CompanyStatus", "Fleet", "FleetStatus", "Keyring", "MakeExport"]
