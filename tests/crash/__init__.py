"""A trading day that is killed everywhere, and must end as if it had not been."""
