//! The session file: what is written comes back, whatever happens to the program, the disk or the file.

#[cfg(unix)]
mod appending;
#[cfg(target_os = "linux")]
mod clock;
mod formats;
mod generated;
mod killed;
mod measured;
mod queries;
mod round_trip;
#[cfg(target_os = "linux")]
mod trouble;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use pulltap::exchange::Exchange;
use pulltap::redact::{FingerprintKey, Options, Redacted, Redactor};
use pulltap::store::{Recorded, Recorder, Session};

use crate::support::scripted::client::tunnel;
use crate::support::scripted::origin::Origin;
use crate::support::scripted::proxy::Proxy;
use crate::support::scripted::scene::HOST;
use crate::support::scripted::wire::Wire;

/// What passes the door with its secrets.
fn redacted(exchange: Exchange) -> Redacted<Exchange> {
    Redactor::new(FingerprintKey::new([0; 32]), Options { keep_secrets: true, ..Options::default() }).redact(exchange)
}

/// Records these exchanges into a new session.
fn record(path: &Path, exchanges: &[Redacted<Exchange>]) -> Recorded {
    let recorder = Recorder::start(Session::create(path).unwrap()).unwrap();
    for exchange in exchanges {
        recorder.record(exchange.clone(), "other");
    }
    recorder.finish()
}

/// All exchanges of a session, read back.
fn exchanges(path: &Path) -> Vec<Exchange> {
    Session::open(path).unwrap().exchanges().collect::<Result<_, _>>().unwrap()
}

/// Holds that SQLite finds nothing wrong with the file.
#[track_caller]
fn assert_sound(path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    let said: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(said, "ok");
    let strangers = connection.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap();
    assert!(!strangers, "a row refers to one that is not there");
}

/// A server that answers every request with a JSON object of its own with so much filling, as often as it is asked.
fn answering(filling: usize) -> Origin {
    let filling = "x".repeat(filling);
    let answers = AtomicU64::new(0);
    Origin::bare(move |socket| {
        let mut wire = Wire::over(socket);
        while wire.try_receive_until(b"\r\n\r\n").is_some() {
            let json = format!("{{\"n\":{},\"a\":\"{filling}\"}}", answers.fetch_add(1, Ordering::Relaxed));
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}", json.len());
            if wire.try_send(format!("{head}\r\n\r\n{json}").as_bytes()).is_err() {
                break;
            }
            wire.forget();
        }
    })
}

/// Asks for this path; whether an answer came.
fn asks(wire: &mut Wire, path: &str) -> bool {
    wire.forget();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    wire.try_send(request.as_bytes()).is_ok() && wire.try_receive_until(b"}").is_some()
}

/// A tunnel to that server.
fn connect(pulltap: &Proxy) -> Wire {
    tunnel(pulltap.address(), &format!("{HOST}:80"))
}
