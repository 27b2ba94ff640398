//! What the observers of `wire` say about bytes, whatever their split.

mod conversation;
mod hello;
mod http1;
mod laws;
mod random;
mod sniff;
mod tls;
