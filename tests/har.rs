//! HAR files: what is written brings the exchange back, and the programs of others read it.

use pulltap::exchange::Exchange;
use pulltap::har::{Conclusions, Writer};
use pulltap::redact::{FingerprintKey, Options, Redacted, Redactor};

// What the importers of Chrome and Firefox demand, checked here.
mod browsers;
// Exchanges as they happen, made by hand.
mod examples;
// Exchanges of every kind, at random.
mod generated;
// npm's har-validator, haralyzer and mitmproxy.
#[cfg(target_os = "linux")]
mod judges;
// Files that are no HAR, or no whole one, or somebody else's.
mod reading;
// Written and read back.
mod round_trip;

/// The exchange as writers take it, with its secrets: what a test wants to find again.
fn unmasked(exchange: Exchange) -> Redacted<Exchange> {
    Redactor::new(FingerprintKey::new([7; 32]), Options { keep_secrets: true, ..Options::default() }).redact(exchange)
}

/// The exchange as writers take it, without its secrets.
fn masked(exchange: Exchange) -> Redacted<Exchange> {
    Redactor::new(FingerprintKey::new([7; 32]), Options::default()).redact(exchange)
}

/// A HAR of these exchanges, about which nothing else is said.
fn written(exchanges: &[Redacted<Exchange>]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), "nothing is masked").unwrap();
    for exchange in exchanges {
        writer.entry(exchange, None).unwrap();
    }
    writer.finish(&Conclusions::default()).unwrap()
}
