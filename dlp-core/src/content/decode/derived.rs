//! Bytes that were made from others, with a map back to them.

use crate::content::MapRun;

/// Decoded bytes and where each of them comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::content) struct Derived {
    pub(in crate::content) bytes: Vec<u8>,
    /// Ascending runs; after [`end`](Self::end) the last one stands at the end of the bytes.
    pub(in crate::content) runs: Vec<MapRun>,
}

impl Derived {
    /// Appends a byte, each `stride` bytes of the source one; 0 for bytes that share their place.
    pub(in crate::content) fn push(&mut self, byte: u8, source: u64, stride: u8) {
        self.go_on(source, stride);
        self.bytes.push(byte);
    }

    /// Appends a copy of source bytes.
    pub(in crate::content) fn copy(&mut self, bytes: &[u8], source: u64) {
        if !bytes.is_empty() {
            self.go_on(source, 1);
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Appends bytes that share one place.
    pub(in crate::content) fn share(&mut self, bytes: &[u8], source: u64) {
        if !bytes.is_empty() {
            self.go_on(source, 0);
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Appends a group of bytes that share one place. Groups of one length whose places stand at even distances are one run,
    /// so that the map of a long code takes no memory.
    pub(in crate::content) fn group(&mut self, bytes: &[u8], source: u64) {
        if let Ok(len @ 1..) = u8::try_from(bytes.len()) {
            let text_start = self.len();
            go_on_in_groups(&mut self.runs, text_start, source, len);
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Appends what another one holds, without its end, and says where it stands.
    pub(in crate::content) fn append(&mut self, other: Self) -> std::ops::Range<usize> {
        let start = self.len();
        let runs = other.runs.iter().take(other.runs.len().saturating_sub(1));
        self.runs.extend(runs.map(|run| MapRun { text_start: start + run.text_start, ..*run }));
        self.bytes.extend_from_slice(&other.bytes);
        start as usize..self.bytes.len()
    }

    /// Lets a part of the bytes share the place of its first one.
    pub(in crate::content) fn unite(&mut self, part: &std::ops::Range<usize>) {
        let inside = |run: &MapRun| part.contains(&(run.text_start as usize));
        let is_first = |run: &MapRun| run.text_start as usize == part.start;
        self.runs.retain(|run| !inside(run) || is_first(run));
        self.runs.iter_mut().filter(|run| is_first(run)).for_each(|run| (run.stride, run.group) = (0, 1));
    }

    /// Marks the end, which stands at `source`.
    pub(in crate::content) fn end(&mut self, source: u64) {
        self.runs.push(MapRun { text_start: self.len(), original_start: source, stride: 1, group: 1 });
    }

    fn len(&self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX)
    }

    /// Starts a run, unless the last one goes on with this source.
    fn go_on(&mut self, source: u64, stride: u8) {
        let text_start = self.len();
        let extends = self.runs.last().is_some_and(|run| {
            stride != 0
                && run.stride == stride
                && run.group == 1
                && run.original_start + u64::from(text_start - run.text_start) * u64::from(stride) == source
        });
        if !extends {
            self.runs.push(MapRun { text_start, original_start: source, stride, group: 1 });
        }
    }
}

/// Goes on with a group of so many bytes that stands here: in the last run, if it is one of such groups and leads here, or
/// else in a run of its own. The second group of a run tells its stride.
fn go_on_in_groups(runs: &mut Vec<MapRun>, text_start: u32, source: u64, group: u8) {
    let last = runs.last_mut().filter(|run| run.group == group && group > 1 && source > run.original_start);
    if let Some(run) = last {
        let (len, apart) = (text_start - run.text_start, source - run.original_start);
        if let (0, Ok(stride), true) = (run.stride, u8::try_from(apart), len == u32::from(group)) {
            run.stride = stride;
            return;
        }
        if run.stride != 0 && len.is_multiple_of(group.into()) && source == run.original_at(len.into()) {
            return;
        }
    }
    runs.push(MapRun { text_start, original_start: source, stride: 0, group });
}

/// Puts two maps behind each other: `outer` leads from a text to bytes in between, `inner` from those to their source.
/// Both end with a run at their end.
pub(in crate::content) fn compose(outer: &[MapRun], inner: &[MapRun]) -> Vec<MapRun> {
    let mut composed = Vec::new();
    for (index, run) in outer.iter().enumerate() {
        let end = outer.get(index + 1).map_or(run.text_start + 1, |next| next.text_start);
        if (run.stride, run.group) == (1, 1) {
            copied(*run, end, inner, &mut composed);
            continue;
        }
        // Wider characters are mapped one by one, those of one place as one.
        let step = if run.stride == 0 { end - run.text_start } else { u32::from(run.group) };
        for text_start in (run.text_start..end).step_by(step.max(1) as usize) {
            let source = original(inner, run.original_at(u64::from(text_start - run.text_start)));
            match u8::try_from(step.min(end - text_start)) {
                Ok(group @ 2..) if group == run.group => go_on_in_groups(&mut composed, text_start, source, group),
                _ => composed.push(MapRun { text_start, original_start: source, stride: 0, group: 1 }),
            }
        }
    }
    composed
}

/// A run of bytes that are a copy of those in between: it takes over their runs.
fn copied(run: MapRun, end: u32, inner: &[MapRun], composed: &mut Vec<MapRun>) {
    let (from, to) = (run.original_start, run.original_start + u64::from(end - run.text_start));
    let first = inner.partition_point(|inner| u64::from(inner.text_start) <= from).saturating_sub(1);
    for (index, part) in inner.iter().enumerate().skip(first).take_while(|(_, part)| u64::from(part.text_start) < to) {
        let start = from.max(u64::from(part.text_start));
        let within = start - u64::from(part.text_start);
        let taken = MapRun {
            text_start: run.text_start + (start - from) as u32,
            original_start: part.original_at(within),
            ..*part
        };
        // A group of which the copy has the end only is a run of its own.
        let behind = within.next_multiple_of(u64::from(part.group.max(1)));
        if behind == within || part.stride == 0 {
            composed.push(taken);
            continue;
        }
        composed.push(MapRun { stride: 0, group: 1, ..taken });
        let text_start = taken.text_start + (behind - within) as u32;
        let part_end = inner.get(index + 1).map_or(to, |next| to.min(next.text_start.into()));
        if u64::from(part.text_start) + behind < part_end {
            composed.push(MapRun { text_start, original_start: part.original_at(behind), ..*part });
        }
    }
}

fn original(runs: &[MapRun], at: u64) -> u64 {
    let at = u32::try_from(at).unwrap_or(u32::MAX);
    crate::text::original_offset(runs, at).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::original_offset;
    use proptest::prelude::*;

    /// A map over this many bytes with runs of every kind.
    fn map(lens: &[(u8, u8)], mut source: u64) -> Vec<MapRun> {
        let mut derived = Derived::default();
        for (len, stride) in lens {
            for _ in 0..*len {
                match *stride {
                    // Groups of three bytes for four of the source.
                    4 => derived.group(b"xxx", source),
                    stride => derived.push(b'x', source, stride),
                }
                source += u64::from(*stride);
            }
            source += 3;
        }
        derived.end(source);
        derived.runs
    }

    proptest! {
        #[test]
        fn composing_is_looking_up_twice(
            outer in prop::collection::vec((1_u8..6, prop::sample::select(vec![0_u8, 1, 2, 4])), 1..8),
            inner in prop::collection::vec((1_u8..9, 0_u8..5), 20..30),
        ) {
            let (outer, inner) = (map(&outer, 0), map(&inner, 100));
            let end = outer.last().expect("there is an end").text_start;
            let inner_end = inner.last().expect("there is an end").text_start;
            let composed = compose(&outer, &inner);
            for at in 0..=end {
                let between = original_offset(&outer, at).expect("inside");
                if between > u64::from(inner_end) {
                    break;
                }
                let twice = original_offset(&inner, between as u32).expect("inside");
                prop_assert_eq!(original_offset(&composed, at), Some(twice), "at {}", at);
            }
            prop_assert!(composed.is_sorted_by_key(|run| run.text_start));
        }
    }

    #[test]
    fn maps_of_codes_in_codes_stay_small() {
        let mut map: Option<Vec<MapRun>> = None;
        let mut text = b"some text that is long. ".repeat(4_096);
        let len = text.len();
        for _ in 0..4 {
            text = data_encoding::BASE64.encode(&text).into_bytes();
        }
        let whole = text.len() as u64;
        for depth in 1..=4 {
            let content = crate::content::decode::transfer::base64(&text, 0);
            let composed = map.as_deref().map_or_else(|| content.runs.clone(), |inner| compose(&content.runs, inner));
            let runs_max = if depth == 1 { 3 } else { content.bytes.len() / 5 };
            assert!(composed.len() <= runs_max, "{} runs of {} bytes at {depth}", composed.len(), content.bytes.len());
            (text, map) = (content.bytes, Some(composed));
        }
        let map = map.expect("four codes were decoded");
        assert_eq!((text.len(), map.last().map(|run| run.original_start)), (len, Some(whole)));
        // A place is that of the group which the byte stands in.
        let middle = original_offset(&map, (len / 2) as u32).expect("it is inside");
        assert!((whole / 2 - 16..=whole / 2).contains(&middle), "{middle} of {whole}");
    }
}
