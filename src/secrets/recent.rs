//! What was masked a moment ago: a client sends the same token with one request after the other, and servers give the same
//! refusals and manifests, and the same header fields, again and again. To read such a text is the dearest part of masking.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// So many header fields are remembered: a prime, so that names and lengths that are alike have places of their own.
const FIELDS: usize = 509;

/// A longer value is not remembered.
const LONGEST_FIELD: usize = 512;

/// A name and its value.
type Field = (Box<str>, Box<[u8]>);

/// Header fields in which there was nothing to mask. A name has a place for each length of its values: what is another
/// with each message, as the number of a request is, does not drive out the rest.
#[derive(Default)]
pub(super) struct Harmless(Mutex<Vec<Field>>);

/// Harmless fields, while nobody else asks.
pub(super) struct HarmlessFields<'a>(MutexGuard<'a, Vec<Field>>);

impl Harmless {
    /// What is known of them, for the fields of a message.
    pub(super) fn fields(&self) -> HarmlessFields<'_> {
        let mut fields = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fields.resize_with(FIELDS, Default::default);
        HarmlessFields(fields)
    }
}

impl HarmlessFields<'_> {
    /// The value masked: not at all as it was before, or as `mask` makes it.
    pub(super) fn masked(
        &mut self,
        name: &str,
        value: &[u8],
        mask: impl FnOnce() -> Option<Vec<u8>>,
    ) -> Option<Vec<u8>> {
        let place = name.bytes().fold(value.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        let Some(known) = self.0.get_mut(place % FIELDS).filter(|_| value.len() <= LONGEST_FIELD) else {
            return mask();
        };
        if (&*known.0, &*known.1) == (name, value) && !name.is_empty() {
            return None;
        }
        let masked = mask();
        if masked.is_none() {
            *known = (name.into(), value.into());
        }
        masked
    }
}

/// Another masker masks otherwise: it begins with nothing.
impl Clone for Harmless {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for Harmless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Harmless(…)")
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

    #[test]
    fn only_harmless_fields_are_remembered_each_as_a_whole() {
        let harmless = Harmless::default();
        let is_read = |name: &str, value: &str, masked: Option<&str>| {
            let mut is_read = false;
            let masked = masked.map(|masked| masked.as_bytes().to_vec());
            let mask = || {
                is_read = true;
                masked.clone()
            };
            assert_eq!(harmless.fields().masked(name, value.as_bytes(), mask), masked.filter(|_| is_read));
            is_read
        };
        assert!(is_read("Accept", "*/*", None));
        assert!(!is_read("Accept", "*/*", None), "known");
        assert!(is_read("Accept", "a/b", None), "another value");
        assert!(is_read("accept", "a/b", None), "another name");
        assert!(is_read("Cookie", "a=b", Some("a=<masked>")));
        assert!(is_read("Cookie", "a=b", Some("a=<masked>")), "not harmless");
        assert!(is_read("", "", None) && is_read("", "", None), "no field");
        let long = "x".repeat(LONGEST_FIELD + 1);
        assert!(is_read("Accept", &long, None) && is_read("Accept", &long, None), "too long");
    }
}
