//! One file, several captures: one after the other, never at once.

use std::path::Path;

use super::{answering, asks, assert_sound, connect, exchanges};
use crate::support::scripted::PATIENCE;
use crate::support::scripted::authority::Authority;
use crate::support::scripted::proxy::Setup;
use crate::support::scripted::scene::HOST;

fn recording_into(session: &Path, more: &[&str]) -> Setup {
    let setup = Setup::trusting(&Authority::new()).arg("--session").arg(session.to_str().unwrap());
    more.iter().fold(setup, |setup, argument| setup.arg(argument))
}

#[test]
fn a_capture_of_nothing_leaves_no_session_unless_it_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("asked.pulltap");
    for (setup, left) in [(Setup::trusting(&Authority::new()), None), (recording_into(&session, &[]), session.to_str())]
    {
        let pulltap = setup.start();
        pulltap.signal("TERM");
        let printed = pulltap.ends_well_within(PATIENCE);
        let summary = printed.iter().find(|line| line["type"] == "summary").unwrap();
        assert_eq!(summary["session"].as_str(), left);
    }
}

#[test]
fn a_second_capture_continues_the_numbers() {
    let origin = answering(0);
    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("twice.pulltap");
    let mut ids = Vec::new();
    for path in ["/first", "/second"] {
        let pulltap = recording_into(&session, &["--append"]).resolving(HOST, 80, origin.address()).start();
        let mut wire = connect(&pulltap);
        assert!(asks(&mut wire, path));
        drop(wire);
        let printed = pulltap.conclude();
        let summary = printed.iter().find(|line| line["type"] == "summary").unwrap();
        assert_eq!((&summary["session"], &summary["lost"]), (&session.to_str().unwrap().into(), &0.into()));
        let asked = printed.iter().find(|line| line["url"].as_str().is_some_and(|url| url.ends_with(path))).unwrap();
        ids.push(asked["id"].as_u64().unwrap());
    }
    assert!(ids[0] < ids[1], "{ids:?}");
    let recorded = exchanges(&session);
    // A CONNECT and a GET each, and both again for the question whether it is well.
    assert_eq!(recorded.len(), 8);
    for (id, path) in ids.iter().zip(["/first", "/second"]) {
        let exchange = recorded.iter().find(|exchange| exchange.id.number() == *id).unwrap();
        assert_eq!(exchange.path(), path);
    }
    let connections: std::collections::HashSet<_> = recorded.iter().map(|exchange| exchange.connection).collect();
    assert_eq!(connections.len(), 4);
    assert_sound(&session);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "one file is left, without companions");
}

#[test]
fn a_file_that_exists_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("taken.pulltap");
    std::fs::write(&session, "mine").unwrap();
    for (more, reason) in [(&[][..], "--append"), (&["--append"][..], "not a session")] {
        let output = recording_into(&session, more).run_to_end();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{errors}");
        assert!(errors.contains(reason) && errors.contains("taken.pulltap"), "{errors}");
    }
    assert_eq!(std::fs::read(&session).unwrap(), b"mine");
}

#[test]
fn two_at_once_are_refused_and_the_first_goes_on() {
    let origin = answering(0);
    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("both.pulltap");
    let pulltap = recording_into(&session, &[]).resolving(HOST, 80, origin.address()).start();
    let mut wire = connect(&pulltap);
    assert!(asks(&mut wire, "/before"));
    let output = recording_into(&session, &["--append"]).run_to_end();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(errors.contains("another pulltap records into") && errors.contains("both.pulltap"), "{errors}");
    assert!(asks(&mut wire, "/after"));
    drop(wire);
    pulltap.conclude();
    let recorded = exchanges(&session);
    assert!(["/before", "/after"].iter().all(|path| recorded.iter().any(|exchange| exchange.path() == *path)));
    assert_sound(&session);
}

#[test]
fn a_capture_that_cannot_start_leaves_no_session() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("none.pulltap");
    let address = taken.local_addr().unwrap().to_string();
    let output = recording_into(&session, &["--listen", &address]).run_to_end();
    assert_eq!(output.status.code(), Some(3));
    assert!(!session.exists());
}
