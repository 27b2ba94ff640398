//! The observers on written conversations, under every split of their bytes.

use std::fs;

use super::conversation::{self, Conversation, Protocol, Step, observed};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

#[test]
fn tells_what_the_conversations_say() {
    for protocol in BOTH {
        if std::env::var_os("PULLTAP_WRITE_FIXTURES").is_some() {
            for file in &conversation::files(protocol) {
                rewrite(protocol, file);
            }
        }
        let conversations = conversation::all(protocol);
        assert!(conversations.len() >= 40, "only {} conversations", conversations.len());
        for conversation in conversations {
            assert_eq!(observed(protocol, &conversation.steps), conversation.expected, "{}", conversation.name);
        }
    }
}

/// Writes into the file what is observed now, for a person to read before it is committed.
fn rewrite(protocol: Protocol, file: &std::path::Path) {
    let text = fs::read_to_string(file).unwrap();
    let conversations = conversation::parse(protocol, &text).into_iter();
    let mut events = conversations.map(|conversation| observed(protocol, &conversation.steps));
    let mut lines: Vec<String> = Vec::new();
    let mut expected: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('=') && !line.trim().is_empty()) {
        if line.starts_with('#') {
            lines.append(&mut expected);
            if !lines.is_empty() {
                lines.push(String::new());
            }
            expected = events.next().unwrap().iter().map(|event| format!("= {event}")).collect();
        }
        lines.push(line.to_owned());
    }
    lines.append(&mut expected);
    fs::write(file, lines.join("\n") + "\n").unwrap();
}

#[test]
fn says_the_same_under_every_single_split() {
    for (protocol, conversation) in all() {
        for (index, step) in conversation.steps.iter().enumerate() {
            let Step::Bytes(sender, bytes) = step else { continue };
            for place in splits(bytes.len()) {
                let (first, second) = bytes.split_at(place);
                let mut steps = conversation.steps.clone();
                let halves = [Step::Bytes(*sender, first.to_vec()), Step::Bytes(*sender, second.to_vec())];
                steps.splice(index..=index, halves);
                compare(protocol, &conversation, &steps, &format!("step {index} split at {place}"));
            }
        }
    }
}

#[test]
fn says_the_same_byte_by_byte() {
    for (protocol, conversation) in all() {
        let steps: Vec<_> = conversation
            .steps
            .iter()
            .flat_map(|step| match step {
                Step::Bytes(sender, bytes) => bytes.iter().map(|byte| Step::Bytes(*sender, vec![*byte])).collect(),
                Step::End(..) => vec![step.clone()],
            })
            .collect();
        compare(protocol, &conversation, &steps, "byte by byte");
    }
}

/// Every place, or in long steps those near the beginning and the end and some between.
fn splits(length: usize) -> impl Iterator<Item = usize> {
    (0..=length).filter(move |place| length < 2000 || *place < 200 || *place > length - 50 || place % 4093 == 0)
}

fn all() -> impl Iterator<Item = (Protocol, Conversation)> {
    let of = |protocol| conversation::all(protocol).into_iter().map(move |conversation| (protocol, conversation));
    BOTH.into_iter().flat_map(of)
}

fn compare(protocol: Protocol, conversation: &Conversation, steps: &[Step], how: &str) {
    assert_eq!(observed(protocol, steps), conversation.expected, "{}, {how}", conversation.name);
}
