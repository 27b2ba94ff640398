//! pulltap's own pages, at the listener's address: how to use it, and the CA certificate. No captured data is served.

use http::Request;
use http::header::HOST;

use super::absolute_form::AbsoluteForm;
use super::answer::{Answer, page};
use crate::ca::CertificateAuthority;

/// The name under which the pages are also found through the proxy.
pub const OWN_NAME: &str = "pulltap.internal";

/// The answer to a request that was sent to the listener itself.
pub fn answer<B>(request: &Request<B>, authority: &CertificateAuthority) -> Answer {
    if !is_for_us(request) {
        return page(421, "text/plain; charset=utf-8", "This is a proxy: set it as HTTPS_PROXY.\n".into());
    }
    match request.uri().path() {
        "/ca.crt" => page(200, "application/x-pem-file", authority.pem().to_owned().into()),
        "/ca.der" => page(200, "application/x-x509-ca-cert", authority.der().to_vec().into()),
        "/" => page(200, "text/plain; charset=utf-8", WELCOME.into()),
        _ => page(404, "text/plain; charset=utf-8", WELCOME.into()),
    }
}

/// Whether a request target in absolute form asks for these pages.
pub fn are_meant_by(target: &str) -> bool {
    AbsoluteForm::read(target).is_ok_and(|form| form.target.host.eq_ignore_ascii_case(OWN_NAME))
}

const WELCOME: &str = "pulltap: a debugging proxy for container-registry traffic.

Set it as HTTPS_PROXY of what you want to see, and let that trust the CA certificate:
  /ca.crt   the certificate, PEM
  /ca.der   the same, DER
";

/// Whether the Host field is an IP address, `localhost` or our own name: a page of somebody else's, whose name was made
/// to resolve to us (DNS rebinding), is not answered.
fn is_for_us<B>(request: &Request<B>) -> bool {
    let Some(host) = request.headers().get(HOST).and_then(|value| value.to_str().ok()) else { return true };
    let Ok(authority) = host.parse::<http::uri::Authority>() else { return false };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.eq_ignore_ascii_case(OWN_NAME)
        || host.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_only_under_its_own_names() {
        let folder = tempfile::tempdir().unwrap();
        let authority = CertificateAuthority::open_or_create(folder.path()).unwrap();
        let ask = |host: &str, path: &str| {
            let request = Request::builder().uri(path).header("Host", host).body(()).unwrap();
            answer(&request, &authority).status().as_u16()
        };
        for host in ["127.0.0.1:8888", "localhost", "[::1]:8888", "PULLTAP.internal"] {
            assert_eq!(ask(host, "/ca.crt"), 200, "{host}");
        }
        assert_eq!(ask("rebound.example", "/ca.crt"), 421);
        assert_eq!(ask("localhost", "/anything"), 404);
    }
}
