"""Public fakes and conformance suites, for the tests of this package and of its users.

Import from the modules: each needs the extra of the part it stands in for.

- `alphalens.testing.alpaca_data_server`: a loopback of its market data host alone, with bad rows.
- `alphalens.testing.alpaca_server`: a loopback Alpaca, REST and websockets, with a book of its own.
- `alphalens.testing.conformance`: what every broker adapter must pass.
- `alphalens.testing.conformance_data`: what every vendor of market data must pass.
- `alphalens.testing.desk`: a random walk, and a whole paper desk over it.
- `alphalens.testing.faults`: a venue whose answers get lost.
- `alphalens.testing.loopback`: what the loopback vendors of data share: faults, control, processes.
- `alphalens.testing.polygon_server`: a loopback Polygon (Massive), REST and websocket.
- `alphalens.testing.sequential`: the decision cycle without a graph, the oracle of the graph.
- `alphalens.testing.yahoo_server`: a loopback Yahoo Finance, as yfinance asks it.
"""
