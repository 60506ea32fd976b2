"""What a desk that is left alone tells: each trouble once, its end once, and its last words."""

from __future__ import annotations

from types import TracebackType

from alphalens.errors import AlphaLensError, StorageError
from alphalens.execution import TradingSession
from alphalens.trading.events import AlertEvent, Severity

__all__ = ["LastWords", "Trouble"]

_MOST_DOUBLINGS = 30


class Trouble:
    """Something that fails, may last, and is told once when it begins and once when it is over.

    Parameters
    ----------
    session : TradingSession
        Its journal takes the alerts.
    wait : tuple of two float
        Seconds from the first failure to the next try, doubled by each further one in a row,
        and the most.
    code, what : str
        Code of the alert, and what goes wrong, in words.

    Attributes
    ----------
    failures : int
        In a row; 0 while all is well.
    try_from : float
        Monotonic second of the session's clock before which it is not tried again.
    """

    def __init__(
        self, session: TradingSession, wait: tuple[float, float], code: str, what: str
    ) -> None:
        self._session, self._wait, self._code, self._what = session, wait, code, what
        self._is_told, self.failures, self.try_from = False, 0, float("-inf")

    def failed(self, why: str, severity: Severity | None) -> None:
        """Count a failure and tell the first; None leaves that to who has told already."""
        self.failures += 1
        pause_s = self._wait[0] * 2.0 ** min(self.failures - 1, _MOST_DOUBLINGS)
        self.try_from = self._session.clock.monotonic() + min(self._wait[1], pause_s)
        if severity is not None and not self._is_told:
            self._is_told = True
            _tell(self._session, self._code, f"{self._what}: {why}", severity)

    def passed(self) -> None:
        """Note that it went well."""
        if self._is_told:
            over = f"over after {self.failures} failures: {self._what}"
            _tell(self._session, f"{self._code}_over", over, Severity.INFO)
        self._is_told, self.failures, self.try_from = False, 0, float("-inf")


class LastWords:
    """Tell of the error that ends a ``with`` block, as far as the journal still takes words.

    Parameters
    ----------
    session : TradingSession
        Takes no new orders from the error on.
    """

    def __init__(self, session: TradingSession) -> None:
        self._session = session

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, StorageError):
            return
        self._session.request_stop()
        said = f"{error}" if isinstance(error, AlphaLensError) else "see the traceback"
        # The text of a foreign error may hold anything, a secret too.
        message = f"the desk has ended by {type(error).__name__}: {said}; mend that and start it"
        _tell(self._session, "desk_ended", message, Severity.CRITICAL)


def _tell(session: TradingSession, code: str, message: str, severity: Severity) -> None:
    at = session.clock.now()
    session.alert(AlertEvent(code=code, severity=severity, message=message, at=at))
