//! Exchanges as JSON objects, the same in `--json` lines and in reports.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::diagnose::{Explained, Finding};
use crate::exchange::{Exchange, Failure, Moment, TlsFacts, WhyOpaque};

/// An exchange as an object; `role` and `notes` come from who understands it.
pub fn exchange(exchange: &Exchange, role: &str, notes: &[String], now: Moment) -> Map<String, Value> {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| {
        object.insert(key.to_owned(), value);
    };
    put("id", json!(exchange.id.number()));
    put("method", json!(exchange.method()));
    put("url", json!(exchange.url()));
    put("status", json!(exchange.status()));
    put("role", json!(role));
    put("notes", json!(notes));
    put("failure", exchange.failure.as_ref().map_or(Value::Null, failure));
    put("client", json!(exchange.client.map(|address| address.to_string())));
    put("connection", json!(exchange.connection.map(crate::exchange::ConnectionId::number)));
    put("connect", json!(exchange.connect.map(crate::exchange::ExchangeId::number)));
    put("started", json!(time(exchange.timings.opened)));
    put("duration_ms", json!(millis(exchange.timings.duration_micros(now))));
    put("request_bytes", json!(exchange.request_body.length));
    put("response_bytes", json!(exchange.response_body.length));
    put("response_complete", json!(exchange.response_body.is_complete));
    put("response_sha256", json!(exchange.response_body.sha256.map(hex)));
    put("reason", json!(exchange.response.as_ref().map(|head| head.reason.as_str())));
    put("answered_by_us", json!(exchange.answered_by_us));
    put(
        "server_address",
        json!(exchange.upstream.as_ref().and_then(|upstream| upstream.address).map(|a| a.to_string())),
    );
    put("parent_proxy", json!(exchange.upstream.as_ref().and_then(|upstream| upstream.parent_proxy.as_deref())));
    put("client_tls", exchange.client_tls.as_deref().map_or(Value::Null, tls));
    put("upstream_tls", exchange.upstream_tls.as_deref().map_or(Value::Null, tls));
    put(
        "tunnel",
        exchange.tunnel.as_ref().map_or(
            Value::Null,
            |tunnel| json!({"why": why_opaque(tunnel.why), "sent": tunnel.sent, "received": tunnel.received}),
        ),
    );
    object
}

/// A failure as an object.
pub fn failure(failure: &Failure) -> Value {
    json!({
        "stage": failure.stage.as_str(),
        "side": failure.side.as_str(),
        "kind": failure.kind.as_str(),
        "chain": failure.chain,
        "os_code": failure.os_code,
        "at": time(failure.at),
    })
}

/// A finding as an object, in the words of a language.
pub fn finding(finding: &Finding, explained: &Explained) -> Map<String, Value> {
    let evidence = finding.evidence.iter().map(|evidence| {
        json!({
            "exchange": evidence.exchange.number(),
            "place": evidence.place.to_string(),
            "value": evidence.value,
        })
    });
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| {
        object.insert(key.to_owned(), value);
    };
    put("id", json!(finding.id.as_str()));
    put("rule", json!(finding.rule.id.as_str()));
    put("severity", json!(finding.severity.as_str()));
    put("faq", json!(explained.faq));
    put("title", json!(explained.title));
    put("cause", json!(explained.cause));
    put("fix", json!(explained.fix));
    put("commands", json!(explained.commands));
    put("doc", json!(explained.doc));
    put("exchanges", finding.exchanges.iter().map(|id| id.number()).collect());
    put("operation", json!(finding.operation.map(crate::diagnose::OperationId::number)));
    put("evidence", evidence.collect());
    object
}

fn tls(facts: &TlsFacts) -> Value {
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    json!({
        "name": facts.name,
        "sni": facts.hello.as_ref().and_then(|hello| hello.sni.as_deref()),
        "offered_alpn": facts.hello.as_ref().map(|hello| hello.alpn.iter().map(text).collect::<Vec<_>>()),
        "offered_versions": facts.hello.as_ref().map(|hello| &hello.versions),
        "version": facts.version,
        "suite": facts.suite,
        "group": facts.group,
        "alpn": facts.alpn.as_ref().map(text),
        "verdict": facts.verdict.as_str(),
        "alert": facts.alert.map(|alert| alert.code),
        "handshake_ms": facts.end.map(|end| millis(end.micros_since(facts.start))),
    })
}

fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The name of why something was not interpreted.
pub fn why_opaque(why: WhyOpaque) -> &'static str {
    match why {
        WhyOpaque::Ignored => "ignored",
        WhyOpaque::ServerFirst => "server-first",
        WhyOpaque::NotHttp => "not-http",
        WhyOpaque::Upgraded => "upgraded",
        WhyOpaque::Unparsable => "unparsable",
    }
}

/// A moment in RFC 3339, in UTC, to the millisecond.
pub fn time(moment: Moment) -> String {
    let timestamp = jiff::Timestamp::from_microsecond(moment.micros()).unwrap_or_default();
    format!("{timestamp:.3}")
}

/// Microseconds as milliseconds with one decimal.
#[expect(clippy::cast_precision_loss, reason = "a duration of 285 years is the first that loses a microsecond")]
fn millis(micros: i64) -> f64 {
    (micros as f64 / 100.0).round() / 10.0
}
