//! Tests of the terminal UI: its screens as text, its keys, and a real terminal.

mod keys;
mod screens;
mod stage;
#[cfg(target_os = "linux")]
mod terminal;
