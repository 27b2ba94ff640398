//! `--mask-names`: which names an exchange has, and the places that hold a name by themselves.
//!
//! Names are collected from where they are certain (the target, the path, scopes, Basic credentials) and then
//! replaced wherever they stand, in text of any encoding.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::exchange::{Exchange, Headers, TlsFacts};
use crate::secrets::{FingerprintKey, Masker, Names, user_of_basic};

/// The names in an exchange.
pub(super) fn of(exchange: &Exchange, key: &FingerprintKey) -> Names {
    let mut found = Found { key, names: Names::default() };
    found.host(&exchange.target.host);
    for facts in [&exchange.client_tls, &exchange.upstream_tls].into_iter().flatten() {
        found.host(&facts.name);
        found.host(facts.hello.as_ref().and_then(|hello| hello.sni.as_deref()).unwrap_or(""));
    }
    if let Some(client) = exchange.client {
        found.names.add_address(key, client.ip());
    }
    if let Some(head) = &exchange.request {
        found.target(&head.target);
        found.request_headers(&head.headers);
    }
    for head in exchange.interim.iter().chain(&exchange.response) {
        found.response_headers(&head.headers);
    }
    found.pairs(&String::from_utf8_lossy(prefix(&exchange.request_body.bytes)));
    found.firewall(&String::from_utf8_lossy(prefix(&exchange.response_body.bytes)));
    found.names
}

/// As much of a body as forms and error messages have.
fn prefix(bytes: &[u8]) -> &[u8] {
    bytes.get(..16 * 1024).unwrap_or(bytes)
}

struct Found<'a> {
    key: &'a FingerprintKey,
    names: Names,
}

impl Found<'_> {
    fn host(&mut self, host: &str) {
        self.names.add_host(self.key, host);
    }

    fn repository(&mut self, name: &str) {
        self.names.add(self.key, "repository", name);
    }

    fn user(&mut self, name: &str) {
        // Constants that say how the password is meant.
        let is_constant = name.starts_with('<') || name.starts_with("00000000-") || name == "AWS" || name.is_empty();
        if !is_constant {
            self.names.add(self.key, "user", name);
        }
    }

    fn target(&mut self, target: &str) {
        let (address, query) = target.split_once('?').unwrap_or((target, ""));
        self.address(address);
        self.pairs(query);
    }

    /// The host of a URL, and the repository of a registry's path.
    fn address(&mut self, url: &str) {
        let path = match url.split_once("://") {
            Some((_, rest)) => {
                let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
                let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
                self.host(host.rsplit_once(':').map_or(host, |(host, _)| host));
                path
            }
            None => url.trim_start_matches('/'),
        };
        let Some(rest) = path.strip_prefix("v2/") else { return };
        for part in ["/manifests/", "/blobs/", "/tags/", "/referrers/"] {
            if let Some((repository, _)) = rest.split_once(part) {
                return self.repository(repository);
            }
        }
    }

    /// `scope`, `account`, `username` and `from` of a query or form.
    fn pairs(&mut self, pairs: &str) {
        for (name, value) in url::form_urlencoded::parse(pairs.as_bytes()) {
            match &*name {
                "scope" => self.scopes(&value),
                "account" | "username" => self.user(&value),
                "from" => self.repository(&value),
                _ => {}
            }
        }
    }

    /// `repository:team/app:pull,push`, several with spaces.
    fn scopes(&mut self, scopes: &str) {
        for scope in scopes.split(' ') {
            if let Some((_, rest)) = scope.split_once(':')
                && let Some((name, _)) = rest.rsplit_once(':')
                && scope.starts_with("repository")
            {
                self.repository(name);
            }
        }
    }

    fn request_headers(&mut self, headers: &Headers) {
        let host = headers.text("host").unwrap_or_default();
        self.host(host.rsplit_once(':').map_or(&*host, |(host, _)| host));
        for credentials in headers.all("authorization").chain(headers.all("proxy-authorization")) {
            self.user(&user_of_basic(credentials).unwrap_or_default());
        }
        for addresses in headers.all("x-forwarded-for") {
            for address in String::from_utf8_lossy(addresses).split(',').filter_map(|text| text.trim().parse().ok()) {
                self.names.add_address(self.key, address);
            }
        }
    }

    fn response_headers(&mut self, headers: &Headers) {
        for location in headers.all("location") {
            self.target(&String::from_utf8_lossy(location));
        }
        for challenge in headers.all("www-authenticate") {
            self.challenge(&String::from_utf8_lossy(challenge));
        }
    }

    fn challenge(&mut self, challenge: &str) {
        for (name, rest) in challenge.split(['"']).collect::<Vec<_>>().chunks(2).filter_map(pair_of) {
            match name {
                "scope" => self.scopes(rest),
                "realm" => self.address(rest),
                "service" => self.host(rest),
                _ => {}
            }
        }
    }

    /// ACR's firewall: `client with IP '203.0.113.7' is not allowed access`.
    fn firewall(&mut self, text: &str) {
        let quoted = text.split_once("client with IP '").and_then(|(_, rest)| rest.split_once('\''));
        if let Some(address) = quoted.and_then(|(address, _)| address.parse::<IpAddr>().ok()) {
            self.names.add_address(self.key, address);
        }
    }
}

/// `Bearer realm=` and `…`, as a challenge is cut at its quotation marks.
fn pair_of<'a>(pieces: &[&'a str]) -> Option<(&'a str, &'a str)> {
    let [before, value] = pieces else { return None };
    let name = before.strip_suffix('=')?;
    Some((name.rsplit([' ', ',']).next().unwrap_or(name), value))
}

/// Replaces the names that stand in no text.
pub(super) fn replace(masker: &Masker, exchange: &mut Exchange) {
    if let Some(client) = &mut exchange.client {
        *client = SocketAddr::new(masker.address(client.ip()), client.port());
    }
    exchange.target.host = masker.name(&exchange.target.host).into_owned();
    for facts in [&mut exchange.client_tls, &mut exchange.upstream_tls].into_iter().flatten() {
        replace_in_tls(masker, facts);
    }
}

/// A certificate is full of names, so none is left.
fn replace_in_tls(masker: &Masker, facts: &mut Arc<TlsFacts>) {
    let facts = Arc::make_mut(facts);
    facts.chain.clear();
    facts.name = masker.name(&facts.name).into_owned();
    if let Some(name) = facts.hello.as_mut().and_then(|hello| hello.sni.as_mut()) {
        *name = masker.name(name).into_owned();
    }
}
