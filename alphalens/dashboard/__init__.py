"""The face of a run: a Streamlit page over stored state, which it only reads."""

from alphalens._optional import require

require("streamlit", "sqlalchemy", extra="dashboard")

from alphalens.dashboard.page import show  # noqa: E402 - only after the guard has spoken

__all__ = ["show"]
