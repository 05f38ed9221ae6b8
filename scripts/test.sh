#!/usr/bin/env bash
# Passes the tests on a fresh machine: installs the real clients that the end-to-end tests drive, then runs every test.
# Needs a Rust toolchain (see rust-toolchain.toml); installs with apt-get when it may, else says what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
for tool in curl git python3 rclone; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
command -v cc >/dev/null || missing+=(gcc libc6-dev)
command -v squid >/dev/null || missing+=(squid-openssl)
command -v c-icap-client >/dev/null || missing+=(c-icap)
if [ "${#missing[@]}" -gt 0 ]; then
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "scripts/test.sh: please install: ${missing[*]}" >&2
    exit 2
  fi
fi

# The cloud SDKs, and the checks of identifiers that ours are compared with, live in an environment of their own below
# target/.
venv=target/test-clients
if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c 'import boto3, dropbox, googleapiclient, slack_sdk, stdnum' 2>/dev/null; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check 'boto3>=1.40,<2' 'dropbox>=12,<13' \
    'google-api-python-client>=2.150,<3' 'google-auth>=2.35,<3' 'requests>=2.32,<3' 'slack_sdk>=3.33,<4' 'python-stdnum>=2.2,<3'
fi

export DLP_TEST_PYTHON="$PWD/$venv/bin/python"
# With this set, an end-to-end test whose client is missing fails instead of reporting itself as skipped.
export DLP_REQUIRE_CLIENTS=1
exec cargo test --workspace --locked "$@"
