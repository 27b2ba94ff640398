//! Traffic of real clients in short: what each sends for a pull, a push, a login, as measured with docker 20.10,
//! skopeo 1.9, containerd 1.6.

use std::collections::BTreeMap;

use pulltap::exchange::*;

use super::fixture::{DOCKER, START};

pub const REGISTRY: &str = "myregistry.azurecr.io";
pub const BLOBS: &str = "weumanaged15.blob.core.windows.net";

/// Exchanges, in the order in which they are told of.
#[derive(Debug, Default)]
pub struct Traffic {
    pub exchanges: Vec<Exchange>,
    /// The number before that of the first.
    offset: u64,
    tokens: u64,
}

/// An image: its tag, its digest, its layers.
#[derive(Debug, Clone, Copy)]
pub struct Image {
    pub repository: &'static str,
    pub tag: &'static str,
    pub digest: &'static str,
    pub layers: &'static [&'static str],
}

pub const V1: Image =
    Image { repository: "team/app", tag: "v1", digest: "sha256:aa", layers: &["sha256:11", "sha256:22"] };
pub const V2: Image =
    Image { repository: "team/app", tag: "v2", digest: "sha256:bb", layers: &["sha256:22", "sha256:33"] };
pub const OTHER: Image =
    Image { repository: "base", tag: "v1", digest: "sha256:cc", layers: &["sha256:22", "sha256:44"] };

impl Image {
    fn manifest(&self) -> String {
        let layers: Vec<_> = self.layers.iter().map(|layer| format!(r#"{{"digest":"{layer}"}}"#)).collect();
        format!(r#"{{"config":{{"digest":"{}-config"}},"layers":[{}]}}"#, self.digest, layers.join(","))
    }

    pub fn config(&self) -> String {
        format!("{}-config", self.digest)
    }
}

/// A client at some seconds after the start.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    pub agent: &'static str,
    pub address: &'static str,
}

pub const DOCKERD: Client = Client { agent: DOCKER, address: "127.0.0.1" };
pub const SKOPEO: Client = Client { agent: "skopeo/1.9.3", address: "127.0.0.1" };
pub const CURL: Client = Client { agent: "curl/7.88.1", address: "127.0.0.1" };

pub fn moment(seconds: f64) -> Moment {
    #[expect(clippy::cast_possible_truncation, reason = "tests are short")]
    Moment::from_micros(START * 1_000_000).plus_micros((seconds * 1e6).round() as i64)
}

impl Traffic {
    /// No traffic yet, but that of so many exchanges before.
    pub fn after(offset: u64) -> Self {
        Self { offset, ..Self::default() }
    }

    /// One exchange that takes 50 ms.
    pub fn ask(&mut self, (client, at): (Client, f64), host: &str, request: &str, status: u16) -> &mut Exchange {
        let id = ExchangeId::new(self.offset + self.exchanges.len() as u64 + 1).unwrap();
        let mut exchange = Exchange::new(id, Origin::Live, Target::https(host, 443), moment(at));
        exchange.client = Some(format!("{}:{}", client.address, 40000 + id.number() % 20000).parse().unwrap());
        let (method, target) = request.split_once(' ').unwrap();
        let mut head = RequestHead::new(method, target);
        head.headers.push("User-Agent", client.agent.as_bytes());
        exchange.request = Some(head);
        exchange.response = Some(ResponseHead::new(status, ""));
        exchange.timings.closed = Some(moment(at + 0.05));
        exchange.state = State::Complete;
        self.exchanges.push(exchange);
        self.exchanges.last_mut().unwrap()
    }

    /// The challenge for a scope.
    pub fn challenge(&mut self, client: Client, at: f64, request: &str, scope: &str) {
        let value = format!(r#"Bearer realm="https://{REGISTRY}/oauth2/token",service="{REGISTRY}",scope="{scope}""#);
        let exchange = self.ask((client, at), REGISTRY, request, 401);
        exchange.response.as_mut().unwrap().headers.push("WWW-Authenticate", value.as_bytes());
    }

    /// A token for a scope; gives the token.
    pub fn token(&mut self, client: Client, at: f64, scope: &str) -> String {
        self.tokens += 1;
        let token = format!("opaque-token-{}", self.offset + self.tokens);
        let query = if scope.is_empty() { String::new() } else { format!("&scope={scope}") };
        let exchange = self.ask((client, at), REGISTRY, &format!("GET /oauth2/token?service={REGISTRY}{query}"), 200);
        exchange.response_body = body(&format!(r#"{{"access_token":"{token}"}}"#));
        token
    }

    /// A request with a token.
    pub fn with(&mut self, when: (Client, f64), token: &str, request: &str, status: u16) -> &mut Exchange {
        let exchange = self.ask(when, REGISTRY, request, status);
        let head = exchange.request.as_mut().unwrap();
        head.headers.push("Authorization", format!("Bearer {token}").as_bytes());
        exchange
    }

    /// docker logs in.
    pub fn login(&mut self, client: Client, at: f64) {
        self.challenge(client, at, "GET /v2/", "");
        let token = self.token(client, at + 0.1, "");
        self.with((client, at + 0.2), &token, "GET /v2/", 200);
    }

    /// What docker asks before the layers; gives the token.
    pub fn manifest(&mut self, client: Client, at: f64, image: Image) -> String {
        let Image { repository, tag, digest, .. } = image;
        self.challenge(client, at, "GET /v2/", "");
        let token = self.token(client, at + 0.1, &format!("repository:{repository}:pull"));
        let digest_of = |exchange: &mut Exchange| {
            let head = exchange.response.as_mut().unwrap();
            head.headers.push("Docker-Content-Digest", digest.as_bytes());
        };
        digest_of(self.with((client, at + 0.2), &token, &format!("HEAD /v2/{repository}/manifests/{tag}"), 200));
        let get = self.with((client, at + 0.3), &token, &format!("GET /v2/{repository}/manifests/{digest}"), 200);
        digest_of(get);
        get.response_body = body(&image.manifest());
        token
    }

    /// A layer: the registry redirects to the blob host, and that answers.
    pub fn layer(&mut self, (client, at): (Client, f64), token: &str, (repository, digest): (&str, &str), status: u16) {
        self.redirect((client, at), token, (repository, digest));
        let storage = self.ask((client, at + 0.06), BLOBS, &format!("GET /data/{digest}?sig=masked"), status);
        storage.response_body.length = 1000;
    }

    /// The redirect alone.
    pub fn redirect(&mut self, when: (Client, f64), token: &str, (repository, digest): (&str, &str)) {
        let location = format!("https://{BLOBS}/data/{digest}?sig=masked");
        let redirect = self.with(when, token, &format!("GET /v2/{repository}/blobs/{digest}"), 307);
        redirect.response.as_mut().unwrap().headers.push("Location", location.as_bytes());
    }

    /// docker pulls these layers of an image, one after the other.
    pub fn pull(&mut self, client: Client, at: f64, image: Image, layers: &[&str]) {
        let token = self.manifest(client, at, image);
        self.layer((client, at + 0.4), &token, (image.repository, &image.config()), 200);
        for (number, layer) in (1_u32..).zip(layers) {
            self.layer((client, at + 0.4 + 0.1 * f64::from(number)), &token, (image.repository, layer), 200);
        }
    }

    /// docker pushes an image.
    pub fn push(&mut self, client: Client, at: f64, image: Image) {
        let Image { repository, tag, .. } = image;
        self.challenge(client, at, "GET /v2/", "");
        let token = self.token(client, at + 0.1, &format!("repository:{repository}:pull,push"));
        let config = image.config();
        for (number, blob) in (0_u32..).zip(image.layers.iter().copied().chain([config.as_str()])) {
            let at = at + 0.2 + 0.01 * f64::from(number);
            let session = format!("/v2/{repository}/blobs/uploads/{}-{number}", self.offset + self.tokens);
            self.with((client, at), &token, &format!("HEAD /v2/{repository}/blobs/{blob}"), 404);
            let begun = self.with((client, at + 0.1), &token, &format!("POST /v2/{repository}/blobs/uploads/"), 202);
            begun.response.as_mut().unwrap().headers.push("Location", format!("{session}?_state=a").as_bytes());
            self.with((client, at + 0.2), &token, &format!("PATCH {session}?_state=a"), 202).request_body.length = 500;
            self.with((client, at + 0.3), &token, &format!("PUT {session}?_state=b&digest={blob}"), 201);
        }
        let put = self.with((client, at + 0.8), &token, &format!("PUT /v2/{repository}/manifests/{tag}"), 201);
        put.request_body = body(&image.manifest());
    }
}

pub fn body(content: &str) -> Body {
    Body { length: content.len() as u64, is_complete: true, bytes: content.as_bytes().to_vec(), ..Body::default() }
}

/// How many exchanges there are of each id: an exchange may belong to several operations.
pub fn counted<'a>(ids: impl Iterator<Item = &'a ExchangeId>) -> BTreeMap<ExchangeId, usize> {
    let mut counts = BTreeMap::new();
    for id in ids {
        *counts.entry(*id).or_insert(0) += 1;
    }
    counts
}
