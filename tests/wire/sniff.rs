//! Which protocol a client speaks, decided once and never by one short read.

use proptest::collection::vec;
use proptest::prelude::*;
use pulltap::wire::{Speaks, sniff};

use super::conversation::{self, Protocol, Step};
use super::hello;

#[test]
fn every_written_request_is_http_before_its_head_ends() {
    for conversation in conversation::all(Protocol::Http1).iter().filter(|conversation| conversation.expected.len() > 3)
    {
        let Some(Step::Bytes(pulltap::wire::Sender::Client, bytes)) = conversation.steps.first() else { continue };
        if conversation.expected.get(1).is_some_and(|line| line.contains("0 request") && line.contains("HTTP/1.")) {
            assert!(matches!(sniff(bytes), Speaks::Http1 | Speaks::NeedMore), "{}", conversation.name);
        }
    }
}

#[test]
fn a_method_of_any_length_up_to_the_limit_is_waited_for() {
    assert_eq!(sniff(&[b'A'; 64]), Speaks::NeedMore);
    assert_eq!(sniff(&[b'A'; 65]), Speaks::Other);
}

#[test]
fn a_line_without_an_end_is_given_up() {
    let mut line = b"GET a".to_vec();
    line.resize(10_000, b'a');
    assert_eq!(sniff(&line), Speaks::NeedMore);
    line.resize(70_000, b'a');
    assert_eq!(sniff(&line), Speaks::Other);
}

proptest! {
    #[test]
    fn what_was_decided_stays(
        begin in prop_oneof![
            Just(&b""[..]), Just(&b"PRI * HTTP/2.0\r\n"[..]), Just(&b"GET "[..]), Just(&b"\x16\x03"[..]),
            Just(&b"OPTIONS * HTTP/1.1\r\n"[..]), Just(&b"\r\n\r\n"[..]),
        ],
        keep in 0_usize..20,
        rest in vec(any::<u8>(), 0..40),
    ) {
        let bytes = [&begin[..keep.min(begin.len())], &rest].concat();
        hello::is_decided_once(&bytes);
    }
}
