"""The ways from one version of the schema to the next, run by `alphalens.storage.upgrade`."""
