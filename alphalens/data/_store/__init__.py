"""The statements behind the stores of bars, facts and options."""
