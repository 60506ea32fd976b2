"""The parts of the paper venue."""
