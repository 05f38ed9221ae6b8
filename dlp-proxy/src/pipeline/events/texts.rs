//! Texts that a server sends bit by bit, each bit in an event of its own.
//!
//! Services that write while one reads (an assistant, a log) send a few letters at a time at the same place of a JSON document,
//! `{"delta":{"text":"4000 01"}}` and then `{"delta":{"text":"00 0007"}}`, or as bare data. What stands at one place is put
//! together over the events, so that a value is found with the event that completes it.

use serde_json::Value;
use zeroize::Zeroizing;

/// Bytes of a text that are kept.
const TEXT_BYTES: usize = 4 * 1024;
/// Places with a text. The one that was used longest ago makes room.
const PLACES_MAX: usize = 64;

/// The texts of one answer.
#[derive(Default)]
pub(super) struct Texts(Vec<Text>);

struct Text {
    place: String,
    /// The last bytes.
    end: Zeroizing<Vec<u8>>,
    /// The latest bit, and whether all bits were like it: a name or a type that stands in each event is no text.
    latest: Zeroizing<String>,
    is_constant: bool,
    /// Bits that came with the latest events; all earlier ones count as one.
    bits: usize,
}

impl Texts {
    /// Takes events; gives the texts that they continue, as far back as these are kept.
    pub(super) fn continued(&mut self, events: &[u8]) -> Vec<u8> {
        for text in &mut self.0 {
            text.bits = usize::from(!text.end.is_empty());
        }
        let text = String::from_utf8_lossy(events).replace("\r\n", "\n").replace('\r', "\n");
        for event in text.split("\n\n") {
            let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
            let lines: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
            let data = Zeroizing::new(lines.join("\n"));
            match serde_json::from_str::<Value>(&data) {
                Ok(Value::String(bit)) => self.take("", &bit),
                Ok(value @ (Value::Object(_) | Value::Array(_))) => self.read(&value, "/"),
                _ if data.is_empty() => {}
                _ => self.take("", &data),
            }
        }
        let continued = self.0.iter().filter(|text| text.bits > 1 && !text.is_constant);
        let joined = continued.map(|text| &text.end[..]).collect::<Vec<_>>().join(&b"\n\n"[..]);
        self.0.iter_mut().for_each(Text::shorten);
        joined
    }

    fn read(&mut self, value: &Value, place: &str) {
        match value {
            Value::String(bit) => self.take(place, bit),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(at, item)| self.read(item, &format!("{place}{at}/")));
            }
            Value::Object(members) => {
                // Several texts may take turns, and then a number says which one it is.
                let is_index = |name: &&String| name.ends_with("index");
                let which = members.iter().filter(|(name, value)| is_index(name) && value.is_u64());
                let which: String = which.map(|(name, value)| format!("{name}={value}/")).collect();
                members.iter().for_each(|(name, value)| self.read(value, &format!("{place}{which}{name}/")));
            }
            _ => {}
        }
    }

    fn take(&mut self, place: &str, bit: &str) {
        if bit.is_empty() {
            return;
        }
        let mut text = match self.0.iter().position(|text| text.place == place) {
            Some(at) => self.0.remove(at),
            None => Text::new(place, bit),
        };
        text.is_constant &= *text.latest == *bit;
        text.latest = Zeroizing::new(bit.to_owned());
        text.end.extend_from_slice(bit.as_bytes());
        text.bits += 1;
        if self.0.len() >= PLACES_MAX {
            self.0.remove(0);
        }
        self.0.push(text);
    }
}

impl Text {
    fn new(place: &str, bit: &str) -> Self {
        Self {
            place: place.to_owned(),
            end: Zeroizing::default(),
            latest: Zeroizing::new(bit.to_owned()),
            is_constant: true,
            bits: 0,
        }
    }

    fn shorten(&mut self) {
        let surplus = self.end.len().saturating_sub(TEXT_BYTES);
        self.end.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(batches: &[&str], expected: &[&str]) {
        let mut texts = Texts::default();
        let got: Vec<String> =
            batches.iter().map(|batch| String::from_utf8(texts.continued(batch.as_bytes())).unwrap()).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn bits_at_one_place_are_one_text() {
        check(&["data: 4000 01\n\n", "data: 00 0007\n\n"], &["", "4000 0100 0007"]);
        check(&["data:a\r\n\r\ndata:b\r\rdata: [1\n\n"], &["ab[1"]);
        check(&["data: {\"d\":{\"t\":\"ab\"}}\n\n", "id: 7\ndata: {\"d\":{\"t\":\"cd\"}}\n\n"], &["", "abcd"]);
        check(&["data: {\"t\":\"a\",\"m\":\"x\"}\n\ndata: {\"t\":\"b\",\"m\":\"x\"}\n\n"], &["ab"]);
        check(
            &["data: [{\"t\":\"a\"},{\"t\":\"x\"}]\n\n", "data: [{\"t\":\"b\"},{\"t\":\"y\"}]\n\n"],
            &["", "ab\n\nxy"],
        );
        // Two texts that take turns.
        let turn = |index: u8, text: &str| format!("data: {{\"index\":{index},\"d\":{{\"t\":\"{text}\"}}}}\n\n");
        let turns = [turn(0, "a"), turn(1, "x"), turn(0, "b"), turn(1, "y")];
        check(&turns.each_ref().map(String::as_str), &["", "", "ab", "xy"]);
        check(&["", ": note\n\n", "data: \"a\"\n\n", "data: \"b\"\n\n", "data: {}\n\n"], &["", "", "", "ab", ""]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut texts = Texts::default();
        for number in 0..1_000 {
            let event = format!("data: {{\"k{number}\":\"{}\"}}\n\n", "ab".repeat(TEXT_BYTES));
            texts.continued(event.as_bytes());
        }
        assert_eq!(texts.0.len(), PLACES_MAX);
        assert!(texts.0.iter().all(|text| text.end.len() == TEXT_BYTES));
    }
}
