"""A whole paper desk over a random walk: agents, session, venue and journal, ready to step."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from alphalens.agents import (
    ExecutionAgent,
    MonitoringAgent,
    MonitoringPolicy,
    RiskAgent,
    RiskPolicy,
    StrategyAgent,
)
from alphalens.assets import Equity
from alphalens.brokers import Broker, CostModel, PaperBroker, fill_model
from alphalens.data import DataView, PriceHistory, closing_instants
from alphalens.execution import Journal, TradingSession
from alphalens.factors import named_factor
from alphalens.orchestrator import Desk
from alphalens.portfolio import RankWeights
from alphalens.risk import RiskLimits
from alphalens.storage import open_engine
from alphalens.strategies import FactorStrategy
from alphalens.trading import Bar, VirtualClock

__all__ = ["PaperDesk", "paper_broker", "random_walk"]

_CENT = Decimal("0.01")
_CASH = Decimal(1_000_000)


def random_walk(
    *, days: int = 120, assets: int = 6, seed: int = 0, volatility: float = 0.01
) -> PriceHistory:
    """Return daily closes of a seeded geometric random walk, beginning at 100 on 2022-01-03.

    Parameters
    ----------
    days, assets : int
        Shape of the closes.
    seed : int
        The same seed gives the same prices.
    volatility : float
        Standard deviation of a daily log return.

    Returns
    -------
    PriceHistory
        Business days, no gaps, prices in whole cents; symbols ``S00``, ``S01``, ...

    Examples
    --------
    >>> random_walk(days=3, assets=2).closes.shape
    (3, 2)
    """
    steps = np.random.default_rng(seed).normal(0.0, volatility, (days, assets))
    prices = np.round(100.0 * np.exp(steps.cumsum(axis=0)), 2)
    index = closing_instants(pd.bdate_range("2022-01-03", periods=days))
    symbols = [f"S{number:02}" for number in range(assets)]
    closes = pd.DataFrame(prices, index=index, columns=symbols)
    return PriceHistory(
        closes=closes, source="random walk", adjustment="all", caveats=("invented prices",)
    )


class PaperDesk:
    """One paper account and its four agents over recorded prices.

    Parameters
    ----------
    folder : Path
        Where the journal is kept; a second desk over the same folder and venue goes on where
        the first one stopped, as a restarted process would.
    history : PriceHistory
        Prices; a decision sees those up to its instant.
    limits : RiskLimits, optional
        Limits of the gate.
    rule : RankWeights, optional
        How scores become weights.
    factor : str
        What is ranked by.
    risk : RiskPolicy, optional
        What the risk officer goes by.
    monitoring : MonitoringPolicy, optional
        What the watcher goes by.
    venue : PaperBroker, optional
        By default a new one that fills at the next close.
    broker : Broker, optional
        The line to the venue, such as a `FlakyBroker` around it; by default the venue itself.
    clock : VirtualClock, optional
        The present; by default the first instant of the history.
    """

    run_id = "run"

    def __init__(
        self,
        folder: Path,
        history: PriceHistory,
        *,
        limits: RiskLimits | None = None,
        rule: RankWeights | None = None,
        factor: str = "reversal_1",
        risk: RiskPolicy | None = None,
        monitoring: MonitoringPolicy | None = None,
        venue: PaperBroker | None = None,
        broker: Broker | None = None,
        clock: VirtualClock | None = None,
    ) -> None:
        self.history = history
        self.clock = clock or VirtualClock(history.closes.index[0].to_pydatetime())
        self.venue = venue or paper_broker(self.clock)
        self._engine = open_engine(folder / "journal.sqlite")
        self.session = TradingSession(
            journal=Journal(self._engine, clock=self.clock, run_id=self.run_id),
            broker=broker or self.venue,
            limits=limits or RiskLimits(),
            clock=self.clock,
            assets={str(symbol): Equity(symbol=str(symbol)) for symbol in history.closes},
            grace=timedelta(0),
        )
        self.session.start()
        self.desk = Desk(
            open_view=partial(DataView, history),
            session=self.session,
            strategy=StrategyAgent(
                FactorStrategy(named_factor(factor)), rule or RankWeights(max_weight=0.3)
            ),
            risk=RiskAgent(risk),
            execution=ExecutionAgent(),
            monitoring=MonitoringAgent(monitoring),
        )

    def step_to(self, row: int) -> datetime:
        """Show the venue the closes of a row, book what it executed, mark, return the instant."""
        at: datetime = self.history.closes.index[row].to_pydatetime()
        self.clock.advance_to(at)
        closes = self.history.closes.iloc[row].dropna()
        prices = {str(s): Decimal(str(price)).quantize(_CENT) for s, price in closes.items()}
        self.venue.on_bars(Bar(symbol=s, at=at, close=price) for s, price in prices.items())
        self.session.collect_fills()
        self.session.mark(prices, at=at)
        return at

    def close(self) -> None:
        """Let go of the journal's file, as a process does that ends or is killed."""
        self._engine.dispose()


def paper_broker(clock: VirtualClock) -> PaperBroker:
    """Return a venue with a million, usual costs, and fills at the next close."""
    return PaperBroker(
        account_id="PAPER-1",
        cash=_CASH,
        clock=clock,
        fill_model=fill_model("next_close"),
        cost_model=CostModel(),
    )
