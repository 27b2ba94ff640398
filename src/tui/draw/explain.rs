//! What an exchange means: what was found about it with cause and cure, then what it is by itself.

use super::Look;
use super::text::Text;
use crate::diagnose::{Evidence, Finding, OtherCause, Place, Sureness};
use crate::exchange::Exchange;
use crate::index::Row;
use crate::language::screen::filled;
use crate::tui::app::{App, Pane};
use crate::tui::theme::symbol;

/// Writes the page.
pub fn write(text: &mut Text, app: &App, exchange: Option<&Exchange>, look: &Look) {
    let Some(id) = app.current() else { return };
    let selected = app.findings.selected().filter(|_| app.pane == Pane::Findings);
    let others = app.findings.about(id).filter(|finding| selected.is_none_or(|selected| selected.id != finding.id));
    for finding in selected.into_iter().chain(others) {
        write_finding(text, finding, exchange, look);
    }
    text.gap();
    if let Some(row) = app.list.row(id) {
        write_row(text, row, look);
    }
    if let Some(exchange) = exchange {
        write_failure(text, exchange, look);
    }
}

fn write_finding(text: &mut Text, finding: &Finding, exchange: Option<&Exchange>, look: &Look) {
    let Look { words, speaker, theme, .. } = look;
    let explained = finding.explained(&speaker.catalogue, speaker.language);
    let style = theme.severity(finding.severity);
    text.gap();
    text.item(&format!("{} ", symbol(finding.severity)), &explained.title, style);
    text.paragraph(&explained.cause, theme.text());
    if !explained.fix.is_empty() {
        text.gap();
        text.paragraph(&words.what_to_do, theme.heading());
        for (number, step) in (1..).zip(&explained.fix) {
            text.item(&format!("{number}. "), step, theme.text());
        }
    }
    for command in &explained.commands {
        text.item("   $ ", command, theme.command());
    }
    write_alternatives(text, finding, &explained.alternatives, look);
    if !finding.evidence.is_empty() {
        text.gap();
        text.paragraph(&words.evidence, theme.heading());
    }
    for evidence in &finding.evidence {
        let place = place(evidence, exchange, look);
        let value = without_name(&evidence.value, &place);
        text.pair((&format!("#{} {place}: ", evidence.exchange), theme.name()), (value, theme.text()));
    }
    text.gap();
    let severity = words.severity(finding.severity.as_str());
    let rule = format!("{severity}, {}", finding.rule.id);
    text.pair((&format!("{}: ", words.rule), theme.quiet()), (&rule, theme.quiet()));
    if let Some(doc) = &explained.doc {
        text.pair((&format!("{}: ", words.read_more), theme.quiet()), (doc, theme.quiet()));
    }
}

/// What else may be the cause, where the finding is not certain.
fn write_alternatives(text: &mut Text, finding: &Finding, alternatives: &[OtherCause], look: &Look) {
    let Look { words, theme, .. } = look;
    let heading = match finding.sureness {
        Sureness::Certain => return,
        Sureness::Likely => &words.sureness_likely,
        Sureness::Possible => &words.sureness_possible,
    };
    text.gap();
    text.paragraph(heading, theme.heading());
    for other in alternatives {
        text.item("- ", &other.cause, theme.text());
        text.item("  ", &format!("{}: {}{}", words.how_to_tell, other.tell, other.in_full()), theme.quiet());
    }
}

/// The evidence of a header field may begin with the field's name, which stands before it already.
fn without_name<'a>(value: &'a str, place: &str) -> &'a str {
    let parts = value.split_at_checked(place.len()).filter(|(name, _)| name.eq_ignore_ascii_case(place));
    parts.and_then(|(_, rest)| rest.strip_prefix(": ")).unwrap_or(value)
}

/// Where a piece of evidence stands, in words.
fn place(evidence: &Evidence, exchange: Option<&Exchange>, look: &Look) -> String {
    let words = &look.words;
    let exchange = exchange.filter(|exchange| exchange.id == evidence.exchange);
    let named = |at: usize, headers: Option<&crate::exchange::Headers>| {
        let name = headers.and_then(|headers| headers.iter().nth(at)).map(|field| field.name.to_owned());
        // Of an exchange that is not here, the evidence names the field itself.
        let told = || evidence.value.split_once(": ").map(|(name, _)| name.to_owned());
        name.or_else(told).unwrap_or_else(|| evidence.place.to_string())
    };
    match &evidence.place {
        Place::RequestHeader(at) => named(*at, exchange.and_then(|it| it.request.as_ref()).map(|head| &head.headers)),
        Place::ResponseHeader(at) => named(*at, exchange.and_then(|it| it.response.as_ref()).map(|head| &head.headers)),
        Place::RequestLine | Place::Target => words.tab_request.clone(),
        Place::RequestBody => words.place_request_body.clone(),
        Place::ResponseStatus => words.place_status.clone(),
        Place::ResponseBody(_) => words.place_response_body.clone(),
        Place::Timing(_) => words.tab_timing.clone(),
        Place::Address => words.server.clone(),
        Place::Failure => words.failure.clone(),
        Place::ClientTls => words.client_tls.clone(),
        Place::UpstreamTls => words.upstream_tls.clone(),
    }
}

fn write_row(text: &mut Text, row: &Row, look: &Look) {
    let Look { words, theme, .. } = look;
    let status = match (row.status, row.is_failed()) {
        (Some(status), _) => status.to_string(),
        (None, true) => words.failed.clone(),
        (None, false) => "…".to_owned(),
    };
    let line = format!("{} {}{} → {status}", row.method, row.host, row.path);
    text.paragraph(&line, theme.title());
    for note in row.notes.lines() {
        text.paragraph(note, theme.text());
    }
    text.pair((&format!("{}: ", row.role.as_str()), theme.name()), (words.role(row.role.as_str()), theme.quiet()));
}

fn write_failure(text: &mut Text, exchange: &Exchange, look: &Look) {
    let Look { words, theme, .. } = look;
    let Some(failure) = &exchange.failure else { return };
    text.gap();
    let what = filled(
        &words.failure_is,
        &[("kind", failure.kind.as_str()), ("stage", failure.stage.as_str()), ("side", failure.side.as_str())],
    );
    text.paragraph(&what, theme.text());
    for message in &failure.chain {
        text.item("  ", message, theme.quiet());
    }
}
