//! What the program says when it cannot start.
#![allow(clippy::unwrap_used)]

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

fn dlp_proxy(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dlp-proxy"));
    command.args(arguments).env_remove("STATE_DIRECTORY").env("XDG_STATE_HOME", dir).output().unwrap()
}

/// The program must fail with 2 and say all of these on standard error.
fn check(output: &Output, parts: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    for part in parts {
        assert!(text.contains(part), "expected {part:?} in: {text}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn a_port_in_use_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = dlp_proxy(dir.path(), &["--listen", &address, "--admin", "127.0.0.1:0"]);
    let line = format!("cannot listen on {address}: address in use; stop the other program or set listen.proxy");
    check(&output, &[&line]);
    let output = dlp_proxy(dir.path(), &["--listen", "127.0.0.1:0", "--admin", &address]);
    check(&output, &["set listen.admin"]);
}

#[test]
fn an_exposed_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    std::fs::write(dir.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    let path = dir.path().join("ca.key");
    std::fs::write(&path, key.serialize_pem()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let state = dir.path().display().to_string();
    for extra in [["--state-dir", &state, "--check"], ["--state-dir", &state, "--listen=127.0.0.1:0"]] {
        let output = dlp_proxy(dir.path(), &[&extra[..], &["--admin", "127.0.0.1:0"]].concat());
        check(&output, &["mode 0644, expected 0600", "chmod 600"]);
    }
}

#[test]
fn a_wrong_file_is_pointed_at() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("gateway.toml");
    let path = file.display().to_string();
    let rows: [(&str, &[&str]); 5] = [
        ("[listen]\nproxi = []\n", &["line 2, column 1", "^^^^^", "unknown field `proxi`"]),
        ("[inspection]\ngate_max = 5\n", &["line 2, column 12", "string"]),
        ("identity.users = \"users\"\n", &["identity.users: cannot read", "users"]),
        ("policy.files = [\"none.toml\"]\n", &["policy.files: cannot read", "none.toml"]),
        ("upstream.extra_roots = [\"gateway.toml\"]\n", &["upstream.extra_roots", "expected at least one"]),
    ];
    for (text, parts) in rows {
        std::fs::write(&file, text).unwrap();
        check(&dlp_proxy(dir.path(), &["--config", &path, "--check"]), parts);
    }
    check(&dlp_proxy(dir.path(), &["--config", "missing.toml"]), &["cannot read the configuration missing.toml"]);
}

#[test]
fn a_right_file_passes_the_check_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let root = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    std::fs::write(dir.path().join("root.pem"), params.self_signed(&root).unwrap().pem()).unwrap();
    let file = dir.path().join("gateway.toml");
    std::fs::write(&file, "upstream.use_system_roots = false\nupstream.extra_roots = [\"root.pem\"]\n").unwrap();
    let output = dlp_proxy(dir.path(), &["--config", &file.display().to_string(), "--check"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("the configuration is valid"), "{text}");
    assert!(!dir.path().join("dlp").exists(), "a check writes nothing");
}

#[test]
fn a_stop_signal_ends_the_program_in_order() {
    use std::io::{BufRead, BufReader};
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_dlp-proxy"))
        .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--state-dir"])
        .arg(dir.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let announced = lines.by_ref().take(4).map(Result::unwrap).collect::<Vec<_>>().join("\n");
    assert!(announced.contains("clients must trust the CA") && announced.contains("ca.pem"), "{announced}");
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(dir.path().join("ca.key").exists());
}

/// Does what a service manager does: it has the socket, and the program finds it. Says the port of the socket, and puts it
/// in the place of `PORT`.
const ACTIVATE: &str = "
import os, socket, sys
served = socket.socket()
served.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
served.bind(('127.0.0.1', 0))
served.listen()
port = str(served.getsockname()[1])
print(port, flush=True)
os.dup2(served.fileno(), 3)
os.set_inheritable(3, True)
os.environ |= {'LISTEN_PID': str(os.getpid()), 'LISTEN_FDS': '1'}
os.execv(sys.argv[1], [argument.replace('PORT', port) for argument in sys.argv[1:]])
";

fn activated(dir: &Path, listen: &str) -> Command {
    let mut command = Command::new("python3");
    command.args(["-c", ACTIVATE, env!("CARGO_BIN_EXE_dlp-proxy")]);
    command.args(["--admin", "127.0.0.1:0", "--listen", listen, "--state-dir"]).arg(dir);
    command
}

#[test]
fn sockets_of_a_service_manager_are_served() {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::os::unix::net::UnixDatagram;
    let dir = tempfile::tempdir().unwrap();
    let told = UnixDatagram::bind(dir.path().join("notify")).unwrap();
    told.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    let mut child = activated(dir.path(), "127.0.0.1:PORT")
        .env("NOTIFY_SOCKET", dir.path().join("notify"))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port: u16 = line.trim().parse().unwrap();
    let hear = || {
        let mut bytes = [0; 64];
        let count = told.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    };
    assert_eq!(hear(), "READY=1");
    let mut client = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(hear(), "STOPPING=1");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    // Nobody would serve it.
    let output = activated(dir.path(), "127.0.0.1:0").output().unwrap();
    let port = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    check(&output, &[&format!("a socket for 127.0.0.1:{port}, which no key of [listen] names")]);
}

#[test]
fn a_signal_to_read_again_does_not_end_a_gateway_that_has_just_begun() {
    use std::io::{BufRead, BufReader};
    let dir = tempfile::tempdir().unwrap();
    // Nothing else of the tests takes a port at this address.
    let address = TcpListener::bind("127.0.7.1:0").unwrap().local_addr().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_dlp-proxy"))
        .args(["--admin", "127.0.0.1:0", "--listen", &address.to_string(), "--state-dir"])
        .arg(dir.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id().to_string();
    let send = |signal: &str| Command::new("kill").arg(signal).arg(&id).status().unwrap();
    // As soon as there is a socket.
    let mut waits = 3000;
    while waits > 0 && std::net::TcpStream::connect(address).is_err() {
        std::thread::sleep(std::time::Duration::from_millis(5));
        waits -= 1;
    }
    assert!(waits > 0 && send("-HUP").success());
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.take_while(|line| !line.contains("were read again")).count() > 0);
    assert!(send("-TERM").success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
