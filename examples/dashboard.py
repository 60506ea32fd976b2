"""Show a run in the browser: ``streamlit run examples/dashboard.py``, or ``make dashboard``.

The folder of the run is the first argument, ``demo`` without one:
``streamlit run examples/dashboard.py -- another/folder``.
"""

import sys
from pathlib import Path

from alphalens.dashboard import show

show(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("demo"))
