//! A case: one exchange in its episode, as a rule sees it, and the evidence it can point to.

use crate::registry::{Authorization, Challenge, Proof, RegistrySettings, Role, Shape, Vendor, vendors};

use super::episode::{Episode, Member};
use super::error_facts::{ErrorFacts, KeptHeader};
use super::evidence::{Evidence, Phase, Place, shortened};
use super::facts::{Facts, Method, TokenFacts};
use super::finding::Parameters;

/// How far a rule looks around where it looks at each exchange: work stays linear.
const LOOKED_AT: usize = 512;

/// One exchange in its episode.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// Its facts.
    pub facts: &'a Facts,
    /// Its role, by all that is known.
    pub role: Role,
    /// The exchange in its place.
    pub member: &'a Member<'a>,
    /// Its number within the episode.
    pub at: usize,
    /// The episode.
    pub episode: &'a Episode<'a>,
}

impl<'a> Case<'a> {
    /// The exchange of this number in an episode.
    pub fn new(episode: &'a Episode<'a>, at: usize) -> Option<Self> {
        let member = episode.members().get(at)?;
        Some(Self { facts: member.facts, role: member.role, member, at, episode })
    }

    /// The exchanges of the episode that began later.
    pub fn later(&self) -> &'a [Member<'a>] {
        self.episode.members().get(self.at.saturating_add(1)..).unwrap_or(&[])
    }

    /// Those that followed soon, the next first: enough for what belongs together, and a bound for long episodes.
    pub fn soon_after(&self) -> impl Iterator<Item = &'a Member<'a>> {
        self.later().iter().take(LOOKED_AT)
    }

    /// Those shortly before it, the last first.
    pub fn shortly_before(&self) -> impl Iterator<Item = &'a Member<'a>> {
        self.earlier().iter().rev().take(LOOKED_AT)
    }

    /// The exchanges of the episode that began earlier.
    pub fn earlier(&self) -> &'a [Member<'a>] {
        self.episode.members().get(..self.at).unwrap_or(&[])
    }

    /// Whether the same thing was asked for again later in the episode, and well answered.
    pub fn succeeded_later(&self) -> bool {
        self.episode.last_success(self.facts.place).is_some_and(|last| last > self.facts.opened)
    }

    /// The registry product behind the registry's name.
    pub fn vendor(&self) -> Vendor {
        Vendor::of(self.member.registry)
    }

    /// What the error answer says: its own, or, for a HEAD, what the same request as a GET was told.
    /// docker and containerd repeat a failed HEAD as a GET for that (containerd core/remotes/docker/resolver.go).
    pub fn error(&self) -> Option<&'a ErrorFacts> {
        self.error_member().and_then(|member| member.facts.error.as_deref())
    }

    fn error_member(&self) -> Option<&'a Member<'a>> {
        let own = self.facts.error.as_ref()?;
        if own.body.shape != Shape::Empty || self.facts.method != Method::Head {
            return Some(self.member);
        }
        let sibling = self.episode.explained(self.facts.place);
        Some(sibling.filter(|sibling| sibling.facts.status == self.facts.status).unwrap_or(self.member))
    }

    /// Whether an error of the answer has this code (any case).
    pub fn has_code(&self, code: &str) -> bool {
        self.error().is_some_and(|error| error.body.has_code(code))
    }

    /// Whether the error answer says this (any case).
    pub fn says(&self, text: &str) -> bool {
        self.error().is_some_and(|error| error.body.says(text))
    }

    /// A response header field of an error answer, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&'a KeptHeader> {
        self.facts.error.as_ref()?.headers.iter().find(|header| header.name == name)
    }

    /// What the request offers to prove who asks.
    pub fn authorization(&self) -> Option<&'a Authorization> {
        self.facts.authorization.as_ref().map(|(_, authorization)| &**authorization)
    }

    /// The token request, when the exchange is one.
    pub fn token(&self) -> Option<&'a TokenFacts> {
        self.facts.token.as_deref().filter(|_| self.role == Role::Token)
    }

    /// Whether a token request proves who asks.
    pub fn token_has_credentials(&self) -> bool {
        self.token().is_some_and(|token| token.request.proof != Proof::Nothing)
    }

    /// The first Bearer challenge of a 401, and the number of its header field.
    pub fn bearer_challenge(&self) -> Option<&'a (usize, Challenge)> {
        self.facts.challenges.iter().find(|(_, challenge)| challenge.is_bearer())
    }

    /// Why the challenge says that the credentials are not enough.
    pub fn challenge_error(&self) -> Option<&'a str> {
        self.facts.challenges.iter().find_map(|(_, challenge)| challenge.error())
    }

    /// The last token that was granted before this exchange began.
    pub fn token_before(&self) -> Option<&'a Member<'a>> {
        self.episode.granted_tokens().rev().find(|token| token.facts.opened < self.facts.opened)
    }

    /// The user on whose behalf it asks: named by itself, else by the last token request before it.
    pub fn user(&self) -> Option<&'a str> {
        let named = match self.authorization() {
            Some(Authorization::Basic { user }) => user.as_deref(),
            _ => None,
        };
        let token = self.token().or_else(|| self.token_before()?.facts.token.as_deref());
        named.or_else(|| token?.request.user.as_deref())
    }

    /// How the registry is set up, as far as Azure Resource Manager told.
    pub fn settings(&self) -> Option<&'a RegistrySettings> {
        self.member.told.map(|told| &told.settings)
    }

    /// The setting that Azure Resource Manager told.
    pub fn settings_evidence(&self, value: &str) -> Option<Evidence> {
        let told = self.member.told?;
        Some(Evidence { exchange: told.exchange, place: Place::ResponseBody(0..0), value: shortened(value) })
    }

    /// The address that was connected to.
    pub fn address_evidence(&self) -> Option<Evidence> {
        let address = self.facts.address()?;
        Some(self.evidence(Place::Address, &format!("{} is {address}", self.facts.host)))
    }

    /// What every sentence about this exchange may name.
    pub fn parameters(&self) -> Parameters {
        let registry = self.member.registry;
        let name = registry.to_ascii_lowercase();
        Parameters::new()
            .with("registry", registry)
            .with("registry_name", vendors::acr_name(&name).unwrap_or(&name))
            .with("host", &*self.facts.host)
            .with("port", self.facts.port.to_string())
            .with_some("repository", self.member.repository)
            .with_some("user", self.token().and_then(|token| token.request.user.as_deref()))
    }

    /// The status line.
    pub fn status_evidence(&self) -> Option<Evidence> {
        let status = self.facts.status?;
        Some(self.evidence(Place::ResponseStatus, &status.to_string()))
    }

    /// The first error of the answer, else the status line.
    pub fn body_evidence(&self) -> Option<Evidence> {
        let member = self.error_member()?;
        let error = member.facts.error.as_ref()?;
        let Some(summary) = error.body.summary() else { return self.status_evidence() };
        let place = Place::ResponseBody(error.range.clone());
        Some(Evidence { exchange: member.facts.id, place, value: shortened(&summary) })
    }

    /// A response header field.
    pub fn header_evidence(&self, name: &str) -> Option<Evidence> {
        let header = self.header(name)?;
        Some(self.evidence(Place::ResponseHeader(header.at), &format!("{}: {}", header.name, header.value)))
    }

    /// The first challenge.
    pub fn challenge_evidence(&self) -> Option<Evidence> {
        let (at, challenge) = self.facts.challenges.first()?;
        let told = |name: &str| Some(format!(" {name}=\"{}\"", challenge.parameter(name)?));
        let parameters: String = ["realm", "service", "scope", "error"].into_iter().filter_map(told).collect();
        let value = format!("www-authenticate: {}{parameters}", challenge.scheme);
        Some(self.evidence(Place::ResponseHeader(*at), &value))
    }

    /// The `Authorization` field of the request, without its secret.
    pub fn authorization_evidence(&self) -> Option<Evidence> {
        let (at, authorization) = self.facts.authorization.as_ref()?;
        let value = match &**authorization {
            Authorization::Basic { user: Some(user) } => format!("authorization: Basic ({user})"),
            Authorization::Basic { user: None } => "authorization: Basic".to_owned(),
            Authorization::Bearer { .. } => "authorization: Bearer".to_owned(),
            Authorization::Other => "authorization".to_owned(),
        };
        Some(self.evidence(Place::RequestHeader(*at), &value))
    }

    /// The failure.
    pub fn failure_evidence(&self) -> Option<Evidence> {
        let failure = self.facts.failure.as_ref()?;
        let mut value = format!("{} {} {}", failure.stage.as_str(), failure.side.as_str(), failure.kind.as_str());
        for cause in &failure.chain {
            value.push_str(": ");
            value.push_str(cause);
        }
        Some(self.evidence(Place::Failure, &value))
    }

    /// How long it took.
    pub fn duration_evidence(&self) -> Evidence {
        self.evidence(Place::Timing(Phase::Whole), &format!("{} s", self.seconds()))
    }

    /// How long it took, in seconds with one decimal, rounded: a timer of 15 s ends a little before or after that.
    pub fn seconds(&self) -> String {
        let tenths = self.facts.duration_micros().saturating_add(50_000) / 100_000;
        format!("{}.{}", tenths / 10, tenths % 10)
    }

    /// Something at a place of this exchange.
    pub fn evidence(&self, place: Place, value: &str) -> Evidence {
        Evidence { exchange: self.facts.id, place, value: shortened(value) }
    }
}

/// Rounded seconds.
pub fn whole_seconds(micros: i64) -> i64 {
    micros.saturating_add(500_000) / 1_000_000
}
