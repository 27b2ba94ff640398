//! What the tests stand on: scripted servers and clients anywhere, and on Linux the rig of the tests that run real
//! container clients against a real registry.
//!
//! A test calls `world::in_private_world` and finds itself in network, mount and process namespaces of its own, where
//! invented names on 192.0.2.x lead to `origin::Origin` (registry, token server, blob host) and where nothing can
//! outlive it. The program under test is `pulltap::Pulltap` there, and `scripted::proxy::Proxy` between scripted sockets.

#[cfg(target_os = "linux")]
pub mod bridge;
#[cfg(target_os = "linux")]
pub mod certificates;
#[cfg(target_os = "linux")]
pub mod containerd;
#[cfg(target_os = "linux")]
pub mod daemon;
#[cfg(target_os = "linux")]
pub mod dockerd;
#[cfg(target_os = "linux")]
pub mod false_clock;
#[cfg(target_os = "linux")]
pub mod image;
pub mod lines;
#[cfg(target_os = "linux")]
pub mod origin;
#[cfg(target_os = "linux")]
pub mod plain_origin;
#[cfg(target_os = "linux")]
pub mod pulltap;
#[cfg(target_os = "linux")]
pub mod ran;
#[cfg(target_os = "linux")]
pub mod resolver;
pub mod saved;
pub mod scripted;
#[cfg(target_os = "linux")]
pub mod tar;
#[cfg(target_os = "linux")]
pub mod token_server;
#[cfg(target_os = "linux")]
pub mod tools;
#[cfg(target_os = "linux")]
pub mod world;
