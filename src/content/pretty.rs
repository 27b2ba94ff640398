//! JSON with a line per value, and nothing else about it changed: the order of members, spellings of numbers and
//! escapes are evidence, and a content that was cut off is laid out as far as it goes.

/// The text, indented if it looks like JSON.
pub fn text(text: &str) -> String {
    let trimmed = text.trim_start();
    // What has lines already was laid out by whoever wrote it.
    if !trimmed.starts_with(['{', '[']) || trimmed.trim_end().contains('\n') {
        return text.to_owned();
    }
    json(trimmed.trim_end())
}

/// JSON indented by two spaces a level.
fn json(text: &str) -> String {
    // Deeper than that is nothing that a person reads.
    const DEEPEST: usize = 32;
    let mut laid_out = String::with_capacity(text.len() + text.len() / 4);
    let mut depth: usize = 0;
    let mut is_string = false;
    let mut is_escaped = false;
    let mut characters = text.chars().peekable();
    let line = |laid_out: &mut String, depth: usize| {
        laid_out.push('\n');
        laid_out.extend(std::iter::repeat_n("  ", depth.min(DEEPEST)));
    };
    while let Some(character) = characters.next() {
        if is_string {
            laid_out.push(character);
            is_string = is_escaped || character != '"';
            is_escaped = character == '\\' && !is_escaped;
            continue;
        }
        match character {
            '"' => {
                is_string = true;
                laid_out.push('"');
            }
            '{' | '[' => {
                laid_out.push(character);
                while characters.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(close) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    laid_out.push(close);
                } else {
                    depth += 1;
                    line(&mut laid_out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut laid_out, depth);
                laid_out.push(character);
            }
            ',' => {
                laid_out.push(',');
                line(&mut laid_out, depth);
            }
            ':' => laid_out.push_str(": "),
            _ if character.is_ascii_whitespace() => {}
            _ => laid_out.push(character),
        }
    }
    laid_out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_each_value_a_line_and_changes_nothing_else() {
        let given = r#"{"b":1.0,"a":[{"x":"}, \" {"},{}, []],"c":"\u0041"}"#;
        let expected = r#"{
  "b": 1.0,
  "a": [
    {
      "x": "}, \" {"
    },
    {},
    []
  ],
  "c": "\u0041"
}"#;
        assert_eq!(text(given), expected);
    }

    #[test]
    fn goes_as_far_as_the_text_goes_and_leaves_other_text_alone() {
        assert_eq!(text(r#"{"a":{"b":"cut"#), "{\n  \"a\": {\n    \"b\": \"cut");
        assert_eq!(text("a: {b}"), "a: {b}");
        assert_eq!(text("{\n\"a\":1}"), "{\n\"a\":1}");
        let deep = text(&"[".repeat(100_000));
        assert!(deep.len() < 10_000_000);
    }
}
