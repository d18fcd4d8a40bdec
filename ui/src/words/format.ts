// Times and durations in the person's language, by Intl.

import { speech } from './index.svelte';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A running time: 03:18, or 1:02:03 past the hour. */
export function runningTime(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / SECOND));
  const two = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

/** A length of time in words: 42 sec, 12 min, 1 hr 5 min. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / SECOND));
  if (seconds < 60) return unit(seconds, 'second');
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return unit(minutes, 'minute');
  const rest = minutes % 60;
  const hours = unit(Math.floor(minutes / 60), 'hour');
  return rest === 0 ? hours : `${hours} ${unit(rest, 'minute')}`;
}

/** A whole number of seconds, spelled out: 30 seconds. */
export function seconds(ms: number): string {
  return unit(Math.round(ms / SECOND), 'second', 'long');
}

/** The time of day as the locale writes it: 09:41, or 9:41 AM. */
export function timeOfDay(at: number): string {
  return new Intl.DateTimeFormat(speech.locale, { timeStyle: 'short' }).format(at);
}

/** The time of day to the second, as a log needs it. */
export function clockTime(at: number): string {
  return new Intl.DateTimeFormat(speech.locale, { timeStyle: 'medium' }).format(at);
}

/** The day as a heading: Today, Yesterday, Thursday, 12 March. */
export function day(at: number, now: number): string {
  const days = Math.round((startOfDay(now) - startOfDay(at)) / DAY);
  if (days === 0 || days === 1) {
    return capitalised(new Intl.RelativeTimeFormat(speech.locale, { numeric: 'auto' }).format(-days, 'day'));
  }
  if (days > 1 && days < 7) return new Intl.DateTimeFormat(speech.locale, { weekday: 'long' }).format(at);
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return new Intl.DateTimeFormat(speech.locale, {
    day: 'numeric',
    month: 'long',
    ...(sameYear ? {} : { year: 'numeric' }),
  }).format(at);
}

/** Day and time: Yesterday 17:20. */
export const dayAndTime = (at: number, now: number): string => `${day(at, now)} ${timeOfDay(at)}`;

/** The whole day and the time: 20 November 2025 at 14:20. */
export const fullTime = (at: number): string =>
  new Intl.DateTimeFormat(speech.locale, { dateStyle: 'long', timeStyle: 'short' }).format(at);

/** A day of the calendar, from `1990-04-23` or without a year `--04-23`. What is no day stays as it is. */
export function calendarDay(text: string): string {
  const yearless = text.startsWith('--');
  const at = new Date(`${yearless ? `2000-${text.slice(2)}` : text}T12:00:00`);
  if (Number.isNaN(at.getTime())) return text;
  return new Intl.DateTimeFormat(speech.locale, {
    day: 'numeric',
    month: 'long',
    ...(yearless ? {} : { year: 'numeric' }),
  }).format(at);
}

/** A time of the day, from minutes since midnight. */
export const minuteOfDay = (minutes: number): string => timeOfDay(new Date(2025, 0, 1, 0, minutes).getTime());

/** The name of a day of the week; Monday is 0. */
export const weekday = (day: number, width: 'narrow' | 'long'): string =>
  // 6 January 2025 was a Monday.
  new Intl.DateTimeFormat(speech.locale, { weekday: width }).format(new Date(2025, 0, 6 + day));

/** A level in dB, with its sign: +6 dB. */
export const decibels = (db: number): string =>
  `${new Intl.NumberFormat(speech.locale, { signDisplay: 'exceptZero' }).format(db)} dB`;

/** Names, as a sentence lists them; a Latin one stands apart from a Chinese conjunction. */
export const list = (names: string[]): string =>
  new Intl.ListFormat(speech.locale)
    .format(names)
    .replace(/(?<=[\x21-\x7e\u00c0-\u024f])和/g, ' 和')
    .replace(/和(?=[\x21-\x7e\u00c0-\u024f])/g, '和 ');

function unit(value: number, name: string, display: 'short' | 'long' = 'short'): string {
  return new Intl.NumberFormat(speech.locale, { style: 'unit', unit: name, unitDisplay: display }).format(
    value,
  );
}

function startOfDay(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

function capitalised(text: string): string {
  return text.charAt(0).toLocaleUpperCase(speech.locale) + text.slice(1);
}

/** A data rate. */
export const kilobits = (kbps: number): string => `${kbps} kbit/s`;
