//! Exchanges as JSON objects, the same in `--json` lines and in reports.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::{FileReport, Report};
use crate::diagnose::{Catalogue, Explained, Finding, IssuedToken, NotChecked};
use crate::exchange::{Exchange, ExchangeId, Failure, Moment, TlsFacts, WhyOpaque};
use crate::language::Language;
use crate::registry::operation::{Missing, Phase};
use crate::registry::{Operation, Scope};

/// A report as an object; its schema is [`SCHEMA`](super::SCHEMA).
pub fn report(report: &Report, catalogue: &Catalogue, language: Language) -> Value {
    let mut lists = Lists::default();
    for (number, file) in (1..).zip(&report.files) {
        lists.add(file, (report.files.len() > 1).then_some(number), catalogue, language);
    }
    json!({
        "pulltap": env!("CARGO_PKG_VERSION"),
        "language": language.tag(),
        "source": report.files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(),
        "repairs": lists.repairs,
        "findings": lists.findings,
        "not_checked": lists.not_checked,
        "operations": lists.operations,
        "tokens": lists.tokens,
        "exchanges": lists.exchanges,
    })
}

/// The lists of a report, over all its files.
#[derive(Default)]
struct Lists {
    repairs: Vec<Value>,
    findings: Vec<Value>,
    not_checked: Vec<Value>,
    operations: Vec<Value>,
    tokens: Vec<Value>,
    exchanges: Vec<Value>,
}

impl Lists {
    fn add(&mut self, file: &FileReport, number: Option<usize>, catalogue: &Catalogue, language: Language) {
        let now = file.last_moment();
        let object = |mut object: Map<String, Value>| {
            if let Some(number) = number {
                number_ids(&mut object, number);
            }
            Value::Object(object)
        };
        self.repairs.extend(file.repairs.iter().map(|repair| match number {
            Some(_) => json!(format!("{}: {repair}", file.name)),
            None => json!(repair),
        }));
        let findings = file.findings.iter();
        self.findings.extend(findings.map(|found| object(finding(found, &found.explained(catalogue, language)))));
        self.not_checked.extend(file.not_checked.iter().map(|rule| object(not_checked(rule))));
        self.tokens.extend(file.tokens.iter().map(|found| object(token(found))));
        self.operations.extend(file.operations.iter().map(|found| object(operation(found))));
        self.exchanges.extend(file.exchanges.iter().map(|reported| {
            let notes: Vec<_> = reported.notes.iter().map(|note| note.text(catalogue, language)).collect();
            object(exchange(&reported.exchange, reported.role, &notes, now))
        }));
    }
}

/// With several files, an id says in which: `"2:12"`.
fn number_ids(object: &mut Map<String, Value>, file: usize) {
    let numbered = |id: &Value| json!(format!("{file}:{}", id.as_str().map_or_else(|| id.to_string(), str::to_owned)));
    for (key, value) in object.iter_mut() {
        match (key.as_str(), value) {
            ("id" | "exchange" | "operation" | "connect" | "connection" | "first" | "got_with" | "renews", value)
                if !value.is_null() =>
            {
                *value = numbered(value);
            }
            ("exchanges" | "uses", Value::Array(ids)) => ids.iter_mut().for_each(|id| *id = numbered(id)),
            ("evidence", Value::Array(evidence)) => {
                evidence.iter_mut().filter_map(Value::as_object_mut).for_each(|place| number_ids(place, file));
            }
            _ => {}
        }
    }
}

/// A rule that could not be checked everywhere, as an object.
fn not_checked(rule: &NotChecked) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("rule".to_owned(), json!(rule.rule.id.as_str()));
    object.insert("faq".to_owned(), json!(rule.rule.slug));
    object.insert("needs".to_owned(), json!(rule.need.as_str()));
    object.insert("count".to_owned(), json!(rule.exchanges));
    object.insert("first".to_owned(), json!(rule.first.number()));
    object
}

/// A token as an object: what is known of it, never the token itself.
pub fn token(token: &IssuedToken) -> Map<String, Value> {
    let scopes = |scopes: &[Scope]| scopes.iter().map(Scope::to_string).collect::<Vec<_>>();
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| {
        object.insert(key.to_owned(), value);
    };
    put("exchange", json!(token.exchange.number()));
    put("fingerprint", json!(token.fingerprint));
    put("issued_by", json!(token.issued_by));
    put("registry", json!(token.registry));
    put("user", json!(token.user));
    put("anonymous", json!(token.is_anonymous));
    put("refresh_token", json!(token.is_refresh_token));
    put("asked", json!(scopes(&token.asked)));
    put("granted", json!(token.granted.as_deref().map(scopes)));
    put("issued", json!(time(token.issued)));
    put("lifetime_s", json!(token.lifetime_seconds));
    put("expires", json!(token.expires().map(time)));
    put("clock_ahead_s", json!(token.clock_ahead_seconds));
    put("renews", json!(token.renews.map(ExchangeId::number)));
    put("got_with", json!(token.got_with.map(ExchangeId::number)));
    put("uses", token.uses.iter().map(|id| id.number()).collect());
    put("refused", json!(token.refused));
    object
}

/// An operation as an object.
pub fn operation(operation: &Operation) -> Map<String, Value> {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| {
        object.insert(key.to_owned(), value);
    };
    put("id", json!(operation.id.number()));
    put("kind", json!(operation.kind.as_str()));
    put("client", json!(Some(operation.client.to_string()).filter(|client| !client.is_empty())));
    put("address", json!(operation.address.map(|address| address.to_string())));
    put("registry", json!(operation.registry));
    put("repository", json!(operation.repository));
    put("reference", json!(operation.reference));
    put("outcome", json!(operation.outcome.as_str()));
    put("missing", json!(operation.missing.map(Missing::as_str)));
    put("waited_for", json!(operation.waited_for().map(|phase| phase.role.as_str())));
    put("exchanges", operation.exchanges.iter().map(|id| id.number()).collect());
    put("phases", operation.phases.iter().map(phase).collect());
    put("layers", json!(operation.layers));
    put("retries", json!(operation.retries));
    put("bytes", json!(operation.bytes()));
    put("sent", json!(operation.sent));
    put("received", json!(operation.received));
    put("started", json!(time(operation.started)));
    put("duration_ms", json!(millis(operation.duration_micros())));
    object
}

fn phase(phase: &Phase) -> Value {
    json!({
        "role": phase.role.as_str(),
        "count": phase.exchanges,
        "started": time(phase.started),
        "duration_ms": millis(phase.busy_micros),
    })
}

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
    put("connect", json!(exchange.connect.map(ExchangeId::number)));
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
    let alternatives = explained
        .alternatives
        .iter()
        .map(|other| json!({"name": other.name, "cause": other.cause, "tell": other.tell, "faq": other.faq}));
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| {
        object.insert(key.to_owned(), value);
    };
    put("id", json!(finding.id.as_str()));
    put("rule", json!(finding.rule.id.as_str()));
    put("severity", json!(finding.severity.as_str()));
    put("sureness", json!(finding.sureness.as_str()));
    put("alternatives", alternatives.collect());
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
