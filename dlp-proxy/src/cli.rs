//! The command line of the gateway, shared by `dlp-proxy` and `dlp gateway run`.
//!
//! The log goes to standard error; the environment variable `DLP_LOG` chooses how much of it, for example `debug` or
//! `warn`. It names hosts, users' addresses and reasons, never bodies, queries or credentials.

use crate::config::Config;
use crate::gateway::{Gateway, Setup, StartError, check};
use crate::rules::Reloader;
use crate::sockets::{self, Sockets};
use dlp_core::content::RiskyParser;
use dlp_sandbox::{SandboxedParser, Tesseract};
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Usage or configuration error.
const EXIT_USAGE: u8 = 2;

/// Arguments of the gateway.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Configuration file; without one the defaults apply
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Check the configuration and everything it names, then exit
    #[arg(long)]
    pub check: bool,
    /// Address of the proxy, instead of listen.proxy; may be repeated
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Vec<SocketAddr>,
    /// Address of health, metrics, CA and PAC, instead of listen.admin
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub admin: Option<SocketAddr>,
    /// Directory for CA, spool and incidents, instead of state.dir
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
}

/// Runs the gateway until SIGTERM or Ctrl-C, reading its policies again at SIGHUP, or checks its configuration.
#[must_use]
pub fn run(args: Args) -> ExitCode {
    let is_check = args.check;
    let served = args.clone();
    match prepare(args).and_then(|setup| if is_check { check_only(&setup) } else { serve(setup, served) }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::from(EXIT_USAGE)
        }
    }
}

/// Reads the configuration and lays the arguments over it.
fn prepare(args: Args) -> Result<Setup, StartError> {
    let config = configured(args)?;
    let state_dir = config.state_dir(|name| std::env::var_os(name))?;
    let risky = sandbox(&config.inspection.ocr)?;
    Ok(Setup { config, state_dir, risky, sockets: Sockets::inherited()? })
}

fn configured(args: Args) -> Result<Config, StartError> {
    let mut config = match &args.config {
        Some(path) => Config::load(path)?,
        None => Config::default(),
    };
    if !args.listen.is_empty() {
        config.listen.proxy = args.listen;
    }
    config.listen.admin = args.admin.unwrap_or(config.listen.admin);
    config.state.dir = args.state_dir.or(config.state.dir);
    Ok(config)
}

/// Workers are this very program, see [`dlp_sandbox::run_worker_if_asked`].
fn sandbox(ocr: &[String]) -> Result<Option<Arc<dyn RiskyParser>>, StartError> {
    let parser = match SandboxedParser::current_exe() {
        Ok(parser) => parser,
        Err(error) => {
            say(&format!("warning: PDF documents are not read, because no worker can be started: {error}"));
            return Ok(None);
        }
    };
    if ocr.is_empty() {
        return Ok(Some(Arc::new(parser)));
    }
    let tesseract = Tesseract::find(std::env::var_os("PATH"), ocr)?;
    Ok(Some(Arc::new(parser.with_ocr(tesseract))))
}

fn check_only(setup: &Setup) -> Result<(), StartError> {
    for warning in check(&setup.config, &setup.state_dir)? {
        say(&format!("warning: {warning}"));
    }
    say("the configuration is valid");
    Ok(())
}

fn serve(setup: Setup, args: Args) -> Result<(), StartError> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("DLP_LOG").unwrap_or_else(|_| "info".into());
    // A subscriber may be there already when the gateway is a part of another program.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(std::io::stderr().is_terminal());
    let _ = log.with_writer(std::io::stderr).try_init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(StartError::Threads)?;
    runtime.block_on(async {
        // Before the first socket is there: whoever sees it may send the signal, which would end the process otherwise.
        let hangup = signal(SignalKind::hangup());
        let gateway = Gateway::bind(setup).await?;
        // Before anybody is told that there is something to stop.
        let signals = Signals::watched();
        announce(&gateway);
        sockets::notify("READY=1");
        let stop = CancellationToken::new();
        let reloading = tokio::spawn(reload_on_hangup(hangup, gateway.reloader(), args));
        tokio::select! {
            () = gateway.serve(stop.clone().cancelled_owned()) => {}
            () = watch_signals(signals, stop) => {}
        }
        reloading.abort();
        Ok(())
    })
}

/// What somebody in front of a terminal has to know.
fn announce(gateway: &Gateway) {
    let proxies: Vec<_> = gateway.proxy_addresses().iter().map(|address| format!("http://{address}")).collect();
    let (ca, admin) = (gateway.ca_path().display(), gateway.admin_address());
    let first = proxies.first().map_or("", String::as_str);
    say(&format!(
        "dlp-proxy listens on {}\nadmin on http://{admin} (/healthz /readyz /metrics /ca.pem /proxy.pac)\n\
         clients must trust the CA {ca}\ntry: curl --proxy {first} --cacert {ca} https://example.com/",
        proxies.join(", ")
    ));
}

/// Signals that ask the gateway to end. From here on they no longer kill it.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn watched() -> Option<Self> {
        let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
        let (Ok(terminate), Ok(interrupt)) = signals else { return None };
        Some(Self { terminate, interrupt })
    }
}

/// Reads what can be exchanged again at each SIGHUP. A mistake changes nothing.
async fn reload_on_hangup(hangup: io::Result<Signal>, reloader: Reloader, args: Args) {
    let Ok(mut hangup) = hangup else {
        return tracing::error!("SIGHUP cannot be received; policies are not read again");
    };
    while hangup.recv().await.is_some() {
        let (reloader, args) = (reloader.clone(), args.clone());
        let reloading =
            tokio::task::spawn_blocking(move || configured(args).and_then(|config| reloader.reload(&config)));
        match reloading.await {
            Ok(Ok(needs_restart)) => {
                say("policies, users, certificates, lists and indexes were read again");
                if needs_restart {
                    say("other keys have changed too; they take a restart");
                }
            }
            Ok(Err(error)) => say(&format!("error: nothing was changed: {error}")),
            Err(error) => tracing::error!(%error, "reading the policies again failed"),
        }
    }
}

/// Cancels `stop` at the first SIGTERM or Ctrl-C, and resolves at the second.
async fn watch_signals(signals: Option<Signals>, stop: CancellationToken) {
    let Some(mut signals) = signals else {
        tracing::error!("signals cannot be received; the gateway runs until it is killed");
        return std::future::pending().await;
    };
    for _ in 0..2 {
        tokio::select! {
            _ = signals.terminate.recv() => {}
            _ = signals.interrupt.recv() => {}
        }
        if !stop.is_cancelled() {
            sockets::notify("STOPPING=1");
            say("stopping; requests in flight may end, a second signal stops at once");
            stop.cancel();
        }
    }
}

/// Talk goes to standard error. Nobody listening is no reason to stop.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
