//! What people ask the file themselves, with SQL.

use pulltap::exchange::tls::TlsFacts;
use pulltap::exchange::{
    Exchange, ExchangeId, Failure, FailureKind, Moment, Origin, RequestHead, ResponseHead, Side, Stage, State, Target,
};
use rusqlite::Connection;

use super::{record, redacted};

/// An exchange that asks for this.
pub fn asking(id: u64, target: Target, method: &str, request_target: &str) -> Exchange {
    let mut exchange = Exchange::new(ExchangeId::new(id).unwrap(), Origin::Live, target, Moment::EPOCH);
    exchange.request = Some(RequestHead::new(method, request_target));
    exchange
}

#[test]
fn urls_and_paths_are_those_of_every_other_output() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pulltap");
    let all = [
        asking(1, Target::https("registry.test", 443), "GET", "/v2/app/manifests/v1?x=%2F?y"),
        asking(2, Target::https("registry.test", 5000), "CONNECT", "registry.test:5000"),
        asking(3, Target::https("::1", 443), "CONNECT", "[::1]:443"),
        asking(4, Target::http("::1", 5000), "GET", "/a//b"),
        asking(5, Target::http("registry.test", 80), "GET", "http://registry.test/v2/?n=1"),
        asking(6, Target::http("registry.test", 443), "OPTIONS", "*"),
        asking(7, Target::https("registry.test", 80), "GET", "/login?next=http://a.test/"),
        Exchange::new(ExchangeId::new(8).unwrap(), Origin::Live, Target::https("a.test", 443), Moment::EPOCH),
    ];
    record(&path, &all.clone().map(redacted));
    let connection = Connection::open(&path).unwrap();
    for exchange in &all {
        let id = i64::try_from(exchange.id.number()).unwrap();
        let select = "SELECT url, path FROM overview WHERE id = ?";
        let (url, path): (String, String) =
            connection.query_row(select, [id], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(url, exchange.url());
        // Where the target is no path, the column has the URL's.
        if exchange.request_target().is_some_and(|target| target.contains('/')) {
            assert_eq!(path, exchange.path(), "of {url}");
        }
    }
}

#[test]
fn the_overview_reads_as_people_speak() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pulltap");
    let opened = Moment::from_micros(1_764_000_000_123_456);
    let mut exchange = asking(1, Target::https("registry.test", 443), "GET", "/v2/");
    exchange.timings.opened = opened;
    exchange.timings.closed = Some(opened.plus_micros(87_300));
    exchange.state = State::Failed;
    exchange.response = Some(ResponseHead::new(200, "OK"));
    exchange.failure = Some(Failure {
        stage: Stage::ReadBody,
        side: Side::Origin,
        kind: FailureKind::Truncated,
        chain: Vec::new(),
        os_code: None,
        at: opened,
    });
    let mut facts = TlsFacts::starting(opened, "registry.test");
    (facts.version, facts.suite, facts.group) = (Some(0x0304), Some(0x1301), Some(0x001d));
    exchange.upstream_tls = Some(facts.into());
    record(&path, &[redacted(exchange)]);
    let connection = Connection::open(&path).unwrap();
    let select = "SELECT started || ' ' || method || ' ' || url || ' ' || status || ' ' || ms || ' ' || failure || ' ' || \
                  upstream_tls FROM overview";
    let line: String = connection.query_row(select, [], |row| row.get(0)).unwrap();
    assert_eq!(
        line,
        "2025-11-24 16:00:00.123 GET https://registry.test/v2/ 200 87.3 read-body: truncated (origin) \
         TLS 1.3, TLS_AES_128_GCM_SHA256, x25519"
    );
}

#[test]
fn the_questions_in_the_documentation_have_answers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pulltap");
    let mut exchange = asking(1, Target::https("registry.test", 443), "GET", "/v2/");
    let mut response = ResponseHead::new(401, "Unauthorized");
    response.headers.push("WWW-Authenticate", b"Bearer realm=\"https://auth.test\"");
    exchange.response = Some(response);
    exchange.response_body.bytes = br#"{"errors":[{"code":"UNAUTHORIZED"}]}"#.to_vec();
    exchange.state = State::Failed;
    record(&path, &[redacted(exchange)]);
    let connection = Connection::open(&path).unwrap();
    let text = include_str!("../../src/store/schema.rs");
    let lines = text.lines().skip_while(|line| *line != "//! ```sql").skip(1).take_while(|line| *line != "//! ```");
    let sql: String = lines
        .map(|line| line.trim_start_matches("//!").trim())
        .filter(|line| !line.starts_with("--"))
        .fold(String::new(), |sql, line| sql + line + " ");
    let mut asked = 0;
    for question in sql.split(';').filter(|question| !question.trim().is_empty()) {
        assert!(connection.prepare(question).unwrap().exists([]).unwrap(), "{question}");
        asked += 1;
    }
    assert_eq!(asked, 5);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pulltap");
    record(&path, &[]);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}
