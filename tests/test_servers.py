"""Tests may run on servers of somebody: they leave nothing there, and touch nothing."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
import sqlalchemy as sa
from redis import Redis

from .servers import own_keys, own_role, own_schema

ROLES, SCHEMAS = "SELECT rolname FROM pg_roles", "SELECT nspname FROM pg_namespace"


def names(server: str, query: str) -> set[str]:
    engine = sa.create_engine(server, poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        return set(connection.exec_driver_sql(query).scalars())


def test_own_keys_go_at_the_end_and_all_others_stay(redis):
    other = f"{uuid4().hex}:of-somebody"
    with Redis.from_url(redis) as client:
        client.set(other, b"1", ex=60)
        with own_keys(redis) as prefix:
            client.mset({f"{prefix}{n}": b"2" for n in range(20_001)})
        assert list(client.scan_iter(match=f"{prefix}*", count=10_000)) == []
        assert client.get(other) == b"1"
        client.delete(other)


def test_own_schema_and_own_role_are_gone_at_the_end(postgres):
    rights = ("GRANT ALL ON SCHEMA {schema} TO {role}",)
    with own_schema(postgres) as url:
        options = sa.make_url(url).query["options"]
        schema = options.removeprefix("-csearch_path=")
        assert schema in names(postgres, SCHEMAS)
        with own_role(url, attributes="", grants=rights) as role:
            assert role in names(postgres, ROLES)
            acting = sa.make_url(url).update_query_dict({"options": f"{options} -crole={role}"})
            engine = sa.create_engine(acting, poolclass=sa.pool.NullPool)
            with engine.begin() as connection:
                connection.exec_driver_sql("CREATE TABLE of_the_role (n int)")
    assert schema not in names(postgres, SCHEMAS)
    assert role not in names(postgres, ROLES)


def test_role_that_could_not_be_given_its_rights_is_gone_too(postgres_url):
    rights = ("GRANT nonsense TO {role}",)
    with (
        pytest.raises(sa.exc.ProgrammingError, match='role "nonsense" does not exist') as caught,
        own_role(postgres_url, attributes="", grants=rights),
    ):
        pass
    (role,) = re.findall(r"GRANT nonsense TO (r[0-9a-f]{32})", str(caught.value))
    assert role not in names(postgres_url, ROLES)
