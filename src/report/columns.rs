//! Text in columns of a terminal, where a Chinese or Japanese character takes two.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text with spaces behind it, up to this many columns.
pub fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(text.width())))
}

/// The text in lines of at most this many columns: broken at spaces, and between wide characters. A longer word stays
/// whole.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut width = 0_usize;
    for piece in pieces(text) {
        let taken = piece.trim_end().width();
        if width > 0 && width.saturating_add(taken) > columns {
            lines.push(line.trim_end().to_owned());
            line.clear();
            width = 0;
        }
        line.push_str(piece);
        width = width.saturating_add(piece.width());
    }
    if !line.trim_end().is_empty() || lines.is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// What a line can be broken between: words with the spaces behind them, and single wide characters, each with the
/// punctuation that may not begin a line.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0_usize;
    let mut before: Option<char> = None;
    for (at, character) in text.char_indices() {
        if before.is_some_and(|before| may_break(before, character)) {
            pieces.extend(text.get(start..at));
            start = at;
        }
        before = Some(character);
    }
    pieces.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    pieces
}

fn may_break(before: char, after: char) -> bool {
    /// Neither may a line end after an opening bracket, nor begin with what closes, ends or lengthens.
    const OPENING: &str = "「『（【《〈“‘";
    const CLOSING: &str = "、。，．：；！？」』）】》〉”’ーっゃゅょッャュョァィゥェォ々…";
    let is_wide = |character: char| character.width() == Some(2);
    if after == ' ' || OPENING.contains(before) || CLOSING.contains(after) {
        return false;
    }
    before == ' ' || is_wide(before) || is_wide(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_at_spaces_and_between_wide_characters() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("レジストリ", 6), ["レジス", "トリ"]);
        assert_eq!(wrapped("登錄不接受。", 10), ["登錄不接", "受。"]);
        assert_eq!(wrapped("a-word-that-is-long x", 5), ["a-word-that-is-long", "x"]);
        assert_eq!(wrapped("", 5), [""]);
        assert_eq!(padded("登錄", 6), "登錄  ");
    }
}
