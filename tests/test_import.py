"""What `import alphalens` costs: numpy and pandas, the rest on demand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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


BARE = """
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in ABSENT:
            return self.finder.find_spec(name, path, target)

ABSENT = {  # in a bare install
    "sqlalchemy", "alembic", "psycopg", "redis", "httpx", "pydantic", "dotenv", "langgraph",
    "rich", "pyarrow", "numba", "joblib", "sklearn", "streamlit", "skfolio", "exchange_calendars",
}
sys.meta_path[:] = map(Without, sys.meta_path)
"""


def run_bare(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter that has the core dependencies alone."""
    return subprocess.run(
        [sys.executable, "-c", BARE + code], capture_output=True, text=True, cwd=folder, check=False
    )


def test_the_factor_command_needs_the_core_dependencies_alone(tmp_path: Path):
    code = """
import numpy as np, pandas as pd
from alphalens.cli import main
days = pd.bdate_range("2022-01-03", periods=60, name="date")
steps = np.random.default_rng(0).normal(0, 0.01, (60, 12)).cumsum(axis=0)
pd.DataFrame(50 * np.exp(steps), days, [f"S{i}" for i in range(12)]).to_csv("prices.csv")
sys.exit(main(["factor", "prices.csv", "--factor", "reversal_1", "--out", "sheet.html"]))
"""
    run = run_bare(code, tmp_path)
    assert run.returncode == 0, run.stderr
    assert "written: sheet.html" in run.stdout
    assert "reversal_1" in (tmp_path / "sheet.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["config", "show"], "trading"),
        (["audit", "verify", "--database", "journal.sqlite"], "trading"),
        (["trading", "status", "--journal", "journal.sqlite"], "trading"),
        (["approvals", "list", "--journal", "journal.sqlite"], "trading"),
        (["demo"], "demo"),
        (["factor", "prices.parquet"], "cli"),
    ],
)
def test_a_command_without_its_extra_says_what_to_install(
    tmp_path: Path, words: list[str], extra: str
):
    (tmp_path / "prices.parquet").write_bytes(b"PAR1")
    run = run_bare(f"from alphalens.cli import main; sys.exit(main({words!r}))", tmp_path)
    assert run.returncode == 2
    assert f'pip install "alpha-lens[{extra}]"' in run.stderr
    assert run.stderr.count("\n") == 1


def test_reports_load_on_demand_and_what_reads_a_journal_names_its_extra(tmp_path: Path):
    code = """
from alphalens import reports
from alphalens.errors import MissingExtra
from alphalens.reports import equity_statistics
assert set(reports.__all__) <= set(dir(reports))
try:
    reports.read_run
except MissingExtra as error:
    print(error.extra, error.module)
"""
    run = run_bare(code, tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["trading", "sqlalchemy"]


def test_every_name_of_reports_can_be_had():
    from alphalens import reports

    assert [getattr(reports, name).__name__ for name in reports.__all__] == reports.__all__
    with pytest.raises(AttributeError, match="no attribute 'read_runs'"):
        _ = reports.read_runs


def test_market_data_of_files_needs_the_core_alone_and_the_rest_names_its_extra(tmp_path: Path):
    code = """
import alphalens.data as data
from alphalens.errors import MissingExtra
assert "pandas" not in sys.modules and "BarStore" in dir(data)
from alphalens.data import Bars, DataView, MemoryCache, PriceHistory, judge, read_prices
for name in ("BarStore", "Pipeline", "AlpacaProvider", "PolygonStream", "RedisCache"):
    try:
        getattr(data, name)
    except MissingExtra as error:
        print(name, error.extra)
"""
    run = run_bare(code, tmp_path)
    assert run.returncode == 0, run.stderr
    told = [line.split() for line in run.stdout.splitlines()]
    assert [name for name, _ in told] == [
        "BarStore", "Pipeline", "AlpacaProvider", "PolygonStream", "RedisCache",
    ]  # fmt: skip
    assert {extra for _, extra in told} == {"trading"}


def test_bars_and_checks_load_neither_network_nor_database():
    code = "from alphalens.data import Bars, BarRequest, FileProvider, MemoryCache, Reports, judge"

    assert not loaded_after(code) & {*HEAVY, "websockets", "redis", "psycopg", "yfinance"}


def test_every_name_of_market_data_can_be_had():
    from alphalens import data

    assert [getattr(data, name).__name__ for name in data.__all__] == data.__all__
    assert sorted(name for names in data._HOMES.values() for name in names) == data.__all__
    with pytest.raises(AttributeError, match="no attribute 'BarStores'"):
        _ = data.BarStores
