"""The composition root: settings in, objects that trade out.

Nothing else builds brokers, sessions or graphs from settings.
"""

from alphalens.runtime.desk import open_desk, permission_of
from alphalens.runtime.paper_run import PaperRun, RunPlan, Step, decision_dates

__all__ = ["PaperRun", "RunPlan", "Step", "decision_dates", "open_desk", "permission_of"]
