//! Checks of credentials: checksums, token structure, key files.
//!
//! A check that is certain says [`Verdict::Invalid`](super::Verdict::Invalid) on a mismatch; where a vendor's layout is
//! not certain, a mismatch is left open, because a missed live credential costs more than a second look at a dead one.

mod azure;
mod base32;
mod base58;
mod bech32;
mod bip39;
mod checksum;
mod container;
mod crypt_hash;
mod encoded;
mod inside;
mod juniper;
mod key_file;
mod layout;
mod password;
mod private_key;
mod published;
mod reversible;
mod rsa;
mod structure;
mod wallet;

use super::{Check, Verdict};

const fn check(name: &'static str, verdict: fn(&[u8]) -> Verdict) -> Check {
    Check { name, verdict, complete: None, is_marked: false }
}

const fn completing(name: &'static str, verdict: fn(&[u8]) -> Verdict, complete: fn(&str) -> Option<String>) -> Check {
    Check { name, verdict, complete: Some(complete), is_marked: false }
}

/// A check of a form with a mark of its own. Not among them: what other things are written as, too, such as signed cookies,
/// which look like web tokens, or opaque tokens, some of which are base 58 by chance.
const fn marked(check: Check) -> Check {
    Check { is_marked: true, ..check }
}

/// The checks of this family, sorted by name.
pub(super) static CHECKS: &[Check] = &[
    marked(completing("antelope-key", wallet::antelope, wallet::complete_antelope)),
    completing(
        "atlassian-data-center-token",
        |value| layout::ATLASSIAN_DATA_CENTER.verdict(value),
        |value| layout::ATLASSIAN_DATA_CENTER.complete(value),
    ),
    marked(completing("atlassian-token", checksum::atlassian, checksum::complete_atlassian)),
    check("authenticator-export", |value| inside::AUTHENTICATOR.verdict(value)),
    marked(completing("aws-access-key-id", structure::aws_access_key_id, structure::complete_aws_access_key_id)),
    completing("azure-devops-token", base32::devops_token, base32::complete_devops_token),
    marked(completing("azure-signed-key", azure::signed_key, azure::complete_signed_key)),
    completing("base58check", base58::checksum, base58::complete),
    check("base64-parts", encoded::whole_parts),
    completing("basic-credentials", encoded::basic, encoded::complete_basic),
    check("bearer-token", encoded::bearer),
    marked(completing("bech32", bech32::checksum, bech32::complete)),
    marked(completing("bedrock-key", |value| layout::BEDROCK.verdict(value), |value| layout::BEDROCK.complete(value))),
    check("binary-body", structure::binary_body),
    completing("bip39-mnemonic", bip39::mnemonic, bip39::complete),
    completing("bitlocker", structure::bitlocker, structure::complete_bitlocker),
    check("bouncy-keystore", container::bouncy_keystore),
    check("chat-token", structure::chat_token),
    check("chosen-password", password::chosen),
    check("cisco-type7", structure::cisco_type7),
    marked(completing("cloudflare-token", checksum::cloudflare, checksum::complete_cloudflare)),
    check("code-list", structure::code_list),
    marked(completing("common-annotated-key", azure::common_annotated_key, azure::complete_common_annotated_key)),
    marked(completing("confluent-secret", checksum::confluent, checksum::complete_confluent)),
    check("crypt-hash", crypt_hash::verdict),
    check("data-protection-blob", structure::data_protection_blob),
    completing("discord-bot-token", encoded::discord, encoded::complete_discord),
    check("drawn-token", password::drawn),
    check("elastic-key", |value| inside::ELASTIC_KEY.verdict(value)),
    completing("encoded-password", reversible::encoded_password, reversible::complete_encoded_password),
    check("entra-secret", azure::entra_secret),
    check("fly-token", |value| inside::FLY.verdict(value)),
    check("generic-secret", password::generic),
    marked(completing("github-token", checksum::github, checksum::complete_base62)),
    marked(completing("gitlab-routable-token", checksum::gitlab_routable, checksum::complete_gitlab_routable)),
    marked(completing("grafana-token", checksum::grafana, checksum::complete_grafana)),
    marked(completing("group-policy-password", key_file::group_policy, key_file::complete_group_policy)),
    check("intercom-token", |value| inside::INTERCOM.verdict(value)),
    check("java-keystore", container::java_keystore),
    check("jenkins-secret", |value| inside::JENKINS.verdict(value)),
    check("jfrog-api-key", |value| inside::JFROG_KEY.verdict(value)),
    marked(completing(
        "jfrog-reference-token",
        |value| layout::JFROG_REFERENCE.verdict(value),
        |value| layout::JFROG_REFERENCE.complete(value),
    )),
    marked(check("json-inside", encoded::json_inside)),
    check("json-or-token", |value| inside::JSON.verdict(value)),
    completing("juniper-type9", juniper::type9, juniper::complete_type9),
    completing("jwk-secret-part", key_file::jwk, key_file::complete_jwk),
    check("jwt", encoded::jwt),
    check("jwt-or-token", |value| inside::JWT.verdict(value)),
    completing("monero-seed", wallet::monero, wallet::complete_monero),
    completing("nats-nkey", checksum::nats_nkey, checksum::complete_nats_nkey),
    check("near-key", |value| inside::NEAR.verdict(value)),
    marked(completing("npm-token", checksum::npm, checksum::complete_base62)),
    check("nuget-key", |value| inside::NUGET.verdict(value)),
    check("opaque-token", password::opaque),
    check("password-in-structure", password::in_structure),
    completing("pem-private-key", private_key::pem, private_key::complete_pem),
    check("pkcs12", container::pkcs12),
    completing("ppk-code", key_file::ppk, key_file::complete_ppk),
    check("prefixed-base36", password::prefixed_base36),
    check("prefixed-token", password::prefixed),
    check("process-dump", container::process_dump),
    marked(check("pypi-token", encoded::pypi)),
    completing("rclone-password", reversible::rclone, reversible::complete_rclone),
    completing("redis-cache-key", azure::redis_key, azure::complete_redis_key),
    check("registry-hive", container::registry_hive),
    completing("ses-smtp-password", |value| layout::SES_SMTP.verdict(value), |value| layout::SES_SMTP.complete(value)),
    completing("solana-pair", wallet::solana, wallet::complete_solana),
    completing("stellar-seed", base32::stellar_seed, base32::complete_stellar_seed),
    completing("stored-session", reversible::stored_session, reversible::complete_stored_session),
    check("swarm-key", structure::swarm_key),
    check("telegram-session", |value| inside::TELEGRAM_SESSION.verdict(value)),
    check("uuid-inside", |value| inside::UUID.verdict(value)),
    check("vault-token", |value| inside::VAULT.verdict(value)),
    completing("vercel-token", checksum::vercel, checksum::complete_base62),
    completing("vnc-password", reversible::vnc, reversible::complete_vnc),
    check("wireguard-key", |value| inside::WIREGUARD.verdict(value)),
    marked(completing("workos-key", |value| layout::WORKOS.verdict(value), |value| layout::WORKOS.complete(value))),
    completing("xrp-seed", base58::xrp_seed, base58::complete_xrp_seed),
    marked(completing("zuplo-key", checksum::zuplo, checksum::complete_zuplo)),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_table_is_sorted_and_free_of_doubles() {
        assert!(CHECKS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_check_panic(value in proptest::collection::vec(any::<u8>(), 0..200)) {
            for check in CHECKS {
                let _ = (check.verdict)(&value);
            }
        }

        #[test]
        fn no_text_makes_a_completion_panic(value in "(ghp_|cflt|-----BEGIN PRIVATE KEY-----\n|A.|é)?\\PC{0,90}(_|\\.|-----END)?") {
            for check in CHECKS {
                let _ = (check.verdict)(value.as_bytes());
                if let Some(complete) = check.complete {
                    let _ = complete(&value);
                }
            }
        }
    }
}
