//! What keys and news do to the screen's state.

use std::time::Instant;

use pulltap::exchange::{Exchange, ExchangeId, Moment, Origin, RequestHead, Target};
use pulltap::index::Row;
use pulltap::language::Language;
use pulltap::registry::Context;
use pulltap::tui::app::{Focus, Held, Pane};
use pulltap::tui::event::{Command, Event, Loaded, News, Saved, Told};

use super::stage::{Stage, healthy_pull, hostile, moved};
use crate::diagnose::fixture;

const SIZE: (u16, u16) = (80, 24);

fn id(number: u64) -> ExchangeId {
    ExchangeId::new(number).unwrap()
}

#[test]
fn what_is_read_stays_while_more_comes() {
    let mut stage = Stage::new(Language::En, SIZE);
    stage.tell(healthy_pull());
    let last = stage.app.current();
    stage.press(&["Enter"]);
    stage.tell(vec![hostile()]);
    assert_eq!((stage.app.current(), stage.app.focus), (last, Focus::Detail));
    stage.press(&["Esc", "f"]);
    assert_eq!(stage.app.current(), Some(id(61)));
    stage.tell(moved(healthy_pull(), 100, 100));
    assert_eq!(stage.app.current().map(ExchangeId::number), last.map(|last| last.number() + 100));
}

#[test]
fn an_error_stands_under_the_header_until_it_was_read() {
    let mut stage = Stage::after_pulls(Language::En, SIZE);
    let banner = |stage: &mut Stage| stage.screen().lines().nth(1).unwrap_or_default().contains("Tab: why");
    assert!(banner(&mut stage));
    stage.press(&["Tab"]);
    stage.press(&["Tab"]);
    assert!(banner(&mut stage), "there are two errors");
    stage.press(&["Tab", "Tab"]);
    assert!(!banner(&mut stage));
}

#[test]
fn goes_from_an_exchange_to_what_was_found_and_back() {
    let mut stage = Stage::after_pulls(Language::En, SIZE);
    stage.press(&["Tab", "Down", "Tab"]);
    let about: Vec<_> = stage.app.findings.all().iter().map(|finding| finding.exchanges[0]).collect();
    assert_eq!((stage.app.pane, stage.app.list.selected()), (Pane::Exchanges, Some(about[1])));
    // Also where the filter hides it.
    stage.press(&["/", "nowhere", "Enter", "Tab", "Up", "Tab"]);
    assert_eq!(stage.app.list.selected(), Some(about[0]));
    assert!(stage.app.list.selected_at().is_some());
}

#[test]
fn a_filter_is_in_force_while_it_is_typed_and_gone_when_it_is_given_up() {
    let mut stage = Stage::after_pulls(Language::En, SIZE);
    let all = stage.app.list.len();
    stage.press(&["/", "role:token"]);
    let tokens = stage.app.list.len();
    assert!(tokens > 0 && tokens < all, "{tokens} of {all}");
    // What is no filter leaves the last one that was in force.
    stage.press(&[" status:2x"]);
    assert_eq!(stage.app.filter, "role:token status");
    stage.press(&["Enter"]);
    assert!(stage.app.prompt.is_some());
    stage.press(&["Esc"]);
    assert_eq!((stage.app.list.len(), stage.app.prompt.is_none()), (all, true));
    stage.press(&["/", "role:token", "Enter", "Esc"]);
    assert_eq!(stage.app.list.len(), all);
}

#[test]
fn keys_are_text_while_text_is_typed() {
    let mut stage = Stage::after_pulls(Language::En, SIZE);
    stage.press(&["/", "qsq?f"]);
    assert!(!stage.commands.contains(&Command::Quit));
    stage.press(&["Esc", "s", "Esc", "q"]);
    assert_eq!(stage.commands.last(), Some(&Command::Quit));
}

#[test]
fn the_help_is_read_to_its_end_and_back() {
    let mut stage = Stage::new(Language::En, (60, 15));
    stage.press(&["?", "End"]);
    assert!(stage.screen().contains("still running"), "{}", stage.screen());
    stage.press(&["Home"]);
    assert!(stage.screen().contains("Keys"), "{}", stage.screen());
    stage.press(&["Esc"]);
    assert!(stage.screen().contains("Nothing has come through yet"));
}

#[test]
fn one_har_is_saved_at_a_time() {
    let mut stage = Stage::after_pulls(Language::En, SIZE);
    stage.press(&["s"]);
    stage.press(&["Backspace"; 4]);
    stage.press(&["-b.har", "Enter"]);
    let name = "2026-01-15T12-00-00-b.har".to_owned();
    assert_eq!(stage.commands.last(), Some(&Command::Save(name.clone())));
    stage.press(&["s"]);
    assert!(stage.app.prompt.is_none());
    let saved = Some(Saved { path: name, is_masked: true, result: Ok(3) });
    stage.send(Event::News(News { saved, ..News::default() }));
    stage.press(&["s"]);
    assert!(stage.app.prompt.is_some());
}

#[test]
fn an_exchange_is_asked_for_until_it_is_there_and_again_when_it_changes() {
    let mut stage = Stage::new(Language::En, SIZE);
    let mut exchange = fixture::read("network.dns-failure/fires.toml").exchanges().remove(0);
    exchange.id = id(7);
    let told = |exchange: &Exchange| {
        let row = Row::of(exchange, &Context::new());
        let told = Told { row, notes: Vec::new(), is_listed: true };
        Event::News(News { told: [(id(7), told)].into(), ..News::default() })
    };
    let asked = |stage: &Stage| stage.commands.iter().filter(|command| **command == Command::Load(id(7))).count();
    stage.send(told(&exchange));
    assert_eq!(asked(&stage), 1);
    let later = |stage: &Stage, micros| Event::Tick(stage.app.now.plus_micros(micros));
    let tick = later(&stage, 1_000_000);
    stage.send(tick);
    assert_eq!(asked(&stage), 2);
    let loaded = Some(Loaded { id: id(7), result: Ok(Some(exchange.clone().into())) });
    stage.send(Event::News(News { loaded, ..News::default() }));
    assert!(matches!(stage.app.detail.exchange, Held::Exchange(_)));
    let tick = later(&stage, 1_000_000);
    stage.send(tick);
    assert_eq!(asked(&stage), 2);
    exchange.response_body.length = 99;
    stage.send(told(&exchange));
    assert_eq!(asked(&stage), 3);
}

/// What lists do not show any more (a tunnel that went well in the end) leaves it.
#[test]
fn a_tunnel_is_listed_only_while_it_hangs() {
    let mut stage = Stage::new(Language::En, SIZE);
    let target = Target::https("registry.test", 443);
    let mut connect = Exchange::new(id(1), Origin::Live, target, Moment::from_micros(fixture::START * 1_000_000));
    connect.request = Some(RequestHead::new("CONNECT", "registry.test:443"));
    let mut tell = |is_listed| {
        let row = Row::of(&connect, &Context::new());
        let told = Told { row, notes: Vec::new(), is_listed };
        stage.send(Event::News(News { told: [(id(1), told)].into(), ..News::default() }));
        stage.send(Event::Tick(Moment::from_micros((fixture::START + 12) * 1_000_000)));
        stage.screen()
    };
    let hanging = tell(true);
    assert!(hanging.contains("waits") && hanging.contains("12.00 s"), "{hanging}");
    let over = tell(false);
    assert!(!over.contains("registry.test"), "{over}");
}

#[test]
fn a_hundred_thousand_rows_take_no_longer_to_draw_than_a_hundred() {
    let fastest_frame = |rows: u64| {
        let mut stage = Stage::new(Language::En, SIZE);
        let mut news = News::default();
        for number in 1..=rows {
            let target = Target::https("registry.test", 443);
            let mut exchange = Exchange::new(id(number), Origin::Live, target, Moment::EPOCH);
            exchange.request = Some(RequestHead::new("GET", "/v2/team/app/manifests/v1"));
            let row = Row::of(&exchange, &Context::new());
            news.told.insert(id(number), Told { row, notes: Vec::new(), is_listed: true });
        }
        stage.send(Event::News(news));
        stage.press(&["Home", "PageDown"]);
        let frame = |stage: &mut Stage| {
            let before = Instant::now();
            stage.press(&["Down"]);
            before.elapsed()
        };
        (0..50).map(|_| frame(&mut stage)).min().unwrap()
    };
    let (few, many) = (fastest_frame(100), fastest_frame(100_000));
    assert!(many < few * 4, "{few:?} with a hundred rows, {many:?} with a hundred thousand");
}
