//! Requests for plain HTTP: `GET http://host:port/path`, as clients send them to a proxy, and what a server is sent
//! instead.

use std::net::Ipv6Addr;

use crate::exchange::{RequestHead, Target};

/// Fields that a client means for the proxy, and for nobody behind it.
const FOR_THE_PROXY: [&str; 2] = ["proxy-connection", "proxy-authorization"];

/// A request target in absolute form, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub struct AbsoluteForm<'a> {
    /// Whom the request is meant for.
    pub target: Target,
    /// Host and port as the client wrote them, without what stands before an `@`.
    pub authority: &'a str,
    /// All after the authority, byte for byte; may be empty.
    pub path: &'a str,
}

/// Why a request in absolute form cannot be relayed.
#[derive(Debug, PartialEq, Eq)]
pub enum NotRelayed {
    /// It is for another scheme.
    Scheme(String),
    /// It names no host, or an impossible one.
    Malformed(&'static str),
}

/// How the request is passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextHop {
    /// To the server itself.
    Origin,
    /// To another proxy, with this `Proxy-Authorization` in the place of the client's, if there is one.
    Proxy(Option<Vec<u8>>),
}

/// Whether a request target has the form that is meant for a proxy.
pub fn is_absolute(target: &str) -> bool {
    !target.starts_with('/') && target.contains("://")
}

impl<'a> AbsoluteForm<'a> {
    /// Takes a request target apart.
    ///
    /// # Errors
    /// When it is not for `http`, or names no host.
    pub fn read(target: &'a str) -> Result<Self, NotRelayed> {
        const FORM: NotRelayed = NotRelayed::Malformed("plain HTTP needs http://HOST[:PORT]/PATH");
        let (scheme, rest) = target.split_once("://").ok_or(FORM)?;
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(NotRelayed::Scheme(scheme.to_ascii_lowercase()));
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).ok_or(FORM)?;
        let authority = authority.rsplit_once('@').map_or(authority, |(_, after)| after);
        let (name, port) = match authority.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, port),
            _ => (authority, ""),
        };
        let port = if port.is_empty() { 80 } else { port_number(port).ok_or(FORM)? };
        let host = host(name).ok_or(FORM)?;
        Ok(Self { target: Target::http(host, port), authority, path })
    }

    /// The head to pass on in the place of this one, which holds the request from its first byte on.
    pub fn head_for(&self, next_hop: &NextHop, request: &RequestHead, head: &[u8]) -> Vec<u8> {
        let mut lines = head.split_inclusive(|byte| *byte == b'\n').skip_while(|line| line.trim_ascii().is_empty());
        let first = lines.next().unwrap_or(&[]);
        let mut passed_on = Vec::with_capacity(head.len() + 64);
        let line_end: &[u8] = if first.ends_with(b"\r\n") { b"\r\n" } else { b"\n" };
        passed_on.extend(with_target(first, &request.target, &self.target_for(next_hop, request)));
        let mut add = |name: &[u8], value: &[u8]| passed_on.extend([name, b": ", value, line_end].concat());
        if *next_hop == NextHop::Origin && !request.headers.contains("host") {
            // HTTP/1.0: the request line alone said which host, and it does so no more.
            add(b"Host", self.authority.as_bytes());
        }
        if let NextHop::Proxy(Some(authorization)) = next_hop {
            add(b"Proxy-Authorization", authorization);
        }
        passed_on.extend(lines.filter(|line| is_passed_on(line, next_hop)).flatten());
        passed_on
    }

    /// The request target to pass on: credentials before an `@` go nowhere.
    fn target_for(&self, next_hop: &NextHop, request: &RequestHead) -> String {
        match (next_hop, self.path) {
            (NextHop::Proxy(_), path) => format!("http://{}{path}", self.authority),
            (NextHop::Origin, "") if request.method == "OPTIONS" => "*".to_owned(),
            (NextHop::Origin, path) if path.starts_with('/') => path.to_owned(),
            (NextHop::Origin, path) => format!("/{path}"),
        }
    }
}

/// The request line with another target, and all else as it is.
fn with_target(line: &[u8], old: &str, new: &str) -> Vec<u8> {
    let start = line.windows(old.len().max(1)).position(|window| window == old.as_bytes()).unwrap_or(0);
    let (before, rest) = line.split_at_checked(start).unwrap_or((line, &[]));
    [before, new.as_bytes(), rest.get(old.len()..).unwrap_or(&[])].concat()
}

/// Whether a line of a head is meant for who is next, too.
fn is_passed_on(line: &[u8], next_hop: &NextHop) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or(line);
    let is = |field: &str| name.eq_ignore_ascii_case(field.as_bytes());
    match next_hop {
        NextHop::Origin => !FOR_THE_PROXY.into_iter().any(is),
        NextHop::Proxy(Some(_)) => !is("proxy-authorization"),
        NextHop::Proxy(None) => true,
    }
}

/// A port other than 0, of digits alone.
pub fn port_number(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0)
}

/// A host as an authority has it, the brackets of an IPv6 address taken off.
pub fn host(text: &str) -> Option<&str> {
    if let Some(v6) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return v6.parse::<Ipv6Addr>().is_ok().then_some(v6);
    }
    let is_strange = |c: char| c.is_whitespace() || c.is_control() || "@/?#[]:\\".contains(c);
    (!text.is_empty() && !text.contains(is_strange)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http1::{HeadParse, read_request_head};

    fn passed_on(head: &str, next_hop: &NextHop) -> String {
        let HeadParse::Complete(request, length) = read_request_head(head.as_bytes()) else { panic!("{head:?}") };
        assert_eq!(length, head.len());
        let form = AbsoluteForm::read(&request.target).unwrap();
        String::from_utf8(form.head_for(next_hop, &request, head.as_bytes())).unwrap()
    }

    #[test]
    fn takes_a_target_apart_and_leaves_the_path_alone() {
        for (target, host, port, path) in [
            ("http://Reg.test:5000/v2//%2f?x=/@:#z", "Reg.test", 5000, "/v2//%2f?x=/@:#z"),
            ("HTTP://reg.test", "reg.test", 80, ""),
            ("http://reg.test:?q", "reg.test", 80, "?q"),
            ("http://[::1]:8/", "::1", 8, "/"),
            ("http://[::1]", "::1", 80, ""),
            ("http://me:p@ss@reg.test/a", "reg.test", 80, "/a"),
        ] {
            let form = AbsoluteForm::read(target).unwrap();
            assert_eq!((form.target, form.path), (Target::http(host, port), path), "{target}");
        }
        for bad in
            ["http:///x", "http://:80/", "http://a:0/", "http://a:x/", "http://a:99999/", "http://[x]/", "http://a\\b/"]
        {
            assert!(matches!(AbsoluteForm::read(bad), Err(NotRelayed::Malformed(_))), "{bad}");
        }
        assert_eq!(AbsoluteForm::read("HTTPS://a/"), Err(NotRelayed::Scheme("https".to_owned())));
    }

    #[test]
    fn rewrites_the_request_line_and_drops_what_is_for_the_proxy() {
        let head = "GET  http://u:p@reg.test:80/a//b?c  HTTP/1.1\r\nhOsT: other\r\nproxy-CONNECTION: close\r\nA:1\r\n\
                    Proxy-Authorization: Basic eDp5\r\nProxy-Other: kept\r\na: 2\r\n\r\n";
        assert_eq!(
            passed_on(head, &NextHop::Origin),
            "GET  /a//b?c  HTTP/1.1\r\nhOsT: other\r\nA:1\r\nProxy-Other: kept\r\na: 2\r\n\r\n"
        );
        assert_eq!(passed_on("\r\nGET http://r HTTP/1.0\n\n", &NextHop::Origin), "GET / HTTP/1.0\nHost: r\n\n");
        let options = "OPTIONS http://r:5 HTTP/1.1\r\nHost: r:5\r\n\r\n";
        assert_eq!(passed_on(options, &NextHop::Origin), "OPTIONS * HTTP/1.1\r\nHost: r:5\r\n\r\n");
        assert_eq!(
            passed_on("GET http://r?q HTTP/1.1\r\nHost:\r\n\r\n", &NextHop::Origin),
            "GET /?q HTTP/1.1\r\nHost:\r\n\r\n"
        );
    }

    #[test]
    fn gives_another_proxy_its_own_credentials() {
        let head =
            "GET http://r/ HTTP/1.1\r\nHost: r\r\nProxy-Authorization: Basic eDp5\r\nProxy-Connection: x\r\n\r\n";
        assert_eq!(passed_on(head, &NextHop::Proxy(None)), head);
        assert_eq!(passed_on(&head.replace("//r", "//u:p@r"), &NextHop::Proxy(None)), head);
        assert_eq!(
            passed_on(head, &NextHop::Proxy(Some(b"Basic abc".to_vec()))),
            "GET http://r/ HTTP/1.1\r\nProxy-Authorization: Basic abc\r\nHost: r\r\nProxy-Connection: x\r\n\r\n"
        );
    }
}
