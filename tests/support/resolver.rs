//! A resolver for a world of its own: it knows no name, and says so, or says that it failed.

use std::fs;
use std::net::UdpSocket;
use std::thread;

use super::world::World;

/// About names below this one it says that it failed.
pub const UNANSWERED: &str = "unanswered";

/// Answers on port 53 of the world's loopback interface until the world ends; whatever runs in the world asks it.
pub fn start(world: &World) {
    let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
    fs::write(world.path("etc/resolv.conf"), "nameserver 127.0.0.1\noptions attempts:1\n").unwrap();
    thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut question) {
            let answer = answer(&question[..length]);
            let _ = socket.send_to(&answer, client);
        }
    });
}

/// The question once more, with the bit that makes it an answer and the code of what became of it (RFC 1035, section
/// 4.1.1): 2, the server failed; 3, there is no such name.
fn answer(question: &[u8]) -> Vec<u8> {
    let mut answer = question.to_vec();
    // The header has 12 bytes; each part of the name follows its length.
    let first = &question[13..13 + usize::from(question[12])];
    let code = if first.eq_ignore_ascii_case(UNANSWERED.as_bytes()) { 2 } else { 3 };
    answer[2] |= 0x80;
    answer[3] = 0x80 | code;
    // Whatever was said besides the question (EDNS) is not said back.
    let end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    answer[6..12].fill(0);
    answer.truncate(end);
    answer
}
