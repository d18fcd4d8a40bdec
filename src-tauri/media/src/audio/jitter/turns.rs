//! Which packet's turn it is: counters unwrapped, strangers told from a stream that starts anew, turns that are over.

/// Sequence jumps allowed before the stream counts as a new one (RFC 3550 A.1).
const MAX_DROPOUT: i64 = 3_000;
const MAX_MISORDER: i64 = 100;
/// A packet this much too early (1 s) or too late (10 s) comes from a clock that jumped.
const TOO_EARLY: i64 = 48_000;
const TOO_LATE: i64 = 480_000;

/// The packets of one stream, by their sequence numbers and timestamps unwrapped to 64 bits.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Sequence number and timestamp of the newest packet.
    newest: Option<(i64, i64)>,
    /// The sequence number that would make a suspicious stream a new one.
    suspect: Option<u16>,
    /// The last whose turn is over.
    last: Option<i64>,
    /// Which of the 128 sequence numbers up to `last` have been seen; bit 0 is `last`.
    seen: u128,
}

/// What a packet is to the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The next ones, or nearly.
    Ours { sequence: i64, timestamp: i64 },
    /// Not of this stream, as far as one packet can tell.
    Stray,
    /// The second in a row that is not of this stream: a new one has begun.
    NewStream,
}

/// Whether a packet's turn is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    ToCome,
    /// It is over, and the packet was missed.
    Missed,
    /// It is over, and the packet was there.
    Had,
}

impl Turns {
    /// Judges a packet that came at `at` (samples at 48 kHz, like the offset of the fastest packet).
    pub(super) fn judge(&mut self, sequence: u16, timestamp: u32, at: i64, fastest: Option<i64>) -> Kind {
        let (number, time) = self.unwrap(sequence, timestamp);
        if !self.is_foreign(at, number, time, fastest) {
            self.suspect = None;
            return Kind::Ours { sequence: number, timestamp: time };
        }
        // One stray packet is not a new stream; the next in its row is (RFC 3550 A.1).
        if self.suspect == Some(sequence) {
            return Kind::NewStream;
        }
        self.suspect = Some(sequence.wrapping_add(1));
        Kind::Stray
    }

    /// Where a copy that came at `at` belongs, if anywhere in this stream. It says nothing of what the stream does next.
    pub(super) fn place(&self, sequence: u16, timestamp: u32, at: i64, fastest: Option<i64>) -> Option<(i64, i64)> {
        self.newest?;
        let (number, time) = self.unwrap(sequence, timestamp);
        (!self.is_foreign(at, number, time, fastest)).then_some((number, time))
    }

    /// Whether the turn of `sequence` is over.
    pub(super) fn is_over(&self, sequence: i64) -> bool {
        self.last.is_some_and(|last| sequence <= last)
    }

    /// Whose turn it is when `sequence` comes; a packet that was missed counts as seen from now on.
    pub(super) fn arrives(&mut self, sequence: i64) -> Turn {
        let Some(ago) = self.last.map(|last| last - sequence).filter(|ago| *ago >= 0) else { return Turn::ToCome };
        let bit = if ago < 128 { 1u128 << ago } else { 0 };
        if self.seen & bit != 0 {
            return Turn::Had;
        }
        self.seen |= bit;
        Turn::Missed
    }

    /// The timestamp of the newest packet; `None` before the first one.
    pub(super) fn newest_timestamp(&self) -> Option<i64> {
        self.newest.map(|(_, timestamp)| timestamp)
    }

    /// Remembers a packet that is taken in as the newest, if it is.
    pub(super) fn note(&mut self, sequence: i64, timestamp: i64) {
        if self.newest.is_none_or(|(newest, _)| sequence > newest) {
            self.newest = Some((sequence, timestamp));
        }
    }

    /// The turn of `sequence` is over, and so is that of all before it.
    pub(super) fn over(&mut self, sequence: i64, seen: bool) {
        let by = self.last.map_or(128, |last| (sequence - last).clamp(0, 128)) as u32;
        self.seen = self.seen.checked_shl(by).unwrap_or(0) | u128::from(seen && by > 0);
        self.last = Some(sequence);
    }

    /// Whether `sequence` follows the last one without a gap.
    pub(super) fn is_next(&self, sequence: i64) -> bool {
        self.last.is_some_and(|last| sequence == last + 1)
    }

    /// How many are missing between the last one and `sequence`; `None` when nothing has been heard yet.
    pub(super) fn missing_before(&self, sequence: i64) -> Option<u64> {
        self.last.map(|last| (sequence - last - 1).max(0) as u64)
    }

    /// Unwraps both counters around the newest packet.
    fn unwrap(&self, sequence: u16, timestamp: u32) -> (i64, i64) {
        let Some((newest, newest_timestamp)) = self.newest else {
            // Far from zero, so that packets before the first one stay positive.
            return ((1 << 20) + i64::from(sequence), (1 << 40) + i64::from(timestamp));
        };
        let step = sequence.wrapping_sub(newest as u16).cast_signed();
        let time = timestamp.wrapping_sub(newest_timestamp as u32).cast_signed();
        (newest + i64::from(step), newest_timestamp + i64::from(time))
    }

    /// Whether the packet can't belong to the stream so far.
    fn is_foreign(&self, at: i64, sequence: i64, timestamp: i64, fastest: Option<i64>) -> bool {
        let Some((newest, newest_timestamp)) = self.newest else { return false };
        let (step, time) = (sequence - newest, timestamp - newest_timestamp);
        if !(-MAX_MISORDER..=MAX_DROPOUT).contains(&step) || (step > 0 && time <= 0) || (step < 0 && time >= 0) {
            return true;
        }
        let Some(fastest) = fastest else { return false };
        !(-TOO_EARLY..=TOO_LATE).contains(&(at - timestamp - fastest))
    }
}
