//! Whatever can be read as HAR is written so that it reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pulltap::har::{self, Conclusions, Writer};
use pulltap::redact::{FingerprintKey, Options, Redactor};

fuzz_target!(|bytes: &[u8]| {
    let Ok(file) = har::read(bytes) else { return };
    let redactor = Redactor::new(FingerprintKey::new([7; 32]), Options::default());
    let mut writer = Writer::new(Vec::new(), "").unwrap();
    let exchanges: Vec<_> = file.exchanges.into_iter().map(|exchange| redactor.redact(exchange)).collect();
    for exchange in &exchanges {
        writer.entry(exchange, None).unwrap();
    }
    let again = har::read(&writer.finish(&Conclusions::default()).unwrap()).unwrap();
    assert!(again.exchanges.iter().eq(exchanges.iter().map(|exchange| &**exchange)));
});
