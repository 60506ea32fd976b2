"""Judge a factor, the Alphalens way: python examples/quickstart.py [prices.csv]."""

import sys
from pathlib import Path

from alphalens import performance, tears, utils
from alphalens.data import SampleProvider, read_prices, session_closes
from alphalens.factors import named_factor


def main() -> None:
    history = read_prices(sys.argv[1]) if len(sys.argv) > 1 else SampleProvider().history()
    closes = session_closes(history)  # dates x assets

    factor = named_factor("momentum_12_1")(closes).stack().dropna()
    factor.index.names = ["date", "asset"]

    factor_data = utils.get_clean_factor_and_forward_returns(
        factor, closes, quantiles=5, periods=(1, 5, 10)
    )

    ic = performance.factor_information_coefficient(factor_data)
    print("mean rank IC by horizon")
    print(ic.mean().round(4).to_string())

    tears.create_returns_tear_sheet(factor_data)  # as in a notebook: prints and shows

    out = Path("demo")
    out.mkdir(exist_ok=True)
    sheet = tears.create_full_tear_sheet(factor_data, return_fig=True)
    sheet.save(out / "quickstart.html")
    print(f"written: {out / 'quickstart.html'}")


if __name__ == "__main__":
    main()
