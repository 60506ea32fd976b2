"""The watcher: what is wrong becomes an alert, what is unknown is said to be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alphalens.agents import Degraded, MonitoringAgent, MonitoringPolicy, MonitoringView
from alphalens.agents.records import journalled_decisions
from alphalens.monitoring.drift import Baseline, Moments
from alphalens.trading.codec import to_jsonable
from alphalens.trading.targets import Signal, Target

FAR = Moments(mean=-0.9, std=0.01, long_run_std=0.01, n=500)
BASELINE = Baseline(name="b", ic=FAR, hit_rate=FAR, turnover=FAR)


def decisions(desk, rows):
    for row in rows:
        at = desk.paper.history.closes.index[row].to_pydatetime()
        closes = desk.paper.history.closes.iloc[row]
        yield (
            Signal(name="s", asof=at, scores=closes.to_dict()),
            Target(name="s", asof=at, weights={"S00": row / 1000}),
        )


def finish(desk, rows):
    for number, (signal, target) in enumerate(decisions(desk, rows)):
        payload = {"signal": to_jsonable(signal), "target": to_jsonable(target)}
        desk.paper.session.finish_cycle(f"past{number}", payload)


def watch(desk, policy=None, **view):
    seen = MonitoringView(**({"data": desk.view} | view))
    return MonitoringAgent(policy).run(seen, desk.context)


def test_a_healthy_desk_raises_no_alert(at_decision):
    update = watch(at_decision())

    assert update.health.status == "ok"
    assert (update.alerts, update.drift, update.degraded) == ((), None, ())


def test_stale_data_is_critical_and_an_alert(at_decision):
    desk = at_decision()
    late = replace(desk.context, at=desk.at + timedelta(days=2))

    update = MonitoringAgent().run(MonitoringView(data=desk.view), late)

    assert [(a.code, a.severity) for a in update.alerts] == [("health_data", "critical")]
    assert "2 days" in update.alerts[0].message


def test_no_data_at_all_is_critical_not_an_error(at_decision):
    update = watch(at_decision(), MonitoringPolicy(baseline=BASELINE), data=None)

    assert update.health.status == "critical"
    assert update.drift is None


def test_what_others_could_not_do_becomes_an_alert(at_decision):
    item = Degraded(agent="strategy", code="no_signal", message="nothing to rank")

    update = watch(at_decision(), degraded=(item,))

    assert [(a.code, a.message) for a in update.alerts] == [
        ("degraded_no_signal", "nothing to rank")
    ]
    assert update.alerts[0].values == {"agent": "strategy", "cycle_id": "c1"}


def test_a_young_record_has_too_few_observations_and_no_alert(at_decision):
    desk = at_decision(row=30)
    finish(desk, [10, 15, 20])
    signal, target = next(decisions(desk, [30]))

    update = watch(desk, MonitoringPolicy(baseline=BASELINE), signal=signal, target=target)

    ic = update.drift.checks[0]
    assert (update.drift.status, ic.n, ic.needed) == ("too_few", 3, 12)
    assert "too few observations, 3 of 12" in ic.message
    assert update.alerts == ()


def test_a_record_far_from_research_is_drift_and_alerts(at_decision):
    desk = at_decision(row=60)
    finish(desk, range(5, 60, 3))

    update = watch(desk, MonitoringPolicy(baseline=BASELINE))

    assert update.drift.status == "drift"
    assert {alert.code for alert in update.alerts} >= {"drift_ic", "drift_turnover"}
    assert all(float(a.values["z"]) > float(a.values["limit"]) for a in update.alerts)


def test_without_any_decision_drift_is_not_checked(at_decision):
    assert watch(at_decision(), MonitoringPolicy(baseline=BASELINE)).drift is None


def test_drift_that_cannot_be_checked_is_degraded(at_decision):
    desk = at_decision(row=40)
    finish(desk, [20, 10])

    update = watch(desk, MonitoringPolicy(baseline=BASELINE))

    assert update.drift is None
    assert [item.code for item in update.degraded] == ["drift_unchecked"]
    assert [alert.code for alert in update.alerts] == ["degraded_drift_unchecked"]


def test_journalled_decisions_leave_out_what_was_not_decided(at_decision):
    desk = at_decision(row=40)
    finish(desk, [10, 20])
    desk.paper.session.finish_cycle("empty", {"signal": None, "target": None})

    signals, targets = journalled_decisions(desk.paper.session.journal, before="past1")

    assert signals == (next(decisions(desk, [10]))[0],)
    assert targets[0].weights == pytest.approx({"S00": 0.01})
