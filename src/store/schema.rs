//! What a session file looks like inside. It is an SQLite database that people may query with any `sqlite3` tool;
//! `.schema` shows the comments below.
//!
//! - `overview` is the view to begin with: a line per exchange, with times and names as people read them.
//! - `exchange` holds everything about an exchange but what it shares with others: `upstream` (how the server was
//!   reached), `tls` (a handshake), `certificate` and `content` are written once and referred to by number.
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
//! SELECT url, ms FROM overview ORDER BY ms DESC LIMIT 10;
//! -- What did the servers say when they refused?
//! SELECT overview.status, url, CAST(bytes AS TEXT) FROM overview JOIN exchange USING (id)
//!  JOIN content ON content.id = response_body WHERE overview.status >= 400;
//! ```

use rusqlite::Connection;

/// What tells a session from other SQLite files: `ptap`, in the file's header.
pub const APPLICATION_ID: i32 = 0x7074_6170;

/// The version of the schema that this program writes, in the file's `user_version`.
pub const VERSION: i32 = 2;

/// What makes an empty file a session of this version.
const TABLES: &str = include_str!("schema/tables.sql");

/// The way from each version, beginning with the first, to the next. A released step is never changed.
const STEPS: &[&str] = &[include_str!("schema/from_1.sql")];

/// Made anew when the version changes.
const VIEWS: &str = include_str!("schema/views.sql");

/// Takes a database to the present version, all the way or not at all.
pub fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    migrate_by(connection, TABLES, STEPS, VIEWS)
}

fn migrate_by(connection: &mut Connection, tables: &str, steps: &[&str], views: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let present = i32::try_from(steps.len()).unwrap_or(i32::MAX).saturating_add(1);
    let version = version(&transaction)?;
    if version == present {
        return Ok(());
    }
    match usize::try_from(version) {
        Ok(taken @ 1..) => steps.iter().skip(taken - 1).try_for_each(|step| transaction.execute_batch(step))?,
        _ => transaction.execute_batch(tables)?,
    }
    transaction.execute_batch(views)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", present)?;
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

    const TABLES_1: &str = "CREATE TABLE a (x)";
    const TABLES_3: &str = "CREATE TABLE a (x, y); CREATE TABLE b (x)";
    const TO_3: &[&str] = &["ALTER TABLE a ADD COLUMN y", "CREATE TABLE b (x); INSERT INTO b SELECT x FROM a"];
    const VIEW: &str = "DROP VIEW IF EXISTS c; CREATE VIEW c AS SELECT * FROM a";

    #[test]
    fn there_is_a_step_from_each_version() {
        assert_eq!(i32::try_from(STEPS.len() + 1), Ok(VERSION));
    }

    #[test]
    fn takes_the_steps_that_are_missing_and_no_other() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate_by(&mut connection, TABLES_1, &[], VIEW).unwrap();
        connection.execute("INSERT INTO a VALUES (2)", []).unwrap();
        migrate_by(&mut connection, TABLES_3, TO_3, VIEW).unwrap();
        migrate_by(&mut connection, TABLES_3, TO_3, VIEW).unwrap();
        assert_eq!(version(&connection).unwrap(), 3);
        assert_eq!(connection.query_row("SELECT x FROM b", [], |row| row.get::<_, i64>(0)).unwrap(), 2);
        connection.prepare("SELECT y FROM c").unwrap();
    }

    #[test]
    fn a_step_that_fails_leaves_everything_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate_by(&mut connection, TABLES_1, &[], VIEW).unwrap();
        migrate_by(&mut connection, TABLES_3, &["CREATE TABLE d (x)", "no SQL"], VIEW).unwrap_err();
        assert_eq!(version(&connection).unwrap(), 1);
        connection.execute("SELECT * FROM d", []).unwrap_err();
    }
}
