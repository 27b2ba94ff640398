//! pulltap: a forward HTTP(S) debugging proxy for container-registry traffic.

pub mod diagnose;
pub mod exchange;
pub mod language;
pub mod printable;
pub mod registry;
