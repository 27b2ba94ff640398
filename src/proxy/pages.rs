//! pulltap's own pages, at the listener's address: how to use it, and the CA certificate. No captured data is served.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::{self, HOST};
use http::{HeaderName, HeaderValue, Method, Request};

use super::absolute_form::AbsoluteForm;
use super::answer::{Answer, page};
use crate::ca::CertificateAuthority;

/// The name under which the pages are also found through the proxy.
pub const OWN_NAME: &str = "pulltap.internal";

/// Writes the help page. Whoever starts the proxy hands it over: the proxy itself speaks no language.
pub trait HelpPage: fmt::Debug + Send + Sync {
    /// The page for this reader.
    fn page(&self, asked: &Asked<'_>, authority: &CertificateAuthority) -> Page;
}

/// Who asks for the help page.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The address at which the reader reaches the proxy, as in `10.0.75.1:8888`.
    pub address: &'a str,
    /// The query behind the path.
    pub query: &'a str,
    /// The field User-Agent.
    pub user_agent: &'a str,
    /// The field Accept-Language.
    pub accept_language: &'a str,
}

/// A page that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its media type.
    pub media_type: &'static str,
    /// Its text.
    pub text: String,
}

/// The pages of one proxy.
#[derive(Clone, Copy)]
pub struct Pages<'a> {
    /// Writes the help page, if there is somebody to do it.
    pub help: Option<&'a Arc<dyn HelpPage>>,
    /// Whose certificate is served.
    pub authority: &'a CertificateAuthority,
    /// The address that the asking client is connected to.
    pub listener: SocketAddr,
}

impl Pages<'_> {
    /// The answer to a request that was sent to the listener itself.
    pub fn answer<B>(&self, request: &Request<B>) -> Answer {
        if !is_for_us(request) {
            return plain(421, "This is a proxy: set it as HTTPS_PROXY.\n".to_owned());
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return plain(405, "These pages can only be read.\n".to_owned());
        }
        let authority = self.authority;
        match request.uri().path() {
            "/ca.crt" => file("application/x-pem-file", authority.pem().to_owned().into(), "pulltap-ca.crt"),
            "/ca.der" => file("application/x-x509-ca-cert", authority.der().to_vec().into(), "pulltap-ca.cer"),
            "/" => self.help(request),
            _ => plain(404, format!("There is no such page here.\n\n{SHORT}")),
        }
    }

    fn help<B>(&self, request: &Request<B>) -> Answer {
        let Some(help) = self.help else { return plain(200, SHORT.to_owned()) };
        let field = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let asked = Asked {
            address: &self.address(request),
            query: request.uri().query().unwrap_or(""),
            user_agent: field(header::USER_AGENT),
            accept_language: field(header::ACCEPT_LANGUAGE),
        };
        let Page { media_type, text } = help.page(&asked, self.authority);
        with_policy(page(200, media_type, text.into()))
    }

    /// How the client reaches us: by the address that it asked for, which may be forwarded to ours, or by ours.
    fn address<B>(&self, request: &Request<B>) -> String {
        let asked = request.headers().get(HOST).and_then(|value| value.to_str().ok()).unwrap_or("");
        let asked = asked.parse::<http::uri::Authority>().ok();
        let is_ours = |host: &str| host.eq_ignore_ascii_case("localhost") || ip(host).is_some();
        match asked.filter(|asked| asked.port().is_some() && is_ours(asked.host())) {
            Some(asked) => asked.as_str().to_owned(),
            None => SocketAddr::new(self.listener.ip().to_canonical(), self.listener.port()).to_string(),
        }
    }
}

/// Whether a request target in absolute form asks for these pages.
pub fn are_meant_by(target: &str) -> bool {
    AbsoluteForm::read(target).is_ok_and(|form| form.target.host.eq_ignore_ascii_case(OWN_NAME))
}

const SHORT: &str = "pulltap: a debugging proxy for container-registry traffic.

Set it as HTTPS_PROXY of what you want to see, and let that trust the CA certificate:
  /         how to do that, step by step
  /ca.crt   the certificate, PEM
  /ca.der   the same, DER
";

fn plain(status: u16, text: String) -> Answer {
    with_policy(page(status, "text/plain; charset=utf-8", text.into()))
}

fn file(media_type: &'static str, content: bytes::Bytes, name: &str) -> Answer {
    let mut answer = with_policy(page(200, media_type, content));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        answer.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    answer
}

/// A page of ours is what it says it is, takes nothing from elsewhere, and is nobody's frame.
fn with_policy(mut answer: Answer) -> Answer {
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Language, User-Agent"));
    answer
}

/// Whether the Host field is an IP address, `localhost` or our own name: a page of somebody else's, whose name was made
/// to resolve to us (DNS rebinding), is not answered.
fn is_for_us<B>(request: &Request<B>) -> bool {
    let Some(host) = request.headers().get(HOST).and_then(|value| value.to_str().ok()) else { return true };
    let Ok(authority) = host.parse::<http::uri::Authority>() else { return false };
    let host = authority.host();
    host.eq_ignore_ascii_case("localhost") || host.eq_ignore_ascii_case(OWN_NAME) || ip(host).is_some()
}

fn ip(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Address;

    impl HelpPage for Address {
        fn page(&self, asked: &Asked<'_>, _: &CertificateAuthority) -> Page {
            Page { media_type: "text/plain", text: format!("{} {}", asked.address, asked.query) }
        }
    }

    fn ask(host: &str, target: &str, read: impl Fn(&Answer)) {
        let folder = tempfile::tempdir().unwrap();
        let authority = CertificateAuthority::open_or_create(folder.path()).unwrap();
        let help: Arc<dyn HelpPage> = Arc::new(Address);
        let listener = "[::ffff:10.0.75.1]:8888".parse().unwrap();
        let pages = Pages { help: Some(&help), authority: &authority, listener };
        let request = Request::builder().uri(target).header("Host", host).body(()).unwrap();
        read(&pages.answer(&request));
    }

    #[test]
    fn answers_only_under_its_own_names() {
        for host in ["127.0.0.1:8888", "localhost", "[::1]:8888", "PULLTAP.internal"] {
            ask(host, "/ca.crt", |answer| assert_eq!(answer.status(), 200, "{host}"));
        }
        ask("rebound.example", "/ca.crt", |answer| assert_eq!(answer.status(), 421));
        ask("localhost", "/anything", |answer| assert_eq!(answer.status(), 404));
    }

    #[test]
    fn tells_the_reader_the_address_by_which_it_is_reached() {
        for (host, address) in [
            ("192.168.1.1:9000", "192.168.1.1:9000"),
            ("localhost:8888", "localhost:8888"),
            ("[::1]:8888", "[::1]:8888"),
            ("pulltap.internal", "10.0.75.1:8888"),
            ("pulltap.internal:80", "10.0.75.1:8888"),
        ] {
            ask(host, "/?for=windows", |answer| {
                let expected = format!("{address} for=windows");
                assert_eq!(answer.body().clone().into_inner().unwrap(), expected.as_bytes(), "{host}");
            });
        }
    }
}
