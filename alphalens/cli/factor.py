"""``alphalens factor``: a file of prices in, the tear sheet of a factor out."""

from __future__ import annotations

import argparse
from pathlib import Path

from alphalens.cli.output import ExitCode, Output, common_options
from alphalens.errors import InputError

#: What a tear sheet can be saved as; known here so that a wrong name costs no calculation.
_SUFFIXES = (".html", ".pdf", ".png", ".json")


_OUT_HELP = f"file that ends in {', '.join(_SUFFIXES)} [%(default)s]"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    factor = commands.add_parser(
        "factor",
        help="judge a factor on a file of prices",
        description="Read prices (CSV or Parquet, long or wide), compute a named factor, and "
        "write its full tear sheet. Parquet needs the extra cli; CSV needs none.",
    )
    factor.add_argument("prices", type=Path, help="file of prices")
    factor.add_argument("--factor", default="momentum_12_1", help="its name [%(default)s]")
    factor.add_argument("--out", type=Path, default=Path("report.html"), help=_OUT_HELP)
    factor.add_argument("--periods", type=_periods, default=(1, 5, 10), help="rows, such as 1,5,10")
    factor.add_argument("--quantiles", type=int, default=5, help="[%(default)s]")
    factor.add_argument("--date-format", help="of dates that are not ISO 8601: %%d/%%m/%%Y")
    factor.add_argument("--max-loss", type=float, default=0.35, help="fraction [%(default)s]")
    common_options(factor)
    factor.set_defaults(run=run)


def run(args: argparse.Namespace, out: Output) -> int:
    """Compute the factor and write the sheet."""
    from alphalens.data import read_prices
    from alphalens.reports.factor_report import Cleaning, judge_factor
    from alphalens.utils import MaxLossExceededError

    _check_out(args.out)
    history = read_prices(args.prices, date_format=args.date_format, is_daily=True)
    cleaning = Cleaning(periods=args.periods, quantiles=args.quantiles, max_loss=args.max_loss)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    try:
        report = judge_factor(history, args.factor, cleaning=cleaning)
    except MaxLossExceededError as error:
        raise InputError(f"{args.prices}: {error}") from error
    report.sheet().save(args.out)
    size = f"{history.closes.shape[1]} assets, {history.closes.shape[0]} dates"
    lines = [f"{history.source}: {size}", *report.lines(), f"written: {args.out}"]
    out.result({"out": str(args.out), **report.summary()}, lines)
    return ExitCode.OK


def _check_out(out: Path) -> None:
    """Refuse, before anything is computed, a file that no sheet can be saved as."""
    if out.is_dir():
        raise InputError(
            f"--out {out} is a folder: name a file in it, such as {out / 'report.html'}"
        )
    if out.suffix.lower() not in _SUFFIXES:
        raise InputError(
            f"--out {out}: the suffix is {out.suffix or 'missing'}, use one of "
            f"{', '.join(_SUFFIXES)}"
        )


def _periods(text: str) -> tuple[int, ...]:
    try:
        periods = tuple(sorted({int(word) for word in text.split(",")}))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of row counts") from None
    if not periods or periods[0] < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: each period must be at least one row")
    return periods
