//! What earlier exchanges teach about later ones: which URLs are token endpoints, because a challenge named them, and
//! which are blobs of which repository, because a redirect led there.
//!
//! The answers depend on the set of exchanges learned from, not on the order of learning.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use crate::exchange::{Exchange, ExchangeId, Moment};

use super::{Challenge, Endpoint, Manifest, Role, RoleAssigned, Service, Told, ToldSettings, vendors};

/// The most places remembered of one kind, and the most entries of one place.
const MOST_PLACES: usize = 20_000;
const MOST_AT_ONE_PLACE: usize = 32;

/// A host and path, as a number: tables of URLs stay small, and no secret of a query is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaceKey(u64);

impl PlaceKey {
    /// The key of this host (any case) and path (exact).
    pub fn of(host: &str, path: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        let mut lower = [0; 64];
        for part in host.as_bytes().chunks(lower.len()) {
            lower.iter_mut().zip(part).for_each(|(lower, byte)| *lower = byte.to_ascii_lowercase());
            hasher.write(lower.get(..part.len()).unwrap_or(&[]));
        }
        hasher.write_u8(0xff);
        path.hash(&mut hasher);
        Self(hasher.finish())
    }

    /// The key of what an exchange asks for.
    pub fn of_exchange(exchange: &Exchange) -> Self {
        Self::of(&exchange.target.host, exchange.path())
    }

    /// The key of what a URL names that this host gave.
    pub fn of_url(url: &str, host: &str) -> Self {
        let address = Address::of(url);
        Self::of(address.host.unwrap_or(host), address.path)
    }

    /// The key of a host as a whole.
    pub fn of_host(host: &str) -> Self {
        Self::of(host, "")
    }
}

/// The parts of an absolute or relative URL, as they stand in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address<'a> {
    /// The host, without port; `None` for a relative URL.
    pub host: Option<&'a str>,
    /// The path.
    pub path: &'a str,
    /// The query.
    pub query: Option<&'a str>,
}

impl<'a> Address<'a> {
    /// The parts of this URL.
    pub fn of(url: &'a str) -> Self {
        let url = url.split('#').next().unwrap_or(url);
        let (host, rest) = match url.split_once("://") {
            Some((scheme, rest)) if !scheme.contains(['/', '?']) => {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                let (authority, rest) = rest.split_at(end);
                (Some(host_of(authority)), rest)
            }
            _ => (None, url),
        };
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        Self { host, path: if path.is_empty() { "/" } else { path }, query }
    }
}

fn host_of(authority: &str) -> &str {
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    authority.split(':').next().unwrap_or(authority)
}

/// Who named a token endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Realm {
    /// When its exchange began.
    pub opened: Moment,
    /// The exchange whose answer named it.
    pub exchange: ExchangeId,
    /// The client that was told.
    pub client: Option<IpAddr>,
    /// The registry, in the case in which the client wrote it.
    pub registry: Box<str>,
    /// Whether the client wrote the usual port into the registry's name: `registry:443`.
    pub names_port: bool,
    /// The service that the challenge names.
    pub service: Option<Box<str>>,
}

/// Who led to a blob host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// When its exchange began.
    pub opened: Moment,
    /// The exchange whose answer led there.
    pub exchange: ExchangeId,
    /// The client that was told.
    pub client: Option<IpAddr>,
    /// The registry, in the case in which the client wrote it.
    pub registry: Box<str>,
    /// The repository.
    pub repository: Box<str>,
    /// The digest of the blob.
    pub digest: Box<str>,
}

/// A signed URL is used soon: Azure Container Registry's hold for 20 minutes.
const LONGEST_LEAD_MICROS: i64 = 1_800_000_000;

impl Redirect {
    fn is_recent(&self, opened: Moment) -> bool {
        self.opened <= opened && opened.micros_since(self.opened) <= LONGEST_LEAD_MICROS
    }
}

/// How long after its use a token endpoint may be named for the first time.
const AHEAD_MICROS: i64 = 60_000_000;

impl Realm {
    /// A capture may begin between a challenge and its token; the next challenge says then what the token was for.
    fn is_known_by(&self, opened: Moment) -> bool {
        self.opened <= opened.plus_micros(AHEAD_MICROS)
    }
}

/// What is asked for, by whom and when.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Host and path.
    pub place: PlaceKey,
    /// The client.
    pub client: Option<IpAddr>,
    /// When the exchange began.
    pub opened: Moment,
}

impl Asked {
    /// What this exchange asks for.
    pub fn by(exchange: &Exchange) -> Self {
        Self {
            place: PlaceKey::of_exchange(exchange),
            client: exchange.client.map(|client| client.ip()),
            opened: exchange.timings.opened,
        }
    }
}

/// A registry that led a client to a host: a token server, or one that keeps blobs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lead {
    opened: Moment,
    client: Option<IpAddr>,
    registry: Box<str>,
}

/// What is known from the exchanges so far.
#[derive(Debug, Clone, Default)]
pub struct Context {
    realms: HashMap<PlaceKey, Vec<Realm>>,
    redirects: HashMap<PlaceKey, Vec<Redirect>>,
    settings: ToldSettings,
    leads: HashMap<PlaceKey, Vec<Lead>>,
}

impl Context {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Learns from an exchange that has its answer. Says about which places more is known now, for exchanges that began
    /// at that moment or later.
    pub fn learn(&mut self, exchange: &Exchange) -> Vec<(PlaceKey, Moment)> {
        match exchange.status() {
            Some(401) => self.learn_realms(exchange),
            Some(200) => self.learn_foreign_layers(exchange),
            Some(300..=399) => self.learn_redirect(exchange),
            _ => Vec::new(),
        }
    }

    /// Learns how registries are set up. Says of which more is known now.
    pub fn learn_settings(&mut self, exchange: &Exchange) -> Vec<Box<str>> {
        self.settings.learn(exchange)
    }

    /// How a registry was set up at a moment, as far as it was told.
    pub fn settings(&self, server: &str, moment: Moment) -> Option<&Told> {
        self.settings.at(server, moment)
    }

    /// The last role that was assigned on a registry before a moment.
    pub fn role_assigned(&self, server: &str, moment: Moment) -> Option<&RoleAssigned> {
        self.settings.role_assigned(server, moment)
    }

    /// The last change, before a moment, of who may reach a registry.
    pub fn network_change(&self, server: &str, moment: Moment) -> Option<&Told> {
        self.settings.network_change(server, moment)
    }

    fn learn_realms(&mut self, exchange: &Exchange) -> Vec<(PlaceKey, Moment)> {
        let Some(response) = &exchange.response else { return Vec::new() };
        let mut learned = Vec::new();
        for (_, challenge) in Challenge::all(&response.headers) {
            let Some(realm) = challenge.realm().filter(|_| challenge.is_bearer()) else { continue };
            let address = Address::of(realm);
            let Some(host) = address.host else { continue };
            let place = PlaceKey::of(host, address.path);
            learned.extend(self.learn_lead(host, exchange));
            let named = Realm {
                opened: exchange.timings.opened,
                exchange: exchange.id,
                client: exchange.client.map(|client| client.ip()),
                registry: exchange.target.host.as_str().into(),
                names_port: names_usual_port(exchange),
                service: challenge.service().map(Into::into),
            };
            let since = named.opened.plus_micros(-AHEAD_MICROS);
            if self.add_realm(place, named) {
                learned.push((place, since));
            }
        }
        learned
    }

    fn add_realm(&mut self, place: PlaceKey, named: Realm) -> bool {
        if self.realms.len() >= MOST_PLACES && !self.realms.contains_key(&place) {
            return false;
        }
        let known = self.realms.entry(place).or_default();
        let is_full = known.len() >= MOST_AT_ONE_PLACE;
        let same = known.iter_mut().find(|realm| {
            (realm.client, realm.names_port) == (named.client, named.names_port)
                && (&realm.registry, &realm.service) == (&named.registry, &named.service)
        });
        match same {
            Some(earlier) if (earlier.opened, earlier.exchange) <= (named.opened, named.exchange) => return false,
            Some(later) => *later = named,
            None if is_full => return false,
            None => known.push(named),
        }
        true
    }

    /// A manifest names the places of foreign layers, which clients turn to as if they had been sent there.
    fn learn_foreign_layers(&mut self, exchange: &Exchange) -> Vec<(PlaceKey, Moment)> {
        let Endpoint::Manifest { repository, .. } = Endpoint::of(exchange.path(), None) else { return Vec::new() };
        let content = &exchange.response_body.bytes;
        // By far the most manifests have none, and need not be read for that.
        if !str::from_utf8(content).is_ok_and(|text| text.contains("\"urls\"")) {
            return Vec::new();
        }
        let Some(manifest) = Manifest::of(content, None) else { return Vec::new() };
        let mut learned = Vec::new();
        for layer in manifest.foreign_layers().take(MOST_AT_ONE_PLACE) {
            for url in &layer.urls {
                let address = Address::of(url);
                let Some(host) = address.host else { continue };
                // The tunnel to the host is for the layer, too.
                for place in [PlaceKey::of(host, address.path), PlaceKey::of(host, &format!("{host}:443"))] {
                    learned.extend(self.add_redirect(exchange, place, (repository.clone(), layer.digest.clone())));
                }
            }
        }
        learned
    }

    fn learn_redirect(&mut self, exchange: &Exchange) -> Vec<(PlaceKey, Moment)> {
        let location = exchange.response.as_ref().and_then(|response| response.headers.text("location"));
        let Endpoint::Blob { repository, digest } = Endpoint::of(exchange.path(), exchange.query()) else {
            return Vec::new();
        };
        let Some(address) = location.as_deref().map(Address::of) else { return Vec::new() };
        let Some(host) = address.host else { return Vec::new() };
        let place = PlaceKey::of(host, address.path);
        let learned = self.add_redirect(exchange, place, (repository, digest));
        self.learn_lead(host, exchange).into_iter().chain(learned).collect()
    }

    fn add_redirect(
        &mut self,
        exchange: &Exchange,
        place: PlaceKey,
        (repository, digest): (Box<str>, Box<str>),
    ) -> Option<(PlaceKey, Moment)> {
        if self.redirects.len() >= MOST_PLACES && !self.redirects.contains_key(&place) {
            return None;
        }
        let redirect = Redirect {
            opened: exchange.timings.opened,
            exchange: exchange.id,
            client: exchange.client.map(|client| client.ip()),
            registry: exchange.target.host.as_str().into(),
            repository,
            digest,
        };
        let since = redirect.opened;
        let known = self.redirects.entry(place).or_default();
        known.retain(|other| other.exchange != redirect.exchange || other.digest != redirect.digest);
        let at = known.partition_point(|other| (other.opened, other.exchange) < (redirect.opened, redirect.exchange));
        known.insert(at, redirect);
        if known.len() > MOST_AT_ONE_PLACE {
            known.remove(0);
        }
        Some((place, since))
    }

    /// Says whether it is new that this exchange led to a host, and if so since when.
    fn learn_lead(&mut self, host: &str, exchange: &Exchange) -> Option<(PlaceKey, Moment)> {
        let place = PlaceKey::of_host(host);
        if self.leads.len() >= MOST_PLACES && !self.leads.contains_key(&place) {
            return None;
        }
        let (opened, client) = (exchange.timings.opened, exchange.client.map(|client| client.ip()));
        let registry = exchange.target.host.as_str();
        let known = self.leads.entry(place).or_default();
        let is_full = known.len() >= MOST_AT_ONE_PLACE;
        match known.iter_mut().find(|lead| lead.client == client && *lead.registry == *registry) {
            Some(earlier) if earlier.opened <= opened => return None,
            Some(later) => later.opened = opened,
            None if is_full => return None,
            None => known.push(Lead { opened, client, registry: registry.into() }),
        }
        Some((place, opened))
    }

    /// The registry that led this client to a host, when it was asked for at this moment.
    pub fn lead(&self, host: &str, client: Option<IpAddr>, opened: Moment) -> Option<&str> {
        let known = self.leads.get(&PlaceKey::of_host(host))?.iter();
        let known = known.filter(|lead| lead.opened <= opened && lead.client == client);
        known.max_by_key(|lead| (lead.opened, &*lead.registry)).map(|lead| &*lead.registry)
    }

    /// Who named this place as a token endpoint: a registry that this client asked, with this service if possible.
    pub fn realm(&self, asked: Asked, service: Option<&str>) -> Option<&Realm> {
        let known = self.realms.get(&asked.place)?.iter().filter(|realm| realm.is_known_by(asked.opened));
        known.min_by_key(|realm| {
            let other_client = realm.client != asked.client;
            let other_service = realm.service.as_deref() != service;
            (other_client, other_service, realm.opened, realm.exchange)
        })
    }

    /// Which redirect led this client to this place: the last one, unless that was too long ago.
    pub fn redirect(&self, asked: Asked) -> Option<&Redirect> {
        let known = self.redirects.get(&asked.place)?.iter().rev();
        let mut recent = known.filter(|redirect| redirect.is_recent(asked.opened));
        recent.clone().find(|redirect| redirect.client == asked.client).or_else(|| recent.next())
    }

    /// The role of an exchange, by what it asks for, how it was answered, and what is known.
    pub fn role(&self, exchange: &Exchange) -> Role {
        let endpoint = Endpoint::of(exchange.path(), exchange.query());
        let role = Role::of(exchange.method().unwrap_or(""), &endpoint, exchange.status());
        self.refined(role, &exchange.target.host, Asked::by(exchange))
    }

    /// The role, once it is known what challenges and redirects named.
    pub fn refined(&self, role: Role, host: &str, asked: Asked) -> Role {
        let is_realm = || {
            let known = self.realms.get(&asked.place);
            known.is_some_and(|known| known.iter().any(|realm| realm.is_known_by(asked.opened)))
        };
        match role {
            Role::Connect | Role::Token => role,
            _ if is_realm() => Role::Token,
            _ if self.redirect(asked).is_some() => Role::Storage,
            Role::Other if vendors::keeps_blobs(host) => Role::Storage,
            Role::Other => match Service::of(host) {
                Some(Service::Entra | Service::InstanceMetadata) => Role::Identity,
                Some(Service::ResourceManager) => Role::Management,
                None => role,
            },
            _ => role,
        }
    }

    /// Forgets redirects that are too old for any exchange that began at this moment or later.
    pub fn forget_what_led_nowhere(&mut self, since: Moment) {
        let before = since.plus_micros(-LONGEST_LEAD_MICROS);
        self.redirects.retain(|_, known| {
            known.retain(|redirect| redirect.opened >= before);
            !known.is_empty()
        });
    }
}

/// Clients leave the usual port out of `Host`, unless it stands in the name that they were given.
fn names_usual_port(exchange: &Exchange) -> bool {
    let host = exchange.request.as_ref().and_then(|request| request.headers.text("host"));
    host.is_some_and(|host| host.trim().ends_with(":443")) && exchange.target.port == 443
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses() {
        let address = Address::of("https://user@a.test:444//x/y?se=1&sig=2#z");
        assert_eq!((address.host, address.path, address.query), (Some("a.test"), "//x/y", Some("se=1&sig=2")));
        assert_eq!(Address::of("https://[::1]:5").host, Some("::1"));
        assert_eq!(Address::of("/v2/?u=http://x").host, None);
        assert_eq!(Address::of("https://a.test?x").path, "/");
    }
}
