//! The gateway as a user runs it: the built binary with a configuration file, in a folder of its own.

use super::cloud::Cloud;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// A running gateway. It is ended when the value is dropped.
pub(crate) struct Gateway {
    child: Child,
    folder: tempfile::TempDir,
    pub(crate) proxy: String,
    pub(crate) admin: String,
}

/// The user that clients sign in as.
pub(crate) const USER: &str = "j.kowalska";
/// The user's token for the proxy, and its SHA-256 as it stands in the users file.
const TOKEN: &str = "loopback-only";
const TOKEN_SHA256: &str = "32917e59d4223f20752ec60b418e711679809cf565d24c835f5c4c01e623bb25";

/// Hosts that the tests send to; all of them lead to the fake cloud.
const HOSTS: &[&str] = &[
    "content.dropboxapi.com",
    "api.dropboxapi.com",
    "www.googleapis.com",
    "acme-my.sharepoint.com",
    "private-notes.s3.eu-central-1.amazonaws.com",
    "upload.box.com",
    "slack.com",
    "files.slack.com",
];

impl Gateway {
    /// Starts a gateway whose destinations are all played by `cloud`, and waits until it is ready.
    pub(crate) fn start(cloud: &Cloud) -> Self {
        Self::start_trusting(cloud, &cloud.authority_pem)
    }

    /// The same with another authority trusted than the cloud's own.
    pub(crate) fn start_trusting(cloud: &Cloud, authority_pem: &str) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        std::fs::write(folder.path().join("cloud-ca.pem"), authority_pem).expect("file");
        std::fs::write(folder.path().join("users"), format!("{USER}:{TOKEN_SHA256}\n")).expect("file");
        let overrides: String = HOSTS.iter().map(|host| format!("\"{host}:443\" = \"{}\"\n", cloud.address)).collect();
        let config = format!(
            "[listen]\nproxy = [\"127.0.0.1:0\"]\nadmin = \"127.0.0.1:0\"\n\n[state]\ndir = \"{state}\"\n\n[upstream]\nextra_roots = [\"{roots}\"]\n\n\
             [identity]\nusers = \"{users}\"\n\n[tenant.corporate]\nsharepoint = [\"acme\"]\n\n[resolver.override]\n{overrides}",
            users = folder.path().join("users").display(),
            state = folder.path().join("state").display(),
            roots = folder.path().join("cloud-ca.pem").display(),
        );
        std::fs::write(folder.path().join("gateway.toml"), config).expect("file");
        let child = Command::new(env!("CARGO_BIN_EXE_dlp-proxy"))
            .arg("--config")
            .arg(folder.path().join("gateway.toml"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("stderr")).expect("file"))
            .spawn()
            .expect("the gateway starts");
        let mut gateway = Self { child, folder, proxy: String::new(), admin: String::new() };
        gateway.wait_until_ready();
        gateway
    }

    fn wait_until_ready(&mut self) {
        for _ in 0..200 {
            let log = self.log();
            if let (Some(proxy), Some(admin)) = (announced(&log, "listens on"), announced(&log, "admin on")) {
                (self.proxy, self.admin) = (proxy, admin);
                return;
            }
            assert!(self.child.try_wait().expect("child").is_none(), "the gateway ended: {}", self.log());
            sleep(Duration::from_millis(50));
        }
        panic!("the gateway is not ready after ten seconds: {}", self.log());
    }

    /// The proxy with the user's credentials, as clients take it.
    pub(crate) fn proxy_url(&self) -> String {
        format!("http://{USER}:{TOKEN}@{}", self.proxy)
    }

    /// What the gateway has said.
    pub(crate) fn log(&self) -> String {
        let mut log = String::new();
        let file = std::fs::File::open(self.folder.path().join("stderr"));
        file.and_then(|mut file| file.read_to_string(&mut log)).expect("log");
        log
    }

    /// The certificate that clients have to trust.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("state/ca.pem")
    }

    /// A folder for files of the test.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The incident lines so far.
    pub(crate) fn incidents(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.folder.path().join("state/incidents.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("an incident is one JSON object")).collect()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address that the gateway says behind these words, once it has said all of the line.
fn announced(log: &str, words: &str) -> Option<String> {
    let line = log.split_inclusive('\n').find(|line| line.contains(words) && line.ends_with('\n'))?;
    let (_, address) = line.split_once("http://")?;
    address.split_whitespace().next().map(str::to_owned)
}
