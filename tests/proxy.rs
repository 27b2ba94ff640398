//! The proxy as its peers see it: what it passes on, what it answers, what it records.

mod clients_that_leave;
mod failures_in_tls;
mod failures_to_connect;
mod fidelity_endings;
mod fidelity_http;
mod fidelity_tls;
mod fidelity_tunnel;
mod http2;
mod malformed;
mod parent_proxy;
mod plain_http;
mod plain_http_failing;
#[cfg(unix)]
mod shutdown;
#[cfg(unix)]
mod time_limits;
mod volume;
