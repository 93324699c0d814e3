"""Reads the distinct values of a column, one by one through a database index: they are few among many rows."""

from django.db import connections

from conversations.index.schema import ALIAS

# Grouping would read every row. The indexes have the conditions on ''; SQLite starts at the first bound.
_VALUES = """
    WITH RECURSIVE found(value) AS (
        SELECT MIN({column}) FROM {table} WHERE {column} > '' AND {condition}
        UNION ALL
        SELECT (SELECT MIN({column}) FROM {table} WHERE {column} > found.value AND {column} > '' AND {condition})
        FROM found WHERE found.value IS NOT NULL
    )
    SELECT value{more} FROM found WHERE value IS NOT NULL LIMIT {most}
"""
_MOST = 1000
_AGENT_NAME = ", (SELECT MAX(agent_name) FROM conversation WHERE agent_id > '' AND agent_id = found.value)"


def agents() -> list[tuple[str, str]]:
    """Id and name of each agent. The name is the id if no call has a name."""
    return [(agent_id, name or agent_id) for agent_id, name in _read("conversation", "agent_id", more=_AGENT_NAME)]


def languages() -> list[str]:
    return [language for (language,) in _read("conversation", "language")]


def label_names(kind: str, most: int) -> list[str]:
    """The names of labels of this kind, in order."""
    return [name for (name,) in _read("call_label", "name", condition="kind = %s", params=[kind, kind], most=most)]


def _read(
    table: str,
    column: str,
    *,
    condition: str = "TRUE",
    params: list[str] | None = None,
    more: str = "",
    most: int = _MOST,
) -> list[tuple[str, ...]]:
    sql = _VALUES.format(table=table, column=column, condition=condition, more=more, most=most)
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(sql, params or [])
        return list(cursor.fetchall())
