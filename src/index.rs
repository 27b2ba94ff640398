//! Compact rows for lists: what one line of a list says about an exchange. A capture of a hundred thousand exchanges
//! has its rows in memory and everything else in the session file.

use crate::diagnose::Severity;
use crate::exchange::{Exchange, ExchangeId, Moment, Timings};
use crate::registry::{Asked, Context, Endpoint, Role, TokenRequest};

/// What a line of a list says about an exchange. Network text stands in it as it came: outputs make it printable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The exchange.
    pub id: ExchangeId,
    /// When it began.
    pub started: Moment,
    /// Its method; empty when no request was read.
    pub method: Box<str>,
    /// The status of the server's answer.
    pub status: Option<u16>,
    /// The host that was asked, with its port where that is not the scheme's own.
    pub host: Box<str>,
    /// The request's path and query.
    pub path: Box<str>,
    /// What it is to a registry client.
    pub role: Role,
    /// The repository that it is about.
    pub repository: Option<Box<str>>,
    /// The tag or digest that it is about.
    pub reference: Option<Box<str>>,
    /// Bytes of content: of the answer, or of the request if that has more.
    pub size: u64,
    /// How far it has come.
    pub progress: Progress,
    /// What it means, in the reader's language; empty until whoever speaks that language fills it in.
    pub notes: Box<str>,
    /// The worst that was found about it.
    pub mark: Option<Severity>,
}

/// How far an exchange has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It waits for its answer.
    Waiting,
    /// Its answer is on its way.
    Running,
    /// It is over, after so many microseconds.
    Complete(i64),
    /// It failed, after so many microseconds; the name says how.
    Failed(i64, &'static str),
}

impl Row {
    /// The row of an exchange, by what is known of others.
    pub fn of(exchange: &Exchange, context: &Context) -> Self {
        let role = context.role(exchange);
        let endpoint = Endpoint::of(exchange.path(), exchange.query());
        let (repository, reference) = subject(exchange, role, &endpoint, context);
        Self {
            id: exchange.id,
            started: exchange.timings.opened,
            method: exchange.method().unwrap_or("").into(),
            status: exchange.status().filter(|_| !exchange.answered_by_us),
            host: host(exchange).into(),
            path: path(exchange).into(),
            role,
            repository,
            reference,
            size: exchange.response_body.length.max(exchange.request_body.length),
            progress: Progress::of(exchange),
            notes: Box::default(),
            mark: None,
        }
    }

    /// How long it took, or has taken by `now`, in microseconds.
    pub fn duration_micros(&self, now: Moment) -> i64 {
        match self.progress {
            Progress::Waiting | Progress::Running => now.micros_since(self.started),
            Progress::Complete(micros) | Progress::Failed(micros, _) => micros,
        }
    }

    /// Whether more will happen to it.
    pub fn is_open(&self) -> bool {
        matches!(self.progress, Progress::Waiting | Progress::Running)
    }

    /// Whether the network failed it.
    pub fn is_failed(&self) -> bool {
        matches!(self.progress, Progress::Failed(..))
    }

    /// How bad it is: what was found, else what the exchange says by itself. The first 401 of a client is no trouble.
    pub fn severity(&self) -> Severity {
        self.mark.unwrap_or(match (self.progress, self.status) {
            (Progress::Failed(..), _) => Severity::Error,
            (_, Some(500..)) => Severity::Warning,
            _ => Severity::Normal,
        })
    }

    /// The texts that a search looks at.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let failure = match self.progress {
            Progress::Failed(_, kind) => Some(kind),
            _ => None,
        };
        let always = [&*self.host, &*self.path, &*self.method, self.role.as_str(), &*self.notes];
        let sometimes = [self.repository.as_deref(), self.reference.as_deref(), failure];
        always.into_iter().chain(sometimes.into_iter().flatten())
    }
}

impl Progress {
    fn of(exchange: &Exchange) -> Self {
        let Timings { opened, closed, response_end, .. } = exchange.timings;
        let end = closed.or(response_end).or(exchange.failure.as_ref().map(|failure| failure.at)).unwrap_or(opened);
        let micros = end.micros_since(opened);
        match &exchange.failure {
            Some(failure) => Self::Failed(micros, failure.kind.as_str()),
            None if exchange.is_over() => Self::Complete(micros),
            None if exchange.timings.first_byte.is_none() && exchange.tunnel.is_none() => Self::Waiting,
            None => Self::Running,
        }
    }
}

fn host(exchange: &Exchange) -> String {
    // Its path shows the port.
    if exchange.is_connect() { exchange.target.host_for_url() } else { exchange.target.authority() }
}

/// The path and query; a CONNECT has only a port to show.
fn path(exchange: &Exchange) -> String {
    if exchange.is_connect() {
        return format!(":{}", exchange.target.port);
    }
    match exchange.query() {
        Some(query) => format!("{}?{query}", exchange.path()),
        None => exchange.path().to_owned(),
    }
}

type Words = Option<Box<str>>;

/// The repository and reference that an exchange is about: named by its path, by the redirect that led there, or by
/// the scope that a token is wanted for.
fn subject(exchange: &Exchange, role: Role, endpoint: &Endpoint, context: &Context) -> (Words, Words) {
    match role {
        Role::Storage => match context.redirect(Asked::by(exchange)) {
            Some(redirect) => (Some(redirect.repository.clone()), Some(redirect.digest.clone())),
            None => (None, None),
        },
        Role::Token => {
            let scopes = TokenRequest::of(exchange).scopes;
            (scopes.iter().find_map(|scope| scope.repository()).map(Into::into), None)
        }
        _ => (endpoint.repository().map(Into::into), endpoint.reference().map(Into::into)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Failure, FailureKind, Origin, RequestHead, ResponseHead, Side, Stage, State, Target};

    const DIGEST: &str = "sha256:654b93f61054e4ce90ed203bb8d556a6200d5f906cf3eca0620738d6dc18cbed";

    fn exchange(id: u64, host: &str, target: &str) -> Exchange {
        let id = ExchangeId::new(id).unwrap();
        let mut exchange = Exchange::new(id, Origin::Live, Target::https(host, 443), Moment::EPOCH);
        exchange.request = Some(RequestHead::new("GET", target));
        exchange
    }

    #[test]
    fn says_what_a_blob_host_was_asked_for() {
        let mut redirect = exchange(1, "registry.test", &format!("/v2/team/app/blobs/{DIGEST}"));
        let mut head = ResponseHead::new(307, "Temporary Redirect");
        head.headers.push("Location", b"https://blobs.test/data/1?sig=masked");
        redirect.response = Some(head);
        let mut context = Context::new();
        context.learn(&redirect);
        let row = Row::of(&exchange(2, "blobs.test", "/data/1?sig=masked"), &context);
        assert_eq!((row.role, row.repository.as_deref()), (Role::Storage, Some("team/app")));
        assert_eq!(row.reference.as_deref(), Some(DIGEST));
        assert_eq!(&*row.path, "/data/1?sig=masked");
    }

    #[test]
    fn says_which_repository_a_token_is_for() {
        let token = exchange(1, "registry.test", "/oauth2/token?scope=repository%3Ateam%2Fapp%3Apull&service=r");
        assert_eq!(Row::of(&token, &Context::new()).repository.as_deref(), Some("team/app"));
    }

    #[test]
    fn knows_how_far_an_exchange_has_come() {
        let at = Moment::from_micros;
        let mut exchange = exchange(1, "registry.test", "/v2/");
        let row = |exchange: &Exchange| Row::of(exchange, &Context::new());
        assert_eq!(row(&exchange).progress, Progress::Waiting);
        assert_eq!(row(&exchange).duration_micros(at(7)), 7);
        exchange.timings.first_byte = Some(at(10));
        assert_eq!(row(&exchange).progress, Progress::Running);
        exchange.timings.closed = Some(at(20));
        exchange.state = State::Complete;
        assert_eq!(row(&exchange).progress, Progress::Complete(20));
        let (stage, side, kind) = (Stage::ReadBody, Side::Origin, FailureKind::Reset);
        exchange.failure = Some(Failure { stage, side, kind, chain: Vec::new(), os_code: None, at: at(15) });
        assert_eq!(row(&exchange).progress, Progress::Failed(20, "reset"));
        assert_eq!(row(&exchange).severity(), Severity::Error);
    }

    #[test]
    fn an_answer_of_our_own_is_not_the_server_s_status() {
        let mut exchange = exchange(1, "registry.test", "/v2/");
        exchange.response = Some(ResponseHead::new(502, "pulltap: cannot resolve registry.test"));
        exchange.answered_by_us = true;
        assert_eq!(Row::of(&exchange, &Context::new()).status, None);
    }
}
