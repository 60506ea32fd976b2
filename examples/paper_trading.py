"""Trade a factor on paper through the agents: python examples/paper_trading.py."""

from decimal import Decimal
from pathlib import Path

from alphalens.config import load_settings
from alphalens.data import SampleProvider
from alphalens.orchestrator import ApproveUpTo
from alphalens.portfolio import RankWeights
from alphalens.reports.factor_report import judge_factor
from alphalens.runtime import PaperRun, RunPlan, decision_dates

FOLDER = Path("demo/paper_trading")


def main() -> None:
    history = SampleProvider().history()
    plan = RunPlan(
        history=history,
        factor="low_volatility_3",
        rule=RankWeights(gross=0.8, max_weight=0.08),
        decisions=decision_dates(history, months=6),
        fill="next_close",  # the sample has closes only
        approver=ApproveUpTo(limit=Decimal("0.08"), by="me, up to 8 % of equity"),
    )
    run = PaperRun(FOLDER, load_settings(), plan, replace=True)
    for step in run.steps():
        if step.cycle is not None:
            states = [order["status"] for order in step.cycle.orders]
            print(f"{step.at:%Y-%m-%d}", {s: states.count(s) for s in sorted(set(states))})

    report = run.write_reports(judge_factor(history, plan.factor))
    for name, value in report.summary().items():
        print(f"{name:>16}: {value}")
    print(f"written: {FOLDER / 'report.html'}")


if __name__ == "__main__":
    main()
