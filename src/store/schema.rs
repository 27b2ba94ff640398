//! What a session file looks like inside. It is an SQLite database that people may query with any `sqlite3` tool;
//! `.schema` shows the comments below.
//!
//! - `overview` is the view to begin with: a line per exchange, with times and names as people read them.
//! - `exchange` holds everything about an exchange but what it shares with others: `upstream` (how the server was
//!   reached), `tls` (a handshake) and `certificate` are written once and referred to by number.
//! - Times are whole microseconds: `started` since 1970 (UTC), the moments within an exchange since its `started`.
//! - Lists are JSON. Header fields are `[["Name","value"],…]` in their order on the wire, a value that is not UTF-8
//!   being `{"base64":"…"}`. What was not seen is NULL; an empty list was seen to be empty.
//!
//! ```sql
//! -- What failed?
//! SELECT started, method, url, failure FROM overview WHERE state = 'failed';
//! -- Every challenge of every registry.
//! SELECT exchange.id, host, h.value ->> 1 FROM exchange, json_each(response_headers) h
//!  WHERE lower(h.value ->> 0) = 'www-authenticate';
//! -- What did it cost to pull?
//! SELECT role, count(*), sum(response_length) AS bytes FROM exchange GROUP BY role;
//! -- What was the slowest?
//! SELECT url, duration / 1000 AS ms FROM exchange ORDER BY duration DESC LIMIT 10;
//! ```

use rusqlite::Connection;

/// What tells a session from other SQLite files: `ptap`, in the file's header.
pub const APPLICATION_ID: i32 = 0x7074_6170;

/// The version of the schema that this program writes, in the file's `user_version`.
pub const VERSION: i32 = 1;

/// The way from each version to the next; the first makes an empty file a session. A released step is never changed.
const STEPS: &[&str] = &[VERSION_1];

const VERSION_1: &str = r"
CREATE TABLE capture (
    -- One run of pulltap that recorded into this file.
    id INTEGER PRIMARY KEY,
    began INTEGER NOT NULL,          -- microseconds since 1970-01-01 UTC
    pulltap TEXT NOT NULL,           -- the program's version
    first_exchange INTEGER NOT NULL, -- the first id that was free then
    lost INTEGER NOT NULL DEFAULT 0  -- exchanges that could not be written
);
CREATE TABLE certificate (
    id INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE, -- of der, in hexadecimal
    der BLOB NOT NULL
);
CREATE TABLE tls (
    -- One TLS handshake, which the exchanges of a connection share.
    id INTEGER PRIMARY KEY,
    started INTEGER NOT NULL,    -- microseconds since 1970-01-01 UTC
    duration INTEGER,            -- microseconds; NULL: it was never complete
    summary TEXT NOT NULL,       -- what was negotiated, by its names
    name TEXT NOT NULL,          -- by which the certificate was made (client side) or checked (server side)
    sni TEXT,                    -- the server name that the client sent
    version INTEGER,             -- these three as on the wire
    suite INTEGER,
    key_group INTEGER,
    alpn,                        -- text; a blob where it is none
    verdict TEXT NOT NULL,       -- trusted, not-checked, certificate-expired and so on
    verdict_words TEXT,          -- of the verifier, when it had a reason of its own
    alert INTEGER,               -- the number of the alert that ended it
    alert_sender TEXT,           -- peer, us
    hello TEXT,                  -- JSON: versions, suites, groups and alpn that the client offered
    chain TEXT NOT NULL          -- JSON: certificate.id, the server's own first
);
CREATE TABLE upstream (
    -- How a server was reached, or was not.
    id INTEGER PRIMARY KEY,
    address TEXT,                -- NULL: no connection came about
    addresses TEXT NOT NULL,     -- JSON: what the name resolved to
    resolve_start INTEGER,       -- these four in microseconds since 1970-01-01 UTC
    resolve_end INTEGER,
    connect_start INTEGER,
    connect_end INTEGER,
    parent_proxy TEXT            -- host:port, when a parent proxy was asked; the addresses are its own then
);
CREATE TABLE exchange (
    -- One request and what came of it.
    id INTEGER PRIMARY KEY,      -- in the order in which they began, also where a clock jumped
    state TEXT NOT NULL,         -- open (it ran when this was written), complete, failed
    origin TEXT NOT NULL,        -- live, file
    started INTEGER NOT NULL,    -- microseconds since 1970-01-01 UTC
    scheme TEXT NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    method TEXT,
    target TEXT,                 -- as on the wire; see also url
    status INTEGER,
    reason TEXT,
    role TEXT,                   -- what it is to a registry client: ping, token, manifest, blob and so on
    answered_by_us INTEGER NOT NULL, -- 1: the response is pulltap's own
    client TEXT,                 -- the client's address
    connection INTEGER,          -- the number of the client's connection
    connect INTEGER,             -- the id of the CONNECT whose tunnel carried it
    request_version TEXT,
    response_version TEXT,
    request_head INTEGER,        -- these six, and failure_at: microseconds after started
    request_end INTEGER,
    first_byte INTEGER,
    response_head INTEGER,
    response_end INTEGER,
    closed INTEGER,
    failure_stage TEXT,          -- resolve, connect, upstream-tls, read-body and so on; NULL: it did not fail
    failure_side TEXT,           -- client, us, parent-proxy, origin
    failure_kind TEXT,           -- refused, timed-out, certificate-expired and so on
    failure_detail TEXT,         -- the status, the alert or the words that belong to the kind
    failure_chain TEXT,          -- JSON: the messages of the errors below, outermost first
    failure_os_code INTEGER,
    failure_at INTEGER,
    tunnel_why TEXT,             -- why its bytes passed uninterpreted; NULL: they did not
    tunnel_sent INTEGER,
    tunnel_received INTEGER,
    upstream INTEGER REFERENCES upstream,
    client_tls INTEGER REFERENCES tls,
    upstream_tls INTEGER REFERENCES tls,
    request_length INTEGER NOT NULL,   -- bytes that passed, still content-coded
    request_complete INTEGER NOT NULL, -- 1: it ended where HTTP's framing says
    request_sha256 TEXT,
    request_kept TEXT NOT NULL,  -- all, prefix:LIMIT; or why it was not kept: binary, recorder-behind, not-in-file
    response_length INTEGER NOT NULL,
    response_complete INTEGER NOT NULL,
    response_sha256 TEXT,
    response_kept TEXT NOT NULL,
    request_headers TEXT,        -- JSON
    response_headers TEXT,       -- JSON
    interim TEXT,                -- JSON: 1xx responses
    request_trailers TEXT,       -- JSON
    response_trailers TEXT,      -- JSON
    request_decoded_from TEXT,   -- JSON: content codings that were undone to get request_body, outermost first
    response_decoded_from TEXT,
    request_body BLOB,           -- what was kept, decoded and masked
    response_body BLOB,
    url TEXT GENERATED ALWAYS AS (CASE
        WHEN method = 'CONNECT'
            THEN 'https://' || iif(instr(host, ':'), '[' || host || ']', host) || ':' || port || '/'
        WHEN instr(target, '://') AND substr(target, 1, 1) <> '/' THEN target
        ELSE scheme || '://' || iif(instr(host, ':'), '[' || host || ']', host)
            || iif(port = iif(scheme = 'https', 443, 80), '', ':' || port)
            || iif(target = '*', '/*', coalesce(target, ''))
        END) VIRTUAL,
    path_and_query TEXT GENERATED ALWAYS AS (
        substr(substr(url, instr(url, '://') + 3), instr(substr(url, instr(url, '://') + 3) || '/', '/'))) VIRTUAL,
    path TEXT GENERATED ALWAYS AS (substr(path_and_query, 1, instr(path_and_query || '?', '?') - 1)) VIRTUAL,
    duration INTEGER GENERATED ALWAYS AS (coalesce(closed, response_end)) VIRTUAL -- NULL: still running
);
CREATE VIEW overview AS
    -- A line per exchange, as people read it.
    SELECT exchange.id,
        strftime('%Y-%m-%d %H:%M:%f', exchange.started / 1e6, 'unixepoch') AS started, -- UTC
        method, url, status, state, role,
        round(exchange.duration / 1e3, 1) AS ms,
        request_length AS sent, response_length AS received,
        failure_stage || ': ' || failure_kind || ' (' || failure_side || ')' AS failure,
        tunnel_why AS opaque, client, upstream.address AS server,
        from_client.summary AS client_tls, to_server.summary AS upstream_tls, connection, connect
    FROM exchange
    LEFT JOIN upstream ON upstream.id = exchange.upstream
    LEFT JOIN tls AS from_client ON from_client.id = exchange.client_tls
    LEFT JOIN tls AS to_server ON to_server.id = exchange.upstream_tls
    ORDER BY exchange.id;
";

/// Takes a database from its version to the present one, all steps or none.
pub fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    migrate_by(connection, STEPS)
}

fn migrate_by(connection: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version = version(&transaction)?;
    for step in steps.iter().skip(usize::try_from(version).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", i32::try_from(steps.len()).unwrap_or(i32::MAX))?;
    transaction.commit()
}

/// The version of a database's schema; 0 is an empty file.
pub fn version(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// What the database's header says that it is.
pub fn application_id(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &[&str] = &["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y"];
    const NEW: &[&str] = &[OLD[0], OLD[1], "CREATE TABLE b (x)", "INSERT INTO b SELECT y FROM a"];

    #[test]
    fn there_is_a_step_to_each_version() {
        assert_eq!(i32::try_from(STEPS.len()), Ok(VERSION));
    }

    #[test]
    fn takes_the_steps_that_are_missing_and_no_other() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate_by(&mut connection, OLD).unwrap();
        connection.execute("INSERT INTO a VALUES (1, 2)", []).unwrap();
        migrate_by(&mut connection, NEW).unwrap();
        migrate_by(&mut connection, NEW).unwrap();
        assert_eq!(version(&connection).unwrap(), 4);
        assert_eq!(connection.query_row("SELECT x FROM b", [], |row| row.get::<_, i64>(0)).unwrap(), 2);
    }

    #[test]
    fn a_step_that_fails_leaves_everything_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate_by(&mut connection, OLD).unwrap();
        migrate_by(&mut connection, &[OLD[0], OLD[1], "CREATE TABLE c (x)", "no SQL"]).unwrap_err();
        assert_eq!(version(&connection).unwrap(), 2);
        connection.execute("SELECT * FROM c", []).unwrap_err();
    }
}
