//! The HPACK decoder on RFC 7541's own examples, on a long life of a table, and on anything at all.

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;
use pulltap::wire::hpack::{Decoder, HpackError, TABLE_LIMIT};

use super::frames::{integer, string};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// The fields of a block, one a line.
fn decoded(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<String>, HpackError> {
    let mut fields = Vec::new();
    decoder
        .decode(block, &mut |name, value| fields.push(format!("{}: {}", name.escape_ascii(), value.escape_ascii())))?;
    Ok(fields)
}

/// Blocks in hexadecimal, their fields, and the size of the table after them.
type Example = &'static [(&'static str, &'static [&'static str], usize)];

const FIRST: &[&str] = &[":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
const SECOND: &[&str] =
    &[":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"];
const THIRD: &[&str] = &[
    ":method: GET",
    ":scheme: https",
    ":path: /index.html",
    ":authority: www.example.com",
    "custom-key: custom-value",
];
const FOUND: &[&str] = &[
    ":status: 302",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:21 GMT",
    "location: https://www.example.com",
];
const REDIRECTED: &[&str] = &[
    ":status: 307",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:21 GMT",
    "location: https://www.example.com",
];
const COOKIE: &[&str] = &[
    ":status: 200",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:22 GMT",
    "location: https://www.example.com",
    "content-encoding: gzip",
    "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
];

/// The examples of RFC 7541, appendix C; those of C.5 and C.6 begin with the table size that the text sets.
const EXAMPLES: &[Example] = &[
    &[("400a637573746f6d2d6b65790d637573746f6d2d686561646572", &["custom-key: custom-header"], 55)],
    &[("040c2f73616d706c652f70617468", &[":path: /sample/path"], 0)],
    &[("100870617373776f726406736563726574", &["password: secret"], 0)],
    &[("82", &[":method: GET"], 0)],
    &[
        ("828684410f7777772e6578616d706c652e636f6d", FIRST, 57),
        ("828684be58086e6f2d6361636865", SECOND, 110),
        ("828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565", THIRD, 164),
    ],
    &[
        ("828684418cf1e3c2e5f23a6ba0ab90f4ff", FIRST, 57),
        ("828684be5886a8eb10649cbf", SECOND, 110),
        ("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf", THIRD, 164),
    ],
    &[
        ("3fe101", &[], 0),
        (
            "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e17\
             68747470733a2f2f7777772e6578616d706c652e636f6d",
            FOUND,
            222,
        ),
        ("4803333037c1c0bf", REDIRECTED, 222),
        (
            "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d\
             4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273\
             696f6e3d31",
            COOKIE,
            215,
        ),
    ],
    &[
        ("3fe101", &[], 0),
        (
            "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97\
             c8e9ae82ae43d3",
            FOUND,
            222,
        ),
        ("4883640effc1c0bf", REDIRECTED, 222),
        (
            "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd\
             5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
            COOKIE,
            215,
        ),
    ],
];

#[test]
fn reads_the_examples_of_the_rfc() {
    for example in EXAMPLES {
        let mut decoder = Decoder::default();
        for (block, fields, size) in *example {
            assert_eq!(decoded(&mut decoder, &bytes(block)).unwrap(), *fields, "{block}");
            assert_eq!(decoder.table_size(), *size, "{block}");
        }
    }
}

#[test]
fn refuses_what_is_not_hpack() {
    let too_large = integer(TABLE_LIMIT + 1, 5, 0x20);
    let cases: &[(&str, &[u8], HpackError)] = &[
        ("index 0", b"\x80", HpackError::BadIndex),
        ("an index beyond the table", b"\xbe", HpackError::BadIndex),
        ("an integer without end", b"\xff\xff\xff\xff\xff\xff\xff", HpackError::BadInteger),
        ("an integer cut short", b"\xff\x80", HpackError::Short),
        ("a string cut short", b"\x00\x05ab", HpackError::Short),
        ("a name without value", b"\x00\x01a", HpackError::Short),
        ("EOS", b"\x00\x84\xff\xff\xff\xff\x00", HpackError::BadHuffmanCode),
        ("padding with zeros", b"\x00\x81\x00\x00", HpackError::BadHuffmanCode),
        ("a whole octet of padding", b"\x00\x82\x1f\xff\x00", HpackError::BadHuffmanCode),
        ("a table too large", &too_large, HpackError::TableTooLarge),
    ];
    for (name, block, error) in cases {
        assert_eq!(decoded(&mut Decoder::default(), block), Err(*error), "{name}");
    }
}

#[test]
fn every_octet_survives_the_huffman_code() {
    // Each octet as a string of its own, encoded by the table of the RFC as its shortest codes show.
    let coded = [("a", "1f"), ("0", "07"), (" ", "53"), ("z", "f7"), ("&", "f8"), ("X", "fc"), ("?", "ff3f")];
    for (text, code) in coded {
        let code = bytes(code);
        let block = [vec![0, 1, b'n'], integer(code.len(), 7, 0x80), code].concat();
        assert_eq!(decoded(&mut Decoder::default(), &block).unwrap(), [format!("n: {text}")]);
    }
}

#[test]
fn an_entry_larger_than_the_table_empties_it() {
    let mut decoder = Decoder::default();
    decoded(&mut decoder, &[vec![0x40], string(b"a"), string(b"b")].concat()).unwrap();
    assert_eq!(decoder.table_size(), 34);
    decoded(&mut decoder, &[vec![0x40], string(b"a"), string(&[b'x'; 5000])].concat()).unwrap();
    assert_eq!(decoder.table_size(), 0);
}

#[test]
fn the_name_of_an_entry_that_is_evicted_can_be_used_again() {
    let mut decoder = Decoder::default();
    let name = "n".repeat(40);
    let all = [integer(100, 5, 0x20), vec![0x40], string(name.as_bytes()), string(b"1")].concat();
    decoded(&mut decoder, &all).unwrap();
    let again = [integer(62, 6, 0x40), string(b"2")].concat();
    assert_eq!(decoded(&mut decoder, &again).unwrap(), [format!("{name}: 2")]);
    assert_eq!(decoded(&mut decoder, &[0xbe]).unwrap(), [format!("{name}: 2")]);
}

/// What an encoder does next.
#[derive(Debug, Clone)]
enum Act {
    Add(String, String),
    /// Refer to an entry, counted from the newest.
    Refer(usize),
    /// A new value under the name of an entry.
    AddUnder(usize, String),
    Resize(usize),
}

/// An encoder that is as simple as the RFC's words.
#[derive(Debug)]
struct Model {
    entries: VecDeque<(String, String)>,
    most: usize,
}

impl Model {
    fn size(&self) -> usize {
        self.entries.iter().map(|(name, value)| name.len() + value.len() + 32).sum()
    }

    fn shrink(&mut self) {
        while self.size() > self.most {
            self.entries.pop_back();
        }
    }

    fn add(&mut self, name: &str, value: &str) -> String {
        self.entries.push_front((name.to_owned(), value.to_owned()));
        self.shrink();
        format!("{name}: {value}")
    }

    /// The octets of an act, and the field that they are.
    fn encoded(&mut self, act: &Act) -> (Vec<u8>, Option<String>) {
        let at = |nth: usize| nth % self.entries.len();
        match act {
            Act::Resize(most) => {
                self.most = *most;
                self.shrink();
                (integer(*most, 5, 0x20), None)
            }
            Act::Add(name, value) => {
                let octets = [vec![0x40], string(name.as_bytes()), string(value.as_bytes())].concat();
                (octets, Some(self.add(name, value)))
            }
            Act::Refer(_) | Act::AddUnder(..) if self.entries.is_empty() => (vec![0x82], Some(":method: GET".into())),
            Act::Refer(nth) => {
                let (name, value) = &self.entries[at(*nth)];
                (integer(62 + at(*nth), 7, 0x80), Some(format!("{name}: {value}")))
            }
            Act::AddUnder(nth, value) => {
                let octets = [integer(62 + at(*nth), 6, 0x40), string(value.as_bytes())].concat();
                let name = self.entries[at(*nth)].0.clone();
                (octets, Some(self.add(&name, value)))
            }
        }
    }
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => ("[a-z-]{0,20}", "[a-z0-9=;]{0,60}").prop_map(|(name, value)| Act::Add(name, value)),
        4 => any::<usize>().prop_map(Act::Refer),
        2 => (any::<usize>(), "[a-z0-9=;]{0,60}").prop_map(|(nth, value)| Act::AddUnder(nth, value)),
        1 => (0_usize..10_000).prop_map(Act::Resize),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn ten_thousand_fields_later_the_table_is_still_in_step(acts in vec(act(), 10_000)) {
        let mut model = Model { entries: VecDeque::new(), most: 4096 };
        let mut decoder = Decoder::default();
        for acts in acts.chunks(25) {
            let (octets, fields): (Vec<_>, Vec<_>) = acts.iter().map(|act| model.encoded(act)).unzip();
            let fields: Vec<_> = fields.into_iter().flatten().collect();
            prop_assert_eq!(decoded(&mut decoder, &octets.concat()).unwrap(), fields);
            prop_assert_eq!(decoder.table_size(), model.size());
        }
    }
}

proptest! {
    #[test]
    fn random_blocks_never_panic(blocks in vec(vec(any::<u8>(), 0..100), 1..10)) {
        let mut decoder = Decoder::default();
        for block in blocks {
            let _ = decoded(&mut decoder, &block);
            prop_assert!(decoder.table_size() <= TABLE_LIMIT);
        }
    }
}
