//! Who may ring, and when.

use serde::{Deserialize, Serialize};

use super::{ErrorCode, PealError};

/// Most quiet hours of a schedule.
pub(super) const QUIET_HOURS: usize = 32;
/// The last minute of a day that something begins at.
const LAST_MINUTE: u16 = 24 * 60 - 1;

/// Hours in which nothing rings, on certain days of the week, in the local time of this computer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct QuietHours {
    /// The days on which they begin: 0 is Monday, 6 is Sunday.
    pub days: Vec<u8>,
    /// When they begin, in minutes since midnight: 0 to 1439.
    pub from_min: u16,
    /// When they end, in minutes since midnight: 0 to 1440. Not after the beginning: on the next day (and the same
    /// minute is a whole day later).
    pub until_min: u16,
}

/// When nothing rings: calls are shown in silence and recorded, and the caller hears "no response".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(default)]
pub struct DoNotDisturb {
    /// Now, until it is switched off.
    pub on: bool,
    /// And in these hours, also while `on` is false; at most 32.
    pub schedule: Vec<QuietHours>,
}

/// What becomes of a caller whom the person does not know.
///
/// Known are friends, favourites, members of one's groups, and everyone whom one has called; not those who have only
/// been seen online.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum UnknownCallers {
    /// It rings as for everybody.
    #[default]
    Ring,
    /// Shown in silence and recorded; they hear "no response".
    Silence,
    /// As if there were nobody here.
    Block,
}

impl DoNotDisturb {
    /// Whether its schedule makes sense.
    pub(super) fn check(&self) -> Result<(), PealError> {
        if self.schedule.len() > QUIET_HOURS {
            let words = format!("a schedule has at most {QUIET_HOURS} quiet hours");
            return Err(PealError::new(ErrorCode::BadRequest, words));
        }
        self.schedule.iter().try_for_each(QuietHours::check)
    }
}

impl QuietHours {
    fn check(&self) -> Result<(), PealError> {
        let days = &self.days;
        let words = if days.is_empty() {
            "quiet hours need a day on which they begin"
        } else if days.iter().any(|day| *day > 6) {
            "a day of quiet hours is 0 (Monday) to 6 (Sunday)"
        } else if (1..days.len()).any(|at| days[..at].contains(&days[at])) {
            "quiet hours name each day once"
        } else if self.from_min > LAST_MINUTE {
            "quiet hours begin at minute 0 to 1439 of a day"
        } else if self.until_min > LAST_MINUTE + 1 {
            "quiet hours end at minute 0 to 1440 of a day"
        } else {
            return Ok(());
        };
        Err(PealError::new(ErrorCode::BadRequest, words))
    }
}
