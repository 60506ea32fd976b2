"""Which order types and times in force a venue takes, by asset class.

The words are the values of `alphalens.trading.orders.OrderType` and `TimeInForce`, as plain
text: assets lie below orders and know nothing of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from alphalens.assets.kinds import AssetClass
from alphalens.errors import InputError

__all__ = ["ORDER_TYPES", "TIMES_IN_FORCE", "VENUES", "Capability", "capability"]

ORDER_TYPES = ("market", "limit", "stop", "stop_limit", "trailing_stop")
TIMES_IN_FORCE = ("day", "gtc", "ioc", "fok", "opg", "cls")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """What one venue takes for one class of assets.

    Attributes
    ----------
    venue : str
        Its name.
    asset_class : AssetClass
        What is traded there.
    orders : Mapping of str to frozenset of str
        Times in force, by order type. A type that is absent is refused.
    fractional_orders : Mapping of str to frozenset of str, or None
        The same for quantities that are no whole number; None where they are treated alike.
    shorts_fractions : bool
        Whether a part of a unit may be sold short.

    Raises
    ------
    InputError
        If the venue has no name, or an order type or a time in force is unknown.
    """

    venue: str
    asset_class: AssetClass
    orders: Mapping[str, frozenset[str]]
    fractional_orders: Mapping[str, frozenset[str]] | None = None
    shorts_fractions: bool = True

    def __post_init__(self) -> None:
        """Refuse words that no order could carry."""
        if not self.venue:
            raise InputError("a capability needs the name of its venue, got an empty one")
        for table in (self.orders, self.fractional_orders or {}):
            _known("order type", table, ORDER_TYPES)
            _known("time in force", frozenset().union(*table.values()), TIMES_IN_FORCE)

    @property
    def order_types(self) -> tuple[str, ...]:
        """Return the order types it takes."""
        return tuple(word for word in ORDER_TYPES if self.orders.get(word))

    @property
    def times_in_force(self) -> tuple[str, ...]:
        """Return the times in force it takes with any order type."""
        taken = frozenset[str]().union(*self.orders.values())
        return tuple(word for word in TIMES_IN_FORCE if word in taken)

    def allowed(self, order_type: str, *, is_fractional: bool = False) -> tuple[str, ...]:
        """Return the times in force it takes with one order type; empty if it is refused.

        Examples
        --------
        >>> shares = capability("alpaca", AssetClass.EQUITY)
        >>> shares.allowed("trailing_stop"), shares.allowed("limit", is_fractional=True)
        (('day', 'gtc'), ('day',))
        """
        table = self.orders
        if is_fractional and self.fractional_orders is not None:
            table = self.fractional_orders
        taken = table.get(order_type, frozenset())
        return tuple(word for word in TIMES_IN_FORCE if word in taken)


def capability(venue: str, asset_class: AssetClass) -> Capability:
    """Return what a venue of `VENUES` takes for one class of assets.

    Raises
    ------
    InputError
        If the venue is unknown, or does not trade the class.
    """
    if venue not in VENUES:
        raise InputError(f"venue must be one of {', '.join(VENUES)}, got {venue!r}")
    found = VENUES[venue].get(asset_class)
    if found is None:
        traded = ", ".join(VENUES[venue])
        raise InputError(f"{venue} does not trade {asset_class}; it trades {traded}")
    return found


def _known(name: str, words: Iterable[str], known: tuple[str, ...]) -> None:
    for word in words:
        if word not in known:
            raise InputError(f"{name} must be one of {', '.join(known)}, got {word!r}")


def _orders(**types: str) -> Mapping[str, frozenset[str]]:
    return MappingProxyType({name: frozenset(words.split()) for name, words in types.items()})


def _venue(*rows: Capability) -> Mapping[AssetClass, Capability]:
    return MappingProxyType({row.asset_class: row for row in rows})


# Of the auctions only market and limit orders are part; a trailing stop has to live to trail.
_SHARES = _orders(
    market="day gtc ioc fok opg cls",
    limit="day gtc ioc fok opg cls",
    stop="day gtc ioc fok",
    stop_limit="day gtc ioc fok",
    trailing_stop="day gtc",
)
_ROUND_THE_CLOCK = _orders(
    market="gtc ioc fok",
    limit="gtc ioc fok",
    stop="gtc",
    stop_limit="gtc",
    trailing_stop="gtc",
)
_CONTRACTS = _orders(
    market="day gtc ioc fok",
    limit="day gtc ioc fok",
    stop="day gtc",
    stop_limit="day gtc",
    trailing_stop="day gtc",
)

_A, _P = "alpaca", "paper"
VENUES: Mapping[str, Mapping[AssetClass, Capability]] = MappingProxyType(
    {
        _A: _venue(
            Capability(
                venue=_A,
                asset_class=AssetClass.EQUITY,
                orders=_SHARES,
                fractional_orders=_orders(market="day", limit="day", stop="day", stop_limit="day"),
                shorts_fractions=False,
            ),
            Capability(
                venue=_A,
                asset_class=AssetClass.OPTION,
                orders=_orders(market="day", limit="day", stop="day", stop_limit="day"),
            ),
            Capability(
                venue=_A,
                asset_class=AssetClass.CRYPTO,
                orders=_orders(market="gtc ioc", limit="gtc ioc", stop_limit="gtc ioc"),
            ),
        ),
        _P: _venue(
            Capability(venue=_P, asset_class=AssetClass.EQUITY, orders=_SHARES),
            Capability(venue=_P, asset_class=AssetClass.OPTION, orders=_CONTRACTS),
            Capability(venue=_P, asset_class=AssetClass.CRYPTO, orders=_ROUND_THE_CLOCK),
            Capability(venue=_P, asset_class=AssetClass.PERPETUAL, orders=_ROUND_THE_CLOCK),
            Capability(venue=_P, asset_class=AssetClass.FUTURE, orders=_CONTRACTS),
        ),
    }
)
