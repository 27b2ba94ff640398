//! pulltap: a forward HTTP(S) debugging proxy for container-registry traffic.

pub mod ca;
pub mod capture;
pub mod cli;
pub mod exchange;
pub mod language;
pub mod platform;
pub mod printable;
pub mod proxy;
pub mod report;
pub mod wire;
pub mod x509;
