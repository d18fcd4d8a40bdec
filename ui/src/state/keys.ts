// The keyboard's own words.

const isMac = navigator.userAgent.includes('Mac OS');

/** The keys as this computer's keyboard names them. */
export const shown = {
  search: isMac ? '⌘K' : 'Ctrl K',
  mute: 'M',
  camera: 'V',
  fullScreen: 'F',
  hangUp: isMac ? '⌘⇧H' : 'Ctrl Shift H',
} as const;

/** As `aria-keyshortcuts` writes them. */
export const aria = {
  search: isMac ? 'Meta+K' : 'Control+K',
  mute: 'M',
  camera: 'V',
  fullScreen: 'F',
  hangUp: isMac ? 'Meta+Shift+H' : 'Control+Shift+H',
} as const;

const command = (event: KeyboardEvent) => (isMac ? event.metaKey : event.ctrlKey);

export const isSearch = (event: KeyboardEvent): boolean =>
  command(event) && !event.shiftKey && event.key.toLowerCase() === 'k';
export const isHangUp = (event: KeyboardEvent): boolean =>
  command(event) && event.shiftKey && event.key.toLowerCase() === 'h';
export const isMute = (event: KeyboardEvent): boolean => isLetter(event, 'm');
export const isCamera = (event: KeyboardEvent): boolean => isLetter(event, 'v');
export const isFullScreen = (event: KeyboardEvent): boolean => isLetter(event, 'f');

/** That letter alone, and not as part of a text. */
const isLetter = (event: KeyboardEvent, letter: string): boolean =>
  event.key.toLowerCase() === letter &&
  !event.ctrlKey &&
  !event.metaKey &&
  !event.altKey &&
  !event.repeat &&
  !isTyping(event);

/** The key goes into a text. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  return target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]');
}

/** The key presses something that is focused. */
export function isPressing(event: KeyboardEvent): boolean {
  const target = event.target;
  return target instanceof HTMLElement && target.matches('button, a, input, textarea, select, summary');
}
