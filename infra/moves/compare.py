"""Two copies of a database, compared, and what replication does not carry, carried."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from infra.moves import sql
from infra.moves.ends import End


def differences(first: End, second: End, database: str) -> list[str]:
    """What differs, in words: tables (rows and checksums), sequences, large objects."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        one, other = pool.map(lambda end: _seen(end, database), (first, second))
    return [
        f"{name}: {one.get(name, 'absent')} there, {other.get(name, 'absent')} here"
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name)
    ]


def _seen(end: End, database: str) -> dict[str, str]:
    rows = end.sql(sql.fingerprints() + sql.sequence_values(), database)
    found = dict(row.split("|", 1) for row in rows if "|" in row)
    found["large objects"] = end.value(sql.large_objects(), database)
    return found


def large_objects_along(source: End, target: End, database: str) -> None:
    """All large objects anew, when they differ: replication knows nothing of them."""
    there = source.value(sql.large_objects(), database)
    if there == target.value(sql.large_objects(), database):
        return
    target.sql(sql.no_large_objects(), database)
    dump = source.dump(database, "--large-objects", "--exclude-schema=*", "--no-acl")
    target.restore(database, dump)
