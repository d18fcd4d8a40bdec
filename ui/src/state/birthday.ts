// A birthday as the phone keeps it: `1990-12-31`, or without a year `--12-31`.

/** What was typed as the phone keeps it; nothing if it is no day of the calendar. An empty text stays empty. */
export function birthdayOf(typed: string): string | undefined {
  const text = typed.trim();
  if (text === '') return '';
  const [, year, month = '', day = ''] = /^(?:(\d{4})-|--)?(\d{1,2})-(\d{1,2})$/.exec(text) ?? [];
  const monthAndDay = `${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  // A leap year has every day.
  const date = new Date(`${year ?? '2000'}-${monthAndDay}T00:00:00Z`);
  if (Number.isNaN(date.getTime()) || !date.toISOString().includes(`-${monthAndDay}T`)) return undefined;
  return `${year ?? '-'}-${monthAndDay}`;
}
