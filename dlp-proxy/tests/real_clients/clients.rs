//! The clients that people use, driven from outside, each trusting the gateway's certificate.

use super::gateway::Gateway;
use http::Version;
use std::path::Path;
use std::process::{Command, Output};

/// What a client said when it was done.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) is_success: bool,
    /// Standard output and error together.
    pub(crate) text: String,
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        let text = [output.stdout, output.stderr].concat();
        Self { is_success: output.status.success(), text: String::from_utf8_lossy(&text).into_owned() }
    }
}

/// A way to upload one file through the gateway.
pub(crate) struct Client {
    pub(crate) name: &'static str,
    pub(crate) upload: fn(&Gateway, &Path) -> Option<Answer>,
    /// The version of HTTP that has to be spoken, where the client was told.
    pub(crate) version: Option<Version>,
    /// Whether calls without the content go ahead of it.
    pub(crate) asks_first: bool,
}

const fn client(name: &'static str, upload: fn(&Gateway, &Path) -> Option<Answer>) -> Client {
    Client { name, upload, version: None, asks_first: false }
}

/// Every client. Each uploads the file to storage that the gateway takes for personal.
pub(crate) const CLIENTS: &[Client] = &[
    Client { version: Some(Version::HTTP_11), ..client("curl over HTTP/1.1", |g, f| curl_dropbox(g, f, "--http1.1")) },
    Client { version: Some(Version::HTTP_2), ..client("curl over HTTP/2", |g, f| curl_dropbox(g, f, "--http2")) },
    client("curl form to Box", curl_box_form),
    client("curl chunked to Google Drive", curl_drive_chunked),
    client("rclone to S3", rclone_s3),
    client("Dropbox SDK", dropbox_sdk),
    Client { asks_first: true, ..client("Dropbox SDK, session", dropbox_session) },
    client("boto3 to S3", boto3_s3),
    Client { asks_first: true, ..client("boto3 to S3, in parts", boto3_parts) },
    client("Google client", google),
    Client { asks_first: true, ..client("Google client, resumable", google_resumable) },
    Client { asks_first: true, ..client("Slack SDK", slack_sdk) },
];

/// Runs a client, or says that it is missing. With `DLP_REQUIRE_CLIENTS` set, a missing client fails the test.
fn run(command: &mut Command, gateway: &Gateway) -> Option<Answer> {
    let proxy = gateway.proxy_url();
    command.env("HTTPS_PROXY", &proxy).env("https_proxy", &proxy);
    for variable in ["NO_PROXY", "no_proxy", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
        command.env_remove(variable);
    }
    command.env("REQUESTS_CA_BUNDLE", gateway.ca_file());
    match command.output() {
        Ok(output) => Some(output.into()),
        Err(error) => {
            let name = command.get_program().to_string_lossy().into_owned();
            assert!(std::env::var_os("DLP_REQUIRE_CLIENTS").is_none(), "{name} cannot be run: {error}");
            println!("SKIPPED: {name} is not installed; scripts/test.sh installs it");
            None
        }
    }
}

/// `curl` with the arguments that every call needs.
pub(crate) fn curl(gateway: &Gateway, arguments: &[&str]) -> Option<Answer> {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "30", "--write-out", "\nstatus %{http_code}\n"]);
    command.arg("--cacert").arg(gateway.ca_file()).args(arguments);
    run(&mut command, gateway)
}

fn curl_dropbox(gateway: &Gateway, file: &Path, version: &str) -> Option<Answer> {
    curl(
        gateway,
        &[
            version,
            "--fail-with-body",
            "--header",
            r#"Dropbox-API-Arg: {"path":"/f"}"#,
            "--header",
            "Content-Type: application/octet-stream",
            "--data-binary",
            &format!("@{}", file.display()),
            "https://content.dropboxapi.com/2/files/upload",
        ],
    )
}

fn curl_box_form(gateway: &Gateway, file: &Path) -> Option<Answer> {
    curl(
        gateway,
        &[
            "--fail-with-body",
            "--form",
            r#"attributes={"name":"f","parent":{"id":"0"}}"#,
            "--form",
            &format!("file=@{}", file.display()),
            "https://upload.box.com/api/2.0/files/content",
        ],
    )
}

fn curl_drive_chunked(gateway: &Gateway, file: &Path) -> Option<Answer> {
    curl(
        gateway,
        &[
            "--fail-with-body",
            "--header",
            "Transfer-Encoding: chunked",
            "--header",
            "Content-Type: application/octet-stream",
            "--data-binary",
            &format!("@{}", file.display()),
            "https://www.googleapis.com/upload/drive/v3/files?uploadType=media",
        ],
    )
}

fn rclone_s3(gateway: &Gateway, file: &Path) -> Option<Answer> {
    let remote = ":s3,provider=AWS,access_key_id=id,secret_access_key=key,region=eu-central-1,no_check_bucket=true,\
                  no_head=true:private-notes/f";
    let mut command = Command::new("rclone");
    command.args(["--config", "/dev/null", "--ca-cert"]).arg(gateway.ca_file());
    command.args(["--retries", "1", "--low-level-retries", "1", "--contimeout", "10s", "copyto"]);
    run(command.arg(file).arg(remote), gateway)
}

fn dropbox_sdk(gateway: &Gateway, file: &Path) -> Option<Answer> {
    const SCRIPT: &str = "
import sys, dropbox
session = dropbox.create_session(ca_certs=sys.argv[1])
client = dropbox.Dropbox('token', session=session, max_retries_on_error=0, timeout=20)
print(client.files_upload(open(sys.argv[2], 'rb').read(), '/f').path_lower)
";
    python(gateway, SCRIPT, file)
}

fn dropbox_session(gateway: &Gateway, file: &Path) -> Option<Answer> {
    const SCRIPT: &str = "
import sys, dropbox
from dropbox.files import CommitInfo, UploadSessionCursor
session = dropbox.create_session(ca_certs=sys.argv[1])
client = dropbox.Dropbox('token', session=session, max_retries_on_error=0, timeout=20)
content = open(sys.argv[2], 'rb').read()
name = client.files_upload_session_start(b'').session_id
client.files_upload_session_append_v2(content, UploadSessionCursor(name, 0))
print(client.files_upload_session_finish(b'', UploadSessionCursor(name, len(content)), CommitInfo('/f')).path_lower)
";
    python(gateway, SCRIPT, file)
}

/// Runs an upload with a client of S3.
fn s3(gateway: &Gateway, upload: &str, file: &Path) -> Option<Answer> {
    const CLIENT: &str = "
import sys, boto3, botocore.config
config = botocore.config.Config(retries={'total_max_attempts': 1}, read_timeout=20)
client = boto3.client('s3', region_name='eu-central-1', aws_access_key_id='id', aws_secret_access_key='key',
                      verify=sys.argv[1], config=config)
";
    python(gateway, &[CLIENT, upload].concat(), file)
}

fn boto3_parts(gateway: &Gateway, file: &Path) -> Option<Answer> {
    const UPLOAD: &str = "
from boto3.s3.transfer import TransferConfig
client.upload_file(sys.argv[2], 'private-notes', 'f', Config=TransferConfig(multipart_threshold=1))
print('stored')
";
    s3(gateway, UPLOAD, file)
}

fn boto3_s3(gateway: &Gateway, file: &Path) -> Option<Answer> {
    const UPLOAD: &str = "
client.put_object(Bucket='private-notes', Key='f', Body=open(sys.argv[2], 'rb'))
print('stored')
";
    s3(gateway, UPLOAD, file)
}

/// Uploads in one request of two parts.
fn google(gateway: &Gateway, file: &Path) -> Option<Answer> {
    python(gateway, &google_script(false), file)
}

/// Asks for an address, and uploads to it.
fn google_resumable(gateway: &Gateway, file: &Path) -> Option<Answer> {
    python(gateway, &google_script(true), file)
}

fn google_script(is_resumable: bool) -> String {
    const SCRIPT: &str = "
import sys, httplib2
from google.auth.transport.requests import AuthorizedSession
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.http import MediaFileUpload
class Transport:
    # The client's own one does not take proxies and authorities from the environment everywhere.
    def __init__(self):
        self.session = AuthorizedSession(Credentials('token'))
    def request(self, uri, method='GET', body=None, headers=None, **_):
        answer = self.session.request(method, uri, data=body, headers=headers, timeout=20)
        return httplib2.Response({**answer.headers, 'status': answer.status_code}), answer.content
    def close(self):
        pass
drive = build('drive', 'v3', http=Transport(), static_discovery=True)
media = MediaFileUpload(sys.argv[2], mimetype='application/octet-stream', resumable=RESUMABLE)
print(drive.files().create(body={'name': 'f'}, media_body=media).execute(num_retries=0))
";
    SCRIPT.replace("RESUMABLE", if is_resumable { "True" } else { "False" })
}

fn slack_sdk(gateway: &Gateway, file: &Path) -> Option<Answer> {
    const SCRIPT: &str = "
import sys, ssl
from slack_sdk import WebClient
client = WebClient('xoxb-none', ssl=ssl.create_default_context(cafile=sys.argv[1]), timeout=20, retry_handlers=[])
print(client.files_upload_v2(file=sys.argv[2], filename='f')['ok'])
";
    python(gateway, SCRIPT, file)
}

fn python(gateway: &Gateway, script: &str, file: &Path) -> Option<Answer> {
    let program = std::env::var_os("DLP_TEST_PYTHON").unwrap_or_else(|| "dlp-test-python".into());
    run(Command::new(program).arg("-c").arg(script).arg(gateway.ca_file()).arg(file), gateway)
}
