//! The program between scripted clients and servers: `pulltap --headless --json`, its lines, its end.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
#[cfg(unix)]
use std::process::{ExitStatus, Output};
#[cfg(unix)]
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;
#[cfg(unix)]
use std::time::Instant;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use tempfile::TempDir;

use super::PATIENCE;
use super::authority::Authority;
use super::client::{ClientTls, Response, tls_tunnel};
use super::origin::Origin;
use crate::support::lines::Lines;
#[cfg(unix)]
use crate::support::saved::Left;

/// The name of the server that every proxy under test can reach: by it a test sees that the proxy is still well.
pub const WELL: &str = "well.test";

/// Builds the command line of a proxy.
pub struct Setup {
    command: Command,
    folder: TempDir,
    well: Origin,
    appends: bool,
}

impl Setup {
    /// A proxy on a free port that trusts this authority upstream.
    pub fn trusting(authority: &Authority) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let roots = folder.path().join("upstream.pem");
        fs::write(&roots, authority.pem()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_pulltap"));
        command.args(["--headless", "--json", "--listen", "127.0.0.1:0", "--data-dir"]);
        command.arg(folder.path().join("data")).arg("--upstream-ca").arg(roots);
        command.arg("--har").arg(folder.path().join("capture.har"));
        for name in
            ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "NO_PROXY", "no_proxy"]
        {
            command.env_remove(name);
        }
        let well = Origin::healthy(authority, WELL);
        let address = well.address();
        Self { command, folder, well, appends: false }.resolving(WELL, 443, address)
    }

    /// Dials this address for that name and port.
    pub fn resolving(self, host: &str, port: u16, address: SocketAddr) -> Self {
        self.arg("--resolve").arg(&format!("{host}:{port}:{}:{}", bracketed(address), address.port()))
    }

    /// One more argument.
    pub fn arg(mut self, argument: &str) -> Self {
        self.appends |= argument == "--append";
        self.command.arg(argument);
        self
    }

    /// One more variable of its environment.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Its data directory.
    #[cfg(target_os = "linux")]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts it where it is expected to end by itself, and gives its status, stdout and stderr.
    #[cfg(unix)]
    #[track_caller]
    pub fn run_to_end(mut self) -> Output {
        let child = self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let id = child.id().to_string();
        let (ended, is_ended) = mpsc::channel();
        thread::spawn(move || ended.send(child.wait_with_output().unwrap()));
        is_ended.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            let _ = Command::new("kill").args(["-KILL", &id]).status();
            panic!("did not end by itself");
        })
    }

    /// Starts it, and waits until it listens.
    #[track_caller]
    pub fn start(mut self) -> Proxy {
        let mut child =
            self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (lines, reading) = Lines::of(child.stdout.take().unwrap());
        let errors = Arc::new(Mutex::new(String::new()));
        let mut stderr = child.stderr.take().unwrap();
        let error_text = Arc::clone(&errors);
        let readers = vec![
            reading,
            thread::spawn(move || {
                let _ = BufReader::new(&mut stderr).lines().map_while(Result::ok).try_for_each(|line| {
                    let mut text = error_text.lock().ok()?;
                    text.push_str(&line);
                    text.push('\n');
                    Some(())
                });
            }),
        ];
        let first = lines.wait(PATIENCE, |line| line["type"] == "listening");
        let Some(first) = first else {
            let _ = child.kill();
            panic!("does not listen; {lines:?}; stderr: {}", errors.lock().unwrap());
        };
        let address = first["address"].as_str().and_then(|text| text.parse().ok()).expect("an address");
        let ca = CertificateDer::from_pem_file(self.folder.path().join("data/ca.crt")).expect("ca.crt");
        Proxy {
            child,
            readers,
            lines,
            errors,
            address,
            ca,
            folder: self.folder,
            well: self.well,
            appends: self.appends,
        }
    }
}

/// A running proxy; killed when dropped before [`Proxy::conclude`].
pub struct Proxy {
    child: Child,
    readers: Vec<JoinHandle<()>>,
    lines: Lines,
    errors: Arc<Mutex<String>>,
    address: SocketAddr,
    ca: CertificateDer<'static>,
    folder: TempDir,
    well: Origin,
    appends: bool,
}

impl Proxy {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The root with which it signs.
    pub fn ca(&self) -> CertificateDer<'static> {
        self.ca.clone()
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A client's TLS for this name that trusts the proxy.
    pub fn client(&self, name: &str) -> ClientTls {
        ClientTls::new(name, &[self.ca()])
    }

    /// Waits for the exchange of this method and URL to be listed.
    #[track_caller]
    pub fn exchange(&self, method: &str, url: &str) -> Value {
        self.exchange_within(PATIENCE, method, url)
    }

    /// The same with another limit.
    #[track_caller]
    pub fn exchange_within(&self, limit: Duration, method: &str, url: &str) -> Value {
        let wanted = |line: &Value| line["type"] == "exchange" && line["method"] == method && line["url"] == url;
        let found = self.lines.wait(limit, wanted);
        found.unwrap_or_else(|| panic!("no {method} {url} was listed; {:?}; {}", self.lines, self.stderr()))
    }

    /// Waits for the exchange with this number to be listed.
    #[track_caller]
    pub fn exchange_numbered(&self, id: u64) -> Value {
        let found = self.lines.wait(PATIENCE, |line| line["type"] == "exchange" && line["id"] == id);
        found.unwrap_or_else(|| panic!("no exchange {id} was listed; {:?}; {}", self.lines, self.stderr()))
    }

    /// Waits for an exchange that failed at this stage.
    #[track_caller]
    pub fn failed_at(&self, stage: &str, limit: Duration) -> Value {
        let wanted = |line: &Value| line["type"] == "exchange" && line["failure"]["stage"] == stage;
        let found = self.lines.wait(limit, wanted);
        found.unwrap_or_else(|| panic!("nothing failed at {stage}; {:?}; {}", self.lines, self.stderr()))
    }

    /// Waits until the recorder is in trouble of this kind (or, with `None`, out of it), and gives the line.
    #[cfg(target_os = "linux")]
    #[track_caller]
    pub fn trouble(&self, kind: Option<&str>) -> Value {
        let wanted = |line: &Value| line["type"] == "trouble" && line["kind"].as_str() == kind;
        let found = self.lines.wait(PATIENCE, wanted);
        found.unwrap_or_else(|| panic!("no trouble of the kind {kind:?}; {:?}; {}", self.lines, self.stderr()))
    }

    /// What it printed on stderr so far.
    pub fn stderr(&self) -> String {
        self.errors.lock().unwrap().clone()
    }

    /// The descriptors that it has open.
    #[cfg(target_os = "linux")]
    pub fn open_descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// Waits until it has no more than this many descriptors open: connections that ended leave none behind.
    #[cfg(target_os = "linux")]
    #[track_caller]
    pub fn assert_closes_all_but(&self, descriptors: usize) {
        let start = Instant::now();
        while self.open_descriptors() > descriptors {
            assert!(start.elapsed() < PATIENCE, "{} are open, not {descriptors}", self.open_descriptors());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a healthy request through it and gets the answer.
    #[track_caller]
    pub fn assert_well(&self) {
        let mut wire = tls_tunnel(self.address, &format!("{WELL}:443"), &self.client(WELL));
        wire.send(format!("GET /well HTTP/1.1\r\nHost: {WELL}\r\nConnection: close\r\n\r\n"));
        let response = Response::receive(&mut wire);
        assert_eq!((response.status_line(), response.body.as_str()), ("HTTP/1.1 200 OK", "fine"));
        wire.conclude();
        assert!(self.well.accepted() > 0, "the healthy server was asked");
    }

    /// Holds that it is still well, stops it, and gives all that it printed.
    #[track_caller]
    pub fn conclude(self) -> Vec<Value> {
        self.assert_well();
        self.stop()
    }

    #[cfg(unix)]
    #[track_caller]
    fn stop(self) -> Vec<Value> {
        self.signal("TERM");
        self.ends_well_within(PATIENCE)
    }

    /// Windows has no signal that a test could send to one process alone: kills it once it has listed the last request.
    #[cfg(not(unix))]
    #[track_caller]
    fn stop(mut self) -> Vec<Value> {
        self.exchange("GET", &format!("https://{WELL}/well"));
        self.child.kill().unwrap();
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        assert!(!self.stderr().contains("panicked"), "{}", self.stderr());
        self.lines.all()
    }

    /// Waits for its end, which must be a good one, and gives all that it printed, which is held against what it left.
    #[cfg(unix)]
    #[track_caller]
    pub fn ends_well_within(mut self, limit: Duration) -> Vec<Value> {
        let printed = self.ends_within(limit);
        // A session that is continued has more in it, and one in trouble less.
        if !self.appends && !printed.iter().any(|line| line["type"] == "trouble") {
            let (har, data) = (self.folder.path().join("capture.har"), self.data());
            Left { lines: &printed, har: &har, data: &data }.assert_says_the_same_everywhere();
        }
        printed
    }

    /// Waits for its end, which must be a good one, and gives all that it printed.
    #[cfg(unix)]
    #[track_caller]
    pub fn ends_within(&mut self, limit: Duration) -> Vec<Value> {
        let status = self.wait(limit);
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        let errors = self.stderr();
        assert!(status.success(), "ended with {status}; {errors}");
        assert!(!errors.contains("panicked"), "{errors}");
        let printed = self.lines.all();
        assert!(printed.iter().any(|line| line["type"] == "summary"), "no summary; {:?}", self.lines);
        printed
    }

    /// Sends a signal by its short name.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    /// Ends it without letting it do anything more, as `kill -9` does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the process to end.
    #[cfg(unix)]
    #[track_caller]
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < limit, "still running after {limit:?}; {}", self.stderr());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn bracketed(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}
