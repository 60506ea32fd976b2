"""The parts of the Alpaca adapter: its words, its refusals, its requests and its stream."""
