/** A Latin name or a number among Chinese characters is set off by spaces; a Chinese name is not. */
export function spaced(name: string | number, sides: 'both' | 'before' | 'after' = 'both'): string {
  const text = String(name);
  const before = sides !== 'after' && /^[\x21-\x7e\u00c0-\u024f]/.test(text) ? ' ' : '';
  const after = sides !== 'before' && /[\x21-\x7e\u00c0-\u024f]$/.test(text) ? ' ' : '';
  return `${before}${text}${after}`;
}
