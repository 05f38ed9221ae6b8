//! What stands for a redacted value, as it is spelled: `{{dlp:<detector>:<letters>}}`.
//!
//! Redaction writes it, restoring reads it, and matching passes over it: the detector in it names the value that was
//! redacted, and none of those around it. Only what redaction can have written is taken for it, from its start to its
//! end; two braces and three letters hide no word.

/// Start of all of them.
pub(crate) const START: &str = "{{dlp";
/// What follows the start of a token.
pub(crate) const TOKEN: &str = ":";
/// What follows the start of a token that stands for a number of JSON, in quotes that go when it is restored.
pub(crate) const NUMBER_TOKEN: &str = "n:";
/// What follows the start of a hash.
pub(crate) const HASH: &str = "-hash:";
/// What ends them.
pub(crate) const END: &str = "}}";
/// One letter for each half byte.
pub(crate) const LETTERS: &[u8; 16] = b"bcdfghjklmnpqrst";
/// Letters that stand together, so that no long run looks like a key.
pub(crate) const GROUP_LETTERS: usize = 4;
/// What stands between groups: hardly a key has the first one there. Where one is taken for a key all the same, the next one
/// is tried.
pub(crate) const GROUP_ENDS: [u8; 3] = [b'~', b'-', b'!'];
/// Bytes of a hash: two of a billion values agree once in a few hundred runs. No token has fewer.
pub(crate) const HASH_LEN: usize = 10;
/// Longest token: the longest match of the engine, its tag and its detector, with two letters and a bit for each byte.
pub(crate) const LEN_MAX: usize = 64 * 1024;

/// What a text begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StandIn {
    /// A whole one, of so many bytes.
    Whole(usize),
    /// One that goes on behind the end, as far as can be seen.
    Cut,
}

/// What stands for a value at the beginning of a text.
pub(super) fn read(text: &[u8]) -> Option<StandIn> {
    let text = &text[..text.len().min(LEN_MAX)];
    let rest = text.strip_prefix(START.as_bytes())?;
    let kinds = [TOKEN, NUMBER_TOKEN, HASH];
    let rest = kinds.iter().find_map(|kind| rest.strip_prefix(kind.as_bytes()))?;
    let id_len = rest.iter().take_while(|byte| is_of_id(**byte)).count();
    let Some((colon, letters)) = rest[id_len..].split_first() else { return Some(StandIn::Cut) };
    let len = letters.iter().take_while(|byte| LETTERS.contains(byte) || GROUP_ENDS.contains(byte)).count();
    let (letters, end) = letters.split_at(len);
    if id_len == 0 || *colon != b':' || !is_grouped(letters) {
        return None;
    }
    if end.len() < END.len() && END.as_bytes().starts_with(end) {
        return Some(StandIn::Cut);
    }
    let is_whole = end.starts_with(END.as_bytes()) && holds_bytes(letters);
    is_whole.then(|| StandIn::Whole(text.len() - end.len() + END.len()))
}

fn is_of_id(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

/// Whether letters stand in groups with the same byte between all of them.
fn is_grouped(letters: &[u8]) -> bool {
    let between = letters.get(GROUP_LETTERS);
    let is_group = |group: &[u8]| {
        let (letters, end) = group.split_at(group.len().min(GROUP_LETTERS));
        letters.iter().all(|byte| LETTERS.contains(byte)) && end.first().is_none_or(|end| Some(end) == between)
    };
    between.is_none_or(|between| GROUP_ENDS.contains(between)) && letters.chunks(GROUP_LETTERS + 1).all(is_group)
}

/// Whether groups are those of whole bytes, as many as a hash has or more.
fn holds_bytes(letters: &[u8]) -> bool {
    let count = letters.iter().filter(|byte| LETTERS.contains(byte)).count();
    let ends_in_group = letters.last().is_some_and(|last| LETTERS.contains(last));
    ends_in_group && count.is_multiple_of(2) && count >= 2 * HASH_LEN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_redaction_writes_is_read() {
        let letters = "bcdf~ghjk~lmnp~qrst~bcdf";
        let whole = |start: &str| format!("{start}pii.pl.pesel:{letters}}}}}");
        for start in ["{{dlp:", "{{dlpn:", "{{dlp-hash:"] {
            let text = whole(start);
            assert_eq!(read(format!("{text} PESEL").as_bytes()), Some(StandIn::Whole(text.len())), "{text}");
            let last_cut = text.len() - 1;
            for cut in start.len()..=last_cut {
                assert_eq!(read(&text.as_bytes()[..cut]), Some(StandIn::Cut), "{}", &text[..cut]);
            }
        }
        let token = whole("{{dlp:");
        let rows = [
            "{{dlp}}".to_owned(),
            "{{dlp 44051401458".to_owned(),
            "{{dlp_env}}".to_owned(),
            token.replace("{{dlp:", "{{dlpx:"),
            token.replace("pii.pl.pesel", ""),
            token.replace("pii.pl.pesel", "my PESEL"),
            token.replace('~', ""),
            token.replacen('~', "-", 1),
            token.replace('~', " "),
            token.replace("~bcdf", ""),
            token.replace("~bcdf", "~bcd"),
            token.replace("~bcdf", "~bcdf~"),
            token.replace("~bcdf", "~bcde"),
            token.replace("}}", "} }"),
        ];
        for text in rows {
            assert_eq!(read(format!("{text} and more").as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn no_token_is_longer_than_the_bound() {
        let token = |groups: usize| format!("{{{{dlp:a.b:{}bcdf}}}}", "bcdf~".repeat(groups));
        assert!(matches!(read(token(100).as_bytes()), Some(StandIn::Whole(_))));
        assert_eq!(read(token(LEN_MAX / 5).as_bytes()), Some(StandIn::Cut));
    }
}
