"""Keeping up with the venue: its stream, what the stream has missed, and whether we agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from alphalens.brokers.base import Broker, Connection
from alphalens.errors import BrokerError
from alphalens.execution.books import Books
from alphalens.execution.entries import alert_entry
from alphalens.execution.intake import Intake
from alphalens.execution.market import Market
from alphalens.execution.reconcile import Difference, reconcile
from alphalens.risk import StateEvent
from alphalens.trading.clock import Clock
from alphalens.trading.events import Severity
from alphalens.trading.orders import Fill

__all__ = ["Watch"]

_TRIES = 3
_LATE = timedelta(seconds=2)  # an execution that old the stream should have told


class Watch:
    """Take in what the venue did, by its stream while that can be trusted, and by asking.

    After each loss of the stream everything is asked for and compared before a new order
    goes out. While it is down, and at every heartbeat, the venue is asked all the same.

    Parameters
    ----------
    books : Books
        The books.
    broker : Broker
        The venue.
    clock : Clock
        The present.
    intake : Intake
        Takes in what is told.
    market : Market
        Refreshed at every heartbeat.
    heartbeat : timedelta
        How often the venue is asked although its stream is up.
    change : callable
        Changes the trading state: an event, who, and why.
    """

    def __init__(
        self,
        *,
        books: Books,
        broker: Broker,
        clock: Clock,
        intake: Intake,
        market: Market,
        heartbeat: timedelta,
        change: Callable[[StateEvent, str, str], None],
    ) -> None:
        self._books, self._broker, self._clock = books, broker, clock
        self._intake, self._market, self._change = intake, market, change
        self._heartbeat_s = heartbeat.total_seconds()
        self._gaps, self._was_down = -1, False  # none was closed yet
        self._asked_at = float("-inf")
        self._is_uncompared = self._is_told = False
        self.asked = 0  # how often the venue was asked although its stream is there

    def begin(self) -> tuple[Fill, ...]:
        """Book what happened before the start."""
        connection = self._broker.connection()
        self._intake.drain()
        new = self._intake.catch_up()
        self._gaps, self._asked_at = connection.gaps, self._clock.monotonic()
        self._was_down = not connection.is_up
        return new

    def look(self) -> tuple[Fill, ...]:
        """Take in what is new, and ask where the stream cannot be relied on.

        Raises
        ------
        BrokerError
            If the venue has to be asked and does not say.
        """
        if not self._broker.capabilities.has_stream:
            return self._intake.catch_up()
        new = self._intake.drain()
        connection = self._broker.connection()
        if connection.gaps != self._gaps:
            new = (*new, *self._close_gap(connection))
        elif not connection.is_up or self._was_down:  # once more when it is up again
            new = (*new, *self._ask())
        elif self._is_uncompared or self._clock.monotonic() - self._asked_at >= self._heartbeat_s:
            new = (*new, *self._beat())
        self._was_down = not connection.is_up
        return new

    def before_send(self) -> tuple[Fill, ...]:
        """Take in what must be known before a new order goes out; raises as `look`."""
        if not self._broker.capabilities.has_stream:
            return ()
        return self.look()

    def reconcile(self) -> tuple[Difference, ...]:
        """Compare the books with the venue's; a difference that stays halts trading.

        Executions may come between two answers of the venue, so a difference is believed
        after they were asked for again and it is still there.
        """
        differences: tuple[Difference, ...] = ()
        for _ in range(_TRIES):
            differences = reconcile(self._broker, self._books.ledger)
            if not differences:
                return ()
            self._intake.catch_up()
        reason = "; ".join(difference.message for difference in differences)
        self._change(StateEvent.HALT, "reconciliation", reason)
        return differences

    def _close_gap(self, connection: Connection) -> tuple[Fill, ...]:
        """Fetch what was missed while the stream was lost, and compare."""
        try:
            new = self._ask()
            self.reconcile()
        except BrokerError as error:
            self._not_compared(error)
            raise
        self._is_told = False
        if self._gaps >= 0:
            message = (
                f"the venue's stream was lost ({connection.problem or 'no reason given'}); "
                f"{len(new)} executions were missed and are booked now"
            )
            self._alert("stream_lost", message)
        self._gaps = connection.gaps
        return new

    def _beat(self) -> tuple[Fill, ...]:
        """Ask although the stream is up; what it should have told and did not makes it mute."""
        now, self._is_uncompared = self._market.venue_now(), True
        try:
            new = self._ask()
            self._market.refresh()
            self.reconcile()
        except BrokerError as error:
            self._not_compared(error)
            raise
        self._is_uncompared = self._is_told = False
        late = [fill for fill in new if now - fill.at > _LATE]
        if late:
            message = (
                f"the venue's stream is connected and silent: {len(late)} executions were found "
                f"by asking, the first {late[0].fill_id}; it is connected anew"
            )
            self._alert("stream_mute", message)
            self._broker.reconnect(message)
        return new

    def _not_compared(self, error: BrokerError) -> None:
        """Tell once that nothing is sent until the venue has said how it stands."""
        if not self._is_told:
            self._is_told = True
            message = (
                f"the books could not be compared with the venue's: {error}; nothing new is sent "
                f"until they could"
            )
            self._alert("not_compared", message)

    def _ask(self) -> tuple[Fill, ...]:
        self._asked_at = self._clock.monotonic()
        self.asked += 1
        return self._intake.catch_up()

    def _alert(self, code: str, message: str) -> None:
        now = self._clock.now()
        self._books.write_all([alert_entry(code, message, now, {}, Severity.CRITICAL)])
