//! The parent proxy: which one a target is reached through, and asking it for a tunnel.

use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::absolute_form::{AbsoluteForm, NextHop};
use super::connect_reply::{ConnectReply, Progress, Refusal};
use super::failing;
use super::reason;
use super::upstream::{Dialer, lock, stage_of};
use crate::exchange::{Failure, FailureKind, Side, Stage, Target, Upstream};
use crate::printable::reason_phrase;

/// A proxy that refuses may take this long to say why, from one part of its page to the next.
const PAGE_PAUSE: Duration = Duration::from_secs(1);

/// `--upstream-proxy`: through which proxy servers are reached.
#[derive(Debug, Clone, Default)]
pub enum UpstreamProxy {
    /// Through none.
    #[default]
    None,
    /// Through what the environment and the system say, with curl's meaning of `NO_PROXY`.
    Environment(Arc<Matcher>),
    /// Through this one, whatever the target.
    Given(ParentProxy),
}

/// A proxy through which a target is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct ParentProxy {
    target: Target,
    authorization: Option<Vec<u8>>,
}

/// Why a proxy's URL cannot be used. It never shows the URL, which may hold a password.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ProxyUrlError {
    /// It is no URL of a proxy.
    #[error("not a proxy's URL: write http://HOST:PORT or http://USER:PASSWORD@HOST:PORT")]
    Malformed,
    /// It is for a kind of proxy that pulltap does not speak to.
    #[error("{0}:// proxies are not supported: pulltap speaks to its parent proxy by http://")]
    Scheme(String),
}

/// Why neither a server nor a tunnel to it was reached.
#[derive(Debug)]
pub struct NotReached {
    /// The failure to record and to answer with.
    pub failure: Failure,
    /// What the parent proxy answered, when it did.
    pub answer: Option<Box<Refusal>>,
}

impl From<Failure> for NotReached {
    fn from(failure: Failure) -> Self {
        Self { failure, answer: None }
    }
}

impl UpstreamProxy {
    /// The proxy through which this target is reached, if it is through one.
    ///
    /// # Errors
    /// When it is of a kind that pulltap does not speak to.
    pub fn parent_of(&self, target: &Target) -> Result<Option<ParentProxy>, ProxyUrlError> {
        match self {
            Self::None => Ok(None),
            Self::Given(parent) => Ok(Some(parent.clone())),
            Self::Environment(matcher) => {
                let uri = format!("{}://{target}/", target.scheme.as_str()).parse::<http::Uri>();
                uri.ok().as_ref().and_then(|uri| ParentProxy::of(matcher, uri)).transpose()
            }
        }
    }
}

impl ParentProxy {
    fn of(matcher: &Matcher, uri: &http::Uri) -> Option<Result<Self, ProxyUrlError>> {
        let found = matcher.intercept(uri)?;
        let proxy = found.uri();
        let scheme = proxy.scheme_str().unwrap_or("http");
        if scheme != "http" {
            return Some(Err(ProxyUrlError::Scheme(scheme.to_owned())));
        }
        // Without a port it is 80, as Go's clients have it (curl: 1080).
        let proxy = proxy.to_string();
        let Ok(form) = AbsoluteForm::read(&proxy) else { return Some(Err(ProxyUrlError::Malformed)) };
        let authorization = found.basic_auth().map(|value| value.as_bytes().to_vec());
        Some(Ok(Self { target: form.target, authorization }))
    }

    /// Where it is.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// How a plain request is passed on to it.
    pub fn next_hop(&self) -> NextHop {
        NextHop::Proxy(self.authorization.clone())
    }

    /// The request for a tunnel to this target.
    fn connect_request(&self, target: &Target) -> Vec<u8> {
        let agent = concat!("pulltap/", env!("CARGO_PKG_VERSION"));
        let mut request =
            format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: {agent}\r\n").into_bytes();
        if let Some(authorization) = &self.authorization {
            request.extend([b"Proxy-Authorization: ", authorization.as_slice(), b"\r\n"].concat());
        }
        request.extend(b"\r\n");
        request
    }
}

impl std::fmt::Debug for ParentProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ParentProxy({})", self.target)
    }
}

impl FromStr for ParentProxy {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((scheme, _)) = text.split_once("://")
            && !scheme.eq_ignore_ascii_case("http")
        {
            return Err(ProxyUrlError::Scheme(scheme.to_ascii_lowercase()));
        }
        let uri: http::Uri = text.parse().map_err(|_| ProxyUrlError::Malformed)?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(ProxyUrlError::Malformed);
        }
        let matcher = Matcher::builder().all(text.to_owned()).build();
        let any = http::Uri::from_static("http://any.invalid/");
        Self::of(&matcher, &any).unwrap_or(Err(ProxyUrlError::Malformed))
    }
}

impl Dialer {
    /// Reaches a server, or has a parent proxy reach it, for a client that asked for a tunnel. `progress` is kept up to
    /// date, for who watches the client leave meanwhile.
    ///
    /// # Errors
    /// The failure to record and to answer with, and the parent proxy's own answer.
    pub async fn tunnel(&self, target: &Target, progress: &Mutex<Upstream>) -> Result<TcpStream, NotReached> {
        let reaching = async {
            match self.hop(target, progress).await? {
                (socket, None) => Ok(socket),
                (socket, Some(parent)) => self.ask_for_tunnel(socket, target, &parent).await,
            }
        };
        timeout(self.limit(), reaching).await.unwrap_or_else(|_| Err(self.too_late(progress).into()))
    }

    /// Reaches whoever takes a plain request for this server, and says who that is.
    ///
    /// # Errors
    /// The failure to record and to answer with.
    pub async fn next_hop(&self, target: &Target, progress: &Mutex<Upstream>) -> Result<(TcpStream, NextHop), Failure> {
        let reached = timeout(self.limit(), self.hop(target, progress)).await;
        let (socket, parent) = reached.unwrap_or_else(|_| Err(self.too_late(progress)))?;
        Ok((socket, parent.map_or(NextHop::Origin, |parent| parent.next_hop())))
    }

    /// Connects to the server, or to the parent proxy through which it is reached.
    async fn hop(
        &self,
        target: &Target,
        progress: &Mutex<Upstream>,
    ) -> Result<(TcpStream, Option<ParentProxy>), Failure> {
        let settings = &self.settings().upstream_proxy;
        let parent = settings.parent_of(target).map_err(|error| {
            let mut failure = self.failure(Stage::ParentProxy, FailureKind::Unsupported, vec![error.to_string()]);
            failure.side = Side::Us;
            failure
        })?;
        let Some(parent) = parent else { return Ok((self.resolve_and_connect(target, progress).await?, None)) };
        if target.ip().is_some_and(|ip| self.is_ours((ip, target.port).into())) {
            return Err(self.is_a_loop());
        }
        lock(progress).parent_proxy = Some(parent.target.to_string());
        match self.resolve_and_connect(&parent.target, progress).await {
            Ok(socket) => Ok((socket, Some(parent))),
            Err(failure) if failure.kind == FailureKind::Loop && matches!(settings, UpstreamProxy::Environment(_)) => {
                // The shell that pulltap was started from uses pulltap.
                *lock(progress) = Upstream::default();
                Ok((self.resolve_and_connect(target, progress).await?, None))
            }
            Err(mut failure) => {
                let why = reason::reason(&failure, &parent.target);
                failure.side = Side::ParentProxy;
                failure.chain.insert(0, format!("the parent proxy cannot be used: {why}"));
                Err(failure)
            }
        }
    }

    async fn ask_for_tunnel(
        &self,
        mut socket: TcpStream,
        target: &Target,
        parent: &ParentProxy,
    ) -> Result<TcpStream, NotReached> {
        let mut reply = ConnectReply::default();
        let progress = match socket.write_all(&parent.connect_request(target)).await {
            Ok(()) => read_reply(&mut socket, &mut reply).await,
            Err(error) => Err(error),
        };
        let name = &parent.target;
        let (kind, what) = match progress {
            Ok(Progress::Open) => return Ok(socket),
            Ok(Progress::Refused) => return Err(self.refused(name, reply.into_refusal())),
            Ok(Progress::More) => (FailureKind::Truncated, "closed the connection without an answer".to_owned()),
            Ok(Progress::Malformed(trouble)) => {
                (FailureKind::Malformed, format!("answered what is not HTTP: {}", trouble.as_str()))
            }
            Err(error) => {
                let mut failure = self.failure(Stage::ParentProxy, FailureKind::Reset, failing::chain_of(&error));
                failure.chain.insert(0, format!("the parent proxy {name} reset the connection"));
                failure.os_code = error.raw_os_error();
                failure.side = Side::ParentProxy;
                return Err(failure.into());
            }
        };
        let mut failure = self.failure(Stage::ParentProxy, kind, vec![format!("the parent proxy {name} {what}")]);
        failure.side = Side::ParentProxy;
        Err(failure.into())
    }

    fn refused(&self, name: &Target, refusal: Refusal) -> NotReached {
        let (status, phrase) = refusal.head.as_ref().map_or((0, ""), |head| (head.status, head.reason.as_str()));
        let phrase = reason_phrase(phrase);
        let line = format!("the parent proxy {name} refused: {status} {phrase}");
        let kind = FailureKind::ParentProxyRefused(status);
        let mut failure = self.failure(Stage::ParentProxy, kind, vec![line.trim_end().to_owned()]);
        failure.side = Side::ParentProxy;
        NotReached { failure, answer: Some(Box::new(refusal)) }
    }

    /// The failure that the time limit for all of it is.
    fn too_late(&self, progress: &Mutex<Upstream>) -> Failure {
        let progress = lock(progress);
        let stage = stage_of(&progress);
        let what = format!("no answer within {} s", self.limit().as_secs());
        let mut failure = self.failure(stage, FailureKind::TimedOut, vec![what]);
        if let Some(parent) = &progress.parent_proxy {
            failure.side = Side::ParentProxy;
            let line = match stage {
                Stage::Resolve => format!("resolving the parent proxy {parent} took too long"),
                Stage::Connect => format!("connecting to the parent proxy {parent} took too long"),
                _ => format!("the parent proxy {parent} did not answer in time"),
            };
            failure.chain.insert(0, line);
        }
        failure
    }
}

/// Reads the answer and nothing beyond it: what comes after a 2xx is the server's.
async fn read_reply(socket: &mut TcpStream, reply: &mut ConnectReply) -> std::io::Result<Progress> {
    let mut buffer = [0; 4096];
    let mut is_refusal = false;
    loop {
        let peeking = socket.peek(&mut buffer);
        let count = if is_refusal { timeout(PAGE_PAUSE, peeking).await.unwrap_or(Ok(0)) } else { peeking.await }?;
        if count == 0 {
            return Ok(reply.ended());
        }
        let (count, progress) = reply.bytes(buffer.get(..count).unwrap_or(&[]));
        socket.read_exact(buffer.get_mut(..count).unwrap_or_default()).await?;
        if progress != Progress::More {
            return Ok(progress);
        }
        is_refusal = reply.is_refusal();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_proxy_urls_and_refuses_other_kinds() {
        let parent: ParentProxy = "http://me:p%40ss@proxy.test:3128/".parse().unwrap();
        assert_eq!(parent.target, Target::http("proxy.test", 3128));
        let request = String::from_utf8(parent.connect_request(&Target::https("::1", 443))).unwrap();
        assert!(request.starts_with("CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n"), "{request}");
        assert!(request.ends_with("\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n\r\n"), "{request}");
        assert_eq!(format!("{parent:?}"), "ParentProxy(proxy.test:3128)");
        assert_eq!("proxy.test:3128".parse::<ParentProxy>().unwrap().target, Target::http("proxy.test", 3128));
        assert_eq!("http://[::1]".parse::<ParentProxy>().unwrap().target, Target::http("::1", 80));
        for scheme in ["https", "socks5", "SOCKS5h"] {
            let error = format!("{scheme}://p:1").parse::<ParentProxy>().unwrap_err();
            assert_eq!(error, ProxyUrlError::Scheme(scheme.to_ascii_lowercase()));
        }
        for bad in ["", "http://", "http://p:1/x", "http://p:1/?q", "http://p:99999", "p q"] {
            assert_eq!(bad.parse::<ParentProxy>(), Err(ProxyUrlError::Malformed), "{bad}");
        }
    }

    #[test]
    fn the_environment_decides_by_scheme_and_name() {
        let matcher = Matcher::builder().https("http://s:1").http("p:2").no("direct.test,10.0.0.0/8").build();
        let settings = UpstreamProxy::Environment(Arc::new(matcher));
        let parent = |target| settings.parent_of(&target).unwrap().map(|parent| parent.target.to_string());
        assert_eq!(parent(Target::https("a.test", 443)).as_deref(), Some("s:1"));
        assert_eq!(parent(Target::http("a.test", 5000)).as_deref(), Some("p:2"));
        assert_eq!(parent(Target::https("x.direct.test", 443)), None);
        assert_eq!(parent(Target::https("10.1.2.3", 443)), None);
        let socks = UpstreamProxy::Environment(Arc::new(Matcher::builder().all("socks5://s:1").build()));
        let error = socks.parent_of(&Target::https("a.test", 443)).unwrap_err();
        assert!(error.to_string().starts_with("socks5:// proxies are not supported"), "{error}");
    }
}
