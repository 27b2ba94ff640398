//! The token ledger as a table: each token with where it was got, for whom, for how long, and what became of it.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr;

use super::columns::padded;
use super::line;
use super::words::Words;
use crate::diagnose::IssuedToken;
use crate::exchange::Moment;
use crate::printable::printable;
use crate::registry::scope;

/// The columns that are aligned; the scopes come behind them.
const COLUMNS: usize = 7;

/// The tokens of one user for one thing, each renewing the one before: one line stands for them.
struct Chain<'a> {
    first: &'a IssuedToken,
    last: &'a IssuedToken,
    tokens: usize,
    uses: usize,
    refused: usize,
}

/// The lines of the table, with its headings; none where there are no tokens. Unless all are asked for, a token that was
/// renewed stands in one line with those that renewed it.
pub(super) fn lines(tokens: &[IssuedToken], words: &Words, zone: &TimeZone, has_all: bool) -> Vec<String> {
    let chains = chains(tokens, has_all);
    if chains.is_empty() {
        return Vec::new();
    }
    let [id, token, user, registry, issued, until, uses, scope] = words.token_columns.map(str::to_owned);
    let mut rows = vec![([id, token, user, registry, issued, until, uses], scope)];
    rows.extend(chains.iter().map(|chain| (cells(chain, words, zone), remarks(chain, words))));
    let mut widths = [0; COLUMNS];
    for (cells, _) in &rows {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = cell.width().max(*width);
        }
    }
    let line = |(cells, remarks): (_, String)| {
        let cells: [String; COLUMNS] = cells;
        let aligned: Vec<_> = cells.iter().zip(widths).map(|(cell, width)| padded(cell, width)).collect();
        format!("{}  {remarks}", aligned.join("  ")).trim_end().to_owned()
    };
    rows.into_iter().map(line).collect()
}

fn chains(tokens: &[IssuedToken], has_all: bool) -> Vec<Chain<'_>> {
    let mut chains: Vec<Chain<'_>> = Vec::new();
    let mut by_last = HashMap::new();
    for token in tokens {
        let renewed = token.renews.filter(|_| !has_all).and_then(|last| by_last.remove(&last));
        let at =
            renewed.filter(|at| chains.get(*at).is_some_and(|chain: &Chain<'_>| chain.last.granted == token.granted));
        let at = at.unwrap_or_else(|| {
            chains.push(Chain { first: token, last: token, tokens: 0, uses: 0, refused: 0 });
            chains.len().saturating_sub(1)
        });
        by_last.insert(token.exchange, at);
        if let Some(chain) = chains.get_mut(at) {
            chain.last = token;
            chain.tokens = chain.tokens.saturating_add(1);
            chain.uses = chain.uses.saturating_add(token.uses.len());
            chain.refused = chain.refused.saturating_add(token.refused);
        }
    }
    chains
}

fn cells(chain: &Chain<'_>, words: &Words, zone: &TimeZone) -> [String; COLUMNS] {
    let token = chain.first;
    let user = match &token.user {
        _ if token.is_anonymous => words.anonymous.to_owned(),
        Some(user) => printable(user).into_owned(),
        None => words.nobody_named.to_owned(),
    };
    let registry = if token.issued_by.eq_ignore_ascii_case(&token.registry) {
        printable(&token.registry).into_owned()
    } else {
        format!("{} ({})", printable(&token.registry), printable(&token.issued_by))
    };
    let refused = if chain.refused > 0 { format!(", {} {}", chain.refused, words.refused) } else { String::new() };
    [
        format!("#{}", token.exchange),
        token.fingerprint.clone().unwrap_or_else(|| "-".to_owned()),
        user,
        registry,
        time(token.issued, zone),
        chain.last.expires().map_or_else(|| "?".to_owned(), |expires| time(expires, zone)),
        format!("{}{refused}", chain.uses),
    ]
}

/// What was asked, and what of it was granted where that is something else; then what else there is to say.
fn remarks(chain: &Chain<'_>, words: &Words) -> String {
    let token = chain.first;
    let mut remarks = Vec::new();
    let asked = scope::listed(&token.asked);
    match token.granted.as_deref() {
        _ if token.is_refresh_token => remarks.push(words.refresh_token.to_owned()),
        Some(granted) if granted.iter().all(|scope| scope.actions().is_empty()) && !asked.is_empty() => {
            remarks.push(format!("{asked} → {}", words.nothing));
        }
        Some(granted) if *granted != *token.asked => remarks.push(format!("{asked} → {}", scope::listed(granted))),
        _ => remarks.push(asked),
    }
    if chain.tokens > 1 {
        remarks.push(format!("{} ×{}", words.renewed, chain.tokens.saturating_sub(1)));
    }
    remarks.extend(token.got_with.map(|id| format!("← #{id}")));
    remarks.extend(token.clock_ahead_seconds.map(|seconds| format!("{} {seconds} s", words.clock_ahead)));
    remarks.retain(|remark| !remark.is_empty());
    printable(&remarks.join(", ")).into_owned()
}

/// The time of day, to the second.
fn time(moment: Moment, zone: &TimeZone) -> String {
    line::time(moment, zone).chars().take_while(|character| *character != '.').collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::ExchangeId;
    use crate::language::Language;
    use crate::registry::Scope;
    use crate::report::words;

    fn token(number: u64, user: &str, renews: Option<u64>) -> IssuedToken {
        let scopes = |text| vec![Scope::new(text).unwrap()];
        IssuedToken {
            exchange: ExchangeId::new(number).unwrap(),
            issued_by: "auth.example".to_owned(),
            fingerprint: Some(format!("{number:08x}")),
            registry: "registry.example".to_owned(),
            user: Some(user.to_owned()),
            is_anonymous: false,
            is_refresh_token: false,
            asked: scopes("repository:app:pull,push"),
            granted: Some(scopes("repository:app:pull")),
            issued: Moment::from_micros(i64::try_from(number).unwrap() * 60_000_000),
            lifetime_seconds: Some(300),
            clock_ahead_seconds: None,
            renews: renews.and_then(ExchangeId::new),
            got_with: None,
            uses: vec![ExchangeId::new(99).unwrap()],
            refused: 1,
        }
    }

    #[test]
    fn lines_up_wide_names_in_every_language_and_deceives_no_terminal() {
        let tokens = [token(1, "alice", None), token(22, "山田\u{1b}[2J", None)];
        for language in Language::ALL {
            let lines = lines(&tokens, words::of(language), &TimeZone::UTC, false);
            let columns = |end: &str| {
                let before = |line: &String| line.split_once(end).map(|(before, _)| before.width());
                lines.iter().skip(1).map(before).collect::<Vec<_>>()
            };
            for mark in ["registry.example", "repository:app:pull,push → repository:app:pull"] {
                assert_eq!(columns(mark)[0], columns(mark)[1], "{lines:#?}");
                assert!(columns(mark)[0].is_some(), "{lines:#?}");
            }
            assert!(!lines.concat().contains('\u{1b}'), "{lines:#?}");
        }
    }

    #[test]
    fn tokens_that_renew_one_another_stand_in_one_line_unless_all_are_wanted() {
        let tokens = [token(1, "alice", None), token(2, "bob", None), token(3, "alice", Some(1))];
        let words = words::of(Language::En);
        let short = lines(&tokens, words, &TimeZone::UTC, false);
        assert_eq!(short.len(), 3, "{short:#?}");
        assert!(short[1].contains("00:01:00  00:08:00  2, 2 refused"), "{short:#?}");
        assert!(short[1].ends_with("repository:app:pull,push → repository:app:pull, renewed ×1"), "{short:#?}");
        assert_eq!(lines(&tokens, words, &TimeZone::UTC, true).len(), 4);
        assert!(lines(&[], words, &TimeZone::UTC, true).is_empty());
    }

    #[test]
    fn a_token_that_allows_nothing_says_so() {
        let mut refused = token(1, "alice", None);
        refused.granted = Some(Vec::new());
        let lines = lines(&[refused], words::of(Language::En), &TimeZone::UTC, false);
        assert!(lines[1].ends_with("repository:app:pull,push → nothing"), "{lines:#?}");
    }
}
