// A face for everyone: initials on a colour that belongs to the account.

/** White letters reach 4.5:1 on each; a test keeps it so. */
export const tints = [
  '#6b5b95',
  '#2f6f8f',
  '#9c5c35',
  '#5f6b3c',
  '#0f6f66',
  '#8f3f5f',
  '#4a5a8c',
  '#7a6a3a',
  '#3d6b4f',
  '#83507f',
  '#5b6475',
  '#8a4b42',
] as const;

/** The colour of an account, the same on every computer (FNV-1a over its characters, then mixed as MurmurHash3 ends). */
export function tintOf(userId: string): string {
  let hash = 0x811c9dc5;
  for (const character of userId) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  return tints[(hash >>> 0) % tints.length] ?? tints[0];
}

/** AL for Alice Lindqvist, 王 for 王小明. */
export function initials(name: string): string {
  const words = name
    .trim()
    .split(/[\s._@-]+/u)
    .filter(Boolean);
  const [first, last] = [words[0] ?? '', words.length > 1 ? (words.at(-1) ?? '') : ''];
  if (/^\p{Script=Han}|^\p{Script=Hiragana}|^\p{Script=Katakana}|^\p{Script=Hangul}/u.test(first)) {
    return firstLetter(first);
  }
  return (firstLetter(first) + firstLetter(last)).toLocaleUpperCase() || '?';
}

function firstLetter(word: string): string {
  const segments = new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(word);
  return [...segments][0]?.segment ?? '';
}
