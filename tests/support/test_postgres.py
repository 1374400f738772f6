from __future__ import annotations

import psycopg

from tests.support.postgres import Postgres


def test_the_run_has_a_postgresql_of_its_own(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url.replace("+psycopg", "")) as connection:
        assert connection.execute("show server_encoding").fetchone() == ("UTF8",)
