//! ClientHellos: of real clients, and written to be odd.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use pulltap::exchange::ClientHello;
use pulltap::exchange::tls_names::{group_name, is_grease, suite_name, version_name};
use pulltap::wire::tls::HELLO_LIMIT;
use pulltap::wire::{HelloParse, Speaks, client_hello, sniff};

use super::hello::{Hello, is_decided_once, numbers, records, vector};

/// The first bytes that a real client sent.
fn recorded(name: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire/hello").join(name);
    let text: String = fs::read_to_string(file).unwrap().split_whitespace().collect();
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn read(bytes: &[u8]) -> ClientHello {
    match client_hello(bytes) {
        HelloParse::Complete(hello) => hello,
        other => panic!("{other:?}"),
    }
}

fn described(hello: &ClientHello) -> String {
    let versions: Vec<_> = hello.versions.iter().map(|version| version_name(*version)).collect();
    let groups: Vec<_> = hello.groups.iter().map(|group| group_name(*group)).collect();
    let alpn: Vec<_> = hello.alpn.iter().map(|name| name.escape_ascii().to_string()).collect();
    let first = hello.suites.first().map(|suite| suite_name(*suite)).unwrap_or_default();
    let sni = hello.sni.as_deref().unwrap_or("none");
    format!(
        "{} | {} suites, first {first} | {} | alpn {} | sni {sni}",
        versions.join(" "),
        hello.suites.len(),
        groups.join(" "),
        alpn.join(" "),
    )
}

#[test]
fn reads_the_hellos_of_real_clients() {
    let openssl_3 = "x25519 secp256r1 x448 secp521r1 secp384r1";
    let and_finite_fields = "ffdhe2048 ffdhe3072 ffdhe4096 ffdhe6144 ffdhe8192";
    let all = [
        // The docker CLI 28.2.2 (Go), asked for an address, which is no name to send.
        (
            "docker",
            "TLS 1.3 TLS 1.2 | 7 suites, first TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 | \
             x25519 secp256r1 secp384r1 secp521r1 | alpn  | sni none"
                .to_owned(),
        ),
        // curl 7.88.1 with OpenSSL 3.0.22.
        (
            "curl",
            format!(
                "TLS 1.3 TLS 1.2 TLS 1.1 TLS 1.0 | 31 suites, first TLS_AES_256_GCM_SHA384 | \
                 {openssl_3} {and_finite_fields} | alpn h2 http/1.1 | sni registry.test"
            ),
        ),
        (
            "python",
            format!(
                "TLS 1.3 TLS 1.2 | 18 suites, first TLS_AES_256_GCM_SHA384 | {openssl_3} {and_finite_fields} | \
                 alpn  | sni registry.test"
            ),
        ),
        (
            "openssl",
            format!(
                "TLS 1.3 TLS 1.2 TLS 1.1 TLS 1.0 | 31 suites, first TLS_AES_256_GCM_SHA384 | \
                 {openssl_3} {and_finite_fields} | alpn h2 http/1.1 | sni registry.test"
            ),
        ),
        (
            "openssl-tls12",
            format!(
                "TLS 1.2 | 28 suites, first TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 | {openssl_3} | alpn  | sni none"
            ),
        ),
        (
            "openssl-tls11",
            format!(
                "TLS 1.1 | 23 suites, first TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA | {openssl_3} | alpn  | sni old.test"
            ),
        ),
        (
            "openssl-tls10",
            format!(
                "TLS 1.0 | 23 suites, first TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA | {openssl_3} | alpn  | sni old.test"
            ),
        ),
    ];
    for (name, expected) in all {
        assert_eq!(described(&read(&recorded(&format!("{name}.hex")))), expected, "{name}");
    }
}

#[test]
fn waits_for_the_last_byte_of_real_hellos() {
    for name in ["docker", "curl", "openssl-tls10"] {
        let bytes = recorded(&format!("{name}.hex"));
        let message = &bytes[5..];
        for most in [1, 2, 3, 5, 64, 1 << 14] {
            let stream = records(message, most);
            for end in 0..stream.len() {
                assert_eq!(
                    client_hello(&stream[..end]),
                    HelloParse::Partial,
                    "{name} in records of {most}, {end} bytes"
                );
            }
            assert_eq!(read(&stream), read(&bytes));
        }
    }
}

fn hello(extensions: &[(u16, Vec<u8>)]) -> Hello {
    Hello { legacy_version: 0x0303, suites: vec![0x1a1a, 0x1301, 0xc02f], extensions: extensions.to_vec() }
}

fn server_names(names: &[(u8, &[u8])]) -> (u16, Vec<u8>) {
    let list: Vec<u8> = names.iter().flat_map(|(kind, name)| [vec![*kind], vector(2, name)].concat()).collect();
    (0, vector(2, &list))
}

#[test]
fn keeps_grease_where_it_stands() {
    let hello = hello(&[
        (0x2a2a, vec![]),
        (10, vector(2, &numbers(&[0x4a4a, 29]))),
        (43, vector(1, &numbers(&[0x6a6a, 0x0304, 0x0303]))),
    ]);
    let hello = read(&hello.records(4096));
    assert_eq!(hello.suites, [0x1a1a, 0x1301, 0xc02f]);
    assert_eq!(hello.groups, [0x4a4a, 29]);
    assert_eq!(hello.versions, [0x6a6a, 0x0304, 0x0303]);
    assert!(hello.versions.iter().copied().any(is_grease));
}

#[test]
fn without_supported_versions_the_legacy_version_counts() {
    for version in [0x0300, 0x0301, 0x0302, 0x0303] {
        let hello = Hello { legacy_version: version, suites: vec![5], extensions: vec![] };
        assert_eq!(read(&hello.records(4096)).versions, [version]);
    }
}

#[test]
fn takes_the_first_host_name() {
    let sni = |names: &[(u8, &[u8])]| read(&hello(&[server_names(names)]).records(4096)).sni;
    assert_eq!(sni(&[(0, b"Registry.Test")]).as_deref(), Some("Registry.Test"));
    assert_eq!(sni(&[(7, b"x"), (0, b"a.test")]).as_deref(), Some("a.test"));
    assert_eq!(sni(&[(0, b"\xff.test")]).as_deref(), Some("\u{fffd}.test"));
    assert_eq!(sni(&[(7, b"x")]), None);
}

#[test]
fn what_follows_the_hello_does_not_matter() {
    let mut bytes = hello(&[server_names(&[(0, b"a.test")])]).records(50);
    let alone = read(&bytes);
    bytes.extend(b"\x17\x03\x03\x00\x05early");
    assert_eq!(read(&bytes), alone);
}

#[test]
fn refuses_what_is_no_hello() {
    let whole = hello(&[]).message();
    let mut other_message = whole.clone();
    other_message[0] = 2;
    let mut trailing = whole.clone();
    trailing[3] += 1;
    trailing.push(0);
    let cases: &[(&str, Vec<u8>, HelloParse)] = &[
        ("nothing", vec![], HelloParse::Partial),
        ("HTTP", b"GET / HTTP/1.1\r\n".to_vec(), HelloParse::NotTls),
        ("an SSL 2 hello", b"\x80\x2e\x01\x03\x01\x00\x15".to_vec(), HelloParse::NotTls),
        ("an alert", b"\x15\x03\x01\x00\x02\x02\x28".to_vec(), HelloParse::NotTls),
        ("a version of another family", b"\x16\xfe\xff\x00\x01\x01".to_vec(), HelloParse::NotTls),
        ("an empty record", b"\x16\x03\x01\x00\x00".to_vec(), HelloParse::Malformed),
        ("a record too large", b"\x16\x03\x01\x40\x01".to_vec(), HelloParse::Malformed),
        ("another message", records(&other_message, 4096), HelloParse::Malformed),
        ("a byte after the extensions", records(&trailing, 4096), HelloParse::Malformed),
        ("a list that is too long", hello(&[(10, vec![0, 9, 0])]).records(4096), HelloParse::Malformed),
        ("half a number", hello(&[(43, vec![3, 3, 4, 3])]).records(4096), HelloParse::Malformed),
        (
            "an alert in the middle",
            [records(&whole[..9], 9), b"\x15\x03\x01\x00\x02\x02\x28".to_vec()].concat(),
            HelloParse::Malformed,
        ),
        ("a message too large", records(&[1, 1, 0, 0, 3], 4096), HelloParse::Malformed),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(client_hello(bytes), *expected, "{name}");
        is_decided_once(bytes);
    }
}

#[test]
fn reads_a_hello_as_large_as_the_limit() {
    let padding = HELLO_LIMIT - hello(&[(21, vec![])]).message().len();
    let bytes = hello(&[(21, vec![0; padding])]).records(1 << 14);
    assert_eq!(read(&bytes).suites.len(), 3);
    assert_eq!(client_hello(&bytes[..bytes.len() - 1]), HelloParse::Partial);
    let too_large = hello(&[(21, vec![0; padding + 1])]).records(1 << 14);
    assert_eq!(client_hello(&too_large), HelloParse::Malformed);
}

proptest! {
    #[test]
    fn reads_what_was_written(
        suites in vec(any::<u16>(), 0..50),
        groups in vec(any::<u16>(), 0..20),
        versions in vec(any::<u16>(), 1..6),
        alpn in vec(vec(any::<u8>(), 1..12), 0..4),
        name in "[a-z0-9.-]{1,40}",
        most in 1_usize..600,
    ) {
        let names: Vec<u8> = alpn.iter().flat_map(|name| vector(1, name)).collect();
        let hello = Hello {
            legacy_version: 0x0303,
            suites: suites.clone(),
            extensions: vec![
                server_names(&[(0, name.as_bytes())]),
                (10, vector(2, &numbers(&groups))),
                (16, vector(2, &names)),
                (43, vector(1, &numbers(&versions))),
            ],
        };
        let bytes = hello.records(most);
        prop_assert_eq!(read(&bytes), ClientHello { versions, suites, groups, alpn, sni: Some(name) });
        prop_assert_eq!(sniff(&bytes), Speaks::Tls);
        is_decided_once(&bytes);
    }

    #[test]
    fn a_flipped_byte_never_panics(at in 0_usize..517, byte in any::<u8>()) {
        let mut bytes = recorded("curl.hex");
        bytes[at] = byte;
        is_decided_once(&bytes);
    }
}
