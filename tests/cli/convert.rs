use super::{Desk, text};

const PASSWORD: &str = "auth.token-refused/fires.toml";

#[test]
fn a_capture_goes_through_every_form_and_stays_the_same() {
    let desk = Desk::new();
    let har = desk.har_of(PASSWORD);
    let [session, back] = ["a.pulltap", "b.har"].map(|name| desk.path(name));
    desk.ends(0, &["convert", text(&har), text(&session)]);
    desk.ends(0, &["convert", text(&session), text(&back)]);
    let [one, two, three] = [&har, &session, &back].map(|file| {
        let report = desk.ends(1, &["report", "--format", "json", text(file)]);
        let mut report: serde_json::Value = serde_json::from_str(&report).unwrap();
        report["source"].take();
        report
    });
    assert_eq!(one, two);
    assert_eq!(two, three);
}

#[test]
fn a_har_says_how_sure_its_findings_are_and_what_else_they_may_be() {
    let desk = Desk::new();
    let har = desk.har_of("acr.firewall-denied/fires.toml");
    let [once, again] = ["once.har", "again.har"].map(|name| desk.path(name));
    desk.ends(0, &["convert", text(&har), text(&once)]);
    desk.ends(0, &["convert", text(&once), text(&again)]);
    let [once, again] = [once, again].map(|file| {
        let har: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        har["log"]["_pulltap"]["findings"][0].clone()
    });
    assert_eq!(once, again);
    assert_eq!((&once["rule"], &once["sureness"]), (&"acr.firewall-denied".into(), &"likely".into()));
    let alternatives: Vec<_> = once["alternatives"].as_array().unwrap().iter().map(|other| &other["name"]).collect();
    assert_eq!(alternatives, ["rule-just-added", "public-access-off", "private-endpoint-missed"]);
    assert_eq!(once["alternatives"][1]["faq"], "public-access-disabled");
    assert!(once["alternatives"].as_array().unwrap().iter().all(|other| other["tell"] != ""));
}

#[test]
fn secrets_are_masked_unless_they_are_to_be_kept() {
    let desk = Desk::new();
    let har = desk.har_of(PASSWORD);
    let basic = |file: &std::path::Path| {
        let text = std::fs::read_to_string(file).unwrap();
        let at = text.find("Basic ").expect("credentials in the fixture");
        text[at..].split('"').next().unwrap().to_owned()
    };
    let [masked, kept] = ["masked.har", "kept.har"].map(|name| desk.path(name));
    let told = desk.ends(0, &["convert", text(&har), text(&masked)]);
    assert!(told.starts_with(&format!("HAR: {}\n  This is the file to send: ", masked.display())), "{told}");
    let told = desk.ends(0, &["convert", "--keep-secrets", text(&har), text(&kept)]);
    assert!(told.contains("NOTHING IS MASKED"), "{told}");
    assert_eq!(basic(&kept), basic(&har));
    assert_ne!(basic(&masked), basic(&har));
    assert!(std::fs::read_to_string(&kept).unwrap().contains("NOTHING IS MASKED"));
}

#[test]
fn nothing_is_overwritten_and_every_refusal_says_what_to_do() {
    let desk = Desk::new();
    let har = desk.har_of(PASSWORD);
    let there = desk.path("there.har");
    std::fs::write(&there, "mine").unwrap();
    desk.fails(&["convert", text(&har), text(&there)], "choose another name, or replace it with --force");
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "mine");
    desk.ends(0, &["convert", "--force", text(&har), text(&there)]);
    desk.fails(&["convert", text(&har), text(&desk.path("a.txt"))], "end it in .har or .pulltap");
    desk.fails(&["convert", text(&desk.path("none.har")), text(&desk.path("b.har"))], "none.har");
    assert!(!desk.path("b.har").exists() && !desk.path("b.har.partial").exists());
    let session = desk.path("a.pulltap");
    desk.ends(0, &["convert", text(&har), text(&session)]);
    let before = std::fs::read(&session).unwrap();
    desk.fails(&["convert", "--force", text(&session), text(&session)], "choose another name to write to");
    assert_eq!(std::fs::read(&session).unwrap(), before);
    let nowhere = desk.path("none");
    for name in ["c.har", "c.pulltap"] {
        let words = format!("{name} cannot be written: there is no folder {}\n", nowhere.display());
        desk.fails(&["convert", text(&har), text(&nowhere.join(name))], &words);
    }
}
