//! Network text made safe to print: every output uses it, because a server chooses what stands in a header or a body.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with everything that could move a cursor, hide or reorder text made visible as `\u{…}`.
///
/// Control characters (tab and line ends too: a value is one line), bidirectional controls, zero-width and other
/// invisible format characters, private-use characters and noncharacters are escaped.
pub fn printable(text: &str) -> Cow<'_, str> {
    // Nearly all text is plain ASCII, which is seen at a glance.
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain || !text.chars().any(is_hazardous) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            _ if is_hazardous(character) => {
                // Writing to a String cannot fail.
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
            }
            _ => safe.push(character),
        }
    }
    Cow::Owned(safe)
}

/// The text of a reason phrase: printable, ASCII only, and short enough for one line of a terminal.
pub fn reason_phrase(text: &str) -> String {
    const LONGEST: usize = 300;
    let safe = printable(text);
    safe.chars().map(|character| if character.is_ascii() { character } else { '?' }).take(LONGEST).collect()
}

fn is_hazardous(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}'
            | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
        || (u32::from(character) & 0xfffe) == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_ordinary_text_of_any_language_alone() {
        for text in ["", "plain", "レジストリ 登錄", "é ü"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn shows_what_could_deceive_a_terminal() {
        assert_eq!(printable("a\x1b[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(printable("x\r\ny\u{202e}z\u{9b}"), "x\\r\\ny\\u{202e}z\\u{9b}");
        assert_eq!(printable("\u{200b}\u{feff}"), "\\u{200b}\\u{feff}");
    }

    #[test]
    fn a_reason_phrase_is_one_ascii_line() {
        assert_eq!(reason_phrase("kann nicht: ü\r\nX: y"), "kann nicht: ?\\r\\nX: y");
    }
}
