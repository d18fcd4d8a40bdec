import type { IconName } from './icons';

/** One line of a menu. */
export interface MenuItem {
  label: string;
  /** Said softly below. */
  note?: string | undefined;
  icon?: IconName;
  /** Has a state: on or off. */
  checked?: boolean;
  /** Red: it can't be taken back. */
  grave?: boolean;
  /** A line above it. */
  apart?: boolean;
  testid: string;
  run: () => void;
}
