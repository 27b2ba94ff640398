//! What the screens say, in every language and on a small and a large terminal.

use pulltap::language::Language;
use pulltap::store::{Health, Trouble, TroubleKind};
use pulltap::tui::app::{App, Source, Tab};
use pulltap::tui::event::{Event, News, Saved};

use super::stage::{Stage, healthy_pull, hostile};

const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (140, 45);

/// Screens one under the other, each with its name.
fn album(screens: Vec<(&str, String)>) -> String {
    let pages = screens.into_iter().map(|(name, screen)| format!("=== {name}\n{screen}\n"));
    pages.collect()
}

#[test]
fn the_way_from_nothing_to_a_cause_and_its_cure_in_every_language() {
    for language in Language::ALL {
        for size in [SMALL, LARGE] {
            let nothing = Stage::new(language, size).screen();
            let mut stage = Stage::after_pulls(language, size);
            let list = stage.screen();
            stage.press(&["Tab"]);
            let findings = stage.screen();
            stage.press(&["Enter"]);
            let cause = stage.screen();
            stage.press(&["?"]);
            let help = stage.screen();
            let screens = [
                ("nothing yet", nothing),
                ("after some pulls", list),
                ("Tab", findings),
                ("Enter", cause),
                ("?", help),
            ];
            insta::assert_snapshot!(format!("{}-{}x{}", language.tag(), size.0, size.1), album(screens.into()));
        }
    }
}

#[test]
fn every_page_of_an_exchange() {
    let mut stage = Stage::after_pulls(Language::En, SMALL);
    stage.press(&["/", "role:token", "Enter", "End", "Enter"]);
    let pages = ["1", "2", "3", "4", "5"].map(|key| {
        stage.press(&[key]);
        (key, stage.screen())
    });
    insta::assert_snapshot!("pages", album(pages.into()));
}

#[test]
fn the_lines_that_are_typed_and_told() {
    let mut stage = Stage::after_pulls(Language::En, SMALL);
    let last = |stage: &mut Stage| stage.screen().lines().last().unwrap().to_owned();
    stage.press(&["/", "status:4xx repo:app"]);
    let mut lines = vec![("a filter", last(&mut stage))];
    stage.press(&[" is:bad"]);
    lines.push(("a filter with a fault", last(&mut stage)));
    stage.press(&["Enter", "Esc", "s"]);
    lines.push(("saving", last(&mut stage)));
    stage.press(&["Enter"]);
    lines.push(("saving still", last(&mut stage)));
    let path = "2026-01-15T12-00-00.har".to_owned();
    let full = || Err("the disk is \u{1b}[31mfull".to_owned());
    for (is_masked, result) in [(true, Ok(16)), (false, Ok(16)), (true, full())] {
        let saved = Some(Saved { path: path.clone(), is_masked, result });
        stage.send(Event::News(News { saved, ..News::default() }));
        lines.push(("saved", last(&mut stage)));
    }
    let trouble = Some(Trouble { kind: TroubleKind::DiskFull, message: "the disk is full".to_owned() });
    for health in [Health { trouble, lost: 3 }, Health { trouble: None, lost: 3 }] {
        stage.send(Event::News(News { health: Some(health), ..News::default() }));
        lines.push(("recording", stage.screen().lines().nth(1).unwrap().to_owned()));
    }
    insta::assert_snapshot!("lines", album(lines));
}

#[test]
fn a_narrow_list_says_what_was_asked_of_whom() {
    for (width, expected) in [(60, "myregistry…/app:v1"), (72, "myregistry.azurecr.io/app:v1")] {
        let mut stage = Stage::after_pulls(Language::En, (width, 15));
        stage.press(&["/", "role:manifest", "Enter"]);
        let screen = stage.screen();
        assert!(screen.contains(expected), "{screen}");
    }
}

#[test]
fn says_to_the_end_that_nothing_is_wrong() {
    for (is_file, words) in [(false, "after a pull has come to rest."), (true, "`pulltap report` lists it.")] {
        let mut stage = Stage::new(Language::En, SMALL);
        if is_file {
            let (name, har) = ("a.har".to_owned(), "a-pulltap.har".to_owned());
            stage.app = App::new(Source::File { name, har }, stage.app.now);
        }
        stage.tell(healthy_pull());
        stage.press(&["Tab"]);
        let told: Vec<_> = stage.screen().lines().skip(2).take(2).map(str::to_owned).collect();
        assert!(told.concat().contains(words), "{told:?}");
        assert_eq!(told.concat().contains("so far"), !is_file);
    }
}

/// The check that no control character gets to the terminal is in [`Stage::screen`].
#[test]
fn hostile_text_draws_nothing_dangerous() {
    for language in Language::ALL {
        let mut stage = Stage::after_pulls(language, SMALL);
        stage.tell(vec![hostile()]);
        stage.rest();
        stage.press(&["End"]);
        for _ in Tab::ALL {
            let screen = stage.screen();
            assert!(!screen.contains(['\u{202e}', '\u{200b}', '\u{9b}', '\u{1b}']), "{screen}");
            stage.press(&["Enter", "End", "Esc", "l"]);
        }
        stage.press(&["3", "Enter", "Home"]);
        let screen = stage.screen();
        assert!(screen.contains("\\u{1b}[2J") && screen.contains("\\u{202e}"), "{screen}");
    }
}

#[test]
fn no_terminal_is_too_small_to_draw() {
    for (width, height) in [(1, 1), (3, 2), (10, 4), (20, 6), (39, 9), (79, 12), (300, 100)] {
        for language in Language::ALL {
            Stage::new(language, (width, height)).screen();
            let mut stage = Stage::after_pulls(language, (width, height));
            for keys in [
                &["Tab"][..],
                &["Enter"],
                &["2", "3", "4", "5"],
                &["?"],
                &["Esc", "/", "日本語の長い文字列"],
                &["Esc", "s"],
            ] {
                stage.press(keys);
                stage.screen();
            }
        }
    }
}
