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
        self.runs.iter_mut().filter(|run| is_first(run)).for_each(|run| run.stride = 0);
    }

    /// Marks the end, which stands at `source`.
    pub(in crate::content) fn end(&mut self, source: u64) {
        self.runs.push(MapRun { text_start: self.len(), original_start: source, stride: 1 });
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
                && run.original_start + u64::from(text_start - run.text_start) * u64::from(stride) == source
        });
        if !extends {
            self.runs.push(MapRun { text_start, original_start: source, stride });
        }
    }
}

/// Puts two maps behind each other: `outer` leads from a text to bytes in between, `inner` from those to their source.
/// Both end with a run at their end.
pub(in crate::content) fn compose(outer: &[MapRun], inner: &[MapRun]) -> Vec<MapRun> {
    let mut composed = Vec::with_capacity(outer.len().max(inner.len()));
    for (index, run) in outer.iter().enumerate() {
        let end = outer.get(index + 1).map_or(run.text_start + 1, |next| next.text_start);
        match run.stride {
            1 => copied(*run, end, inner, &mut composed),
            stride => {
                // Wider characters are mapped one by one, those of one place as one.
                let step = if stride == 0 { end - run.text_start } else { 1 };
                for text_start in (run.text_start..end).step_by(step.max(1) as usize) {
                    let between = run.original_start + u64::from(text_start - run.text_start) * u64::from(stride);
                    let original_start = original(inner, between);
                    composed.push(MapRun { text_start, original_start, stride: 0 });
                }
            }
        }
    }
    composed
}

/// A run of bytes that are a copy of those in between: it takes over their runs.
fn copied(run: MapRun, end: u32, inner: &[MapRun], composed: &mut Vec<MapRun>) {
    let (from, to) = (run.original_start, run.original_start + u64::from(end - run.text_start));
    let first = inner.partition_point(|inner| u64::from(inner.text_start) <= from).saturating_sub(1);
    for part in inner[first..].iter().take_while(|part| u64::from(part.text_start) < to) {
        let start = from.max(u64::from(part.text_start));
        let within = start - u64::from(part.text_start);
        let original_start = part.original_start + within * u64::from(part.stride);
        composed.push(MapRun {
            text_start: run.text_start + (start - from) as u32,
            original_start,
            stride: part.stride,
        });
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
                derived.push(b'x', source, *stride);
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
            outer in prop::collection::vec((1_u8..6, 0_u8..3), 1..8),
            inner in prop::collection::vec((1_u8..9, 0_u8..4), 20..30),
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
}
