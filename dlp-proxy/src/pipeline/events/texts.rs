//! Texts that somebody sends bit by bit, each bit in an event or message of its own.
//!
//! Services that write while one reads (an assistant, a log) send a few letters at a time at the same place of a JSON document,
//! `{"delta":{"text":"4000 01"}}` and then `{"delta":{"text":"00 0007"}}`, or as bare data. What stands at one place is put
//! together over the events, so that a value is found with the event that completes it.

use serde_json::Value;
use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, RandomState};
use zeroize::Zeroizing;

/// Bytes of a text that are kept.
const TEXT_BYTES: usize = 4 * 1024;
/// Places with a text. The one that was used longest ago makes room.
const PLACES_MAX: usize = 128;
/// Names that are remembered. Beyond it every other one is new.
const NAMES_MAX: usize = 1_024;

/// The texts of one answer.
#[derive(Default)]
pub(in crate::pipeline) struct Texts {
    texts: Vec<Text>,
    /// Hashes of the names of members so far.
    names: HashSet<u64>,
    /// Under a key of this answer, so that nobody chooses places that fall together.
    hasher: RandomState,
    /// Events so far, and bits of text so far.
    events: u64,
    taken: u64,
    /// Whether a blank stands between bits, as between words.
    is_apart: bool,
}

/// Where a text stands. Paths are as long as an origin likes, so hashes stand for them.
#[derive(Clone, Copy)]
struct Place {
    /// All that leads there.
    path: u64,
    /// The last name alone: indexes and names may count the events.
    name: u64,
    /// Whether no event before had a member of that name: then the name itself may count the events.
    is_new: bool,
}

struct Text {
    place: u64,
    /// The last bytes.
    end: Zeroizing<Vec<u8>>,
    /// The hash of the latest bit, and whether all bits were like it: a name or a type that stands in each event is no text.
    latest: u64,
    is_constant: bool,
    /// Bits that came with the latest events; all earlier ones count as one.
    bits: usize,
    /// The event that brought the latest bit, and its number.
    event: u64,
    taken: u64,
}

impl Texts {
    /// With a blank between bits.
    pub(in crate::pipeline) fn apart() -> Self {
        Self { is_apart: true, ..Self::default() }
    }

    /// Takes events; gives the texts that they continue, as far back as these are kept.
    pub(in crate::pipeline) fn continued(&mut self, events: &[u8]) -> Vec<u8> {
        self.begin_bits();
        let text = Zeroizing::new(String::from_utf8_lossy(events).replace("\r\n", "\n").replace('\r', "\n"));
        let root = self.root();
        for event in text.split("\n\n") {
            let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
            let lines: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
            self.take_data(&Zeroizing::new(lines.join("\n")), root);
        }
        self.joined_and_shortened()
    }

    /// The same for one message.
    pub(in crate::pipeline) fn continued_by(&mut self, message: &str) -> Vec<u8> {
        self.begin_bits();
        let root = self.root();
        self.take_data(message, root);
        self.joined_and_shortened()
    }

    fn begin_bits(&mut self) {
        for text in &mut self.texts {
            text.bits = usize::from(!text.end.is_empty());
        }
    }

    fn root(&self) -> Place {
        Place { path: self.hasher.hash_one("path"), name: self.hasher.hash_one("name"), is_new: false }
    }

    fn take_data(&mut self, data: &str, root: Place) {
        self.events += 1;
        match serde_json::from_str::<Value>(data) {
            Ok(Value::String(bit)) => self.take(root.path, &bit),
            Ok(value @ (Value::Object(_) | Value::Array(_))) => self.read(&value, root),
            _ if data.is_empty() => {}
            _ => self.take(root.path, data),
        }
    }

    fn joined_and_shortened(&mut self) -> Vec<u8> {
        let joined = self.joined();
        self.texts.iter_mut().for_each(Text::shorten);
        joined
    }

    /// The texts that were continued, each once.
    fn joined(&self) -> Vec<u8> {
        let mut seen = HashSet::new();
        let continued = self.texts.iter().filter(|text| text.bits > 1 && !text.is_constant);
        let ends = continued.map(|text| &text.end[..]).filter(|end| seen.insert(*end));
        ends.collect::<Vec<_>>().join(&b"\n\n"[..])
    }

    fn read(&mut self, value: &Value, place: Place) {
        match value {
            Value::String(bit) => {
                self.take(place.path, bit);
                self.take_by_name(place.name, bit);
                if place.is_new {
                    self.take_as_new(bit);
                }
            }
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    let path = self.below(place.path, at);
                    self.read(item, Place { path, ..place });
                }
            }
            Value::Object(members) => {
                // Several texts may take turns, and then a number says which one it is.
                let is_index = |name: &str| name.ends_with("index");
                let which = members.iter().filter_map(|(name, value)| Some((name, value.as_u64()?)));
                let path = which
                    .filter(|(name, _)| is_index(name))
                    .fold(place.path, |path, (name, index)| self.below(path, (name, index)));
                for (name, value) in members {
                    let path = self.below(path, name);
                    let name = self.hasher.hash_one(("name", name));
                    let is_known =
                        self.names.contains(&name) || self.names.len() < NAMES_MAX && !self.names.insert(name);
                    self.read(value, Place { path, name, is_new: !is_known });
                }
            }
            _ => {}
        }
    }

    fn below(&self, place: u64, step: impl Hash) -> u64 {
        self.hasher.hash_one((place, step))
    }

    fn take(&mut self, place: u64, bit: &str) {
        if bit.is_empty() {
            return;
        }
        let latest = self.hasher.hash_one(bit);
        self.taken += 1;
        let at = self.texts.iter().position(|text| text.place == place).unwrap_or_else(|| self.begin(place, latest));
        let text = &mut self.texts[at];
        text.is_constant &= text.latest == latest;
        text.latest = latest;
        if self.is_apart && !text.end.is_empty() {
            text.end.push(b' ');
        }
        text.end.extend_from_slice(bit.as_bytes());
        text.bits += 1;
        (text.event, text.taken) = (self.events, self.taken);
    }

    /// The same for a place that is known by its last name. Bits of one event stand beside each other there, and are not
    /// one text.
    fn take_by_name(&mut self, place: u64, bit: &str) {
        let known = self.texts.iter_mut().find(|text| text.place == place && text.event == self.events);
        if let Some(text) = known.filter(|_| !bit.is_empty()) {
            text.end.push(b'\n');
        }
        self.take(place, bit);
    }

    /// The same for the place of all names that are new. One event says nothing there that it does not say elsewhere.
    fn take_as_new(&mut self, bit: &str) {
        if bit.is_empty() {
            return;
        }
        let place = self.hasher.hash_one("new");
        let is_same_event = self.texts.iter().any(|text| text.place == place && text.event == self.events);
        self.take_by_name(place, bit);
        if let Some(text) = self.texts.iter_mut().find(|text| text.place == place && is_same_event) {
            text.bits = text.bits.saturating_sub(1).max(1);
        }
    }

    /// Makes a place, which may take that of another one.
    fn begin(&mut self, place: u64, latest: u64) -> usize {
        if self.texts.len() >= PLACES_MAX {
            let oldest = self.texts.iter().enumerate().min_by_key(|(_, text)| text.taken).map(|(at, _)| at);
            oldest.map(|at| self.texts.swap_remove(at));
        }
        let (end, event, taken) = (Zeroizing::default(), self.events, self.taken);
        self.texts.push(Text { place, end, latest, is_constant: true, bits: 0, event, taken });
        self.texts.len() - 1
    }
}

impl Text {
    fn shorten(&mut self) {
        let surplus = self.end.len().saturating_sub(TEXT_BYTES);
        self.end.drain(..surplus);
        self.end.shrink_to(TEXT_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts_of(batches: &[&str]) -> Vec<String> {
        let mut texts = Texts::default();
        batches.iter().map(|batch| String::from_utf8(texts.continued(batch.as_bytes())).unwrap()).collect()
    }

    fn check(batches: &[&str], expected: &[&str]) {
        assert_eq!(texts_of(batches), expected);
    }

    #[test]
    fn bits_at_one_place_are_one_text() {
        check(&["data: 4000 01\n\n", "data: 00 0007\n\n"], &["", "4000 0100 0007"]);
        check(&["data:a\r\n\r\ndata:b\r\rdata: [1\n\n"], &["ab[1"]);
        check(&["data: {\"d\":{\"t\":\"ab\"}}\n\n", "id: 7\ndata: {\"d\":{\"t\":\"cd\"}}\n\n"], &["", "abcd"]);
        check(&["data: {\"t\":\"a\",\"m\":\"x\"}\n\ndata: {\"t\":\"b\",\"m\":\"x\"}\n\n"], &["ab"]);
        check(&["", ": note\n\n", "data: \"a\"\n\n", "data: \"b\"\n\n", "data: {}\n\n"], &["", "", "", "ab", ""]);
    }

    #[test]
    fn places_that_change_with_each_event_are_one_text_too() {
        let event = |json: &str| format!("data: {json}\n\n");
        let turn = |index: u8, text: &str| event(&format!("{{\"index\":{index},\"d\":{{\"t\":\"{text}\"}}}}"));
        let rows: [(Vec<String>, &[&str]); 7] = [
            // Two texts that take turns, two beside each other, and numbers that count the events.
            (vec![turn(0, "a"), turn(1, "x"), turn(0, "b"), turn(1, "y")], &["ab", "xy"]),
            (vec![event(r#"[{"t":"a"},{"t":"x"}]"#), event(r#"[{"t":"b"},{"t":"y"}]"#)], &["ab", "xy"]),
            (vec![turn(1, "a"), turn(2, "b"), turn(3, "c")], &["abc"]),
            // Names and places that change.
            (vec![event(r#"{"msg-7":{"t":"a"}}"#), event(r#"{"msg-8":{"t":"b"}}"#)], &["ab"]),
            (vec![event(r#"[{"t":"a"}]"#), event(r#"[1,{"t":"b"}]"#)], &["ab"]),
            (vec![event(r#"{"k1":"a"}"#), event(r#"{"k2":"b"}"#), event(r#"{"k3":"c"}"#)], &["abc"]),
            (vec![event(r#"{"type":"d","x1":["a"]}"#), event(r#"{"type":"d","x2":["b"]}"#)], &["ab"]),
        ];
        for (events, expected) in rows {
            let got = texts_of(&events.iter().map(String::as_str).collect::<Vec<_>>()).concat();
            assert!(expected.iter().all(|text| got.contains(text)), "{events:?}: {got}");
        }
        // What stands beside each other in one event is not put together.
        check(&[&event(r#"{"a":["40","00"]}"#)], &["40\n00"]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut texts = Texts::default();
        for number in 0..1_000 {
            let event = format!("data: {{\"k{number}\":\"{}\"}}\n\n", "ab".repeat(TEXT_BYTES));
            texts.continued(event.as_bytes());
        }
        assert_eq!(texts.texts.len(), PLACES_MAX);
        for number in 0..2 * NAMES_MAX {
            texts.continued(format!("data: {{\"n{number}\":\"a\"}}\n\n").as_bytes());
        }
        assert_eq!(texts.names.len(), NAMES_MAX);
        assert!(texts.texts.iter().all(|text| text.end.capacity() <= 2 * TEXT_BYTES));
    }

    /// What this thread has used, whatever else the machine does: user and system time in hundredths of a second
    /// (proc_pid_stat(5)).
    fn processor_ms() -> u64 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let fields = stat.rsplit(") ").next().unwrap().split(' ').skip(11).take(2);
        fields.map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum()
    }

    #[test]
    fn long_names_and_many_indexes_cost_little() {
        let long = format!("data: {{\"{}\":[{}\"a\"]}}\n\n", "k".repeat(300_000), "\"a\",".repeat(100_000));
        let indexes: String = (0..20_000).map(|number| format!("\"{number}index\":1,\"{number}\":\"b\",")).collect();
        for event in [long, format!("data: {{{indexes}\"c\":\"d\"}}\n\n")] {
            let begin = processor_ms();
            Texts::default().continued(event.as_bytes());
            let used = processor_ms() - begin;
            assert!(used < 5_000, "{used} ms");
        }
    }
}
