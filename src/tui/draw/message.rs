//! A request or a response as it passed: first line, header fields in their order, content.

use super::text::Text;
use super::{Look, body};
use crate::exchange::{Exchange, Headers, ResponseHead};

/// Writes the request.
pub fn write_request(text: &mut Text, exchange: &Exchange, look: &Look) {
    let Look { words, theme, .. } = look;
    let Some(head) = &exchange.request else {
        text.paragraph(&words.no_request, theme.quiet());
        return;
    };
    text.paragraph(&format!("{} {} {}", head.method, head.target, head.version), theme.title());
    write_fields(text, &head.headers, look);
    body::write(text, &exchange.request_body, &head.headers, look);
}

/// Writes the response, and the interim ones before it.
pub fn write_response(text: &mut Text, exchange: &Exchange, look: &Look) {
    let Look { words, theme, .. } = look;
    for head in &exchange.interim {
        write_head(text, head, look);
        text.gap();
    }
    let Some(head) = &exchange.response else {
        let nothing = if exchange.is_over() { &words.no_response } else { &words.no_response_yet };
        text.paragraph(nothing, theme.quiet());
        return;
    };
    if exchange.answered_by_us {
        text.paragraph(&words.answered_by_us, theme.severity(crate::diagnose::Severity::Warning));
    }
    write_head(text, head, look);
    body::write(text, &exchange.response_body, &head.headers, look);
}

fn write_head(text: &mut Text, head: &ResponseHead, look: &Look) {
    let line = format!("{} {} {}", head.version, head.status, head.reason);
    text.paragraph(line.trim_end(), look.theme.status(head.status));
    write_fields(text, &head.headers, look);
}

fn write_fields(text: &mut Text, headers: &Headers, look: &Look) {
    for field in headers.iter() {
        text.pair((&format!("{}: ", field.name), look.theme.name()), (&field.text(), look.theme.text()));
    }
}
