-- What sign-on keeps. The tables of sessions are those that LemonLDAP::NG expects, but logged:
-- an unlogged table is on one server only, and users would have to sign on again after its loss.
CREATE TABLE IF NOT EXISTS users (
    login text PRIMARY KEY CHECK (login ~ '^[a-z0-9][a-z0-9._-]{1,62}$'),
    password text NOT NULL CHECK (password LIKE '$y$%'),
    name text NOT NULL CHECK (name <> ''),
    mail text NOT NULL DEFAULT '',
    unit text NOT NULL CHECK (unit <> '')
);
CREATE INDEX IF NOT EXISTS users_unit ON users (unit);

CREATE TABLE IF NOT EXISTS sessions (
    id varchar(64) PRIMARY KEY,
    a_session jsonb
);
CREATE INDEX IF NOT EXISTS sessions_kind ON sessions ((a_session ->> '_session_kind'));
CREATE INDEX IF NOT EXISTS sessions_time ON sessions (((a_session ->> '_utime')::bigint));
CREATE INDEX IF NOT EXISTS sessions_user ON sessions ((a_session ->> '_whatToTrace'));

CREATE TABLE IF NOT EXISTS psessions (
    id varchar(64) PRIMARY KEY,
    a_session jsonb
);
CREATE INDEX IF NOT EXISTS psessions_user ON psessions ((a_session ->> '_session_uid'));
