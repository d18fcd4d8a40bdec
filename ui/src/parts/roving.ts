// The keyboard in a list: one stop for Tab, arrows inside.

/** Moves the focus among a list's rows; answers whether the key was one of its own. */
export function moveFocus(event: KeyboardEvent, onleave: () => void): boolean {
  const list = event.currentTarget;
  if (!(list instanceof HTMLElement)) return false;
  const rows = rowsOf(list);
  const at = rows.findIndex((row) => row === document.activeElement);
  if (at < 0) return false;
  switch (event.key) {
    case 'ArrowDown':
      rows[Math.min(at + 1, rows.length - 1)]?.focus();
      return true;
    case 'ArrowUp':
      if (at === 0) onleave();
      else rows[at - 1]?.focus();
      return true;
    case 'Home':
      rows[0]?.focus();
      return true;
    case 'End':
      rows.at(-1)?.focus();
      return true;
    default:
      return false;
  }
}

/** The rows of a list, in their order. */
export const rowsOf = (list: HTMLElement): HTMLElement[] => [
  ...list.querySelectorAll<HTMLElement>('[data-row]'),
];
