"""The risk officer: measures the wanted book, may shrink it, and asks the one gate.

No model is in this path. The officer cannot let through what the gate refuses; he can only
want less than the strategist.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from math import sqrt

import numpy as np

from alphalens.agents.base import Context, Degraded
from alphalens.data.base import DataView
from alphalens.errors import InputError
from alphalens.execution.planner import MIN_TRADE
from alphalens.execution.session import Assessment
from alphalens.trading.orders import OrderIntent
from alphalens.trading.targets import Target

__all__ = ["BookRisk", "RiskAgent", "RiskPolicy", "RiskUpdate", "RiskVerdict", "RiskView"]

_ROWS_PER_YEAR = 252
_TAIL = 0.05


class RiskVerdict(StrEnum):
    """What the risk officer says about a cycle, mildest first."""

    NOTHING = "nothing"  # there is nothing to judge
    ALLOW = "allow"
    SHRINK = "shrink"  # the wanted book was too risky and is smaller now
    NEEDS_HUMAN = "needs_human"  # at least one order waits for a person
    DENY = "deny"  # the wanted book may not be traded, or no order of it passes


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskPolicy:
    """What the risk officer goes by, beside the limits of the gate.

    Attributes
    ----------
    max_volatility : float or None
        Largest expected volatility of the wanted book per year, as a fraction of equity; None
        means that it is measured and not limited.
    window : int
        Rows of past returns that risk is measured with.
    min_rows : int
        With fewer, risk is not measured, and where it is limited, nothing is allowed.
    min_trade : Decimal
        Changes below this fraction of equity are not traded.

    Raises
    ------
    InputError
        If a value is not positive.
    """

    max_volatility: float | None = None
    window: int = 252
    min_rows: int = 60
    min_trade: Decimal = MIN_TRADE

    def __post_init__(self) -> None:
        """Refuse a policy that nothing satisfies."""
        if self.max_volatility is not None and not self.max_volatility > 0.0:
            raise InputError(f"max_volatility must be positive, got {self.max_volatility}")
        if not 2 <= self.min_rows <= self.window:
            raise InputError(
                f"2 <= min_rows <= window is needed, got {self.min_rows} and {self.window}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRisk:
    """Risk of a wanted book, as fractions of equity.

    Attributes
    ----------
    gross, net, largest : float
        Sum of absolute weights, of signed ones, and the largest absolute one.
    volatility : float
        Standard deviation of the book's returns over the window, per year.
    var_95, shortfall_95 : float
        Loss of one row that was exceeded on 5 % of the rows, and the mean of those losses;
        positive is a loss.
    rows : int
        Past returns the three are measured with.
    """

    gross: float
    net: float
    largest: float
    volatility: float
    var_95: float
    shortfall_95: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskView:
    """What the risk officer sees: prices as of the decision, and the wanted book."""

    data: DataView
    target: Target | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskUpdate:
    """What the risk officer says.

    Attributes
    ----------
    verdict : RiskVerdict
        The cycle in one word.
    scale : float
        Factor in [0, 1] that the wanted weights were multiplied with.
    metrics : BookRisk or None
        Risk of the target as it was wanted; None if it could not be measured.
    target : Target or None
        The target after shrinking; None where nothing is traded.
    assessments : tuple of Assessment
        The stored plan of the cycle, each order with the gate's verdict.
    degraded : tuple of Degraded
        What could not be done.
    """

    verdict: RiskVerdict
    scale: float = 1.0
    metrics: BookRisk | None = None
    target: Target | None = None
    assessments: tuple[Assessment, ...] = ()
    degraded: tuple[Degraded, ...] = ()

    @property
    def intents(self) -> tuple[OrderIntent, ...]:
        """Return the orders of the plan, in the order in which they would be sent."""
        return tuple(assessment.intent for assessment in self.assessments)


class RiskAgent:
    """Measures, shrinks, and has the plan judged by the session's gate.

    Its one effect is the plan, which the session stores once per cycle: a second run of the
    cycle reads it and judges it again.

    Parameters
    ----------
    policy : RiskPolicy
        Bounds of the wanted book.
    """

    name = "risk"

    def __init__(self, policy: RiskPolicy | None = None) -> None:
        self._policy = policy or RiskPolicy()

    def run(self, view: RiskView, context: Context) -> RiskUpdate:
        """Return the verdict on the wanted book and on every order that leads to it."""
        if view.target is None:
            return RiskUpdate(verdict=RiskVerdict.NOTHING)
        metrics = book_risk(view.target, view.data, self._policy)
        degraded = () if metrics else (self._unmeasured(view),)
        scale = _scale(metrics, self._policy)
        if scale is None:
            return RiskUpdate(verdict=RiskVerdict.DENY, scale=0.0, degraded=degraded)
        weights = {symbol: weight * scale for symbol, weight in view.target.weights.items()}
        target = replace(view.target, weights=weights)
        session = context.session
        try:
            intents = session.plan(
                target, cycle_id=context.cycle_id, min_trade=self._policy.min_trade
            )
        except InputError as error:
            failed = Degraded(agent=self.name, code="no_plan", message=f"nothing planned: {error}")
            return RiskUpdate(
                verdict=RiskVerdict.DENY, scale=scale, metrics=metrics, degraded=(*degraded, failed)
            )
        assessments = session.assess(intents)
        return RiskUpdate(
            verdict=_verdict(assessments, scale),
            scale=scale,
            metrics=metrics,
            target=target,
            assessments=assessments,
            degraded=degraded,
        )

    def _unmeasured(self, view: RiskView) -> Degraded:
        effect = "it is traded unmeasured"
        if self._policy.max_volatility is not None:
            effect = "it is not traded, because max_volatility cannot be checked"
        return Degraded(
            agent=self.name,
            code="risk_unmeasured",
            message=f"the risk of the wanted book needs {self._policy.min_rows} rows of complete "
            f"returns as of {view.data.asof}; {effect}",
        )


def book_risk(target: Target, data: DataView, policy: RiskPolicy) -> BookRisk | None:
    r"""Return the risk of a wanted book by historical simulation, or None with too few rows.

    Parameters
    ----------
    target : Target
        Wanted weights.
    data : DataView
        Prices as of the decision.
    policy : RiskPolicy
        Window and least number of rows.

    Returns
    -------
    BookRisk or None
        Rows on which a held asset has no return from one positive price to another are left out.

    Notes
    -----
    With weights :math:`w` and simple returns :math:`x_t` of the window, the book's past is
    :math:`y_t = w^\top x_t`: what these weights, restored at every row, would have earned.
    Volatility is :math:`\sqrt{252}` times the sample standard deviation of :math:`y`; the value
    at risk is the negative 5 % quantile of :math:`y` (linear between order statistics), the
    shortfall the negative mean of the :math:`y_t` at or below that quantile.
    """
    held = {symbol: weight for symbol, weight in target.weights.items() if weight}
    closes = data.closes(policy.window + 1).reindex(columns=list(held))
    closes = closes.where(closes > 0.0)
    returns = (closes / closes.shift(1) - 1.0).iloc[1:].to_numpy(dtype=float)
    returns = returns[np.isfinite(returns).all(axis=1)]
    if len(returns) < policy.min_rows:
        return None
    past = returns @ np.array(list(held.values()), dtype=float)
    cut = float(np.quantile(past, _TAIL))
    return BookRisk(
        gross=target.gross,
        net=target.net,
        largest=max((abs(weight) for weight in held.values()), default=0.0),
        volatility=float(past.std(ddof=1)) * sqrt(_ROWS_PER_YEAR),
        var_95=-cut,
        shortfall_95=-float(past[past <= cut].mean()),
        rows=len(returns),
    )


def _scale(metrics: BookRisk | None, policy: RiskPolicy) -> float | None:
    """Return the factor that brings the book within the policy, None if nobody can tell."""
    if policy.max_volatility is None:
        return 1.0
    if metrics is None:
        return None
    if metrics.volatility <= policy.max_volatility:
        return 1.0
    return policy.max_volatility / metrics.volatility


def _verdict(assessments: tuple[Assessment, ...], scale: float) -> RiskVerdict:
    verdicts = [assessment.verdict for assessment in assessments]
    if verdicts and all(verdict.is_refused for verdict in verdicts):
        return RiskVerdict.DENY
    if any(verdict.needs_approval for verdict in verdicts):
        return RiskVerdict.NEEDS_HUMAN
    return RiskVerdict.SHRINK if scale < 1.0 else RiskVerdict.ALLOW
