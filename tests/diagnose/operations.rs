//! Exchanges become operations: one for each thing that somebody asked for, whatever runs beside it.

use proptest::prelude::*;
use pulltap::diagnose::{Change, Engine, Operation, OperationId};
use pulltap::exchange::*;

use super::traffic::{BLOBS, CURL, Client, DOCKERD, OTHER, REGISTRY, SKOPEO, Traffic, V1, V2, body, counted, moment};
use super::{fixture, pulls};

fn engine(exchanges: &[Exchange]) -> Engine {
    let mut engine = Engine::new();
    for exchange in exchanges {
        engine.update(exchange);
    }
    engine.finish();
    engine
}

/// Each operation in a line: kind, subject, outcome, layers, bytes, retries, and its exchanges where these are few.
fn told(operations: &[Operation]) -> Vec<String> {
    let line = |operation: &Operation| {
        let missing = operation.missing.map_or(String::new(), |missing| format!(", never came: {}", missing.as_str()));
        format!(
            "{} {} {} by {}: {}, {} layers, {} B, {} retries, {} exchanges{missing}",
            operation.id.number(),
            operation.kind.as_str(),
            operation.subject(),
            operation.client.name,
            operation.outcome.as_str(),
            operation.layers,
            operation.bytes(),
            operation.retries,
            operation.exchanges.len(),
        )
    };
    operations.iter().map(line).collect()
}

/// The operations of this traffic, and that every exchange is in one.
#[track_caller]
fn operations(traffic: &Traffic) -> Vec<Operation> {
    let operations = engine(&traffic.exchanges).operations();
    let counts = counted(operations.iter().flat_map(|operation| &operation.exchanges));
    for exchange in &traffic.exchanges {
        assert!(counts.contains_key(&exchange.id), "{} {} is in no operation", exchange.id, exchange.url());
    }
    operations
}

#[test]
fn the_sessions_of_real_clients_are_what_was_asked_for() {
    let mut all = Vec::new();
    for name in pulls::NAMES {
        let operations = engine(&fixture::read(&format!("pulls/{name}.toml")).exchanges()).operations();
        all.push(format!("{name}\n  {}", told(&operations).join("\n  ")));
    }
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn two_pulls_at_once_by_one_docker_share_a_layer() {
    let mut traffic = Traffic::default();
    traffic.pull(DOCKERD, 0.0, V1, V1.layers);
    // docker has seen that the shared layer is on its way.
    traffic.pull(DOCKERD, 0.03, V2, &["sha256:33"]);
    traffic.pull(DOCKERD, 0.05, OTHER, &["sha256:44"]);
    let operations = operations(&traffic);
    assert_eq!(
        told(&operations),
        [
            "1 pull team/app:v1 by docker: ok, 2 layers, 3130 B, 0 retries, 10 exchanges",
            "2 pull team/app:v2 by docker: ok, 2 layers, 3130 B, 0 retries, 10 exchanges",
            "3 pull base:v1 by docker: ok, 2 layers, 3130 B, 0 retries, 10 exchanges",
        ]
    );
    let counts = counted(operations.iter().flat_map(|operation| &operation.exchanges));
    let shared: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).map(|(id, _)| id.number()).collect();
    let is_shared = |exchange: &&Exchange| shared.contains(&exchange.id.number());
    let urls: Vec<_> = traffic.exchanges.iter().filter(is_shared).map(Exchange::path).collect();
    assert_eq!(urls, ["/v2/team/app/blobs/sha256:22", "/data/sha256:22"]);
}

#[test]
fn two_clients_at_once_stay_apart() {
    let mut traffic = Traffic::default();
    let remote = Client { address: "192.0.2.7", ..DOCKERD };
    traffic.pull(DOCKERD, 0.0, V1, V1.layers);
    traffic.pull(SKOPEO, 0.01, V1, V1.layers);
    traffic.pull(remote, 0.02, V1, V1.layers);
    let operations = operations(&traffic);
    assert_eq!(operations.len(), 3, "{:#?}", told(&operations));
    for (operation, client) in operations.iter().zip([DOCKERD, SKOPEO, remote]) {
        assert_eq!((operation.layers, operation.exchanges.len()), (2, 10));
        assert!(client.agent.starts_with(&operation.client.name));
        assert_eq!(operation.address.unwrap().to_string(), client.address);
    }
}

#[test]
fn a_layer_that_is_tried_again_is_a_retry() {
    let mut traffic = Traffic::default();
    let token = traffic.manifest(DOCKERD, 0.0, V1);
    traffic.layer((DOCKERD, 0.5), &token, (V1.repository, "sha256:11"), 503);
    traffic.layer((DOCKERD, 0.5), &token, (V1.repository, "sha256:22"), 200);
    traffic.layer((DOCKERD, 5.5), &token, (V1.repository, "sha256:11"), 206);
    let lines = told(&operations(&traffic));
    assert_eq!(lines, ["1 pull team/app:v1 by docker: ok, 2 layers, 3130 B, 1 retries, 10 exchanges"]);
}

#[test]
fn a_layer_that_never_comes_fails_the_pull() {
    let mut traffic = Traffic::default();
    let token = traffic.manifest(DOCKERD, 0.0, V1);
    traffic.layer((DOCKERD, 0.5), &token, (V1.repository, "sha256:11"), 403);
    traffic.layer((DOCKERD, 0.5), &token, (V1.repository, "sha256:22"), 200);
    let lines = told(&operations(&traffic));
    assert_eq!(lines, ["1 pull team/app:v1 by docker: failed, 1 layers, 2130 B, 0 retries, 8 exchanges"]);
}

#[test]
fn the_same_image_pulled_again_is_another_pull() {
    let mut traffic = Traffic::default();
    traffic.pull(DOCKERD, 0.0, V1, V1.layers);
    // It is up to date.
    traffic.manifest(DOCKERD, 3.0, V1);
    traffic.manifest(DOCKERD, 6.0, V1);
    let lines = told(&operations(&traffic));
    assert_eq!(lines[1], "2 pull team/app:v1 by docker: ok, 0 layers, 130 B, 0 retries, 4 exchanges");
    assert_eq!(lines.len(), 3, "{lines:#?}");
}

#[test]
fn a_login_a_push_and_a_pull_in_a_row_are_three() {
    let mut traffic = Traffic::default();
    traffic.login(DOCKERD, 0.0);
    traffic.push(DOCKERD, 0.5, V1);
    traffic.pull(DOCKERD, 2.0, V2, V2.layers);
    assert_eq!(
        told(&operations(&traffic)),
        [
            "1 login myregistry.azurecr.io by docker: ok, 0 layers, 33 B, 0 retries, 3 exchanges",
            "2 push team/app:v1 by docker: ok, 2 layers, 1597 B, 0 retries, 15 exchanges",
            "3 pull team/app:v2 by docker: ok, 2 layers, 3130 B, 0 retries, 10 exchanges",
        ]
    );
}

#[test]
fn two_pushes_at_once_are_told_apart_by_what_their_manifests_name() {
    let mut traffic = Traffic::default();
    traffic.push(DOCKERD, 0.0, V1);
    let apart = super::traffic::Image { layers: &["sha256:33", "sha256:44"], ..V2 };
    traffic.push(DOCKERD, 0.02, apart);
    assert_eq!(
        told(&operations(&traffic)),
        [
            "1 push team/app:v1 by docker: ok, 2 layers, 1597 B, 0 retries, 15 exchanges",
            "2 push team/app:v2 by docker: ok, 2 layers, 1597 B, 0 retries, 15 exchanges",
        ]
    );
}

#[test]
fn deletes_and_lists_are_operations_of_their_own() {
    let mut traffic = Traffic::default();
    traffic.challenge(SKOPEO, 0.0, "GET /v2/", "");
    let token = traffic.token(SKOPEO, 0.1, "repository:team/app:*");
    let read = traffic.with((SKOPEO, 0.2), &token, "GET /v2/team/app/manifests/v1", 200);
    read.response.as_mut().unwrap().headers.push("Docker-Content-Digest", b"sha256:aa");
    traffic.with((SKOPEO, 0.3), &token, "DELETE /v2/team/app/manifests/sha256:aa", 202);
    traffic.challenge(SKOPEO, 5.0, "GET /v2/", "");
    let token = traffic.token(SKOPEO, 5.1, "repository:team/app:pull");
    traffic.with((SKOPEO, 5.2), &token, "GET /v2/team/app/tags/list", 200);
    traffic.with((SKOPEO, 5.3), &token, "GET /v2/team/app/tags/list?last=v9", 200);
    assert_eq!(
        told(&operations(&traffic)),
        [
            "1 delete team/app:v1 by skopeo: ok, 0 layers, 33 B, 0 retries, 4 exchanges",
            "2 list team/app by skopeo: ok, 0 layers, 33 B, 0 retries, 4 exchanges",
        ]
    );
}

#[test]
fn each_call_of_curl_is_an_operation() {
    let mut traffic = Traffic::default();
    traffic.challenge(CURL, 0.0, "GET /v2/", "");
    let token = traffic.token(CURL, 1.0, "repository:team/app:pull");
    traffic.with((CURL, 2.0), &token, "GET /v2/team/app/manifests/v1", 200);
    traffic.layer((CURL, 3.0), &token, ("team/app", "sha256:11"), 200);
    traffic.with((CURL, 4.0), &token, "GET /v2/team/app/tags/list", 404);
    let kinds: Vec<_> = operations(&traffic)
        .iter()
        .map(|operation| (operation.kind.as_str(), operation.outcome.as_str(), operation.exchanges.len()))
        .collect();
    let expected =
        [("rest", "stopped", 1), ("rest", "ok", 1), ("rest", "ok", 1), ("rest", "ok", 2), ("list", "failed", 1)];
    assert_eq!(kinds, expected);
}

#[test]
fn says_which_step_never_came() {
    let mut traffic = Traffic::default();
    traffic.challenge(DOCKERD, 0.0, "GET /v2/", "");
    traffic.challenge(DOCKERD, 100.0, "GET /v2/", "");
    traffic.token(DOCKERD, 100.1, "repository:team/app:pull");
    let token = traffic.manifest(DOCKERD, 200.0, V1);
    traffic.redirect((DOCKERD, 200.5), &token, (V1.repository, "sha256:11"));
    let missing: Vec<_> = operations(&traffic)
        .iter()
        .map(|operation| (operation.kind.as_str(), operation.outcome.as_str(), operation.missing.unwrap().as_str()))
        .collect();
    let expected =
        [("unknown", "stopped", "token"), ("pull", "stopped", "token-use"), ("pull", "stopped", "blob-host")];
    assert_eq!(missing, expected);
}

#[test]
fn a_connection_that_fails_belongs_to_the_pull_that_needs_it() {
    let mut traffic = Traffic::default();
    let token = traffic.manifest(DOCKERD, 0.0, V1);
    traffic.redirect((DOCKERD, 0.5), &token, (V1.repository, "sha256:11"));
    for host in [BLOBS, "elsewhere.azurecr.io"] {
        let connect = traffic.ask((DOCKERD, 0.6), host, &format!("CONNECT {host}:443"), 502);
        let failure = Failure {
            stage: Stage::Connect,
            side: Side::Origin,
            kind: FailureKind::Refused,
            chain: Vec::new(),
            os_code: None,
            at: moment(0.65),
        };
        connect.failure = Some(failure);
        connect.state = State::Failed;
    }
    assert_eq!(
        told(&operations(&traffic)),
        [
            "1 pull team/app:v1 by docker: failed, 0 layers, 130 B, 0 retries, 6 exchanges",
            "2 unknown elsewhere.azurecr.io by docker: failed, 0 layers, 0 B, 0 retries, 1 exchanges",
        ]
    );
}

#[test]
fn a_finding_names_its_operation() {
    let mut traffic = Traffic::default();
    traffic.pull(DOCKERD, 0.0, V1, V1.layers);
    traffic.manifest(DOCKERD, 10.0, V2);
    let refused = traffic.ask((DOCKERD, 10.4), REGISTRY, "GET /v2/team/app/blobs/sha256:33", 403);
    refused.response_body =
        body(r#"{"errors":[{"code":"DENIED","message":"client with IP '192.0.2.1' is not allowed access."}]}"#);
    let engine = engine(&traffic.exchanges);
    let findings = engine.findings();
    let trouble: Vec<_> = findings.iter().filter(|finding| finding.is_trouble()).collect();
    assert_eq!(trouble.len(), 1, "{trouble:#?}");
    assert_eq!(trouble[0].operation.map(OperationId::number), Some(2));
    assert!(findings.iter().all(|finding| finding.operation.is_some()), "{findings:#?}");
}

#[test]
fn the_ledger_tells_who_carried_each_token() {
    let mut traffic = Traffic::default();
    traffic.login(DOCKERD, 0.0);
    traffic.pull(DOCKERD, 1.0, V1, V1.layers);
    let tokens = engine(&traffic.exchanges).tokens();
    let carried = |token: &str| {
        let carries = |exchange: &&Exchange| {
            exchange.request.as_ref().unwrap().headers.text("authorization").is_some_and(|value| value.ends_with(token))
        };
        traffic.exchanges.iter().filter(carries).map(|exchange| exchange.id).collect::<Vec<_>>()
    };
    assert_eq!(tokens.len(), 2);
    assert_eq!(tokens[0].uses, carried("token-1"));
    assert_eq!(tokens[1].uses, carried("token-2"));
    assert_eq!((tokens[1].uses.len(), tokens[1].refused), (5, 0));
    assert_eq!(tokens[1].asked[0].to_string(), "repository:team/app:pull");
    assert!(tokens[0].asked.is_empty() && tokens[0].is_anonymous);
}

#[test]
fn an_operation_is_told_when_it_ends_and_not_while_a_layer_runs() {
    let mut traffic = Traffic::default();
    let token = traffic.manifest(DOCKERD, 0.0, V1);
    traffic.layer((DOCKERD, 0.5), &token, (V1.repository, "sha256:11"), 200);
    let mut engine = Engine::new();
    let mut long = traffic.exchanges.pop().unwrap();
    for exchange in &traffic.exchanges {
        engine.update(exchange);
    }
    let ended = long.clone();
    (long.state, long.timings.closed) = (State::Open, None);
    engine.update(&long);
    assert_eq!(engine.settled(moment(60.0)), []);
    assert_eq!(engine.operations()[0].outcome.as_str(), "running");
    engine.update(&Exchange { timings: Timings { closed: Some(moment(60.0)), ..ended.timings }, ..ended });
    assert_eq!(engine.settled(moment(61.0)), []);
    let told: Vec<_> = engine.settled(moment(66.0));
    assert!(matches!(told.as_slice(), [Change::Ended(operation)] if operation.outcome.as_str() == "ok"), "{told:#?}");
    assert_eq!(engine.settled(moment(90.0)), []);
    assert_eq!(engine.finish(), []);
}

/// Many operations, some at once.
fn mixed(starts: &[(u8, f64)]) -> Vec<Exchange> {
    let mut traffic = Traffic::default();
    for (what, at) in starts {
        match what {
            0 => traffic.pull(DOCKERD, *at, V1, V1.layers),
            1 => traffic.pull(DOCKERD, *at, V2, &["sha256:33"]),
            2 => traffic.pull(SKOPEO, *at, OTHER, OTHER.layers),
            3 => traffic.push(DOCKERD, *at, V1),
            4 => traffic.login(DOCKERD, *at),
            5 => drop(traffic.manifest(SKOPEO, *at, V2)),
            _ => drop(traffic.token(DOCKERD, *at, "repository:team/app:pull,push")),
        }
    }
    traffic.exchanges
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_completion_changes_nothing(
        starts in prop::collection::vec((0_u8..7, 0.0..90.0_f64), 1..12),
        order in prop::collection::vec(any::<u32>(), 200),
    ) {
        let exchanges = mixed(&starts);
        let expected = engine(&exchanges).operations();
        let mut shuffled: Vec<_> = exchanges.iter().zip(order.iter().cycle()).collect();
        shuffled.sort_by_key(|(_, place)| **place);
        let mut live = Engine::new();
        for (exchange, place) in &shuffled {
            live.update(exchange);
            if *place % 3 == 0 {
                live.settled(exchange.timings.closed.unwrap().plus_micros(i64::from(*place % 9_000_000)));
            }
        }
        live.finish();
        prop_assert_eq!(live.operations(), expected);
    }
}
