"""What speaks against a factor: overlap, trials, costs, coverage, and where the edge lives.

The numbers are those of the metrics; only the judgement of them is added. Where something was not
recorded, the report says so and leaves the figure out.
"""

from alphalens._doubt.report import DoubtReport, Doubts, doubt_report, judge

__all__ = ["DoubtReport", "Doubts", "doubt_report", "judge"]
