//! E-mail addresses.

use super::countries;

/// Endings that look like a top-level domain and are file names in running text.
const FILE_ENDINGS: &[&[u8]] = &[
    b"png",
    b"jpg",
    b"jpeg",
    b"gif",
    b"svg",
    b"webp",
    b"css",
    b"html",
    b"json",
    b"yaml",
    b"yml",
    b"toml",
    b"lock",
    b"txt",
    b"pdf",
    b"docx",
    b"xlsx",
    b"conf",
    b"service",
    b"socket",
    b"local",
    b"localhost",
    b"test",
    b"invalid",
    b"example",
    b"internal",
    b"target",
    b"timer",
    b"mount",
    b"git",
];
/// Domains that RFC 2606 sets aside for examples.
const EXAMPLE_DOMAINS: &[&[u8]] = &[b"example.com", b"example.net", b"example.org"];
/// Domains whose names before the `@` are algorithms and options of protocols, after RFC 4251.
const PROTOCOL_DOMAINS: &[&[u8]] = &[b"openssh.com", b"libssh.org", b"lysator.liu.se"];
/// Mailboxes that no person reads.
const MACHINES: &[&[u8]] =
    &[b"noreply", b"no-reply", b"donotreply", b"do-not-reply", b"mailer-daemon", b"git", b"bounce"];

/// E-mail address, RFC 5321: dots stand alone, the last label can be a top-level domain, and the mailbox can belong to
/// somebody.
pub(super) fn email(value: &[u8]) -> Option<bool> {
    let at = value.iter().position(|byte| *byte == b'@')?;
    let (local, domain) = (value.get(..at)?.to_ascii_lowercase(), value.get(at + 1..)?.to_ascii_lowercase());
    let top = domain.rsplit(|byte| *byte == b'.').next()?;
    let dotted = |text: &[u8]| !text.split(|byte| *byte == b'.').any(<[u8]>::is_empty);
    let is_domain = match top.len() {
        0 | 1 => false,
        2 => countries::is_alpha2(&top.to_ascii_uppercase()) || matches!(top, b"eu" | b"uk" | b"su" | b"ac"),
        _ => !FILE_ENDINGS.contains(&top),
    };
    let is_example = EXAMPLE_DOMAINS
        .iter()
        .any(|example| domain.strip_suffix(*example).is_some_and(|rest| rest.is_empty() || rest.ends_with(b".")));
    let is_machine = MACHINES.contains(&local.as_slice()) || PROTOCOL_DOMAINS.contains(&domain.as_slice());
    Some(is_domain && dotted(&local) && dotted(&domain) && !is_example && !is_machine)
}
