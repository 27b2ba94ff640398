//! What was masked a moment ago: a client sends the same token with one request after the other, and servers give the same
//! refusals and manifests again and again. To read such a text is the dearest part of masking.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// So many are remembered: the tokens, or the last contents, of the pulls that run at a time.
const MOST: usize = 16;

/// What is longer is not remembered.
const LONGEST: usize = 64 << 10;

/// A value, and what it is when masked; `None` when there was nothing to mask.
type Masking = (Vec<u8>, Option<Vec<u8>>);

/// The last values, the latest used first.
#[derive(Default)]
pub(super) struct Recent(Mutex<VecDeque<Masking>>);

impl Recent {
    /// The value masked, as it was before or as `mask` makes it.
    pub(super) fn masked(&self, value: &[u8], mask: impl FnOnce() -> Option<Vec<u8>>) -> Option<Vec<u8>> {
        if value.len() > LONGEST {
            return mask();
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().position(|(known, _)| known == value).and_then(|at| known.remove(at));
        let (value, masked) = found.unwrap_or_else(|| (value.to_vec(), mask()));
        let result = masked.clone();
        known.push_front((value, masked));
        known.truncate(MOST);
        result
    }
}

/// Another masker masks otherwise: it begins with nothing.
impl Clone for Recent {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recent(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_once_and_forgets_the_oldest() {
        let recent = Recent::default();
        let masked = |number: usize| {
            let mut is_new = false;
            let mask = || {
                is_new = true;
                Some(vec![b'x'; number])
            };
            assert_eq!(recent.masked(number.to_string().as_bytes(), mask), Some(vec![b'x'; number]));
            is_new
        };
        assert!((0..MOST).all(masked));
        assert!((0..MOST).all(|number| !masked(number)));
        assert!(masked(MOST), "one more");
        assert!(masked(0), "was the oldest");
        assert!(!masked(MOST));
        let long = vec![b'x'; LONGEST + 1];
        assert_eq!(recent.masked(&long, || None), None);
        assert_eq!(recent.masked(&long, || Some(Vec::new())), Some(Vec::new()), "was not remembered");
    }
}
