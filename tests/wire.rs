//! What the observers of `wire` say about bytes, whatever their split.

mod conversation;
pub mod frames;
mod hello;
mod hpack;
mod http2;
mod laws;
mod random;
mod sniff;
mod tls;
mod written;
