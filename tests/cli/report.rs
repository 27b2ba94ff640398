use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use super::{Desk, text};

/// Holds a report against the schema that the program itself prints.
#[track_caller]
fn assert_valid(desk: &Desk, report: &str) -> Value {
    let schema: Value = serde_json::from_str(&desk.ends(0, &["report", "--schema"])).unwrap();
    let report: Value = serde_json::from_str(report).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    report
}

#[test]
fn every_fixture_gives_a_report_as_the_schema_says() {
    let desk = Desk::new();
    let rules: Vec<_> = pulltap::diagnose::rules::all().collect();
    let files: Vec<_> = rules.iter().map(|rule| desk.har_of(&format!("{}/fires.toml", rule.id))).collect();
    // All at once, for to start a program takes long on Windows.
    let report = |status, files: Vec<&PathBuf>| {
        let files = files.into_iter().map(|file| text(file));
        let arguments: Vec<_> = ["report", "--format", "json"].into_iter().chain(files).collect();
        assert_valid(&desk, &desk.ends(status, &arguments))
    };
    let all = report(1, files.iter().collect());
    let found = all["findings"].as_array().unwrap();
    // An exchange of several files is called 2:5.
    let file = |finding: &Value| -> usize {
        let exchange = finding["exchanges"][0].as_str().unwrap();
        exchange.split_once(':').unwrap().0.parse::<usize>().unwrap() - 1
    };
    for (at, rule) in rules.iter().enumerate() {
        let is_its_own = |finding: &Value| file(finding) == at && finding["rule"] == rule.id.as_str();
        assert!(found.iter().any(is_its_own), "{}", rule.id);
    }
    let erroneous: BTreeSet<_> = found.iter().filter(|finding| finding["severity"] == "error").map(file).collect();
    let is_erroneous = |at: &usize| erroneous.contains(at);
    assert!(erroneous.len() > 60 && !(0..files.len()).all(|at| is_erroneous(&at)));
    let others = files.iter().enumerate().filter(|(at, _)| !is_erroneous(at)).map(|(_, file)| file);
    assert!(!report(0, others.collect())["findings"].as_array().unwrap().is_empty());
}

#[test]
fn several_files_have_ids_that_say_in_which() {
    let desk = Desk::new();
    let files = ["pulls/docker-login-pull.toml", "auth.token-refused/fires.toml"].map(|fixture| desk.har_of(fixture));
    let report = desk.ends(1, &["report", "--format", "json", text(&files[0]), text(&files[1])]);
    let report = assert_valid(&desk, &report);
    let trouble = |finding: &&Value| finding["severity"] == "error";
    let finding = report["findings"].as_array().unwrap().iter().find(trouble).unwrap();
    let exchange = finding["evidence"][0]["exchange"].as_str().unwrap();
    assert!(exchange.starts_with("2:"), "{exchange}");
    assert!(report["exchanges"].as_array().unwrap().iter().any(|listed| listed["id"] == exchange));
}

#[test]
fn people_read_what_is_wrong_first_in_their_language() {
    let desk = Desk::new();
    let har = desk.har_of("auth.token-refused/fires.toml");
    for (language, words) in [("en", "What to do:"), ("ja", "対処方法:"), ("zh-Hant", "處理方式:")] {
        let report = desk.ends(1, &["report", "--lang", language, text(&har)]);
        let [todo, exchanges] =
            [words, "auth.token-refused; pulltap faq wrong-credentials"].map(|words| report.find(words));
        assert!(todo.is_some() && todo < exchanges, "{report}");
    }
    // As on Windows, where the shell hands a star over as it is.
    let all = desk.ends(1, &["report", text(&desk.path("*.HAR"))]);
    assert!(all.starts_with(text(&har)), "{all}");
    desk.fails(&["report", text(&desk.path("*.pulltap"))], "*.pulltap: there is no such file");
    let healthy = desk.ends(0, &["report", text(&desk.har_of("pulls/docker-login-pull.toml"))]);
    assert!(healthy.contains("Nothing wrong was found."), "{healthy}");
}

/// Browsers write an entry of status 0 where no answer came, and some do not say why.
#[test]
fn a_request_that_failed_is_told_though_nothing_says_why() {
    let desk = Desk::new();
    let har = desk.path("browser.har");
    let entry = |status: u16, date: &str| {
        format!(
            r#"{{"startedDateTime":"{date}","time":4,"request":{{"method":"GET","url":"https://registry.test/a","headers":[]}},
               "response":{{"status":{status},"headers":[],"content":{{"size":0}}}}}}"#
        )
    };
    let failed = [entry(200, "2026-01-15T12:00:00Z"), entry(0, "2026-01-18T16:30:00Z")].join(",");
    std::fs::write(&har, format!(r#"{{"log":{{"version":"1.2","entries":[{failed}]}}}}"#)).unwrap();
    let report = desk.ends(1, &["report", text(&har)]);
    assert!(report.contains("\n\nRequests that failed, of which no cause was found: 1\n"), "{report}");
    assert!(report.contains(", 3 d 04 h, ") && !report.contains("Nothing wrong"), "{report}");
    assert!(report.contains("  how connections failed ("), "{report}");
}

#[test]
fn the_tokens_of_a_capture_are_listed_by_the_number_that_stands_in_their_masks() {
    let desk = Desk::new();
    let har = desk.path("masked.har");
    desk.ends(0, &["convert", text(&desk.har_of("pulls/docker-login-pull.toml")), text(&har)]);
    let saved = std::fs::read_to_string(&har).unwrap();
    let report = assert_valid(&desk, &desk.ends(0, &["report", "--format", "json", text(&har)]));
    let tokens = report["tokens"].as_array().unwrap();
    assert!(!tokens.is_empty());
    for language in ["en", "ja", "zh-Hant"] {
        let report = desk.ends(0, &["report", "--lang", language, text(&har)]);
        for token in tokens {
            let fingerprint = token["fingerprint"].as_str().unwrap();
            assert!(saved.contains(&format!("pulltap-masked-signature-{fingerprint}")), "{fingerprint}");
            let line = report.lines().find(|line| line.contains(fingerprint)).unwrap_or_else(|| panic!("{report}"));
            assert!(line.contains(token["registry"].as_str().unwrap()), "{line}");
        }
        let place = |mark: &str| report.find(mark).unwrap_or_else(|| panic!("{mark} is not in {report}"));
        let first = tokens[0]["fingerprint"].as_str().unwrap();
        assert!(place(first) < place("GET     https://"), "the tokens stand before the exchanges");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_refused_with_a_way_out() {
    let desk = Desk::new();
    let file = desk.path("file");
    for (content, words) in [
        (&b"PK\x03\x04..............."[..], "a ZIP archive: unpack it"),
        (b"", "is empty"),
        (b"{\"log\":{\"entries\":[{\"request\":", "cut off"),
        (b"hello", "not a HAR"),
        (b"SQLite format 3\0....", "not all of one"),
    ] {
        std::fs::write(&file, content).unwrap();
        desk.fails(&["report", text(&file)], words);
    }
    desk.fails(&["report", text(&desk.path("none"))], "none: there is no such file\n");
    desk.fails(&["report", text(desk.0.path())], "is a folder: name the HAR or the session in it");
    let saz = desk.path("trace.saz");
    std::fs::write(&saz, b"PK\x03\x04").unwrap();
    desk.fails(&["report", text(&saz)], "a SAZ file, which pulltap does not read yet");
    assert_eq!(desk.pulltap(&["report"]).status.code(), Some(2));
}

#[test]
fn a_report_goes_into_a_new_file() {
    let desk = Desk::new();
    let har = desk.har_of("pulls/docker-login-pull.toml");
    let out = desk.path("report.txt");
    let arguments = ["report", text(&har), "--output", text(&out)];
    assert_eq!(desk.ends(0, &arguments), "");
    assert!(std::fs::read_to_string(&out).unwrap().contains("Nothing wrong"));
    desk.fails(&arguments, "--force");
    desk.ends(0, &[&arguments[..], &["--force"]].concat());
    let capture = std::fs::read(&har).unwrap();
    desk.fails(&["report", text(&har), "--force", "--output", text(&har)], "choose another name to write to");
    assert_eq!(std::fs::read(&har).unwrap(), capture);
}
