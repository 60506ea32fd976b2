"""A small real run: six assets, some weeks, a refusal, approvals given, denied and waiting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd

from alphalens.assets import Equity
from alphalens.brokers import CostModel, PaperBroker, fill_model
from alphalens.execution import Journal, TradingSession
from alphalens.risk import RiskLimits
from alphalens.storage import open_engine
from alphalens.trading import Bar, OrderIntent, Target, VirtualClock
from alphalens.trading.events import AlertEvent, Severity

SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF")
CASH = Decimal(1_000_000)
LIMITS = RiskLimits(
    max_order=Decimal("0.20"),
    approval_above=Decimal("0.12"),
    max_position=Decimal("0.20"),
    max_daily_loss=Decimal("0.50"),
    max_drawdown=Decimal("0.90"),
)
_CENT = Decimal("0.01")
#: Cycle 0 asks for an approval (BBB) and is refused one order (CCC); then small ones follow.
_WEIGHTS: tuple[Mapping[str, float], ...] = (
    {"AAA": 0.10, "BBB": 0.15, "CCC": 0.30, "DDD": -0.10},
    {"AAA": 0.05, "BBB": 0.10, "CCC": 0.08, "DDD": -0.05, "EEE": 0.15},
    {"BBB": 0.08, "CCC": 0.10, "EEE": 0.02, "FFF": 0.08},
)


def closes(n_days: int, seed: int = 7) -> pd.DataFrame:
    """Return closes of six assets at the instants they became known."""
    steps = np.random.default_rng(seed).normal(0.0004, 0.012, (n_days, len(SYMBOLS)))
    days = pd.bdate_range("2022-01-03", periods=n_days)
    instants = (days + pd.Timedelta(hours=16)).tz_localize("America/New_York").tz_convert("UTC")
    prices = 100.0 * np.exp(np.cumsum(steps, axis=0))
    return pd.DataFrame(prices.round(2), index=instants, columns=list(SYMBOLS))


class SmallRun:
    """A paper account traded every fifth day through the real session, broker and journal."""

    def __init__(self, path: Path, n_days: int = 30) -> None:
        self.path = path
        self.closes = closes(n_days)
        self.clock = VirtualClock(self.closes.index[0].to_pydatetime())
        self.engine = open_engine(path)
        self.broker = PaperBroker(
            account_id="P-1",
            cash=CASH,
            clock=self.clock,
            fill_model=fill_model("next_close"),
            cost_model=CostModel(),
        )
        self.session = TradingSession(
            journal=Journal(self.engine, clock=self.clock, run_id="run-small"),
            broker=self.broker,
            limits=LIMITS,
            clock=self.clock,
            assets={symbol: Equity(symbol=symbol) for symbol in SYMBOLS},
            grace=timedelta(0),
        )

    def trade(self, *, stop_waiting: bool = False) -> SmallRun:
        """Run to the end; with `stop_waiting` the last decision is left at its question."""
        self.session.start()
        decisions = range(0, len(self.closes) - 1, 5)
        for number, (stamp, row) in enumerate(self.closes.iterrows()):
            self._mark(pd.Timestamp(str(stamp)), row)
            if number in decisions:
                is_last = stop_waiting and number == decisions[-1]
                self._decide(number // 5, is_last=is_last)
                if is_last:
                    return self
        self.session.finish_run()
        return self

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def _mark(self, stamp: pd.Timestamp, row: pd.Series[float]) -> None:
        at = stamp.to_pydatetime()
        prices = {str(s): Decimal(str(p)).quantize(_CENT) for s, p in row.items()}
        self.clock.advance_to(at)
        self.broker.on_bars(Bar(symbol=s, at=at, close=p) for s, p in prices.items())
        self.session.collect_fills()
        self.session.mark(prices, at=at)

    def _decide(self, cycle: int, *, is_last: bool) -> None:
        cycle_id = f"run-small/{cycle:02d}"
        weights = {"AAA": 0.19} if is_last else _WEIGHTS[cycle % len(_WEIGHTS)]
        target = Target(name="rotation", asof=self.clock.now(), weights=dict(weights))
        intents = self.session.plan(target, cycle_id=cycle_id)
        for assessment in self.session.request_approvals(intents):
            if assessment.verdict.needs_approval and not is_last:
                self._answer(assessment.intent, cycle)
        self.session.submit(intents)
        if is_last:
            return
        if cycle == 2:
            self.session.alert(
                AlertEvent(
                    code="drift_ic",
                    severity=Severity.WARNING,
                    message="the live coefficient lies far from research",
                    at=self.clock.now(),
                )
            )
        summary = {"degraded": ["risk: history too short for a covariance"] if cycle == 1 else []}
        self.session.finish_cycle(cycle_id, summary)

    def _answer(self, intent: OrderIntent, cycle: int) -> None:
        if cycle == 1:
            self.session.deny(intent, by="r.ortiz", reason="too much of one name")
        else:
            self.session.approve(intent, by="r.ortiz", reason="within the mandate")


def factor_data(n_dates: int, every: int = 1, n_assets: int = 10, seed: int = 3) -> pd.DataFrame:
    """Return clean factor data made by hand: forward returns that lean towards the factor."""
    rng = np.random.default_rng(seed)
    dates = pd.bdate_range("2021-01-04", periods=n_dates)[::every]
    assets = [f"S{i:02d}" for i in range(n_assets)]
    index = pd.MultiIndex.from_product([dates, assets], names=["date", "asset"])
    factor = rng.normal(size=len(index))
    frame = pd.DataFrame(index=index)
    for period, days in (("1D", 1), ("5D", 5)):
        noise = rng.normal(size=len(index))
        frame[period] = 0.01 * days**0.5 * (0.15 * factor + noise)
    frame["factor"] = factor
    ranks = frame["factor"].groupby(level="date").rank()
    frame["factor_quantile"] = ((ranks - 1) * 5 // n_assets + 1).astype("int64")
    return frame
