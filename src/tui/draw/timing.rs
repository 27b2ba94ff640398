//! How long each phase took, as bars on one scale.

use ratatui::text::Span;

use super::Look;
use super::text::{Text, left, right, width};
use crate::exchange::{Exchange, Moment, TlsFacts};
use crate::report::{line, quantity};

/// A phase: its name, its beginning and its end.
struct Phase<'a> {
    name: &'a str,
    start: Moment,
    end: Moment,
}

/// Writes the page.
pub fn write(text: &mut Text, exchange: &Exchange, look: &Look) {
    let words = &look.words;
    let phases = phases(exchange, look);
    let opened = exchange.timings.opened;
    text.pair(
        (&format!("{}: ", words.started), look.theme.name()),
        (&line::time(opened, &look.zone), look.theme.text()),
    );
    if let (Some(first), Some(last)) =
        (phases.iter().map(|phase| phase.start).min(), phases.iter().map(|phase| phase.end).max())
    {
        let all = quantity::duration(last.micros_since(first));
        text.pair((&format!("{}: ", words.in_all), look.theme.name()), (&all, look.theme.text()));
        text.gap();
        for phase in &phases {
            write_phase(text, phase, (first, last), look);
        }
    }
    if phases.iter().any(|phase| phase.end <= opened) {
        text.gap();
        text.paragraph(&words.before_request, look.theme.quiet());
    }
    write_addresses(text, exchange, look);
}

fn write_addresses(text: &mut Text, exchange: &Exchange, look: &Look) {
    let words = &look.words;
    text.gap();
    let upstream = exchange.upstream.as_deref();
    let pairs = [
        (&words.client, exchange.client.map(|address| address.to_string())),
        (&words.server, upstream.and_then(|upstream| upstream.address).map(|address| address.to_string())),
        (&words.parent_proxy, upstream.and_then(|upstream| upstream.parent_proxy.clone())),
    ];
    for (name, value) in pairs {
        if let Some(value) = value {
            text.pair((&format!("{name}: "), look.theme.name()), (&value, look.theme.text()));
        }
    }
}

/// The phases that were seen, in their order.
fn phases<'a>(exchange: &Exchange, look: &'a Look) -> Vec<Phase<'a>> {
    let words = &look.words;
    let timings = &exchange.timings;
    let upstream = exchange.upstream.as_deref();
    let handshake = |facts: Option<&TlsFacts>| facts.and_then(|facts| Some((facts.start, facts.end?)));
    let both = |start: Option<Moment>, end: Option<Moment>| Some((start?, end?));
    let sent = timings.request_end.or(timings.request_head);
    let received = timings.response_end.or(timings.closed);
    let all: [(&'a str, Option<(Moment, Moment)>); 7] = [
        (&words.phase_resolve, upstream.and_then(|upstream| both(upstream.resolve_start, upstream.resolve_end))),
        (&words.phase_connect, upstream.and_then(|upstream| both(upstream.connect_start, upstream.connect_end))),
        (&words.phase_upstream_tls, handshake(exchange.upstream_tls.as_deref())),
        (&words.phase_client_tls, handshake(exchange.client_tls.as_deref())),
        (&words.phase_send, both(Some(timings.opened), sent)),
        (&words.phase_wait, both(sent, timings.first_byte.or(exchange.failure.as_ref().map(|failure| failure.at)))),
        (&words.phase_receive, both(timings.first_byte, received)),
    ];
    let seen = all.into_iter().filter_map(|(name, times)| times.map(|(start, end)| (name, start, end)));
    seen.map(|(name, start, end)| Phase { name, start, end: end.max(start) }).collect()
}

fn write_phase(text: &mut Text, phase: &Phase<'_>, scale: (Moment, Moment), look: &Look) {
    const NAME: usize = 22;
    const DURATION: usize = 12;
    let (first, last) = scale;
    let columns = text.columns().saturating_sub(NAME + DURATION + 2);
    let all = usize::try_from(last.micros_since(first)).unwrap_or(0).max(1);
    let at = |moment: Moment| {
        let micros = usize::try_from(moment.micros_since(first)).unwrap_or(0);
        // A phase that is over at once is seen all the same.
        micros.saturating_mul(columns) / all
    };
    let start = at(phase.start).min(columns.saturating_sub(1));
    let length = at(phase.end).saturating_sub(start).clamp(1, columns.saturating_sub(start).max(1));
    let duration = quantity::duration(phase.end.micros_since(phase.start));
    debug_assert!(width("█") == 1);
    text.line(vec![
        Span::raw(left(phase.name, NAME)),
        Span::raw(right(&duration, DURATION)),
        Span::raw(" ".repeat(start + 2)),
        Span::styled("█".repeat(length), look.theme.bar()),
    ]);
}
