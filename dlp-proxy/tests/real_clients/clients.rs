//! The clients that people use, driven from outside, each trusting the gateway's certificate.

use super::gateway::Gateway;
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
pub(crate) type Upload = fn(&Gateway, &Path) -> Option<Answer>;

/// Every client, by name. Each uploads the file to storage that the gateway takes for personal.
pub(crate) const UPLOADS: &[(&str, Upload)] = &[
    ("curl to Dropbox", curl_dropbox),
    ("curl form to Box", curl_box_form),
    ("curl chunked to Google Drive", curl_drive_chunked),
    ("rclone to S3", rclone_s3),
    ("Dropbox SDK", dropbox_sdk),
    ("boto3 to S3", boto3_s3),
];

/// Runs a client, or says that it is missing. With `DLP_REQUIRE_CLIENTS` set, a missing client fails the test.
fn run(command: &mut Command, gateway: &Gateway) -> Option<Answer> {
    let proxy = gateway.proxy_url();
    command.env("HTTPS_PROXY", &proxy).env("https_proxy", &proxy);
    for variable in ["NO_PROXY", "no_proxy", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
        command.env_remove(variable);
    }
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

fn curl_dropbox(gateway: &Gateway, file: &Path) -> Option<Answer> {
    curl(
        gateway,
        &[
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

fn boto3_s3(gateway: &Gateway, file: &Path) -> Option<Answer> {
    const SCRIPT: &str = "
import sys, boto3, botocore.config
config = botocore.config.Config(retries={'total_max_attempts': 1}, read_timeout=20)
client = boto3.client('s3', region_name='eu-central-1', aws_access_key_id='id', aws_secret_access_key='key',
                      verify=sys.argv[1], config=config)
client.put_object(Bucket='private-notes', Key='f', Body=open(sys.argv[2], 'rb'))
print('stored')
";
    python(gateway, SCRIPT, file)
}

fn python(gateway: &Gateway, script: &str, file: &Path) -> Option<Answer> {
    let program = std::env::var_os("DLP_TEST_PYTHON").unwrap_or_else(|| "dlp-test-python".into());
    run(Command::new(program).arg("-c").arg(script).arg(gateway.ca_file()).arg(file), gateway)
}
