//! The disk is full, the folder read-only, the file deleted: traffic goes on, the user is told, recording resumes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{answering, asks, assert_sound, connect, exchanges};
use crate::support::ran::Ran;
use crate::support::scripted::authority::Authority;
use crate::support::scripted::proxy::Setup;
use crate::support::scripted::scene::HOST;
use crate::support::world::in_private_world;

fn mount(folder: &Path, options: &str) {
    Ran::ok(Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder));
}

fn remount(folder: &Path, options: &str) {
    Ran::ok(Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(folder));
}

fn lost(printed: &[Value]) -> u64 {
    printed.iter().find(|line| line["type"] == "summary").and_then(|line| line["lost"].as_u64()).unwrap()
}

/// Holds that the requests `/0`, `/1` … are all there.
#[track_caller]
fn assert_recorded(session: &Path, requests: usize) {
    let recorded = exchanges(session);
    for request in 0..requests {
        let path = format!("/{request}");
        assert!(recorded.iter().any(|exchange| exchange.path() == path), "{path} of {requests} is not recorded");
    }
    assert_sound(session);
}

#[test]
fn a_full_disk_stops_the_recording_and_nothing_else() {
    in_private_world(|world| {
        let disk = world.path("disk");
        fs::create_dir(&disk).unwrap();
        mount(&disk, "size=1m");
        let session = disk.join("full.pulltap");
        let origin = answering(32 << 10);
        let setup = Setup::trusting(&Authority::new()).resolving(HOST, 80, origin.address());
        let pulltap = setup.arg("--session").arg(session.to_str().unwrap()).start();
        let mut wire = connect(&pulltap);
        let mut requests = 0;
        let mut ask = |times: usize| {
            for _ in 0..times {
                assert!(asks(&mut wire, &format!("/{requests}")));
                requests += 1;
            }
            requests
        };
        ask(100);
        pulltap.trouble(Some("disk-full"));
        ask(100);
        remount(&disk, "size=64m");
        assert_eq!(pulltap.trouble(None)["over"], true);
        let requests = ask(10);
        assert_eq!(lost(&pulltap.conclude()), 0);
        assert_recorded(&session, requests);
    });
}

#[test]
fn what_could_not_be_written_until_the_end_is_counted() {
    in_private_world(|world| {
        let disk = world.path("disk");
        fs::create_dir(&disk).unwrap();
        mount(&disk, "size=1m");
        let session = disk.join("full.pulltap");
        let origin = answering(32 << 10);
        let setup = Setup::trusting(&Authority::new()).resolving(HOST, 80, origin.address());
        let pulltap = setup.arg("--session").arg(session.to_str().unwrap()).start();
        let mut wire = connect(&pulltap);
        assert!((0..100).all(|request| asks(&mut wire, &format!("/{request}"))));
        pulltap.trouble(Some("disk-full"));
        drop(wire);
        let lost = lost(&pulltap.conclude());
        remount(&disk, "size=64m");
        // The CONNECTs, and the question whether it is well, are exchanges too.
        assert_eq!(lost + exchanges(&session).len() as u64, 103);
        assert!(lost > 0);
        assert_sound(&session);
    });
}

#[test]
fn a_file_that_somebody_else_writes_to_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("busy.pulltap");
    let origin = answering(0);
    let setup = Setup::trusting(&Authority::new()).resolving(HOST, 80, origin.address());
    let pulltap = setup.arg("--session").arg(session.to_str().unwrap()).start();
    let mut wire = connect(&pulltap);
    let somebody = rusqlite::Connection::open(&session).unwrap();
    somebody.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(asks(&mut wire, "/0"));
    pulltap.trouble(Some("busy"));
    assert!(asks(&mut wire, "/1"));
    somebody.execute_batch("COMMIT").unwrap();
    drop(somebody);
    pulltap.trouble(None);
    drop(wire);
    assert_eq!(lost(&pulltap.conclude()), 0);
    assert_recorded(&session, 2);
}

#[test]
fn a_folder_that_becomes_writable_gets_its_session() {
    in_private_world(|_| {
        let origin = answering(0);
        let setup = Setup::trusting(&Authority::new()).resolving(HOST, 80, origin.address());
        let sessions = setup.data().join("sessions");
        fs::create_dir_all(&sessions).unwrap();
        mount(&sessions, "ro");
        let pulltap = setup.start();
        pulltap.trouble(Some("not-writable"));
        let mut wire = connect(&pulltap);
        assert!((0..5).all(|request| asks(&mut wire, &format!("/{request}"))));
        remount(&sessions, "rw");
        pulltap.trouble(None);
        assert!(asks(&mut wire, "/5"));
        // Looked at while it runs: the folder goes with the proxy.
        let session = only_file_of(&sessions);
        let copy = sessions.join("copy");
        drop(wire);
        pulltap.assert_well();
        crate::support::ran::eventually("all are recorded", crate::support::scripted::PATIENCE, || {
            (exchanges(&session).len() >= 9).then_some(())
        });
        rusqlite::Connection::open(&session).unwrap().execute("VACUUM INTO ?", [copy.to_str().unwrap()]).unwrap();
        assert_recorded(&copy, 6);
        assert_eq!(lost(&pulltap.conclude()), 0);
    });
}

fn only_file_of(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut sessions = files.filter(|path| path.extension().is_some_and(|ending| ending == "pulltap"));
    let session = sessions.next().expect("a session");
    assert_eq!(sessions.next(), None);
    session
}

#[test]
fn a_folder_that_cannot_be_written_to_is_an_error_where_it_was_asked_for() {
    in_private_world(|world| {
        let folder = world.path("read-only");
        fs::create_dir(&folder).unwrap();
        mount(&folder, "ro");
        let session = folder.join("a.pulltap");
        let output = Setup::trusting(&Authority::new()).arg("--session").arg(session.to_str().unwrap()).run_to_end();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{errors}");
        assert!(errors.contains("read-only/a.pulltap") && errors.contains("Read-only file system"), "{errors}");
    });
}

#[test]
fn a_finished_session_can_be_read_from_a_read_only_folder() {
    in_private_world(|world| {
        let folder = world.path("read-only");
        fs::create_dir(&folder).unwrap();
        mount(&folder, "rw");
        let session = folder.join("a.pulltap");
        super::record(&session, &[super::redacted(super::generated::Dice::seeded(1).exchange(1))]);
        remount(&folder, "ro");
        assert_eq!(exchanges(&session).len(), 1);
    });
}

#[test]
fn a_deleted_file_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("gone.pulltap");
    let origin = answering(0);
    let setup = Setup::trusting(&Authority::new()).resolving(HOST, 80, origin.address());
    let pulltap = setup.arg("--session").arg(session.to_str().unwrap()).start();
    let mut wire = connect(&pulltap);
    assert!((0..5).all(|request| asks(&mut wire, &format!("/{request}"))));
    crate::support::ran::eventually("they are recorded", crate::support::scripted::PATIENCE, || {
        (exchanges(&session).len() >= 5).then_some(())
    });
    fs::remove_file(&session).unwrap();
    assert!((5..10).all(|request| asks(&mut wire, &format!("/{request}"))));
    drop(wire);
    assert_eq!(lost(&pulltap.conclude()), 0);
    assert_recorded(&session, 10);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "one file is left, without companions");
}
