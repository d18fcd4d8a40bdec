import type { Direction } from '../callkit';

/** What is said about something that happened, and what to do about it (may be empty). */
export interface Said {
  title: string;
  hint: string;
}

/** Words that differ by who began the call. */
export type Sides<T> = Record<Direction, T>;
