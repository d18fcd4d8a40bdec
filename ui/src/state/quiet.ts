// Do not disturb: by hand, and at set times.

import type { DoNotDisturb, QuietHours } from '../callkit';

export const DAY_MINUTES = 24 * 60;

/** Whether calls ring silently now. */
export interface Quiet {
  on: boolean;
  /** When the set time ends, ms since 1970; absent where it was switched on by hand, or is off. */
  until: number | null;
}

/** What the settings say about a moment, in local time. */
export function quietAt({ on, schedule }: DoNotDisturb, at: number): Quiet {
  const until = scheduledUntil(schedule, at);
  return { on: on || until !== null, until: on ? null : until };
}

/** When the set times that hold at a moment end; hours that follow each other without a gap are one. */
export function scheduledUntil(schedule: QuietHours[], at: number): number | null {
  let end: number | null = null;
  // A week of hours without a gap never ends: once around is enough.
  for (let turn = 0; turn <= 2 * 7 * schedule.length; turn++) {
    const moment: number = end ?? at;
    const ends = schedule.flatMap((hours) => endsOf(hours, moment)).filter((later) => later > moment);
    if (ends.length === 0) break;
    end = Math.max(...ends);
  }
  return end;
}

/** Ends on the day after it begins. */
export const crossesMidnight = ({ from_min, until_min }: QuietHours): boolean => until_min <= from_min;

/** When these hours end, if they hold at that moment: those that began today, and those of yesterday. */
function endsOf(hours: QuietHours, at: number): number[] {
  return [0, -1].flatMap((daysAgo) => {
    const from = onDay(at, daysAgo, hours.from_min);
    const until = onDay(at, daysAgo + (crossesMidnight(hours) ? 1 : 0), hours.until_min);
    return hours.days.includes(weekdayOf(from)) && from <= at && at < until ? [until] : [];
  });
}

/** Monday is 0. */
const weekdayOf = (at: number): number => (new Date(at).getDay() + 6) % 7;

// By the calendar and not by 24 hours: a day may have 23 or 25 of them.
function onDay(at: number, daysLater: number, minutes: number): number {
  const day = new Date(at);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + daysLater, 0, minutes).getTime();
}
