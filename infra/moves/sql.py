"""What a move asks of PostgreSQL, as text for psql; nothing here runs anything.

Sources: PostgreSQL 17 documentation, "Logical Replication" (restrictions: no sequences, no
large objects, no DDL; a table without a primary key needs REPLICA IDENTITY FULL), and "pg_hba"
for certificates instead of passwords.
"""

from __future__ import annotations

from infra.services import postgres

# Tables that a move carries: ordinary ones outside of PostgreSQL's own schemas.
_TABLES = """
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""


def ident(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def empty_database(database: str) -> str:
    """The second place's database, new; for its own database, whose role has the same name."""
    name = ident(database)
    return f"""
        DROP DATABASE IF EXISTS {name} WITH (FORCE);
        CREATE DATABASE {name} OWNER {name};
        REVOKE ALL ON DATABASE {name} FROM PUBLIC;"""


def exists(database: str) -> str:
    return f"SELECT count(*) FROM pg_database WHERE datname = {literal(database)};"


def not_replicated() -> str:
    """Tables that logical replication would leave out."""
    return f"""SELECT n.nspname || '.' || c.relname {_TABLES}
        AND c.relpersistence <> 'p' ORDER BY 1;"""


def publish(link: str, database: str) -> str:
    """All tables, for whoever comes as the mover, and an identity for rows without a key."""
    mover = ident(postgres.MOVER)
    return f"""
        DO $do$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {literal(postgres.MOVER)}) THEN
                CREATE ROLE {mover} LOGIN REPLICATION;
            END IF;
        END $do$;
        GRANT pg_read_all_data TO {mover};
        GRANT CONNECT ON DATABASE {ident(database)} TO {mover};
        SELECT format('ALTER TABLE %I.%I REPLICA IDENTITY FULL', n.nspname, c.relname) {_TABLES}
            AND c.relpersistence = 'p' AND c.relreplident = 'd' AND NOT EXISTS (
                SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) \\gexec
        SELECT 'CREATE PUBLICATION {ident(link)} FOR ALL TABLES' WHERE NOT EXISTS (
            SELECT FROM pg_publication WHERE pubname = {literal(link)}) \\gexec
        """


def unpublish(link: str) -> str:
    return f"DROP PUBLICATION IF EXISTS {ident(link)};"


def drop_slot(link: str) -> str:
    """Whoever still reads it is ended first: it may be a subscription that was lost."""
    name = literal(link)
    return f"""
        SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots
            WHERE slot_name = {name} AND active_pid IS NOT NULL;
        SELECT pg_sleep(0.2) FROM pg_replication_slots WHERE slot_name = {name} AND active;
        SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
            WHERE slot_name = {name};"""


def subscription(link: str) -> str:
    return f"SELECT count(*) FROM pg_subscription WHERE subname = {literal(link)};"


def subscribe(link: str, source: str, *, with_rows: bool) -> str:
    """source: libpq's words for the other end; with_rows: the tables are empty here."""
    rows = "true" if with_rows else "false"
    return f"""CREATE SUBSCRIPTION {ident(link)} CONNECTION {literal(source)}
        PUBLICATION {ident(link)} WITH (copy_data = {rows}, origin = none);"""


def unsubscribe(link: str) -> str:
    """Without its slot at the other end, which may be out of reach; drop_slot() removes that."""
    name = ident(link)
    return f"""
        ALTER SUBSCRIPTION {name} DISABLE;
        ALTER SUBSCRIPTION {name} SET (slot_name = NONE);
        DROP SUBSCRIPTION {name};"""


def tables_left(link: str) -> str:
    """Tables not copied yet, and all tables of the subscription."""
    return f"""SELECT count(*) FILTER (WHERE r.srsubstate <> 'r') || ' ' || count(*)
        FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid
        WHERE s.subname = {literal(link)};"""


def rows_copied(database: str) -> str:
    """Rows of the tables being copied at this moment."""
    return f"""SELECT coalesce(sum(tuples_processed), 0) FROM pg_stat_progress_copy
        WHERE datname = {literal(database)};"""


def rows_estimated() -> str:
    return f"SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint {_TABLES};"


def behind(link: str) -> str:
    """At the first place: bytes not yet confirmed by the second, and the slot's condition."""
    return f"""SELECT coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn), 0)
            || ' ' || coalesce(wal_status, 'lost')
        FROM pg_replication_slots WHERE slot_name = {literal(link)};"""


def position() -> str:
    """Where the first place's log ends now; the message makes sure that something follows."""
    return """SELECT pg_current_wal_lsn();
        DO $do$ BEGIN PERFORM pg_logical_emit_message(true, 'hanoi', 'sync'); END $do$;"""


def confirmed(link: str, position: str) -> str:
    return f"""SELECT coalesce(bool_or(confirmed_flush_lsn >= {literal(position)}::pg_lsn), false)
        FROM pg_replication_slots WHERE slot_name = {literal(link)};"""


def fence(database: str) -> str:
    """The application is let in no more, and whoever is inside is shown out."""
    return f"""
        ALTER ROLE {ident(database)} NOLOGIN;
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE usename = {literal(database)};"""


def admit(database: str) -> str:
    return f"ALTER ROLE {ident(database)} LOGIN;"


def sequences() -> str:
    """At the first place: statements for the second. A sequence never used stays so."""
    return """SELECT format('SELECT setval(%L, %s, %L);',
            quote_ident(schemaname) || '.' || quote_ident(sequencename),
            coalesce(last_value, start_value), last_value IS NOT NULL)
        FROM pg_sequences WHERE schemaname !~ '^pg_' ORDER BY schemaname, sequencename;"""


def sequence_values() -> str:
    return """SELECT schemaname || '.' || sequencename || '|' || coalesce(last_value::text, '-')
        FROM pg_sequences WHERE schemaname !~ '^pg_' ORDER BY 1;"""


def sequences_skip(most: int) -> str:
    """Every sequence goes on so much later, or a tenth of what is left to it; past the greatest
    value of its column, where it has one."""
    return f"""
        SELECT format($q$SELECT setval(%L, now + least({most}, (%s - now) / 10)) FROM
            (SELECT greatest(%s, (SELECT max(%I) FROM %s)) AS now) seen;$q$,
            s.seqrelid::regclass, s.seqmax,
            coalesce(pg_sequence_last_value(s.seqrelid), s.seqstart), coalesce(a.attname, 'now'),
            coalesce(d.refobjid::regclass::text, '(SELECT NULL::bigint AS now) nothing'))
        FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid
                AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
            LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE s.seqincrement > 0 AND n.nspname !~ '^pg_' \\gexec
        """


def fingerprints() -> str:
    """name|rows|checksum of every table: the sum of the rows' hashes, so that order is nothing.

    The settings that shape a row's text are the same at both ends.
    """
    return f"""SET timezone = 'UTC'; SET datestyle = 'ISO'; SET bytea_output = 'hex';
        SET extra_float_digits = 1;
        SELECT format($q$SELECT %L, count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric),
            0) FROM %I.%I t$q$, n.nspname || '.' || c.relname, n.nspname, c.relname)
        {_TABLES} AND c.relpersistence = 'p' ORDER BY n.nspname, c.relname \\gexec
        """


def large_objects() -> str:
    """Their number, and a checksum of numbers and contents."""
    return """SELECT count(*) || '|' || coalesce(sum(hashtextextended(
            oid::text || ':' || encode(sha256(lo_get(oid)), 'hex'), 0)::numeric), 0)
        FROM pg_largeobject_metadata;"""


def no_large_objects() -> str:
    return "SELECT count(lo_unlink(oid)) FROM pg_largeobject_metadata;"


def size(database: str) -> str:
    return f"SELECT pg_database_size({literal(database)});"
