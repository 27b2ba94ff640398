//! The program is killed, again and again, while it records.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pulltap::exchange::{Exchange, State};

use super::{answering, asks, assert_sound, connect, exchanges};
use crate::support::scripted::PATIENCE;
use crate::support::scripted::authority::Authority;
use crate::support::scripted::origin::Origin;
use crate::support::scripted::proxy::{Proxy, Setup};
use crate::support::scripted::scene::HOST;

const ROUNDS: u64 = 20;
const CLIENTS: usize = 3;

/// What was over this long before the program was killed must be in the file.
const MAY_BE_LOST: Duration = Duration::from_millis(200);

/// Lets clients ask for so long, kills, and gives what was answered and when, and when it was killed.
fn kill_after(time: Duration, pulltap: &mut Proxy) -> (Vec<(String, Instant)>, Instant) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let clients = [0; CLIENTS].map(|_| connect(pulltap)).into_iter().enumerate().map(|(client, mut wire)| {
            let is_over = &is_over;
            scope.spawn(move || {
                let mut answered = Vec::new();
                while !is_over.load(Ordering::SeqCst) {
                    let path = format!("/{client}/{}", answered.len());
                    if !asks(&mut wire, &path) {
                        break;
                    }
                    answered.push((path, Instant::now()));
                    // Some thousand a second in all: more than any client asks, and not more than a test machine has.
                    thread::sleep(Duration::from_millis(1));
                }
                answered
            })
        });
        let clients: Vec<_> = clients.collect();
        // Long enough that something is old, and in each round at another moment of the recorder's.
        thread::sleep(time);
        let killed = Instant::now();
        pulltap.kill();
        is_over.store(true, Ordering::SeqCst);
        (clients.into_iter().flat_map(|client| client.join().unwrap()).collect(), killed)
    })
}

fn start(origin: &Origin, folder: &tempfile::TempDir) -> Proxy {
    let session = folder.path().join("killed.pulltap");
    let setup = Setup::trusting(&Authority::new()).resolving(HOST, 80, origin.address());
    setup.arg("--session").arg(session.to_str().unwrap()).start()
}

#[test]
fn kill_9_loses_nothing_that_was_over_200_ms_before() {
    let origin = answering(0);
    let mut late = 0;
    for round in 0..ROUNDS {
        let folder = tempfile::tempdir().unwrap();
        let mut pulltap = start(&origin, &folder);
        let (answered, killed) = kill_after(Duration::from_millis(300 + round * 23), &mut pulltap);
        let session = folder.path().join("killed.pulltap");
        let recorded = exchanges(&session);
        let complete: std::collections::HashSet<_> =
            recorded.iter().filter(|exchange| exchange.state == State::Complete).map(Exchange::path).collect();
        for (path, at) in &answered {
            let before = killed.saturating_duration_since(*at);
            assert!(
                complete.contains(path.as_str()) || before <= MAY_BE_LOST,
                "round {round}: {path} was over {before:?} before the end and is not recorded"
            );
            late += usize::from(before > MAY_BE_LOST);
        }
        assert_sound(&session);
    }
    assert!(late > 1000, "only {late} exchanges were old enough to prove anything");
}

#[test]
fn kill_9_leaves_what_still_ran_as_open() {
    let (asked, is_asked) = std::sync::mpsc::sync_channel(1);
    let origin = Origin::bare(move |socket| {
        let mut wire = crate::support::scripted::wire::Wire::over(socket);
        wire.receive_head();
        asked.send(()).unwrap();
        // Never answers.
        wire.try_receive_until(b"\r\n\r\n");
    });
    let folder = tempfile::tempdir().unwrap();
    let mut pulltap = start(&origin, &folder);
    let mut wire = connect(&pulltap);
    wire.send(format!("GET /hangs HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    is_asked.recv().unwrap();
    let session = folder.path().join("killed.pulltap");
    let start = Instant::now();
    while !exchanges(&session).iter().any(|exchange| exchange.path() == "/hangs") {
        assert!(start.elapsed() < PATIENCE, "a request that hangs is not in the session");
        thread::sleep(Duration::from_millis(50));
    }
    pulltap.kill();
    let hangs = exchanges(&session).into_iter().find(|exchange| exchange.path() == "/hangs").unwrap();
    assert_eq!((hangs.state, hangs.timings.closed), (State::Open, None));
}
