//! `pulltap demo`: each fault leads to its finding, on the exchange where it shows, in every language.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const LANGUAGES: [&str; 3] = ["en", "ja", "zh-Hant"];

/// A demo that was played to its end.
struct Played {
    folder: TempDir,
    lines: Vec<Value>,
}

fn pulltap(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulltap"));
    // A proxy that is nowhere: a demo has no use for one.
    command.env_remove("PULLTAP_DATA_DIR").env("HTTPS_PROXY", "http://192.0.2.1:9");
    command.args(arguments).arg("--data-dir").arg(folder).output().unwrap()
}

impl Played {
    #[track_caller]
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let output = pulltap(folder.path(), &["demo", name, "--headless", "--json"]);
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}\n{text}{errors}", output.status);
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Self { folder, lines }
    }

    fn of_type(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.lines.iter().filter(move |line| line["type"] == kind)
    }

    fn exchange(&self, id: &Value) -> &Value {
        self.of_type("exchange").find(|line| line["id"] == *id).unwrap()
    }

    /// What a report on the recorded session finds wrong, in a language.
    fn reported(&self, language: &str) -> Vec<Value> {
        let session = self.of_type("summary").next().unwrap()["session"].as_str().unwrap().to_owned();
        let report = ["report", &session, "--format", "json", "--lang", language];
        let output = pulltap(self.folder.path(), &report);
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["findings"].as_array().unwrap().iter().filter(|one| one["severity"] != "normal").cloned().collect()
    }

    /// Fails the test unless all that was found wrong is this, and sits on such exchanges, live and in every language.
    #[track_caller]
    fn expect(&self, rule: &str, slug: &str, sits_there: impl Fn(&Value) -> bool) {
        let found: Vec<_> = self.of_type("finding").collect();
        let [finding] = found.as_slice() else { panic!("not one finding: {found:#?}") };
        let what = |finding: &Value| ["rule", "faq", "severity", "exchanges"].map(|name| finding[name].clone());
        assert_eq!(what(finding)[..3], [rule, slug, "error"]);
        let ids = finding["exchanges"].as_array().unwrap();
        assert!(!ids.is_empty());
        for exchange in ids.iter().map(|id| self.exchange(id)) {
            assert!(sits_there(exchange), "{exchange:#}");
        }
        let mut titles = Vec::new();
        for language in LANGUAGES {
            let reported = self.reported(language);
            assert_eq!(reported.iter().map(what).collect::<Vec<_>>(), [what(finding)], "{language}");
            titles.push(reported[0]["title"].as_str().unwrap().to_owned());
        }
        titles.dedup();
        assert_eq!(titles.len(), LANGUAGES.len(), "{titles:?}");
    }
}

fn has(exchange: &Value, method: &str, status: u16, url: &str) -> bool {
    let begins = exchange["url"].as_str().unwrap().starts_with(url);
    exchange["method"] == method && exchange["status"] == status && begins
}

const REGISTRY: &str = "https://demoregistry.azurecr.io/v2/";
const TOKENS: &str = "https://demoregistry.azurecr.io/oauth2/token?account=demo-user";
const BLOBS: &str = "https://demoblobs.blob.core.windows.net/";

#[test]
fn a_healthy_pull_is_seen_whole_and_found_normal_and_reaches_nobody_else() {
    let played = Played::new("healthy");
    let troubles: Vec<_> = played.of_type("finding").filter(|finding| finding["severity"] != "normal").collect();
    assert!(troubles.is_empty(), "{troubles:#?}");
    let asked = |method, status, url| played.of_type("exchange").filter(|one| has(one, method, status, url)).count();
    assert_eq!(asked("GET", 401, REGISTRY), 1);
    assert_eq!(asked("GET", 200, TOKENS), 1);
    assert_eq!(asked("HEAD", 200, REGISTRY), 1);
    assert_eq!(asked("GET", 200, REGISTRY), 2);
    assert_eq!((asked("GET", 307, REGISTRY), asked("GET", 200, BLOBS)), (4, 4));
    for exchange in played.of_type("exchange") {
        assert!(exchange["server_address"].as_str().unwrap().starts_with("127.0.0.1:"), "{exchange:#}");
        assert_eq!(exchange["parent_proxy"], Value::Null);
        assert_eq!(exchange["upstream_tls"]["verdict"], "trusted", "{exchange:#}");
    }
    let large = played.of_type("exchange").find(|exchange| exchange["response_bytes"] == 33_554_432).unwrap();
    // Where the machine is too busy to hash it along the way, it is not checked.
    if let Some(digest) = large["response_sha256"].as_str() {
        assert!(large["url"].as_str().unwrap().contains(digest), "{large:#}");
    }
}

#[test]
fn a_wrong_password_is_found_on_the_token_request() {
    Played::new("wrong-password").expect("auth.token-refused", "wrong-credentials", |at| has(at, "GET", 401, TOKENS));
}

#[test]
fn a_missing_permission_is_found_on_the_refused_manifest() {
    Played::new("no-permission").expect("auth.insufficient-scope", "pull-push-permissions", |at| {
        at["status"] == 401 && at["role"] == "manifest"
    });
}

#[test]
fn a_firewall_is_found_on_the_403() {
    Played::new("firewall").expect("acr.firewall-denied", "firewall-rule-delay", |at| at["status"] == 403);
}

#[test]
fn credentials_sent_along_a_redirect_are_found_on_the_answer_of_the_storage() {
    Played::new("redirect-credentials").expect("storage.credentials-forwarded", "rest-auth-format", |at| {
        let reason = at["reason"].as_str().unwrap();
        has(at, "GET", 400, BLOBS) && reason.starts_with("Authentication information is not given")
    });
}

#[test]
fn a_lock_is_found_on_the_405() {
    Played::new("locked")
        .expect("acr.disallowed-operation", "disallowed-operation", |at| has(at, "PUT", 405, REGISTRY));
}

#[test]
fn throttling_is_found_on_the_429() {
    Played::new("throttled").expect("throttle.registry", "throttled", |at| has(at, "GET", 429, REGISTRY));
}

#[test]
fn a_registry_that_does_not_answer_is_found_on_the_requests_without_an_answer() {
    Played::new("timeout").expect("client.timeout", "pull-client-timeout", |at| {
        at["url"] == REGISTRY && at["status"] == Value::Null && at["failure"]["kind"] == "gave-up"
    });
}

#[test]
fn a_client_that_does_not_trust_the_ca_is_found_on_its_connect() {
    Played::new("untrusted-ca").expect("tls.proxy-ca-untrusted", "proxy-ca-untrusted", |at| at["method"] == "CONNECT");
}

#[test]
fn the_story_is_told_in_the_users_language_around_what_docker_would_say() {
    let mut stories = Vec::new();
    for language in LANGUAGES {
        let folder = tempfile::tempdir().unwrap();
        let output = pulltap(folder.path(), &["demo", "firewall", "--lang", language]);
        assert!(output.status.success());
        let story = String::from_utf8(output.stdout).unwrap();
        for part in [
            "$ docker pull demoregistry.azurecr.io/samples/hello:v1\n",
            " 403     GET     https://demoregistry.azurecr.io/oauth2/token?",
            "  Error response from daemon: pull access denied for demoregistry.azurecr.io/samples/hello, ",
            "acr.firewall-denied; pulltap faq firewall-rule-delay]\n",
            "pulltap demo healthy | untrusted-ca | ",
            "pulltap run -- ",
        ] {
            assert_eq!(story.matches(part).count(), 1, "{part:?} in:\n{story}");
        }
        stories.push(story.lines().next().unwrap().to_owned());
    }
    stories.dedup();
    assert_eq!(stories.len(), LANGUAGES.len(), "{stories:?}");
}

#[test]
fn a_name_that_no_demo_has_is_answered_with_those_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let output = pulltap(folder.path(), &["demo", "fire"]);
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("firewall") && errors.contains("untrusted-ca"), "{errors}");
}
