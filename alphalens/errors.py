"""The errors of alpha-lens, as one tree.

The second level says who has to act::

    AlphaLensError
    ├── UserError                 the caller corrects the call or the settings
    │   ├── ConfigError           a setting is unknown, missing or contradicts another
    │   ├── InputError            data given by the caller cannot be used (also a ValueError)
    │   └── MissingExtra          an optional part is not installed (also an ImportError)
    ├── OperatorError             something outside answers wrongly or not at all
    │   ├── DataError             market data is missing, late or fails validation
    │   ├── BrokerError           the venue refused, or its answer cannot be read
    │   │   ├── OutcomeUnknown    an order may or may not have arrived: ask, never resend
    │   │   ├── OrderRejected     the venue said no to an order, for a reason it names
    │   │   │   └── IdTaken       the venue has another order under this client order id
    │   │   └── CredentialsRefused  the venue no longer knows our keys
    │   └── StorageError          the journal or the store cannot be written or read
    │       ├── PenHeld           another process writes the journal
    │       └── AuditError        the record was changed after it was written
    └── PolicyError               the desk's own rules said no
        ├── RiskRejected          the pre-trade gate refused an order
        └── TradingHalted         trading is halted or only reduces

``retryable`` is a fact of the class: whether the same call may succeed later, unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AlphaLensError",
    "AuditError",
    "BrokerError",
    "ConfigError",
    "CredentialsRefused",
    "DataError",
    "IdTaken",
    "InputError",
    "MissingExtra",
    "OperatorError",
    "OrderRejected",
    "OutcomeUnknown",
    "PenHeld",
    "PolicyError",
    "RiskRejected",
    "StorageError",
    "TradingHalted",
    "UserError",
]


class AlphaLensError(Exception):
    """Root of every error this package raises on purpose."""

    retryable = False


class UserError(AlphaLensError):
    """The caller has to correct something."""


class ConfigError(UserError):
    """A setting is unknown, missing, or contradicts another."""


class InputError(UserError, ValueError):
    """Data given by the caller cannot be used as it is."""


class MissingExtra(UserError, ImportError):
    """An optional part of the package is not installed.

    Parameters
    ----------
    extra : str
        Name of the extra in ``pyproject.toml``.
    module : str
        The import that failed.
    """

    def __init__(self, extra: str, module: str) -> None:
        self.extra, self.module = extra, module
        super().__init__(
            f"this part of alphalens needs {module!r}, which is not installed: "
            f'run  pip install "alpha-lens[{extra}]"'
        )


class OperatorError(AlphaLensError):
    """Something outside the program answers wrongly or not at all."""


class DataError(OperatorError):
    """Market data is missing, late or fails validation."""


class BrokerError(OperatorError):
    """The venue refused a request, or its answer cannot be read."""


class OutcomeUnknown(BrokerError):
    """An order may or may not have reached the venue; look it up, never send it again."""


class OrderRejected(BrokerError):
    """The venue said no to an order, definitely, for a reason it names.

    Parameters
    ----------
    message : str
        What it said, and what to do.
    code : str
        The venue's short name of the reason; empty if it gave none.
    details : Mapping of str to str
        What came with it, such as the id of the order that stands in the way.
    """

    def __init__(
        self, message: str, *, code: str = "", details: Mapping[str, str] | None = None
    ) -> None:
        self.code, self.details = code, dict(details or {})
        super().__init__(message)


class IdTaken(OrderRejected):
    """The venue has an order of other contents under this client order id."""


class CredentialsRefused(BrokerError):
    """The venue refused our keys; nothing more is sent until somebody has looked."""


class StorageError(OperatorError):
    """The journal or the store cannot be written or read."""


class PenHeld(StorageError):
    """Another process writes the journal: that one trades, this one may not."""


class AuditError(StorageError):
    """A stored record does not match its hash chain."""


class PolicyError(AlphaLensError):
    """A rule of the desk said no."""


class RiskRejected(PolicyError):
    """The pre-trade gate refused an order."""


class TradingHalted(PolicyError):
    """Trading is halted, or only exposure-reducing orders pass."""
