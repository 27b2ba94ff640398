//! What the observers of `wire` say about bytes, whatever their split.

mod conversation;
mod http1;
mod random;
mod sniff;
mod tls;
