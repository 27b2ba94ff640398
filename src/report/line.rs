//! An exchange in one line of text.

use std::fmt::Write;

use jiff::tz::TimeZone;

use super::{quantity, words};
use crate::diagnose::{Explained, Finding, Sureness};
use crate::exchange::{Exchange, Moment};
use crate::language::Language;
use crate::printable::printable;
use crate::registry::Operation;

/// One line about an exchange: time, id, outcome, what was asked, how long and how much, and what it means.
pub fn exchange(exchange: &Exchange, notes: &[String], now: Moment, zone: &TimeZone) -> String {
    let mut line = format!("{} {:>4} {:<7}", time(exchange.timings.opened, zone), exchange.id, outcome(exchange));
    // Writing to a String cannot fail.
    let _ = write!(
        line,
        " {:<7} {}",
        exchange.method().map_or("-".into(), printable),
        printable(&without_signature(exchange))
    );
    let _ = write!(line, "  {}", quantity::duration(exchange.timings.duration_micros(now)));
    let size = exchange.response_body.length.max(exchange.request_body.length);
    if size > 0 {
        let _ = write!(line, "  {}", quantity::bytes(size));
    }
    if let Some(tunnel) = &exchange.tunnel {
        let (up, down) = (quantity::bytes(tunnel.sent), quantity::bytes(tunnel.received));
        let _ = write!(line, "  {}: {up} up, {down} down", super::json::why_opaque(tunnel.why));
    }
    if let Some(failure) = &exchange.failure {
        let chain = failure.chain.join(": ");
        let kind = failure.kind.as_str();
        let _ = write!(line, "  {kind} ({}, {})", failure.stage.as_str(), failure.side.as_str());
        if !chain.is_empty() {
            let _ = write!(line, ": {}", printable(&chain));
        }
    }
    for note in notes {
        let _ = write!(line, "  · {}", printable(note));
    }
    line
}

/// One line about a finding: how bad, what, why, and on which exchanges.
pub fn finding(finding: &Finding, explained: &Explained) -> String {
    let exchanges: Vec<_> = finding.exchanges.iter().map(|id| format!("#{id}")).collect();
    let (title, cause) = (printable(&explained.title), printable(&explained.cause));
    let (severity, doubt) = (finding.severity.as_str(), doubt(finding));
    let (exchanges, rule, faq) = (exchanges.join(" "), finding.rule.id, &explained.faq);
    format!("{severity}: {title}: {cause}  [{exchanges}; {rule}{doubt}; faq {faq}]")
}

/// How sure a finding is, and what else it may be; nothing where it is certain.
fn doubt(finding: &Finding) -> String {
    match finding.sureness {
        Sureness::Certain => String::new(),
        sureness => format!("; {}, or {}", sureness.as_str(), finding.alternatives.join(", ")),
    }
}

/// One line about an operation: what was asked for, of whom and by whom, what came of it, how much and how long.
pub fn operation(operation: &Operation, language: Language) -> String {
    let words = words::of(language);
    let word = |words: &[&'static str], at: usize| words.get(at).copied().unwrap_or("");
    let counted =
        |count: usize, words: [&'static str; 2]| format!(", {count} {}", word(&words, usize::from(count != 1)));
    let client = operation.client.to_string();
    let mut line = format!("{} {}", word(&words.kind, operation.kind as usize), printable(&operation.subject()));
    // Writing to a String cannot fail, here and below.
    let _ = match (&operation.repository, client.as_str()) {
        (None, "") => Ok(()),
        (None, client) => write!(line, " ({})", printable(client)),
        (Some(_), "") => write!(line, " ({})", printable(&operation.registry)),
        (Some(_), client) => write!(line, " ({}, {})", printable(&operation.registry), printable(client)),
    };
    let _ = write!(line, ": {}", word(&words.outcome, operation.outcome as usize));
    if operation.layers > 0 {
        line.push_str(&counted(operation.layers, words.layers));
    }
    let took = quantity::duration(operation.duration_micros());
    let _ = write!(line, ", {}, {took}", quantity::bytes(operation.bytes()));
    if operation.retries > 0 {
        line.push_str(&counted(operation.retries, words.retries));
    }
    if let Some(missing) = operation.missing {
        let _ = write!(line, ": {}", word(&words.missing, missing as usize));
    }
    line
}

/// A finding with what to do about it, in a few lines.
pub fn advice(finding: &Finding, explained: &Explained) -> String {
    let mut text = self::finding(finding, explained);
    for evidence in &finding.evidence {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n    #{} {}: {}", evidence.exchange, evidence.place, printable(&evidence.value));
    }
    for step in &explained.fix {
        let _ = write!(text, "\n  - {}", printable(step));
    }
    for command in &explained.commands {
        let _ = write!(text, "\n    $ {}", printable(command));
    }
    for other in &explained.alternatives {
        let _ = write!(text, "\n  or: {} {}{}", printable(&other.cause), printable(&other.tell), other.in_full());
    }
    if let Some(doc) = &explained.doc {
        let _ = write!(text, "\n  {doc}");
    }
    text
}

/// The URL, but for the long query of a signed one: what it says is masked, or of use to nobody but its host.
fn without_signature(exchange: &Exchange) -> String {
    const LONG: usize = 80;
    let url = exchange.url();
    match url.split_once('?') {
        Some((path, query)) if query.len() > LONG && query.contains("pulltap-masked-") => format!("{path}?…"),
        _ => url,
    }
}

/// The status code, marked where it is ours; or that it failed.
fn outcome(exchange: &Exchange) -> String {
    match (exchange.status(), &exchange.failure) {
        (Some(status), None) if !exchange.answered_by_us || exchange.is_connect() => status.to_string(),
        (Some(status), Some(_)) if !exchange.answered_by_us => format!("{status} cut"),
        _ => "failed".to_owned(),
    }
}

/// The time of day, to the millisecond.
pub fn time(moment: Moment, zone: &TimeZone) -> String {
    let timestamp = jiff::Timestamp::from_microsecond(moment.micros()).unwrap_or_default();
    timestamp.to_zoned(zone.clone()).strftime("%H:%M:%S%.3f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{ExchangeId, Origin, RequestHead, ResponseHead, Target};

    #[test]
    fn says_it_in_one_line_that_deceives_no_terminal() {
        let id = ExchangeId::new(7).unwrap();
        let mut hostile = Exchange::new(id, Origin::Live, Target::https("registry.test", 443), Moment::EPOCH);
        hostile.request = Some(RequestHead::new("GET", "/v2/\x1b[2J"));
        hostile.response = Some(ResponseHead::new(200, "OK"));
        hostile.timings.closed = Some(Moment::from_micros(87_000));
        let line = exchange(&hostile, &["a\nnote".to_owned()], Moment::EPOCH, &TimeZone::UTC);
        assert_eq!(line, "00:00:00.000    7 200     GET     https://registry.test/v2/\\u{1b}[2J  87 ms  · a\\nnote");
    }

    #[test]
    fn leaves_the_query_of_a_signed_url_out_and_that_of_a_token_request_in() {
        let url = |target: &str| {
            let id = ExchangeId::new(1).unwrap();
            let mut exchange = Exchange::new(id, Origin::Live, Target::https("blobs.test", 443), Moment::EPOCH);
            exchange.request = Some(RequestHead::new("GET", target));
            without_signature(&exchange)
        };
        let signed =
            format!("/data?se=2026-11-22T13%3A09%3A41Z&sig=pulltap-masked-signature-fc306766&regid={}", "0".repeat(32));
        assert_eq!(url(&signed), "https://blobs.test/data?…");
        let asked = format!("/oauth2/token?scope=repository%3A{}%3Apull&service=registry.test", "a".repeat(80));
        assert!(url(&asked).ends_with(&asked));
    }
}
