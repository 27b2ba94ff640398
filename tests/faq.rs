//! `pulltap faq`: the explanations, offline, in every language.

use std::process::{Command, Output};

fn faq(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulltap"));
    command.env("LC_ALL", "C").arg("faq").args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn finds_by_status_and_by_error_code_and_shows_one_in_full() {
    let list = faq(&["403"]);
    assert!(list.status.success());
    assert!(text(&list).lines().any(|line| line.starts_with("firewall-rule-delay  ")), "{}", text(&list));
    let one = faq(&["AADSTS7000222"]);
    let one = text(&one);
    assert!(
        one.contains("[faq service-principal-expired]") && one.contains("    $ az ad sp credential reset"),
        "{one}"
    );
}

#[test]
fn speaks_the_language_that_is_asked_for() {
    for (language, word) in [("en", "firewall"), ("ja", "ファイアウォール"), ("zh-Hant", "防火牆")] {
        let output = faq(&["firewall-rule-delay", "--lang", language]);
        assert!(text(&output).lines().next().unwrap().contains(word), "{}", text(&output));
    }
    let unknown = faq(&["--lang", "xx"]);
    assert_eq!(unknown.status.code(), Some(3), "{}", String::from_utf8_lossy(&unknown.stderr));
}

#[test]
fn says_by_its_status_that_nothing_fits() {
    let output = faq(&["no-such-thing"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output).lines().count(), 1);
}
