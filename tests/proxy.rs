//! The proxy as its peers see it: what it passes on, what it answers, what it records.

mod fidelity_endings;
mod fidelity_http;
mod fidelity_tls;
mod fidelity_tunnel;
mod volume;
