//! The program between real clients and a real registry, started and read as a user's script would.

use std::fmt;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::lines::Lines;
use super::ran::{Ran, eventually};
use super::saved::Left;
use super::token_server;
use super::world::World;

/// How long a line that must come may take; nothing of pulltap itself takes so long, but a debug build that masks
/// hundreds of megabytes of text.
const LIMIT: Duration = Duration::from_mins(1);

/// A running `pulltap --headless --json`, killed when dropped.
#[derive(Debug)]
pub struct Pulltap {
    process: Child,
    lines: Lines,
    address: String,
    data: PathBuf,
    har: PathBuf,
    log: PathBuf,
    tokens: PathBuf,
}

impl Pulltap {
    /// Starts it on a free port of 127.0.0.1, with `upstream_ca` trusted upstream.
    pub fn start(world: &World, upstream_ca: &Path) -> Self {
        Self::start_with(world, upstream_ca, &[])
    }

    /// The same with more options.
    pub fn start_with(world: &World, upstream_ca: &Path, options: &[String]) -> Self {
        let data = world.path("pulltap");
        let mut hars = (1..).map(|number| world.path(&format!("capture-{number}.har")));
        let har = hars.find(|har| !har.exists()).unwrap();
        let tokens = world.path("origin/tokens.crt");
        let log_path = world.path("logs").join("pulltap");
        let log = File::create(&log_path).unwrap();
        let mut process = world
            .command(env!("CARGO_BIN_EXE_pulltap"))
            .args(["--headless", "--json", "--listen", "127.0.0.1:0", "--upstream-ca"])
            .arg(upstream_ca)
            .arg("--data-dir")
            .arg(&data)
            .arg("--har")
            .arg(&har)
            .args(options)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let (lines, _) = Lines::of(process.stdout.take().unwrap());
        let mut pulltap = Self { process, lines, address: String::new(), data, har, log: log_path, tokens };
        let listening = pulltap.wait_for("listening", |line| line["type"] == "listening");
        pulltap.address = listening["address"].as_str().map(str::to_owned).unwrap();
        pulltap
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address.parse().unwrap()
    }

    /// The URL that clients get as their proxy.
    pub fn proxy(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The environment that sends a client through pulltap.
    pub fn environment(&self) -> [(&'static str, String); 2] {
        ["HTTPS_PROXY", "HTTP_PROXY"].map(|name| (name, self.proxy()))
    }

    /// The CA certificate that clients must trust.
    pub fn ca(&self) -> PathBuf {
        self.data.join("ca.crt")
    }

    /// The lines so far.
    pub fn lines(&self) -> Vec<Value> {
        self.lines.all()
    }

    /// The first line that is as wanted; a test that waits in vain fails with all lines that came.
    #[track_caller]
    pub fn wait_for(&self, what: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let found = self.lines.wait(LIMIT, is_wanted);
        found.unwrap_or_else(|| panic!("pulltap did not print its line: {what}\n{}", self.transcript()))
    }

    /// Ends the capture as Ctrl-C does; gives what was seen.
    #[track_caller]
    pub fn finish(mut self) -> Seen {
        Ran::ok(Command::new("kill").args(["-INT", &self.process.id().to_string()]));
        self.wait_for("summary", |line| line["type"] == "summary");
        let status = eventually("pulltap ends", LIMIT, || self.process.try_wait().unwrap());
        assert!(status.success(), "{status}\n{}", self.transcript());
        let lines = self.lines();
        let left = Left { lines: &lines, har: &self.har, data: &self.data };
        left.assert_says_the_same_everywhere();
        left.assert_holds_none_of(&token_server::secrets(&self.tokens), &self.log);
        Seen::new(lines)
    }

    /// The most memory that pulltap has used at once, in MiB.
    pub fn peak_memory(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    fn transcript(&self) -> String {
        transcript(&self.lines())
    }
}

impl Drop for Pulltap {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            println!("--- what pulltap printed\n{}", self.transcript());
        }
    }
}

/// Everything that a finished capture printed.
#[derive(Debug)]
pub struct Seen {
    lines: Vec<Value>,
    exchanges: Vec<Exchange>,
}

/// What the tests read of a line of the type `exchange`.
#[derive(Debug, Deserialize)]
pub struct Exchange {
    method: Option<String>,
    url: String,
    status: Option<u16>,
    failure: Option<Value>,
}

impl Seen {
    /// What a report by `pulltap report --format json` says that was seen.
    pub fn of_report(report: &Value) -> Self {
        let lines = ["exchange", "finding"].into_iter().flat_map(|kind| {
            let all = report[format!("{kind}s")].as_array().unwrap_or_else(|| panic!("no {kind}s in {report}"));
            all.iter().cloned().map(move |mut line| {
                line["type"] = kind.into();
                line
            })
        });
        Self::new(lines.collect())
    }

    fn new(lines: Vec<Value>) -> Self {
        let exchanges = lines
            .iter()
            .filter(|line| line["type"] == "exchange")
            .map(|line| Exchange::deserialize(line).unwrap_or_else(|error| panic!("{error} in {line}")))
            .collect();
        Self { lines, exchanges }
    }

    /// How many exchanges are as wanted.
    pub fn count(&self, is_wanted: impl Fn(&Exchange) -> bool) -> usize {
        self.exchanges.iter().filter(|exchange| is_wanted(exchange)).count()
    }

    /// Fails the test where the operations, each as `kind repository:reference outcome, layers`, are not these; or where
    /// one has other bytes than its exchanges.
    #[track_caller]
    pub fn expect_operations(&self, expected: &[&str]) {
        let of_type = |kind: &'static str| self.lines.iter().filter(move |line| line["type"] == kind);
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let told: Vec<_> = of_type("operation")
            .map(|line| {
                let subject = format!("{}:{}", text(&line["repository"]), text(&line["reference"]));
                format!("{} {subject} {}, {} layers", text(&line["kind"]), text(&line["outcome"]), line["layers"])
            })
            .collect();
        assert_eq!(told, expected, "{self}");
        for line in of_type("operation") {
            let ids = line["exchanges"].as_array().unwrap();
            let sum = |field: &str| {
                let own = of_type("exchange").filter(|exchange| ids.contains(&exchange["id"]));
                own.map(|exchange| exchange[field].as_u64().unwrap()).sum::<u64>()
            };
            let bytes = sum(if line["kind"] == "push" { "request_bytes" } else { "response_bytes" });
            assert_eq!(line["bytes"], bytes, "{line}");
        }
    }

    /// Fails the test where there is no exchange of this method, status and start of the URL.
    #[track_caller]
    pub fn expect(&self, method: &str, status: u16, url: &str) {
        let count = self.count(|exchange| exchange.is(method, status, url));
        assert!(count > 0, "pulltap saw no {method} {url} {status}:\n{self}");
    }

    /// Fails the test where a finding is worse than `normal`: a client that works gives no cause for alarm.
    #[track_caller]
    pub fn expect_no_trouble(&self) {
        let is_trouble = |line: &&Value| line["type"] == "finding" && line["severity"] != "normal";
        let trouble: Vec<_> = self.lines.iter().filter(is_trouble).collect();
        assert!(trouble.is_empty(), "{trouble:#?}\n{self}");
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&transcript(&self.lines))
    }
}

impl Exchange {
    /// Whether the network failed it.
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Whether this side failed it in this way.
    pub fn failed_as(&self, side: &str, kind: &str) -> bool {
        self.failure.as_ref().is_some_and(|failure| failure["side"] == side && failure["kind"] == kind)
    }

    /// Whether it has this method and status, and a URL that starts like this.
    pub fn is(&self, method: &str, status: u16, url: &str) -> bool {
        self.method.as_deref() == Some(method) && self.status == Some(status) && self.url.starts_with(url)
    }
}

fn transcript(lines: &[Value]) -> String {
    lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}
