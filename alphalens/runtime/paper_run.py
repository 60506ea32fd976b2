"""A factor traded on paper over recorded prices, by the graph of agents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pandas as pd

from alphalens.agents import (
    ExecutionAgent,
    MonitoringAgent,
    MonitoringPolicy,
    RiskAgent,
    StrategyAgent,
)
from alphalens.agents.records import journalled_decisions
from alphalens.assets import Equity
from alphalens.brokers import CostModel, PaperBroker, fill_model
from alphalens.config import Settings
from alphalens.data import DataView, FactStore, PriceHistory
from alphalens.errors import ConfigError, InputError
from alphalens.execution import Journal, JournalReader, TradingSession
from alphalens.factors import named_factor
from alphalens.monitoring import Baseline, research_baseline
from alphalens.orchestrator import (
    ApprovalPolicy,
    CycleResult,
    Desk,
    build_graph,
    run_cycle,
    sqlite_saver,
)
from alphalens.portfolio import RankWeights
from alphalens.reports import TradingReport, build_trading_report, write_trading_report
from alphalens.reports.factor_report import FactorReport, judge_signals
from alphalens.storage import open_engine
from alphalens.strategies import FactorStrategy, Strategy
from alphalens.trading import Bar, VirtualClock
from alphalens.trading.codec import digest

__all__ = ["PaperRun", "RunPlan", "Step", "decision_dates"]

_DATABASES = ("journal.sqlite", "checkpoints.sqlite")
_SIDE_FILES = ("-wal", "-shm")
_OF_THE_RUN = ("traded.html", "report.html")
_PAGES = ("research.html", "research.png", *_OF_THE_RUN)
_PRICE_STEP = Decimal("0.0001")  # floats of the history become decimals here, once


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """What a paper run over recorded prices is to do.

    Attributes
    ----------
    history : PriceHistory
        The prices; a decision at an instant sees no later row.
    factor : str
        Name of the factor that is traded, or that a strategy is judged beside.
    rule : RankWeights
        How scores become weights.
    decisions : DatetimeIndex
        Instants of the decision cycles, each an instant of the history.
    fill : str
        Name of the fill model, see `alphalens.brokers.fill_model`.
    approver : ApprovalPolicy or None
        Who answers when an order needs approval; None leaves it waiting.
    seed : int
        Part of the run's identity. Nothing in this version is drawn at random.
    strategy : Strategy or None
        What scores; None takes the latest values of `factor`.
    facts : FactStore or None
        What is known besides prices. A strategy reads it by `DataView.facts`, which knows
        nothing that became known after the decision.
    """

    history: PriceHistory
    factor: str
    rule: RankWeights
    decisions: pd.DatetimeIndex
    fill: str = "next_open"
    approver: ApprovalPolicy | None = None
    seed: int = 0
    strategy: Strategy | None = None
    facts: FactStore | None = None

    @property
    def name(self) -> str:
        """Return the name of what is traded."""
        return self.factor if self.strategy is None else self.strategy.name

    def run_id(self, settings: Settings) -> str:
        """Return the identity of the run: the same inputs give the same id."""
        facts = {
            "factor": self.factor,
            "rule": self.rule,
            "decisions": [str(instant) for instant in self.decisions],
            "fill": self.fill,
            "seed": self.seed,
            "source": self.history.source,
            "data": self.history.fingerprint,
            "approver": repr(self.approver),
            "limits": settings.limits,
            "account": settings.account,
            "cash": settings.paper_cash,
        }
        if self.strategy is not None:
            facts["strategy"] = self.strategy.name
        if self.facts is not None:
            facts["facts"] = self.facts.fingerprint()
        return f"run-{digest(facts)[:12]}"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One instant of a run: the book was marked, and on some a cycle was run."""

    at: datetime
    number: int
    total: int
    cycle: CycleResult | None


class PaperRun:
    """A factor traded on paper over recorded prices, by the graph of agents, into a journal.

    The paper broker's book lives in the process, so a run begins anew; it is never continued.

    Parameters
    ----------
    folder : Path
        Where ``journal.sqlite`` and ``checkpoints.sqlite`` are written.
    settings : Settings
        Limits, account, opening balance.
    plan : RunPlan
        What to do.
    replace : bool
        Take the place of the run that the folder holds, if it holds one. The new run is written
        into ``unfinished`` inside the folder and moved by `keep`, which `write_reports` calls at
        its end. A run that fails or is stopped before leaves the earlier one as it was, and what
        it wrote stays in ``unfinished`` until the next run begins.

    Raises
    ------
    ConfigError
        If the settings ask for live trading, or for a model: this version has neither.
    InputError
        If a decision instant is not in the history, or leaves no later close to be filled
        at; or, without `replace`, if the folder holds a journal already.
    """

    def __init__(
        self, folder: Path, settings: Settings, plan: RunPlan, *, replace: bool = False
    ) -> None:
        _refuse_what_is_not_there(settings)
        self._folder, self._settings, self._plan = folder, settings, plan
        self._window = _window(plan)
        self._replace = replace
        self._is_traded = False
        self._workplace = folder
        self.run_id = plan.run_id(settings)

    @property
    def workplace(self) -> Path:
        """Return the folder that holds the run now; with `replace` another until it is kept."""
        return self._workplace

    @property
    def journal_path(self) -> Path:
        """Return the file of the journal, in `workplace`."""
        return self.workplace / "journal.sqlite"

    def steps(self) -> Iterator[Step]:
        """Run, yielding after every instant; the journal is complete up to there.

        At each instant orders of earlier cycles are filled, the book is marked, and on a
        decision date a cycle is run through the graph.
        """
        plan, decisions = self._plan, set(self._plan.decisions)
        self._make_room()
        with ExitStack() as stack:
            clock = VirtualClock(self._window.index[0].to_pydatetime())
            broker, session = self._open_session(stack, clock)
            saver = stack.enter_context(sqlite_saver(self.workplace / "checkpoints.sqlite"))
            graph = build_graph(self._desk(session), saver=saver)
            for number, (instant, closes) in enumerate(self._window.iterrows(), 1):
                at = pd.Timestamp(str(instant)).to_pydatetime()
                clock.advance_to(at)
                _mark(session, broker, closes, at)
                cycle = None
                if instant in decisions:
                    cycle = run_cycle(
                        graph,
                        run_id=self.run_id,
                        cycle_id=f"{self.run_id}/{at:%Y%m%dT%H%M%S}",
                        asof=at,
                        approver=plan.approver,
                    )
                yield Step(at=at, number=number, total=len(self._window), cycle=cycle)
            session.finish_run()
        self._is_traded = True

    def _make_room(self) -> None:
        if self._replace:
            self._workplace = self._folder / "unfinished"
        elif self.journal_path.exists():
            raise InputError(
                f"{self.journal_path} holds an earlier run: name another folder, or pass "
                "replace=True to put the new run in its place"
            )
        self._is_traded = False
        self.workplace.mkdir(parents=True, exist_ok=True)
        for name in _DATABASES:
            _remove_database(self.workplace / name)
        if self._replace:
            for name in _PAGES:
                (self.workplace / name).unlink(missing_ok=True)

    def keep(self) -> None:
        """Put a run that has ended in the place of the one the folder held.

        Each file is moved at once, databases first; pages of the earlier run that would tell of
        another journal go with it. Without `replace` the files are there already.

        Raises
        ------
        InputError
            If the run has not ended.
        """
        if self.workplace == self._folder:
            return
        if not self._is_traded:
            raise InputError(
                f"the run in {self.workplace} has not ended and cannot take the place of the one "
                f"in {self._folder}: go on to the end of steps() first"
            )
        for name in _DATABASES:
            _move_database(self.workplace / name, self._folder / name)
        for name in _PAGES:
            if (self.workplace / name).exists():
                (self.workplace / name).replace(self._folder / name)
            elif name in _OF_THE_RUN:
                (self._folder / name).unlink(missing_ok=True)
        if not any(self.workplace.iterdir()):
            self.workplace.rmdir()
        self._workplace = self._folder

    def write_reports(self, research: FactorReport) -> TradingReport:
        """Judge what was journalled, beside the research, write it down, and `keep` the run.

        Parameters
        ----------
        research : FactorReport
            The same factor on the whole history.

        Returns
        -------
        TradingReport
            What ``report.html`` shows; ``traded.html`` is the tear sheet of the traded scores.

        Raises
        ------
        AuditError
            If the journal is not what was written.
        InputError
            If no decision was journalled, or a run that is to replace another has not ended.
        """
        history = self._plan.history
        engine = open_engine(self.journal_path, is_read_only=True)
        try:
            reader = JournalReader(engine)
            signals, _ = journalled_decisions(reader)
            traded = judge_signals(history, signals)
            report = build_trading_report(
                reader,
                research=research.factor_data,
                live=traded.factor_data,
                pending=traded.pending,
                caveats=(*history.caveats, f"fills: {self._plan.fill.replace('_', ' ')}"),
                source=history.source,
                title=f"{self._plan.name}, traded on paper",
            )
        finally:
            engine.dispose()
        traded.sheet().save(self.workplace / "traded.html")
        write_trading_report(report, self.workplace / "report.html")
        self.keep()
        return report

    def _open_session(
        self, stack: ExitStack, clock: VirtualClock
    ) -> tuple[PaperBroker, TradingSession]:
        settings = self._settings
        engine = open_engine(self.journal_path)
        stack.callback(engine.dispose)
        broker = PaperBroker(
            account_id=settings.account,
            cash=settings.paper_cash,
            clock=clock,
            fill_model=fill_model(self._plan.fill),
            cost_model=CostModel(),
            currency=self._plan.history.currency,
        )
        assets = {symbol: Equity(symbol=symbol) for symbol in self._plan.history.closes.columns}
        session = TradingSession(
            journal=Journal(engine, clock=clock, run_id=self.run_id),
            broker=broker,
            limits=settings.limits,
            clock=clock,
            assets=assets,
            grace=timedelta(0),  # this venue is in the process: it knows an order at once
        )
        session.start()
        return broker, session

    def _desk(self, session: TradingSession) -> Desk:
        plan = self._plan
        strategy = plan.strategy or FactorStrategy(named_factor(plan.factor))
        return Desk(
            open_view=partial(DataView, plan.history, facts=plan.facts),
            session=session,
            strategy=StrategyAgent(strategy, plan.rule),
            risk=RiskAgent(),
            execution=ExecutionAgent(),
            monitoring=MonitoringAgent(policy=MonitoringPolicy(baseline=self._baseline())),
        )

    def _baseline(self) -> Baseline:
        """Return what research before the run says, at the spacing of the decisions."""
        closes = self._plan.history.closes
        index = pd.DatetimeIndex(closes.index)
        before = index[index < self._plan.decisions[0]]
        spacing = max(1, round(len(self._window) / len(self._plan.decisions)))
        factor = named_factor(self._plan.factor)
        return research_baseline(closes.loc[before], factor, self._plan.rule, before[::spacing])


def decision_dates(
    history: PriceHistory, *, months: int = 12, every: str = "W"
) -> pd.DatetimeIndex:
    """Return the last instant of each week (or other period) in the last months of a history.

    The last instant of the history is left out, because nothing can be filled after it.

    Parameters
    ----------
    history : PriceHistory
        Daily closes.
    months : int
        Length of the run.
    every : str
        Period as pandas names it: ``W``, ``M``, ``D``.

    Returns
    -------
    DatetimeIndex
        Ascending instants of the history.

    Raises
    ------
    InputError
        If no instant is left.
    """
    index = pd.DatetimeIndex(history.closes.index)
    recent = index[(index > index[-1] - pd.DateOffset(months=months)) & (index < index[-1])]
    periods = recent.tz_convert(None).to_period(every)
    last = ~pd.Series(periods).duplicated(keep="last").to_numpy()
    if not last.any():
        raise InputError(f"{history.source}: no decision date in the last {months} months")
    return recent[last]


def _remove_database(path: Path) -> None:
    for name in (path.name, *(f"{path.name}{suffix}" for suffix in _SIDE_FILES)):
        path.with_name(name).unlink(missing_ok=True)


def _move_database(new: Path, old: Path) -> None:
    """Move a database that nobody has open; the side files of one never meet the other."""
    for suffix in _SIDE_FILES:
        old.with_name(old.name + suffix).unlink(missing_ok=True)
    new.with_name(f"{new.name}.lock").unlink(missing_ok=True)  # nobody writes it any more
    new.replace(old)
    for suffix in _SIDE_FILES:
        side = new.with_name(new.name + suffix)
        if side.exists():
            side.replace(old.with_name(old.name + suffix))


def _window(plan: RunPlan) -> pd.DataFrame:
    closes = plan.history.closes
    strange = plan.decisions.difference(pd.DatetimeIndex(closes.index))
    if len(strange):
        raise InputError(f"no prices at the decision {strange[0]} in {plan.history.source}")
    if not len(plan.decisions) or plan.decisions[-1] >= closes.index[-1]:
        raise InputError("a decision needs a later close to be filled at; end one row earlier")
    return closes.loc[plan.decisions[0] :]


def _mark(
    session: TradingSession, broker: PaperBroker, closes: pd.Series[float], at: datetime
) -> None:
    prices = {
        str(symbol): Decimal(str(price)).quantize(_PRICE_STEP)
        for symbol, price in closes.items()
        if price == price
    }
    broker.on_bars(Bar(symbol=s, at=at, close=price) for s, price in prices.items())
    session.collect_fills()
    session.mark(prices, at=at)


def _refuse_what_is_not_there(settings: Settings) -> None:
    for flag in ("enable_options_trading", "enable_crypto_trading"):
        if getattr(settings, flag):
            raise ConfigError(
                f"{flag.upper()} is true, but this version trades shares only: set it to false"
            )
    if settings.enable_live_trading:
        raise ConfigError(
            "ENABLE_LIVE_TRADING is true, but this version has no live venue: set it to false "
            "and trade on paper"
        )
    if settings.model:
        raise ConfigError(
            f"ALPHALENS_MODEL is {settings.model!r}, but this version has no model adapter: "
            "leave it empty; every agent works without one"
        )
