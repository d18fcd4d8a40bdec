// A face for everyone: initials on a colour that belongs to the account.

/**
 * Fifteen hues of one chroma, each light and deep: OKLCH 54 % 0.085 and 43 % 0.075, every 20° but for Echo's own teal
 * (170° to 210°). White letters reach 4.5:1 on each; a test keeps it so.
 */
// prettier-ignore
export const tints: readonly [string, ...string[]] = [
  '#995963', '#9a5b51', '#965f40', '#8e6533', '#826c2e',
  '#727334', '#5e7942', '#487d54', '#317897', '#46729e',
  '#5b6ca0', '#6e669d', '#7e6094', '#8b5c86', '#945976',
  '#733d46', '#733f37', '#704328', '#6a481c', '#604e17',
  '#52531d', '#42582a', '#2f5b39', '#185771', '#2d5277',
  '#404d79', '#4f4876', '#5c446f', '#674063', '#6e3e56',
];

/** Echo's colour, which nobody else has. */
export const echoTint = '#0f6f66';

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
