//! Somebody sets the machine's clock while a capture runs, and back before the next one.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::{answering, asks, assert_sound, connect, exchanges};
use crate::support::false_clock::library;
use crate::support::scripted::authority::Authority;
use crate::support::scripted::origin::Origin;
use crate::support::scripted::proxy::Setup;
use crate::support::scripted::scene::HOST;

/// A capture whose clock shows what stands in this file; it may be set while the capture runs.
fn under(clock: &Path, session: &Path, origin: &Origin) -> Setup {
    Setup::trusting(&Authority::new())
        .resolving(HOST, 80, origin.address())
        .arg("--session")
        .arg(session.to_str().unwrap())
        .arg("--append")
        .variable("LD_PRELOAD", library().to_str().unwrap())
        .variable("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap())
        .variable("FAKETIME_NO_CACHE", "1")
        .variable("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .variable("TZ", "UTC")
}

#[test]
fn a_clock_that_jumps_costs_nothing() {
    let origin = answering(0);
    let folder = tempfile::tempdir().unwrap();
    let [clock, session] = ["clock", "jumps.pulltap"].map(|name| folder.path().join(name));
    for (began, jumped) in
        [("2030-05-01 12:00:00", "2020-01-01 00:00:00"), ("2001-01-01 00:00:00", "2038-01-01 00:00:00")]
    {
        fs::write(&clock, format!("@{began}\n")).unwrap();
        let pulltap = under(&clock, &session, &origin).start();
        let mut wire = connect(&pulltap);
        assert!(asks(&mut wire, "/before"));
        fs::write(&clock, format!("@{jumped}\n")).unwrap();
        thread::sleep(Duration::from_millis(1200));
        assert!(asks(&mut wire, "/after"));
        drop(wire);
        pulltap.signal("TERM");
        let printed = pulltap.ends_well_within(Duration::from_secs(20));
        let summary = printed.iter().find(|line| line["type"] == "summary").unwrap();
        assert_eq!((&summary["exchanges"], &summary["lost"]), (&2.into(), &0.into()), "{printed:#?}");
    }
    let recorded = exchanges(&session);
    let paths: Vec<_> =
        recorded.iter().map(pulltap::exchange::Exchange::path).filter(|path| path.starts_with('/')).collect();
    assert_eq!(paths, ["/before", "/after", "/before", "/after"]);
    let year = |micros: i64| 1970 + micros / 1_000_000 / 31_556_952;
    let years: Vec<_> = recorded.iter().map(|exchange| year(exchange.timings.opened.micros())).collect();
    assert!(
        years.starts_with(&[2030, 2030]) && years.ends_with(&[2001, 2001]),
        "the clock was really false: {years:?}"
    );
    for exchange in &recorded {
        let timings = &exchange.timings;
        let closed = timings.closed.expect("it is over");
        assert!((0..20_000_000).contains(&closed.micros_since(timings.opened)), "{timings:?}");
    }
    assert_sound(&session);
}
