//! What every capture leaves: a session, a HAR and what was printed. They say the same, and no secret is in any of them.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use serde_json::Value;

/// What a finished capture left.
pub struct Left<'a> {
    /// Everything printed with `--headless --json`.
    pub lines: &'a [Value],
    /// The HAR that was asked for.
    pub har: &'a Path,
    /// The data directory.
    pub data: &'a Path,
}

impl Left<'_> {
    /// Holds the session, the HAR, a session made of the HAR and the printed lines against each other.
    #[track_caller]
    pub fn assert_says_the_same_everywhere(&self) {
        let Some(session) = self.session() else { return };
        let from_session = self.report(session);
        let from_har = self.report(self.har);
        assert_same("the HAR and the session", &from_har, &from_session);
        let converted = self.har.with_extension("pulltap");
        let output = Command::new(env!("CARGO_BIN_EXE_pulltap"))
            .args(["convert", "--force", "--data-dir"])
            .args([self.data, self.har, &converted])
            .output()
            .unwrap();
        assert!(output.status.success(), "convert: {}", String::from_utf8_lossy(&output.stderr));
        assert_same("a session made of the HAR and the session", &self.report(&converted), &from_session);
        self.assert_as_printed(&from_session);
    }

    /// The session; a capture in which nothing happened leaves none behind.
    #[track_caller]
    fn session(&self) -> Option<&Path> {
        let summary = self.lines.iter().rfind(|line| line["type"] == "summary").expect("a summary");
        if let Some(session) = summary["session"].as_str() {
            return Some(Path::new(session));
        }
        let happened = self.lines.iter().find(|line| matches!(line["type"].as_str(), Some("exchange" | "finding")));
        assert_eq!((summary, happened), (summary, None), "a session");
        None
    }

    /// Looks for these secrets, plain and in base64, in everything that the capture left and said.
    #[track_caller]
    pub fn assert_holds_none_of(&self, secrets: &[String], log: &Path) {
        let saved = self.session().unwrap_or(self.har);
        let printed = self.lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        let mut artefacts = vec![("what was printed".to_owned(), printed.into_bytes())];
        for file in [saved, self.har, log] {
            artefacts.push((file.display().to_string(), std::fs::read(file).unwrap()));
        }
        for format in ["text", "json"] {
            let report = Command::new(env!("CARGO_BIN_EXE_pulltap"))
                .args(["report", "--all", "--format", format, "--data-dir"])
                .args([self.data, saved])
                .output()
                .unwrap();
            artefacts.push((format!("the report as {format}"), report.stdout));
        }
        assert!(!secrets.is_empty());
        for needle in secrets.iter().flat_map(|secret| needles(secret)) {
            for (name, bytes) in &artefacts {
                assert!(
                    memchr::memmem::find(bytes, &needle).is_none(),
                    "{:?} in {name}",
                    String::from_utf8_lossy(&needle)
                );
            }
        }
    }

    /// What was printed as it happened ends in what is found in the saved capture.
    #[track_caller]
    fn assert_as_printed(&self, report: &Value) {
        let mut printed: Vec<(&str, &Value)> = Vec::new();
        for line in self.lines {
            match line["type"].as_str() {
                Some("finding") => printed.push((line["id"].as_str().unwrap(), &line["rule"])),
                Some("retracted") => printed.retain(|(id, _)| *id != line["id"].as_str().unwrap()),
                _ => {}
            }
        }
        printed.sort_by_key(|(id, _)| *id);
        let findings = report["findings"].as_array().unwrap().iter();
        let trouble = findings.filter(|finding| finding["severity"] != "normal");
        let mut found: Vec<_> = trouble.map(|finding| (finding["id"].as_str().unwrap(), &finding["rule"])).collect();
        found.sort_by_key(|(id, _)| *id);
        assert_eq!(printed, found, "what was printed, and what the report finds");
        for line in self.lines.iter().filter(|line| line["type"] == "exchange") {
            let exchanges = report["exchanges"].as_array().unwrap();
            let saved = exchanges.iter().find(|exchange| exchange["id"] == line["id"]);
            let saved = saved.unwrap_or_else(|| panic!("printed and not saved: {line}"));
            for field in ["method", "url", "status", "failure", "response_bytes", "response_sha256", "client_tls"] {
                assert_eq!(saved[field], line[field], "{field} of {line}");
            }
        }
    }

    #[track_caller]
    fn report(&self, file: &Path) -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_pulltap"))
            .args(["report", "--format", "json", "--lang", "en", "--data-dir"])
            .args([self.data, file])
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 1)), "report {}: {errors}", file.display());
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// Parts of a secret, plain and in base64, that are long enough to be no accident.
fn needles(secret: &str) -> Vec<Vec<u8>> {
    const PART: usize = 12;
    let forms = (0..3).map(|shift| {
        let shifted = [&b"xxx"[..shift], secret.as_bytes()].concat();
        // The first and the last letters also hold bits of what stands around.
        let encoded = BASE64_STANDARD_NO_PAD.encode(shifted);
        encoded.as_bytes()[4.min(encoded.len())..encoded.len().saturating_sub(2)].to_vec()
    });
    let forms = forms.chain([secret.as_bytes().to_vec()]);
    forms.flat_map(|form| form.windows(PART).step_by(4).map(<[u8]>::to_vec).collect::<Vec<_>>()).collect()
}

#[track_caller]
fn assert_same(what: &str, one: &Value, other: &Value) {
    for part in ["exchanges", "findings", "not_checked", "operations"] {
        let all = |report: &Value| -> Vec<String> {
            report[part].as_array().unwrap().iter().map(|object| format!("{object:#}")).collect()
        };
        let (one, other) = (all(one), all(other));
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        for (one, other) in one.iter().zip(&other) {
            let (one, other) = (lines(one), lines(other));
            let differ: Vec<_> = one.iter().zip(&other).filter(|(one, other)| one != other).collect();
            assert!(one == other, "{what}: {part}: {differ:#?} in {one:#?}");
        }
        assert_eq!(one.len(), other.len(), "{what}: how many {part}");
    }
}
