//! `pulltap run`: the command has its streams, its signals and its exit status, and the report comes at the end.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// Runs a command by `pulltap run` with these options, in a folder of its own.
struct Run {
    folder: TempDir,
    options: Vec<&'static str>,
}

impl Run {
    fn new() -> Self {
        // As many a Windows user's folder.
        Self { folder: TempDir::with_prefix("given and family name").unwrap(), options: Vec::new() }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pulltap"));
        command.args(["run", "--lang", "en", "--data-dir"]).arg(self.folder.path()).args(&self.options);
        command.arg("--").args(words).env("NO_PROXY", "localhost,.azurecr.io").env_remove("PULLTAP_LOG");
        command
    }

    fn of(&self, words: &[&str]) -> Output {
        self.command(words).stdin(Stdio::null()).output().unwrap()
    }

    fn shell(&self, script: &str) -> Output {
        self.of(&["sh", "-c", script])
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_status_is_the_commands_or_the_one_that_a_shell_would_give() {
    let run = Run::new();
    for (script, status) in [("true", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137)] {
        let output = run.shell(script);
        assert_eq!(output.status.code(), Some(status), "{script}: {}", text(&output.stderr));
    }
    let none = run.of(&["no-such-command-anywhere"]);
    assert_eq!((none.status.code(), text(&none.stdout)), (Some(127), ""));
    assert!(text(&none.stderr).contains("no command `no-such-command-anywhere`"), "{}", text(&none.stderr));
    let missing = run.folder.path().join("missing").display().to_string();
    assert_eq!(run.of(&[&missing]).status.code(), Some(127));
    let folder = run.folder.path().display().to_string();
    assert_eq!(run.of(&[&folder]).status.code(), Some(126));
}

#[test]
fn the_streams_are_the_commands_own() {
    let run = Run::new();
    let mut command = run.command(&["sh", "-c", "cat; echo aside >&2"]);
    let mut running = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(b"one\0two\n").unwrap();
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"one\0two\n");
    let errors = text(&output.stderr);
    assert!(errors.starts_with("aside\npulltap: nothing came through the proxy."), "{errors}");
}

#[test]
fn no_session_is_left_behind_in_which_nothing_is_unless_it_was_asked_for() {
    let mut run = Run::new();
    let output = run.shell("true");
    assert!(text(&output.stderr).ends_with("so no session is kept.\n"), "{}", text(&output.stderr));
    std::fs::write(run.folder.path().join("there.har"), "mine").unwrap();
    run.options = vec!["--har", "there.har"];
    let output = run.command(&["true"]).current_dir(run.folder.path()).output().unwrap();
    assert_eq!(text(&output.stderr), "pulltap: there.har exists: choose another name\n");
    assert_eq!(std::fs::read_dir(run.folder.path().join("sessions")).unwrap().count(), 0);
    run.options = vec!["--session", "asked.pulltap", "--append"];
    for _ in 0..2 {
        let output = run.command(&["true"]).current_dir(run.folder.path()).output().unwrap();
        assert!(!text(&output.stderr).contains("no session is kept"), "{}", text(&output.stderr));
        assert!(run.folder.path().join("asked.pulltap").exists());
    }
}

#[test]
fn ctrl_c_is_left_to_the_command_and_sigterm_passed_on_to_it() {
    let run = Run::new();
    // What pulltap itself gets of a Ctrl-C, without the command's share.
    assert_eq!(run.shell("kill -INT $PPID; exit 3").status.code(), Some(3));
    let passed_on = run.shell("trap 'exit 9' TERM; kill -TERM $PPID; sleep 20 >/dev/null 2>&1 & wait $!");
    assert_eq!(passed_on.status.code(), Some(9), "{}", text(&passed_on.stderr));
}

#[test]
fn the_environment_leads_everything_but_this_machine_through_the_proxy_and_trusts_its_ca() {
    let run = Run::new();
    let output = run.shell(
        "echo $https_proxy $HTTP_PROXY; echo $NO_PROXY; cat $SSL_CERT_FILE; ls $NODE_EXTRA_CA_CERTS $CURL_CA_BUNDLE",
    );
    let printed = text(&output.stdout);
    let (proxies, rest) = printed.split_once('\n').unwrap();
    let (one, other) = proxies.split_once(' ').unwrap();
    assert!(one == other && one.starts_with("http://127.0.0.1:"), "{proxies}");
    let (exceptions, rest) = rest.split_once('\n').unwrap();
    assert_eq!(exceptions, "localhost");
    let ca = std::fs::read_to_string(run.folder.path().join("ca.crt")).unwrap();
    assert!(rest.contains(&ca), "{rest}");
    let bundle = Path::new(rest.lines().last().unwrap());
    assert!(bundle.is_absolute() && !bundle.exists(), "{}", bundle.display());
}

#[test]
fn what_went_wrong_is_said_at_the_end_with_what_to_do_and_where_it_is() {
    let mut run = Run::new();
    run.options = vec!["--resolve", "registry.test:443:127.0.0.1:1", "--upstream-proxy", "none"];
    let output = run.of(&["curl", "--silent", "https://registry.test/v2/"]);
    assert_eq!(output.status.code(), Some(56));
    let errors = text(&output.stderr);
    let (finding, rest) = errors.split_once("What to do:").unwrap();
    assert!(finding.starts_with("\nerror: registry.test"), "{errors}");
    let (_, rest) = rest.rsplit_once("pulltap report ").unwrap();
    let (session, rest) = rest.split_once('\n').unwrap();
    let typed = session.strip_prefix('"').and_then(|path| path.strip_suffix('"')).unwrap();
    assert!(Path::new(typed).is_file(), "{errors}");
    let command = format!("pulltap convert {session} trace.har\n");
    assert_eq!(rest, format!("To send it, make a HAR with passwords and tokens masked: {command}"));
}

/// A client that speaks TLS to the proxy itself, as `https://` in its address asks for.
#[test]
fn a_failure_without_a_finding_is_not_called_fine() {
    let run = Run::new();
    let output = run.shell("curl --silent --proxy https://${HTTPS_PROXY#http://} https://registry.test/v2/");
    assert_ne!(output.status.code(), Some(0));
    let errors = text(&output.stderr);
    let (failed, rest) = errors.split_once("\npulltap: ").unwrap();
    assert!(failed.contains(" · failed: TLS where a proxy request was expected: use http://"), "{errors}");
    assert!(rest.starts_with("requests failed, and no cause was found. exchanges: 1, failed: 1;"), "{errors}");
}

#[test]
fn the_file_to_send_is_named_and_whether_it_can_be() {
    for (option, words) in [
        ("--mask-names", "\n  This is the file to send: passwords, tokens and signatures are masked in it.\n"),
        ("--keep-secrets", "\n  NOTHING IS MASKED in it. Mask it before it is sent: pulltap convert "),
    ] {
        let mut run = Run::new();
        run.options = vec!["--resolve", "registry.test:443:127.0.0.1:1", "--upstream-proxy", "none"];
        run.options.extend(["--har", "a.har", option]);
        let mut command = run.command(&["curl", "--silent", "https://registry.test/v2/"]);
        let output = command.current_dir(&run.folder).output().unwrap();
        let (errors, har) = (text(&output.stderr), run.folder.path().join("a.har"));
        assert!(errors.contains(&format!("HAR: {}{words}", har.display())), "{errors}");
    }
}

#[test]
fn a_program_that_only_asks_a_daemon_is_told_apart_before_it_runs() {
    let run = Run::new();
    let docker = run.folder.path().join("docker");
    std::fs::write(&docker, "#!/bin/sh\necho asked >&2\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&docker, mode).unwrap();
    let output = run.of(&[&docker.display().to_string(), "pull", "x"]);
    let errors = text(&output.stderr);
    let (before, _) = errors.split_once("\nasked\n").unwrap_or_else(|| panic!("{errors}"));
    assert!(before.contains("pulltap setup docker"), "{errors}");
}
