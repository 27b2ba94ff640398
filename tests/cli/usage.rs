use super::*;

#[test]
fn a_file_in_the_place_of_a_command_is_told_from_a_slip() {
    let desk = Desk::new();
    let har = desk.path("my trace.har");
    std::fs::write(&har, "").unwrap();
    let usage = |arguments: &[&str]| {
        let output = desk.pulltap(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let told = usage(&[text(&har)]);
    assert!(told.ends_with(&format!("pulltap open \"{}\" shows what is in it\n", har.display())), "{told}");
    let told = usage(&["opne"]);
    assert!(told.contains("'open'") && !told.contains("shows what is in it"), "{told}");
    let told = usage(&["report", text(&har), "--json"]);
    assert!(told.ends_with("pulltap: a report for programs is asked for by --format json\n"), "{told}");
}

#[test]
fn help_is_a_command_too() {
    let desk = Desk::new();
    assert!(desk.ends(0, &["help", "report"]).contains("--schema"));
}
