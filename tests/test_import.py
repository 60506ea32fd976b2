"""What `import alphalens` costs: numpy and pandas, the rest on demand."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "matplotlib",
    "seaborn",
    "scipy",
    "statsmodels",
    "IPython",
    "langgraph",
    "streamlit",
    "torch",
    "sqlalchemy",
    "httpx",
    "pydantic",
    "numba",
    "sklearn",
)


def loaded_after(code: str) -> set[str]:
    """Run code in a fresh interpreter and return the top-level modules it loaded."""
    report = f"{code}\nimport sys; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    run = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import alphalens",
        "import alphalens.utils, alphalens.performance",
        "import alphalens; alphalens.performance.factor_returns",
    ],
)
def test_import_pulls_no_heavy_module(code):
    assert not loaded_after(code) & set(HEAVY)


def test_cleaning_and_metrics_load_no_heavy_module():
    code = """
import io, contextlib, pandas as pd, numpy as np, alphalens
dates = pd.date_range("2024-01-01", periods=20)
prices = pd.DataFrame(np.arange(1.0, 81.0).reshape(20, 4) ** 0.5, dates, list("ABCD"))
factor = prices.iloc[:10].stack()
with contextlib.redirect_stdout(io.StringIO()):
    fd = alphalens.utils.get_clean_factor_and_forward_returns(factor, prices, quantiles=2)
p = alphalens.performance
p.mean_information_coefficient(fd, by_time="M"), p.factor_alpha_beta(fd)
p.mean_return_by_quantile(fd), p.create_pyfolio_input(fd, "1D")
p.average_cumulative_return_by_quantile(fd, prices, 1, 2)
"""
    assert not loaded_after(code) & set(HEAVY)


def test_the_four_modules_are_attributes_after_import_and_are_listed():
    code = """
import alphalens
assert alphalens.__all__ == ["performance", "plotting", "tears", "utils"]
assert set(alphalens.__all__) < set(dir(alphalens))
assert alphalens.utils.__name__ == "alphalens.utils"
assert alphalens.performance.factor_returns
"""
    assert "pandas" in loaded_after(code)


def test_star_import_gives_the_four_modules():
    code = "from alphalens import *\nassert performance and plotting and tears and utils"

    assert "matplotlib" in loaded_after(code)


def test_version_is_text_and_tuple():
    import alphalens

    assert alphalens.__version__.startswith(".".join(map(str, alphalens.version_tuple[:2])))


def test_unknown_attribute_is_an_attribute_error():
    import alphalens

    with pytest.raises(AttributeError, match="no attribute 'performances'"):
        _ = alphalens.performances
