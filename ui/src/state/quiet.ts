// Hours in which nothing rings.

import type { QuietHours } from '../callkit';

export const DAY_MINUTES = 24 * 60;

/** Ends on the day after it begins. */
export const crossesMidnight = ({ from_min, until_min }: QuietHours): boolean => until_min <= from_min;
