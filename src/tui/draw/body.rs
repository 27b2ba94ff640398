//! The content of a message: as text, JSON with its lines indented; or how long it was, where it was not kept.

use super::Look;
use super::text::Text;
use crate::content::pretty;
use crate::exchange::{Body, Headers, Kept, WhyNotKept};
use crate::language::screen::filled;
use crate::registry::Digest;
use crate::report::quantity;

/// More than this is not laid out; nobody reads it on a terminal.
const SHOWN: usize = 64 * 1024;

/// Writes a content.
pub fn write(text: &mut Text, body: &Body, headers: &Headers, look: &Look) {
    let Look { words, theme, .. } = look;
    text.gap();
    if body.length == 0 {
        text.paragraph(&words.no_content, theme.quiet());
        return;
    }
    let mut facts = vec![quantity::bytes(body.length)];
    if let Some(kind) = headers.text("content-type") {
        facts.push(kind.into_owned());
    }
    facts.extend(body.decoded_from.iter().cloned());
    text.item("── ", &facts.join(", "), theme.quiet());
    if let Some(sha256) = &body.sha256 {
        text.item("── ", Digest::of_sha256(sha256).as_str(), theme.quiet());
    }
    if !body.is_complete {
        text.item("── ", &words.content_cut, theme.severity(crate::diagnose::Severity::Warning));
    }
    if let Some(why) = why_not_kept(body.kept, look) {
        text.item("── ", &why, theme.quiet());
    }
    write_bytes(text, &body.bytes, look);
    for field in body.trailers.iter().flat_map(Headers::iter) {
        text.pair((&format!("{}: ", field.name), theme.name()), (&field.text(), theme.text()));
    }
}

fn why_not_kept(kept: Kept, look: &Look) -> Option<String> {
    let words = &look.words;
    match kept {
        Kept::All => None,
        Kept::Prefix(limit) | Kept::IfText(limit) => {
            Some(filled(&words.content_prefix, &[("size", &quantity::bytes(limit))]))
        }
        Kept::None(WhyNotKept::Binary) => Some(words.content_binary.clone()),
        Kept::None(WhyNotKept::RecorderBehind) => Some(words.content_behind.clone()),
        Kept::None(WhyNotKept::NotInFile) => Some(words.content_not_in_file.clone()),
    }
}

fn write_bytes(text: &mut Text, bytes: &[u8], look: &Look) {
    if bytes.is_empty() {
        return;
    }
    let shown = bytes.get(..SHOWN).unwrap_or(bytes);
    // A character may have been cut in two at the end.
    let readable = match str::from_utf8(shown) {
        Ok(readable) => readable,
        Err(error) if shown.len() - error.valid_up_to() < 4 => {
            shown.get(..error.valid_up_to()).and_then(|valid| str::from_utf8(valid).ok()).unwrap_or("")
        }
        Err(_) => {
            text.paragraph(&look.words.content_no_text, look.theme.quiet());
            return;
        }
    };
    text.lines_of(&pretty::text(readable), look.theme.text());
    if let Some(more) = bytes.len().checked_sub(SHOWN + 1) {
        let more = quantity::bytes(more as u64 + 1);
        text.item("── ", &filled(&look.words.content_more, &[("size", &more)]), look.theme.quiet());
    }
}
