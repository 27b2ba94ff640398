//! pulltap, a forward HTTP(S) debugging proxy for container-registry traffic. This page is the map.
//!
//! The crate is a program first: its modules are `pub` so that tests, fuzz targets and benches reach them.
//! **They are not a stable API.**
//!
//! # One direction
//!
//! Whatever comes in becomes an *exchange*, and whatever goes out is made from exchanges:
//!
//! ```text
//!   client ──▶ proxy ──▶ registry            a HAR or SAZ file
//!                │ bytes pass at once,            │
//!                ▼ `wire` reads along             ▼ `har`, `saz`
//!          events of an exchange            the same events
//!                └──────────────┬────────────────┘
//!                               ▼
//!              redact   credentials are masked, always first
//!                               ▼
//!               store   the one copy of the truth
//!                               ▼
//!            registry   what does it mean to a registry client?
//!                               ▼
//!            diagnose   what is wrong, why, and what to do
//!                               ▼
//!         tui · report · har    show it, or write it down
//! ```
//!
//! No later room calls back into an earlier one. A network failure is data (`exchange::Failure`), a fault of
//! our own is an `Error`.
//!
//! # The rooms
//!
//! A room is a top-level module. Rooms of *knowledge* are pure: they see no socket, file, clock, environment
//! variable or runtime, so each of them can be tested, fuzzed and run on a saved file. *Plumbing* does the I/O
//! and decides as little as it can.
//!
//! | knowledge | what it holds |
//! |---|---|
//! | `exchange` | the noun of the house: request, response, timings, TLS facts, failure, and the events it grows from |
//! | `wire` | observers: the bytes of a connection in, events out (HTTP/1, HTTP/2, TLS) |
//! | `content` | content encodings undone, JSON made readable |
//! | `secrets` | what a credential looks like, and how to mask each |
//! | `printable` | text from the network made safe for a terminal |
//! | `x509` | certificates as the facts that people argue about |
//! | `registry` | the OCI distribution protocol, vendors, clients, operations |
//! | `redact` | an exchange in, the same without its secrets out |
//! | `diagnose` | the rules, the engine that runs them, and the catalogue of causes and fixes |
//! | `index`, `filter` | rows for lists, and the language that picks among them |
//! | `har`, `saz` | the file formats |
//! | `report` | findings as text, Markdown, JSON and HTML |
//! | `guide` | how to send a client through pulltap, step by step, for each system: the help page |
//! | `language` | English, Japanese, Traditional Chinese |
//!
//! | plumbing | what it does |
//! |---|---|
//! | `platform` | the differences between operating systems |
//! | `changes` | files of this machine changed by a plan, with a journal, and put back exactly |
//! | `ca` | the root certificate of this installation, and leaves |
//! | `trust` | who trusts that root, and what has to change for others to |
//! | `setup` | what has to change to point container tools at the proxy |
//! | `proxy` | accepts, dials, relays |
//! | `store` | the session file |
//! | `capture` | joins proxy, store and engine, and owns their tasks |
//! | `probe` | asks the machine and the network itself |
//! | `demo` | a registry and a client of our own |
//! | `tui` | the screen |
//! | `cli` | the command line; the only room that sees every other |
//!
//! Who may import whom is a table in `tests/architecture.rs`, and breaking it fails the build.
//!
//! # Who owns what
//!
//! Sockets and half-read heads belong to the connection's task, the capture to the store's one writer,
//! findings to the analysis task, the selection to the screen, the settings to `cli`. No globals, no queue
//! without an end, no lock held across an await, and every task is waited for.
//!
//! # Where to start reading
//!
//! `exchange.rs` (the noun), `diagnose/rules/` (the knowledge), `tests/fixtures/diagnose/` (the proof).

pub mod ca;
pub mod capture;
pub mod changes;
pub mod cli;
pub mod content;
pub mod demo;
pub mod diagnose;
pub mod exchange;
pub mod filter;
pub mod guide;
pub mod har;
pub mod index;
pub mod language;
pub mod platform;
pub mod printable;
pub mod proxy;
pub mod redact;
pub mod registry;
pub mod report;
pub mod secrets;
pub mod setup;
pub mod store;
pub mod trust;
pub mod tui;
pub mod wire;
pub mod x509;
