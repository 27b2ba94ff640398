//! ClientHellos to order, and what must hold for the first bytes of any connection.
//!
//! The fuzz target `client_hello` includes this file.

use pulltap::wire::{HelloParse, Speaks, client_hello, sniff};

/// A ClientHello to be written.
#[derive(Debug, Clone, Default)]
pub struct Hello {
    pub legacy_version: u16,
    pub suites: Vec<u16>,
    /// Numbers and contents; without any, the list itself is left out.
    pub extensions: Vec<(u16, Vec<u8>)>,
}

impl Hello {
    /// The handshake message, with its header.
    pub fn message(&self) -> Vec<u8> {
        let mut content = self.legacy_version.to_be_bytes().to_vec();
        content.extend([7; 32]);
        content.extend(vector(1, &[9; 32]));
        content.extend(vector(2, &numbers(&self.suites)));
        content.extend(vector(1, &[0]));
        if !self.extensions.is_empty() {
            let all: Vec<u8> = self
                .extensions
                .iter()
                .flat_map(|(number, content)| [number.to_be_bytes().to_vec(), vector(2, content)].concat())
                .collect();
            content.extend(vector(2, &all));
        }
        [vec![1], vector(3, &content)].concat()
    }

    /// The message in records of at most this many bytes.
    pub fn records(&self, most: usize) -> Vec<u8> {
        records(&self.message(), most)
    }
}

/// Handshake records around these bytes.
pub fn records(message: &[u8], most: usize) -> Vec<u8> {
    message.chunks(most).flat_map(|part| [vec![0x16, 3, 1], vector(2, part)].concat()).collect()
}

/// Bytes after their own length, which takes this many bytes.
pub fn vector(length_bytes: usize, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    [&length[length.len() - length_bytes..], content].concat()
}

/// Numbers of two bytes.
pub fn numbers(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// Panics unless what is said of the beginning of these bytes stays true for all of them.
pub fn is_decided_once(bytes: &[u8]) {
    let (hello, speaks) = (client_hello(bytes), sniff(bytes));
    for end in (0..bytes.len()).filter(|end| *end < 200 || end % 97 == 0) {
        let early = client_hello(&bytes[..end]);
        assert!(early == HelloParse::Partial || early == hello, "{early:?} after {end} bytes, then {hello:?}");
        let early = sniff(&bytes[..end]);
        assert!(early == Speaks::NeedMore || early == speaks, "{early:?} after {end} bytes, then {speaks:?}");
    }
    let is_tls = !matches!(hello, HelloParse::NotTls | HelloParse::Partial);
    assert!(!is_tls || speaks == Speaks::Tls, "{hello:?}, but {speaks:?}");
}
