//! A text of which some ranges are replaced, in order, and which is only copied when one is.

use std::ops::Range;

/// Collects replacements, from the front to the back.
pub(super) struct Rewrite<'a> {
    source: &'a [u8],
    copied: usize,
    decided: usize,
    out: Option<Vec<u8>>,
}

impl<'a> Rewrite<'a> {
    /// No replacement yet.
    pub(super) fn new(source: &'a [u8]) -> Self {
        Self { source, copied: 0, decided: 0, out: None }
    }

    /// Notes that what ends here was decided upon, replaced or not, and is no part of what follows. A second
    /// masking sees the same borders as the first, whose masks it keeps.
    pub(super) fn decide(&mut self, end: usize) {
        self.decided = self.decided.max(end);
    }

    /// Where what was decided upon ends.
    pub(super) fn decided(&self) -> usize {
        self.decided
    }

    /// Puts `with` where `range` was. A range that begins before the end of the last one is left out.
    pub(super) fn replace(&mut self, range: Range<usize>, with: &[u8]) {
        if range.start < self.copied || self.source.get(range.clone()) == Some(with) {
            return;
        }
        let out = self.out.get_or_insert_with(|| Vec::with_capacity(self.source.len() + with.len()));
        out.extend_from_slice(self.source.get(self.copied..range.start).unwrap_or(&[]));
        out.extend_from_slice(with);
        self.copied = range.end;
        self.decide(range.end);
    }

    /// Like [`replace`](Self::replace), when there is something to put.
    pub(super) fn replace_some(&mut self, range: Range<usize>, with: Option<Vec<u8>>) {
        if let Some(with) = with {
            self.replace(range, &with);
        }
    }

    /// The new text; `None` when it is the old one.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        let mut out = self.out?;
        out.extend_from_slice(self.source.get(self.copied..).unwrap_or(&[]));
        Some(out)
    }
}
