//! The real program in a real terminal, by tmux: keys in, screen out, and the terminal as it was afterwards.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::support::origin::{Origin, REGISTRY};
use crate::support::ran::{Ran, eventually};
use crate::support::tools;
use crate::support::world::{World, in_private_world};

/// Nothing on the screen takes so long.
const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn a_request_is_seen_and_read_and_the_terminal_is_given_back() {
    in_private_world(|world| {
        let origin = Origin::start(world);
        let terminal = Terminal::start(world);
        terminal.run_pulltap(&format!("--upstream-ca {}", origin.ca().display()));
        terminal.wait_for("Nothing has come through yet");
        let ca = world.path("pulltap/ca.crt");
        let url = format!("https://{REGISTRY}/v2/");
        let mut curl = world.client("curl");
        curl.args(["--silent", "--http1.1", "--output", "/dev/null", "--proxy", "http://127.0.0.1:8888", "--cacert"])
            .arg(ca)
            .arg(url);
        Ran::ok(&mut curl);
        terminal.wait_for("GET     401");
        terminal.keys(&["Enter", "3"]);
        terminal.wait_for("realm=\"https://auth.pulltap.test");
        terminal.keys(&["s", "C-u"]);
        terminal.type_text(world.path("tmp/saved.har").to_str().unwrap());
        terminal.keys(&["Enter"]);
        terminal.wait_for("Saved, passwords and tokens masked: ");
        let har = fs::read_to_string(world.path("tmp/saved.har")).unwrap();
        assert!(har.contains(REGISTRY), "{har}");
        terminal.keys(&["q"]);
        let screen = terminal.wait_for("status=0");
        assert!(
            screen.contains("Exchanges: 1, failed: 0.") && screen.contains("Open it again: pulltap open"),
            "{screen}"
        );
        assert!(screen.contains("tmp/saved.har\n  This is the file to send: "), "{screen}");
        terminal.expect_as_before();

        let session = fs::read_dir(world.path("pulltap/sessions")).unwrap().next().unwrap().unwrap().path();
        terminal.run(&format!("clear; {} open {}", env!("CARGO_BIN_EXE_pulltap"), session.display()));
        terminal.wait_for("GET     401");
        terminal.keys(&["C-c"]);
        terminal.wait_for("status=0");
        terminal.expect_as_before();
    });
}

#[test]
fn a_signal_gives_the_terminal_back() {
    in_private_world(|world| {
        let terminal = Terminal::start(world);
        for signal in ["TERM", "HUP", "INT"] {
            terminal.run_pulltap("");
            terminal.wait_for("Nothing has come through yet");
            let pid = fs::read_to_string(world.path("pid")).unwrap();
            Ran::ok(world.command("kill").args(["-s", signal, pid.trim()]));
            let screen = terminal.wait_for("status=0");
            assert!(screen.contains("so no session is kept"), "{signal}: {screen}");
            terminal.expect_as_before();
        }
    });
}

/// crossterm reads a terminal that is gone for ever: closing a window must not leave a program behind.
#[test]
fn a_terminal_that_goes_takes_the_program_along() {
    in_private_world(|world| {
        let terminal = Terminal::start(world);
        terminal.run_pulltap("");
        terminal.wait_for("Nothing has come through yet");
        let pid = fs::read_to_string(world.path("pid")).unwrap();
        terminal.tmux(&["kill-server"]);
        let process = PathBuf::from("/proc").join(pid.trim());
        eventually("the end of the program", LIMIT, || (!process.join("exe").exists()).then_some(()));
    });
}

#[test]
fn a_demo_is_played_on_the_screen_and_told_when_that_is_closed() {
    in_private_world(|world| {
        let terminal = Terminal::start(world);
        let data = world.path("pulltap");
        terminal.run(&format!("clear; {} demo firewall --data-dir {}", env!("CARGO_BIN_EXE_pulltap"), data.display()));
        terminal.wait_for("✖ The firewall of demoregistry.azurecr.io does not let 203.0.113.24 in");
        terminal.keys(&["q"]);
        let screen = terminal.wait_for("status=0");
        let docker = "Error response from daemon: pull access denied for demoregistry.azurecr.io/samples/hello";
        assert!(screen.contains(docker) && screen.contains("pulltap run -- COMMAND"), "{screen}");
        terminal.expect_as_before();
    });
}

#[test]
fn without_a_terminal_it_goes_on_headless_and_says_so() {
    in_private_world(|world| {
        let mut command = world.command("timeout");
        command
            .args(["--preserve-status", "2", env!("CARGO_BIN_EXE_pulltap"), "--data-dir"])
            .arg(world.path("pulltap"));
        let ran = Ran::new(&mut command);
        assert_eq!(ran.stderr, "pulltap: this is no terminal: going on as with --headless\n", "{ran}");
        assert!(ran.stdout.contains("listens on 127.0.0.1:8888") && !ran.stdout.contains('\u{1b}'), "{ran}");
    });
}

#[test]
fn a_terminal_of_lines_gets_lines() {
    in_private_world(|world| {
        let terminal = Terminal::start(world);
        let data = world.path("pulltap");
        let line = |arguments: &str| format!("TERM=dumb {} {arguments}", env!("CARGO_BIN_EXE_pulltap"));
        terminal.run(&format!("clear; {}", line(&format!("demo firewall --data-dir {}", data.display()))));
        let screen = terminal.wait_for("status=0");
        assert!(screen.contains("Other demos: "), "{screen}");
        let session = fs::read_dir(data.join("sessions")).unwrap().next().unwrap().unwrap().path();
        terminal.run(&format!("clear; {}", line(&format!("open {}", session.display()))));
        terminal.wait_for("this is no terminal; `pulltap report");
    });
}

/// A terminal with a shell in it.
struct Terminal<'test> {
    world: &'test World,
    socket: PathBuf,
    /// What the shell's terminal was like.
    settings: String,
}

impl<'test> Terminal<'test> {
    fn start(world: &'test World) -> Self {
        tools::require(&["tmux", "stty", "curl"]);
        let mut terminal = Self { world, socket: world.path("tmux"), settings: String::new() };
        terminal.tmux(&["new-session", "-d", "-s", "test", "-x", "100", "-y", "30", "sh"]);
        terminal.settings = terminal.stty("before");
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let mut command = self.world.command("tmux");
        command.env("PS1", "$ ").arg("-S").arg(&self.socket).args(["-f", "/dev/null"]).args(arguments);
        Ran::ok(&mut command)
    }

    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys", "-t", "test"], keys].concat());
    }

    fn type_text(&self, text: &str) {
        self.tmux(&["send-keys", "-t", "test", "-l", text]);
    }

    /// Runs a command in the shell, which tells its status afterwards.
    fn run(&self, command: &str) {
        // So spelt that the line itself is not taken for what it prints.
        self.type_text(&format!("{command}; echo sta''tus=$?"));
        self.keys(&["Enter"]);
    }

    fn run_pulltap(&self, options: &str) {
        let (pid, data) = (self.world.path("pid"), self.world.path("pulltap"));
        let program = env!("CARGO_BIN_EXE_pulltap");
        let script = format!("echo $$ >{}; exec {program} --data-dir {} {options}", pid.display(), data.display());
        self.run(&format!("clear; sh -c '{script}'"));
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-t", "test"])
    }

    #[track_caller]
    fn wait_for(&self, text: &str) -> String {
        let mut last = String::new();
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            eventually(text, LIMIT, || {
                last = self.screen();
                last.contains(text).then(|| last.clone())
            })
        }));
        found.unwrap_or_else(|_| panic!("{text:?} did not come; the screen:\n{}", self.screen()))
    }

    /// The settings of the shell's terminal.
    fn stty(&self, name: &str) -> String {
        let file = self.world.path(name);
        self.type_text(&format!("stty -a >{0}.part; mv {0}.part {0}", file.display()));
        self.keys(&["Enter"]);
        let settings = eventually("stty", LIMIT, || fs::read_to_string(&file).ok());
        fs::remove_file(file).unwrap();
        settings
    }

    /// The same settings, the usual screen and a cursor that is seen.
    #[track_caller]
    fn expect_as_before(&self) {
        assert_eq!(self.stty("after"), self.settings);
        let state = self.tmux(&["display-message", "-p", "-t", "test", "#{alternate_on} #{cursor_flag}"]);
        assert_eq!(state.trim(), "0 1", "alternate screen, cursor");
    }
}
