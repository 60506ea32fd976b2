"""The kinds of things that can be traded."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["AssetClass", "OptionKind", "OptionStyle"]


class AssetClass(StrEnum):
    """What a symbol stands for; the same letters may name a share and a pair of coins."""

    EQUITY = "equity"
    OPTION = "option"
    CRYPTO = "crypto"
    PERPETUAL = "perpetual"
    FUTURE = "future"


class OptionKind(StrEnum):
    """The right an option gives."""

    CALL = "call"
    PUT = "put"

    @property
    def sign(self) -> int:
        """Return +1 for a call and -1 for a put."""
        return 1 if self is OptionKind.CALL else -1


class OptionStyle(StrEnum):
    """When an option may be exercised."""

    AMERICAN = "american"  # on any day until it expires
    EUROPEAN = "european"  # when it expires
