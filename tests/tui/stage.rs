//! A screen without a terminal: keys and exchanges in, text out.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use jiff::tz::TimeZone;
use pulltap::diagnose::{Catalogue, Engine};
use pulltap::exchange::*;
use pulltap::index::Row;
use pulltap::language::Language;
use pulltap::language::screen::Words;
use pulltap::tui::app::{App, Source};
use pulltap::tui::draw::{self, Look};
use pulltap::tui::event::{Command, Event, Loaded, News, Told};
use pulltap::tui::theme::{Colours, Theme};
use pulltap::tui::update::Speaker;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_width::UnicodeWidthStr;

use crate::diagnose::fixture::{self, START};

/// A screen and what is behind it.
pub struct Stage {
    pub app: App,
    pub commands: Vec<Command>,
    look: Look,
    engine: Engine,
    exchanges: BTreeMap<ExchangeId, Arc<Exchange>>,
    terminal: Terminal<TestBackend>,
}

impl Stage {
    /// The screen of a capture that has seen nothing.
    pub fn new(language: Language, size: (u16, u16)) -> Self {
        let listening: Vec<SocketAddr> = vec!["127.0.0.1:8888".parse().unwrap()];
        let ca = "/home/me/.local/share/pulltap/ca.crt".into();
        let catalogue = Catalogue::built_in().with_entries(include_str!("../fixtures/tui/catalogue.toml")).unwrap();
        let catalogue = catalogue.with_alternatives(include_str!("../fixtures/tui/alternatives.toml")).unwrap();
        let source = Source::Live { listening, ca, har: "2026-01-15T12-00-00.har".to_owned() };
        Self {
            app: App::new(source, Moment::from_micros(START * 1_000_000)),
            commands: Vec::new(),
            look: Look {
                words: Words::of(language),
                speaker: Speaker { catalogue, language },
                zone: TimeZone::UTC,
                theme: Theme::new(Colours::On),
            },
            engine: Engine::new(),
            exchanges: BTreeMap::new(),
            terminal: Terminal::new(TestBackend::new(size.0, size.1)).unwrap(),
        }
    }

    /// The screen of a capture in which one pull went well and others did not.
    pub fn after_pulls(language: Language, size: (u16, u16)) -> Self {
        let mut stage = Self::new(language, size);
        stage.tell(healthy_pull());
        stage.tell(moved(fixture::read("acr.firewall-denied/fires.toml").exchanges(), 30, 60));
        stage.tell(moved(fixture::read("network.dns-failure/fires.toml").exchanges(), 40, 75));
        stage.rest();
        stage
    }

    /// Shows the screen these exchanges.
    pub fn tell(&mut self, exchanges: Vec<Exchange>) {
        for exchange in exchanges {
            self.engine.update(&exchange);
            let row = Row::of(&exchange, self.engine.context());
            let told = Told { row, notes: self.engine.meaning(&exchange), is_listed: exchange.is_listed() };
            let id = exchange.id;
            self.exchanges.insert(id, Arc::new(exchange));
            self.send(Event::News(News { told: [(id, told)].into(), ..News::default() }));
        }
    }

    /// Lets all pulls come to rest, so that findings come.
    pub fn rest(&mut self) {
        let findings = self.engine.finish();
        self.send(Event::News(News { findings, ..News::default() }));
    }

    /// Lets something happen; exchanges that the screen asks for are there at once.
    pub fn send(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for command in self.app.update(event, &self.look.speaker) {
                if let Command::Load(id) = command {
                    let loaded = Loaded { id, result: Ok(self.exchanges.get(&id).cloned()) };
                    events.push(Event::News(News { loaded: Some(loaded), ..News::default() }));
                }
                self.commands.push(command);
            }
        }
    }

    /// Presses keys: names such as `Enter`, or text that is typed.
    pub fn press(&mut self, keys: &[&str]) {
        for key in keys {
            let codes = match *key {
                "Enter" => vec![KeyCode::Enter],
                "Esc" => vec![KeyCode::Esc],
                "Tab" => vec![KeyCode::Tab],
                "Up" => vec![KeyCode::Up],
                "Down" => vec![KeyCode::Down],
                "Home" => vec![KeyCode::Home],
                "End" => vec![KeyCode::End],
                "PageDown" => vec![KeyCode::PageDown],
                "Backspace" => vec![KeyCode::Backspace],
                text => text.chars().map(KeyCode::Char).collect(),
            };
            for code in codes {
                self.send(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
                self.draw();
            }
        }
    }

    /// Draws a frame.
    pub fn draw(&mut self) {
        let Self { app, look, terminal, .. } = self;
        terminal
            .draw(|frame| {
                draw::prepare(app, look, frame.area());
                draw::draw(frame, app, look);
            })
            .unwrap();
    }

    /// What stands on the screen, line by line; every line has as many columns as the screen.
    pub fn screen(&mut self) -> String {
        // On an empty terminal: a real one clears both columns of a wide character, the one of tests does not.
        self.terminal.clear().unwrap();
        self.draw();
        let buffer = self.terminal.backend().buffer();
        let mut lines = Vec::new();
        for row in buffer.content().chunks(usize::from(buffer.area.width)) {
            let mut line = String::new();
            let mut cells = row.iter();
            while let Some(cell) = cells.next() {
                let symbol = cell.symbol();
                assert!(!symbol.chars().any(char::is_control), "{symbol:?} gets to the terminal");
                line.push_str(symbol);
                for _ in 1..symbol.width() {
                    cells.next();
                }
            }
            assert_eq!(line.width(), row.len(), "{line}");
            lines.push(line.trim_end().to_owned());
        }
        lines.join("\n")
    }
}

/// A pull that went well, as docker does it.
pub fn healthy_pull() -> Vec<Exchange> {
    let mut exchanges = fixture::read("pulls/docker-login-pull.toml").exchanges();
    for exchange in &mut exchanges {
        add_connection(exchange);
    }
    exchanges
}

/// The exchanges with other numbers, some seconds later.
pub fn moved(mut exchanges: Vec<Exchange>, ids: u64, seconds: i64) -> Vec<Exchange> {
    let id = |id: ExchangeId| ExchangeId::new(id.number() + ids).unwrap();
    let later = |moment: &mut Moment| *moment = moment.plus_micros(seconds * 1_000_000);
    for exchange in &mut exchanges {
        exchange.id = id(exchange.id);
        exchange.connect = exchange.connect.map(id);
        let Timings { opened, request_head, request_end, first_byte, response_head, response_end, closed } =
            &mut exchange.timings;
        later(opened);
        for moment in [request_head, request_end, first_byte, response_head, response_end, closed] {
            moment.iter_mut().for_each(later);
        }
        exchange.failure.iter_mut().for_each(|failure| later(&mut failure.at));
    }
    exchanges
}

/// What a real capture knows of the connection: addresses, times, both handshakes, a certificate.
fn add_connection(exchange: &mut Exchange) {
    let opened = exchange.timings.opened;
    let at = |millis: i64| opened.plus_micros(millis * 1000);
    let address = "192.0.2.80:443".parse().unwrap();
    exchange.timings.request_end = Some(at(1));
    exchange.timings.first_byte = exchange.timings.response_head.map(|_| at(31));
    exchange.upstream = Some(Arc::new(Upstream {
        addresses: vec![address],
        address: Some(address),
        resolve_start: Some(at(-60)),
        resolve_end: Some(at(-52)),
        connect_start: Some(at(-52)),
        connect_end: Some(at(-36)),
        ..Upstream::default()
    }));
    let facts = |from: i64, to: i64, chain: Vec<Vec<u8>>| {
        let mut facts = TlsFacts::starting(at(from), &exchange.target.host);
        facts.end = Some(at(to));
        facts.version = Some(0x304);
        facts.suite = Some(0x1301);
        facts.group = Some(0x1d);
        facts.alpn = Some(b"http/1.1".to_vec());
        facts.chain = chain;
        facts.verdict = Verdict::Trusted;
        facts.hello = Some(ClientHello {
            versions: vec![0x304, 0x303],
            alpn: vec![b"http/1.1".to_vec()],
            sni: Some(exchange.target.host.clone()),
            ..ClientHello::default()
        });
        Some(Arc::new(facts))
    };
    let certificate = rcgen::generate_simple_self_signed(vec![exchange.target.host.clone()]).unwrap().cert;
    exchange.upstream_tls = facts(-36, -14, vec![certificate.der().to_vec()]);
    exchange.client_tls = facts(-12, -2, Vec::new());
}

/// An exchange in which a server tries what it can against a terminal.
pub fn hostile() -> Exchange {
    let mut exchange = moved(fixture::read("blob.unknown/fires.toml").exchanges(), 60, 90).remove(0);
    let evil = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}\u{200b}\u{9b}31m\r\n\u{8}";
    exchange.target = Target::https(&format!("evil{evil}.test"), 443);
    let mut request = RequestHead::new(&format!("GET{evil}"), &format!("/v2/app{evil}/manifests/v1{evil}"));
    request.headers.push(&format!("X-{evil}"), format!("value {evil}").as_bytes());
    exchange.request = Some(request);
    let mut response = ResponseHead::new(500, &format!("Broken {evil}"));
    response.headers.push("Content-Type", format!("application/json{evil}").as_bytes());
    exchange.response = Some(response);
    let body = format!("{{\"errors\":[{{\"code\":\"UNKNOWN{evil}\",\"message\":\"日本{evil}語\"}}]}}\n{evil}");
    exchange.response_body.length = body.len() as u64;
    exchange.response_body.bytes = body.into_bytes();
    exchange
}
