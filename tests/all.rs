//! The one integration binary: it links once, and its modules mirror `src`.
//!
//! A module that needs Linux (namespaces, a Docker daemon) says so by a `cfg` on its `mod` line, so that
//! the same binary builds for Windows and runs under wine.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and helper functions of a test are not seen as tests by clippy"
)]

// The guard rails: tests that read the source instead of running it.

// Who may import whom.
mod architecture;
// What stands in Cargo.lock: licences, banned crates, duplicates.
#[cfg(not(windows))]
mod dependencies;
// Every module, type and function has a sentence.
mod documented;
// No error says its cause twice.
mod errors;
// How long files and functions are.
mod sizes;
// Reads the files under src for the others.
mod sources;

// Real container clients, through pulltap to a real registry.
#[cfg(target_os = "linux")]
mod clients;
// The registry inside the program, through the whole of it.
#[cfg(unix)]
mod demo;
// The commands as scripts use them.
mod cli;
// Every rule against the exchanges that fire it and a near miss.
mod diagnose;
// The catalogue on the command line.
mod faq;
// HAR files, and what other programs say about them.
mod har;
// The proxy against scripted servers and clients, byte by byte.
// Not under wine yet: its sockets end differently, and clients that leave then look as if they stayed.
#[cfg(unix)]
mod proxy;
// Secrets stop at the door.
mod redact;
// One command, its streams, its signals and its exit status.
#[cfg(unix)]
mod run;
// The session file: read back, after kill -9, on a full disk.
#[cfg(unix)]
mod store;
// What those three stand on.
#[cfg(unix)]
mod support;
// The terminal UI: what its screens say, and that a real terminal is given back as it was.
mod tui;
// The observers under every split of their input.
mod wire;
