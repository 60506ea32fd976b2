"""What a route gets and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alphalens.testing.loopback import vendor
from alphalens.testing.loopback.plain_http import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(vendor.Call):
    """One request on its way to a route; `outcome` is the kind of the fault that holds, if any."""

    outcome: str = ""

    def says_yes(self, name: str) -> bool:
        """Return whether a query parameter is true, in the spelling of any language."""
        return self.query.get(name, "").lower() in ("true", "1")


Route = Callable[[Call], Answer]
