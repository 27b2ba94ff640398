//! Files of other versions, and files that are none of ours.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pulltap::store::{Session, StoreError, schema};

use super::generated::Dice;
use super::{assert_sound, exchanges, record, redacted};

/// Each version that was ever released has a file here, written by that version with the exchanges of
/// [`written`]; it stays as it is for ever.
const VERSIONS: &[i32] = &[1, 2];

fn fixture(version: i32) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store");
    folder.join(format!("version-{version}.pulltap"))
}

/// The exchanges that stand in the fixtures.
fn written() -> Vec<pulltap::redact::Redacted<pulltap::exchange::Exchange>> {
    (1..=12).map(|id| redacted(Dice::seeded(id).exchange(id))).collect()
}

#[test]
fn files_of_every_version_can_be_read_and_continued() {
    for version in VERSIONS {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy.pulltap");
        fs::copy(fixture(*version), &copy).unwrap();
        let before = fs::read(&copy).unwrap();
        let expected: Vec<_> = written().into_iter().map(pulltap::redact::Redacted::into_inner).collect();
        assert_eq!(exchanges(&copy), expected, "version {version}");
        assert_eq!(fs::read(&copy).unwrap(), before, "reading changed the file");
        let session = Session::append(&copy).unwrap();
        assert_eq!(session.last_ids().exchange, 12);
        drop(session);
        assert_eq!(exchanges(&copy), expected, "version {version}, after it was continued");
        assert_sound(&copy);
    }
}

#[test]
fn files_of_every_version_become_what_new_ones_are() {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new.pulltap");
    record(&new, &[]);
    for version in VERSIONS {
        let copy = folder.path().join("copy.pulltap");
        fs::copy(fixture(*version), &copy).unwrap();
        drop(Session::append(&copy).unwrap());
        assert_eq!(columns(&copy), columns(&new), "version {version}");
    }
}

/// Every column of every table and view, with its type.
fn columns(path: &Path) -> BTreeSet<(String, String, String)> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let select = "SELECT m.name, c.name, c.type FROM sqlite_master m, pragma_table_xinfo(m.name) c";
    let mut select = connection.prepare(select).unwrap();
    select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap().map(Result::unwrap).collect()
}

#[test]
fn there_is_a_file_of_the_present_version() {
    assert_eq!(VERSIONS.last(), Some(&schema::VERSION), "write one with write_the_fixture");
}

/// `cargo test --test all store::formats::write -- --ignored` after a new version was made.
#[test]
#[ignore = "writes the fixture of the present version"]
fn write_the_fixture() {
    let path = fixture(schema::VERSION);
    let _ = fs::remove_file(&path);
    assert_eq!(record(&path, &written()).health.lost, 0);
}

#[test]
fn says_what_is_wrong_with_other_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("text"), "no database at all, but long enough to have a header of one hundred bytes ".repeat(3))
        .unwrap();
    fs::write(path("empty"), "").unwrap();
    rusqlite::Connection::open(path("other")).unwrap().execute_batch("CREATE TABLE a (x)").unwrap();
    for name in ["text", "empty", "other"] {
        assert!(matches!(Session::open(&path(name)), Err(StoreError::NotASession { .. })), "{name}");
        assert!(matches!(Session::append(&path(name)), Err(StoreError::NotASession { .. })), "{name}");
    }
    assert!(matches!(Session::open(&path("missing")), Err(StoreError::Missing { .. })));
    assert!(matches!(Session::append(&path("missing")), Err(StoreError::Missing { .. })));
    assert!(!path("missing").exists());
}

#[test]
fn refuses_what_a_newer_program_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("newer.pulltap");
    record(&path, &written());
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 999).unwrap();
    for error in [Session::open(&path).unwrap_err(), Session::append(&path).map(drop).unwrap_err()] {
        assert!(error.to_string().contains("newer pulltap (format 999"), "{error}");
    }
}

#[test]
fn names_the_place_of_damage_and_ends_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.pulltap");
    record(&path, &written());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute("UPDATE exchange SET state = 'dreaming' WHERE id = 3", []).unwrap();
    let session = Session::open(&path).unwrap();
    let read: Vec<_> = session.exchanges().collect();
    assert_eq!(read.len(), 3);
    let error = read[2].as_ref().unwrap_err().to_string();
    assert!(error.contains("exchange 3, column state"), "{error}");
    connection
        .execute_batch(
            "PRAGMA foreign_keys = off; DELETE FROM content; UPDATE exchange SET state = 'open' WHERE id = 3",
        )
        .unwrap();
    let error = session.exchanges().find_map(Result::err).unwrap().to_string();
    assert!(error.contains("_body"), "{error}");
}
