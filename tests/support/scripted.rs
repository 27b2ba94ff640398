//! Scripted servers and clients: plain blocking sockets, so that every byte, pause and cut is the script's own.
//!
//! A [`scene::Scene`] plays a conversation twice, without a proxy and through pulltap, and holds that both sides
//! saw the same; [`origin::Origin`] and [`client`] are for what has no counterpart without a proxy. Every wait has
//! a deadline.

pub mod authority;
pub mod client;
pub mod difference;
pub mod ending;
pub mod forward;
pub mod meeting;
pub mod origin;
pub mod proxy;
pub mod record;
pub mod scene;
#[cfg(unix)]
pub mod stalled;
pub mod wire;

use std::time::Duration;

/// A name of which the C library says that there is none without asking a resolver, which the machine may not have.
pub const NOWHERE: &str = "-nowhere.invalid";

/// How long anything may take that is not itself about a time limit.
pub const PATIENCE: Duration = Duration::from_secs(8);
