//! The shared rig of the tests that run real container clients against a real registry.
//!
//! A test calls [`world::in_private_world`] and finds itself in network, mount and process namespaces of its own, where
//! invented names on 192.0.2.x lead to [`origin::Origin`] (registry, token server, blob host) and where nothing can
//! outlive it. [`pulltap::Pulltap`] is the program under test, started as a user would start it.

pub mod certificates;
pub mod containerd;
pub mod daemon;
pub mod dockerd;
pub mod image;
pub mod origin;
pub mod pulltap;
pub mod ran;
pub mod tar;
pub mod token_server;
pub mod tools;
pub mod world;
