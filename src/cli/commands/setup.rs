//! `pulltap setup`: points container tools of this machine at the proxy, and back.

use std::fmt::Write as _;
use std::net::{TcpStream, ToSocketAddrs};
use std::process;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::ca::CertificateAuthority;
use crate::changes::{Foreign, Machine, Outcome};
use crate::cli::args::machine::{Setup as Args, Shell, Target};
use crate::cli::exit_status::ExitStatus;
use crate::cli::help_page::certificate;
use crate::cli::machine::{apply, ca_file, data_dir_of_user, described, done, print, program_data, undo, user_config};
use crate::cli::settings::language;
use crate::guide::{EXAMPLE_REGISTRY, Place, recipe, recipe_text};
use crate::setup::{EngineVersion, Facts, ShellKind, Tool, lines, propose, restart, undo_lines};

/// Says what would be done, does it, or takes it back.
///
/// # Errors
/// When the tool is not there, or files cannot be changed.
pub fn run(args: &Args) -> anyhow::Result<ExitStatus> {
    match args.target {
        Target::Docker => service(args, Tool::Docker),
        Target::Containerd => service(args, Tool::Containerd),
        Target::Podman => service(args, Tool::Podman),
        Target::Desktop => desktop(args),
        Target::Shell => shell(args),
    }
}

fn service(args: &Args, tool: Tool) -> anyhow::Result<ExitStatus> {
    let machine = Machine::new(&data_dir_of_user(&args.common)?, args.root.clone());
    let facts = facts(tool);
    if args.undo {
        let foreign = if args.force { Foreign::Replace } else { Foreign::Keep };
        let outcome = undo(&tool.plan_name(), &machine, foreign)?;
        print(&done(&outcome, "pulltap has set nothing up here, so there is nothing to take back."))?;
        if outcome == Outcome::Nothing {
            return Ok(ExitStatus::Fine);
        }
        return restarted(args, &restart(tool, &facts));
    }
    let name = tool.plan_name();
    if args.apply && machine.is_in_place(&name) {
        print(&format!("{name} is in place: put back first, and then done anew\n"))?;
        undo(&name, &machine, Foreign::Keep)?;
    }
    let proxy = format!("http://{}", args.proxy);
    let proposal = propose(tool, &proxy, &machine, &facts)?;
    let mut text = match &facts.engine {
        Some(engine) if tool == Tool::Docker => format!("Docker Engine {}:\n", engine.text),
        _ => format!("{}:\n", tool.name()),
    };
    for change in &proposal.plan.changes {
        text.push_str(&described(change, &machine));
    }
    if let Some(parent) = &proposal.parent {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "It has been using the proxy {parent}: start pulltap with --upstream-proxy {parent}, or it will not get out."
        );
    }
    print(&text)?;
    if args.apply {
        let outcome = apply(&proposal.plan, &machine)?;
        print(&done(&outcome, "  it says so already: left as it is"))?;
        if !answers(&args.proxy) {
            print(&format!("Nothing listens on {} now: start pulltap before you pull.\n", args.proxy))?;
        }
        return restarted(args, &proposal.restart);
    }
    let name = tool.name();
    if machine.is_in_place(&tool.plan_name()) {
        print(&format!("This is in place, by pulltap's doing. To take it back: pulltap setup {name} --undo\n"))?;
        return Ok(ExitStatus::Fine);
    }
    print(&announced(&proposal.restart))?;
    let sudo = if cfg!(windows) { "" } else { ", with sudo where the files are the system's" };
    print(&format!(
        "Nothing was changed. To do it{sudo}: pulltap setup {name} --apply\nTo take it back: pulltap setup {name} --undo\n"
    ))?;
    Ok(ExitStatus::Fine)
}

/// Which restart is needed, and how to do it.
fn announced(commands: &[&str]) -> String {
    if commands.is_empty() {
        return String::new();
    }
    let sudo = if cfg!(windows) { "" } else { "sudo " };
    let list: Vec<_> = commands.iter().map(|command| format!("  {sudo}{command}\n")).collect();
    format!(
        "It counts after a restart, which stops or interrupts what runs (--restart does it for you):\n{}",
        list.concat()
    )
}

/// Says which restart is needed, and does it if that was asked for.
fn restarted(args: &Args, commands: &[&str]) -> anyhow::Result<ExitStatus> {
    if !args.restart || args.root.is_some() {
        print(&announced(commands))?;
        return Ok(ExitStatus::Fine);
    }
    for command in commands {
        print(&format!("  running: {command}\n"))?;
        let mut words = command.split(' ');
        let program = words.next().unwrap_or_default();
        let status = process::Command::new(program).args(words).status().with_context(|| (*command).to_owned())?;
        if !status.success() {
            bail!("{command}: {status}");
        }
    }
    Ok(ExitStatus::Fine)
}

/// What can be found out about the tool.
fn facts(tool: Tool) -> Facts {
    let engine = match tool {
        Tool::Docker => output("dockerd", &["--version"]).and_then(|text| EngineVersion::read(&text)),
        Tool::Containerd | Tool::Podman => None,
    };
    let environment = match tool {
        Tool::Podman => None,
        Tool::Docker | Tool::Containerd => output("systemctl", &["show", tool.name(), "--property=Environment"]),
    };
    Facts {
        engine,
        environment: environment.unwrap_or_default(),
        user_config: user_config(),
        program_data: program_data(),
    }
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = process::Command::new(program).args(arguments).stdin(process::Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn answers(address: &str) -> bool {
    let addresses = address.to_socket_addrs().map(Iterator::collect::<Vec<_>>).unwrap_or_default();
    addresses.iter().any(|address| TcpStream::connect_timeout(address, Duration::from_secs(2)).is_ok())
}

/// Docker Desktop keeps its settings itself: only a person can change them safely.
fn desktop(args: &Args) -> anyhow::Result<ExitStatus> {
    if args.apply {
        bail!("Docker Desktop's settings can only be changed by hand: `pulltap setup desktop` says how");
    }
    let authority = CertificateAuthority::open_or_create(&data_dir_of_user(&args.common)?)?;
    let place = Place {
        address: args.proxy.clone(),
        registry: args.host.clone().unwrap_or_else(|| EXAMPLE_REGISTRY.to_owned()),
        certificate: certificate(&authority),
    };
    let ids: &[&str] = if cfg!(windows) {
        &["desktop-windows", "engine-windows", "wsl-windows"]
    } else if cfg!(target_os = "macos") {
        &["desktop-macos"]
    } else {
        &["desktop-windows", "desktop-macos"]
    };
    let language = language(&args.common)?;
    for recipe in ids.iter().filter_map(|id| recipe(id)) {
        print(&format!("{}\n", recipe_text(&recipe, &place, language)))?;
    }
    Ok(ExitStatus::Fine)
}

/// The lines for a shell: a program cannot change the shell that it was started from.
fn shell(args: &Args) -> anyhow::Result<ExitStatus> {
    if args.apply {
        bail!("a program cannot change the shell that started it; in bash: eval \"$(pulltap setup shell)\"");
    }
    let data_dir = data_dir_of_user(&args.common)?;
    CertificateAuthority::open_or_create(&data_dir)?;
    let kind = match args.shell {
        Some(Shell::Cmd) => ShellKind::Cmd,
        Some(Shell::Powershell) => ShellKind::PowerShell,
        None if cfg!(windows) => ShellKind::PowerShell,
        Some(Shell::Bash) | None => ShellKind::Bash,
    };
    let lines = if args.undo {
        undo_lines(kind)
    } else {
        lines(kind, &format!("http://{}", args.proxy), &std::path::absolute(ca_file(&data_dir))?)
    };
    print(&format!("{}\n{}\n", how_to_use(kind, args.undo), lines.join("\n")))?;
    Ok(ExitStatus::Fine)
}

/// A comment in the shell's own language, which says how the lines get into it.
fn how_to_use(kind: ShellKind, is_undone: bool) -> String {
    let undo = if is_undone { " --undo" } else { "" };
    match kind {
        ShellKind::Bash => format!("# eval \"$(pulltap setup shell{undo})\""),
        ShellKind::Cmd => "rem copy these lines into the window".to_owned(),
        ShellKind::PowerShell => format!("# pulltap setup shell{undo} | Out-String | Invoke-Expression"),
    }
}
