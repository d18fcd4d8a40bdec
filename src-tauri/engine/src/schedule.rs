//! Quiet hours: whether they are now, and when that changes.
//!
//! They are meant as clocks on the wall show them. Where a clock is set forward over a beginning, they begin when it has
//! been set; where it is set back, an hour that is shown twice is quiet both times.

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, ToSpan, Zoned};

use crate::api::QuietHours;

/// A schedule repeats after a week, or after two where a country skips a day (Samoa, 30 December 2011); a day more covers
/// the hours that reach over midnight.
const DAYS_AHEAD: i64 = 15;
const DAY_MIN: i32 = 24 * 60;

/// Whether it is quiet at this hour of a wall clock.
pub(crate) fn is_quiet(schedule: &[QuietHours], at: DateTime) -> bool {
    let day = at.weekday().to_monday_zero_offset();
    let day_before = at.weekday().previous().to_monday_zero_offset();
    let minute = i32::from(at.hour()) * 60 + i32::from(at.minute());
    schedule.iter().any(|hours| {
        let begins = |day: i8| hours.days.iter().any(|it| i32::from(*it) == i32::from(day));
        let (from, until) = (i32::from(hours.from_min), i32::from(hours.until_min));
        if from < until {
            begins(day) && (from..until).contains(&minute)
        } else {
            (begins(day) && minute >= from) || (begins(day_before) && minute < until)
        }
    })
}

/// When it is next quiet or no longer so, strictly after `now`; none if that never changes.
pub(crate) fn next_change(schedule: &[QuietHours], now: &Zoned) -> Option<Timestamp> {
    let zone = now.time_zone();
    let quiet_now = is_quiet(schedule, now.datetime());
    let horizon = now.timestamp().checked_add((DAYS_AHEAD * 24).hours()).ok()?;
    let mut moments: Vec<Timestamp> = (-1..=DAYS_AHEAD)
        .filter_map(|days| now.date().checked_add(days.days()).ok())
        .flat_map(|date| boundaries(schedule, date))
        .flat_map(|boundary| {
            // A clock that is set back shows it twice.
            let moment = zone.to_ambiguous_timestamp(boundary);
            [moment.earlier(), moment.later()]
        })
        .filter_map(Result::ok)
        .collect();
    // A clock that is set forward leaves some out.
    let set = zone.following(now.timestamp()).map(|it| it.timestamp());
    moments.extend(set.take_while(|at| *at <= horizon));
    moments.sort();
    moments
        .into_iter()
        .filter(|at| *at > now.timestamp())
        .find(|at| is_quiet(schedule, zone.to_datetime(*at)) != quiet_now)
}

/// Where hours begin or end on this day, whether they do so on such a weekday or not.
fn boundaries(schedule: &[QuietHours], date: Date) -> Vec<DateTime> {
    let mut minutes: Vec<i32> =
        schedule.iter().flat_map(|hours| [hours.from_min, hours.until_min]).map(|it| i32::from(it) % DAY_MIN).collect();
    minutes.sort_unstable();
    minutes.dedup();
    // Each is less than a day, so that hour and minute are within their ranges.
    minutes.into_iter().map(|minute| date.at((minute / 60) as i8, (minute % 60) as i8, 0, 0)).collect()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    const EVERY_DAY: [u8; 7] = [0, 1, 2, 3, 4, 5, 6];

    fn hours(days: &[u8], from: (u16, u16), until: (u16, u16)) -> QuietHours {
        QuietHours { days: days.to_vec(), from_min: from.0 * 60 + from.1, until_min: until.0 * 60 + until.1 }
    }

    fn at(text: &str) -> Zoned {
        text.parse().unwrap()
    }

    fn quiet(schedule: &[QuietHours], text: &str) -> bool {
        is_quiet(schedule, at(text).datetime())
    }

    fn change(schedule: &[QuietHours], text: &str) -> Option<String> {
        let now = at(text);
        next_change(schedule, &now).map(|it| it.to_zoned(now.time_zone().clone()).strftime("%F %H:%M %Z").to_string())
    }

    #[test]
    fn hours_within_a_day_are_quiet_from_the_first_minute_to_before_the_last() {
        // 2026-03-02 is a Monday.
        let noon = [hours(&[0, 2], (12, 30), (13, 15))];
        for (time, expected) in [
            ("2026-03-02T12:29:59[Europe/Berlin]", false),
            ("2026-03-02T12:30[Europe/Berlin]", true),
            ("2026-03-02T13:14:59[Europe/Berlin]", true),
            ("2026-03-02T13:15[Europe/Berlin]", false),
            ("2026-03-03T12:30[Europe/Berlin]", false),
            ("2026-03-04T12:30[Europe/Berlin]", true),
        ] {
            assert_eq!(quiet(&noon, time), expected, "{time}");
        }
    }

    #[test]
    fn hours_over_midnight_belong_to_the_day_on_which_they_begin() {
        let night = [hours(&[4], (22, 0), (7, 0))];
        for (time, expected) in [
            ("2026-03-06T06:00[Europe/Berlin]", false),
            ("2026-03-06T21:59[Europe/Berlin]", false),
            ("2026-03-06T22:00[Europe/Berlin]", true),
            ("2026-03-07T00:00[Europe/Berlin]", true),
            ("2026-03-07T06:59[Europe/Berlin]", true),
            ("2026-03-07T07:00[Europe/Berlin]", false),
            ("2026-03-07T22:00[Europe/Berlin]", false),
        ] {
            assert_eq!(quiet(&night, time), expected, "{time}");
        }
        let friday = "2026-03-06T12:00[Europe/Berlin]";
        assert_eq!(change(&night, friday).as_deref(), Some("2026-03-06 22:00 CET"));
        assert_eq!(change(&night, "2026-03-06T22:00[Europe/Berlin]").as_deref(), Some("2026-03-07 07:00 CET"));
        assert_eq!(change(&night, "2026-03-07T07:00[Europe/Berlin]").as_deref(), Some("2026-03-13 22:00 CET"));
    }

    #[test]
    fn midnight_itself_is_an_end_like_any_other() {
        for until in [(24, 0), (0, 0)] {
            let evening = [hours(&[0], (20, 0), until)];
            assert!(quiet(&evening, "2026-03-02T23:59:59[Europe/Berlin]"));
            assert!(!quiet(&evening, "2026-03-03T00:00[Europe/Berlin]"));
            let end = change(&evening, "2026-03-02T20:00[Europe/Berlin]");
            assert_eq!(end.as_deref(), Some("2026-03-03 00:00 CET"));
        }
    }

    #[test]
    fn the_same_minute_is_a_whole_day_later() {
        let sunday = [hours(&[6], (10, 0), (10, 0))];
        assert!(!quiet(&sunday, "2026-03-01T09:59[Europe/Berlin]"));
        assert!(quiet(&sunday, "2026-03-01T10:00[Europe/Berlin]"));
        assert!(quiet(&sunday, "2026-03-02T09:59[Europe/Berlin]"));
        assert!(!quiet(&sunday, "2026-03-02T10:00[Europe/Berlin]"));
    }

    #[test]
    fn what_never_changes_has_no_next_change() {
        assert_eq!(change(&[], "2026-03-02T12:00[Europe/Berlin]"), None);
        let always = [hours(&EVERY_DAY, (0, 0), (24, 0))];
        assert!(quiet(&always, "2026-03-29T03:00[Europe/Berlin]"));
        assert_eq!(change(&always, "2026-03-28T12:00[Europe/Berlin]"), None);
        let halves = [hours(&EVERY_DAY, (0, 0), (12, 0)), hours(&EVERY_DAY, (12, 0), (0, 0))];
        assert_eq!(change(&halves, "2026-03-28T11:00[Europe/Berlin]"), None);
    }

    #[test]
    fn hours_that_touch_are_one() {
        let evening = [hours(&[0], (18, 0), (20, 0)), hours(&[0], (20, 0), (22, 0)), hours(&[0], (19, 0), (20, 30))];
        assert_eq!(change(&evening, "2026-03-02T18:30[Europe/Berlin]").as_deref(), Some("2026-03-02 22:00 CET"));
    }

    #[test]
    fn a_beginning_that_a_clock_set_forward_leaves_out_comes_when_it_has_been_set() {
        // On 2026-03-29 two o'clock becomes three.
        let early = [hours(&[6], (2, 30), (4, 0))];
        assert_eq!(change(&early, "2026-03-29T01:59[Europe/Berlin]").as_deref(), Some("2026-03-29 03:00 CEST"));
        assert!(quiet(&early, "2026-03-29T03:00[Europe/Berlin]"));
        // Both ends are left out: there is nothing of it that day.
        let gone = [hours(&[6], (2, 10), (2, 50))];
        assert_eq!(change(&gone, "2026-03-29T01:59[Europe/Berlin]").as_deref(), Some("2026-04-05 02:10 CEST"));
        // The night is an hour shorter, and ends when the clock says so.
        let night = [hours(&[5], (22, 0), (7, 0))];
        assert_eq!(change(&night, "2026-03-28T22:00[Europe/Berlin]").as_deref(), Some("2026-03-29 07:00 CEST"));
    }

    #[test]
    fn an_hour_that_a_clock_set_back_shows_twice_is_quiet_twice() {
        // On 2026-10-25 three o'clock becomes two.
        let early = [hours(&[6], (2, 15), (2, 45))];
        assert_eq!(change(&early, "2026-10-25T02:00+02:00[Europe/Berlin]").as_deref(), Some("2026-10-25 02:15 CEST"));
        assert_eq!(change(&early, "2026-10-25T02:15+02:00[Europe/Berlin]").as_deref(), Some("2026-10-25 02:45 CEST"));
        assert_eq!(change(&early, "2026-10-25T02:45+02:00[Europe/Berlin]").as_deref(), Some("2026-10-25 02:15 CET"));
        assert_eq!(change(&early, "2026-10-25T02:15+01:00[Europe/Berlin]").as_deref(), Some("2026-10-25 02:45 CET"));
        // The end lies within the repeated hour: quiet ends twice, since the clock says half past two twice.
        let night = [hours(&[5], (22, 0), (2, 30))];
        assert_eq!(change(&night, "2026-10-24T22:00[Europe/Berlin]").as_deref(), Some("2026-10-25 02:30 CEST"));
        assert_eq!(change(&night, "2026-10-25T02:30+02:00[Europe/Berlin]").as_deref(), Some("2026-10-25 02:00 CET"));
    }

    fn any_hours() -> impl Strategy<Value = QuietHours> {
        let days = proptest::sample::subsequence(EVERY_DAY.to_vec(), 1..=7);
        (days, 0_u16..1440, 0_u16..=1440).prop_map(|(days, from_min, until_min)| QuietHours {
            days,
            from_min,
            until_min,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        /// Against a clock that is looked at every minute, through every change of the clocks of a year.
        #[test]
        fn the_next_change_is_the_first_minute_at_which_it_is_otherwise(
            schedule in proptest::collection::vec(any_hours(), 0..4),
            zone in proptest::sample::select(vec![
                "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca",
                "America/St_Johns", "Pacific/Apia", "UTC",
            ]),
            start in proptest::sample::select(vec![
                "2026-01-14T12:00Z", "2026-02-14T23:30Z", "2026-03-07T20:00Z", "2026-03-28T12:34Z", "2026-04-04T03:21Z",
                "2026-10-03T09:00Z", "2026-10-24T20:17Z", "2026-10-31T22:00Z", "2011-12-28T00:00Z",
            ]),
            minutes in 0_i64..3_000,
        ) {
            let start: Timestamp = start.parse().unwrap();
            let now = (start + minutes.minutes()).to_zoned(TimeZone::get(zone).unwrap());
            let before = is_quiet(&schedule, now.datetime());
            let looked = (1..=15 * 24 * 60).map(|minute| &now + minute.minutes());
            let seen = looked.map(|it| (is_quiet(&schedule, it.datetime()), it)).find(|(quiet, _)| *quiet != before);
            let found = next_change(&schedule, &now);
            prop_assert_eq!(found, seen.map(|(_, it)| it.timestamp()));
        }
    }
}
