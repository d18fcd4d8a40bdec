import { readdirSync, readFileSync } from 'node:fs';
import { parse, type AST } from 'svelte/compiler';
import { describe, expect, test } from 'vitest';
import { echoTint, initials, tintOf, tints } from '../src/parts/avatar';

const root = `${import.meta.dirname}/../src`;
const tokens = new Map(
  [
    ...(readFileSync(`${root}/style/tokens.css`, 'utf8').split('.stage {')[0] ?? '').matchAll(
      /--([\w-]+):\s*([^;]+);/g,
    ),
  ].map(([, name = '', value = '']) => [name, value] as const),
);

// Text and what it lies on. A word needs 4.5:1; the outline of a control and a dot need 3:1 (WCAG 2.2, 1.4.3 and 1.4.11).
const words: [string, string][] = [
  ...['ink', 'ink-2', 'ink-3'].flatMap((ink) =>
    ['paper', 'surface', 'raised', 'wash'].map((on) => [ink, on] as [string, string]),
  ),
  ['ink-2', 'wash-2'],
  ['ink', 'wash-2'],
  ['ink', 'wash-3'],
  ['end', 'paper'],
  ['end', 'wash'],
  ['end', 'raised'],
  ['end', 'end-wash'],
  ['end', 'end-wash-2'],
  ['on-answer', 'answer'],
  ['on-answer', 'answer-hover'],
  ['on-badge', 'badge'],
  ['ink-2', 'wash-3'],
  ['warn', 'paper'],
  ['warn', 'surface'],
  ['accent', 'surface'],
  ['paper', 'ink'],
  ['paper', 'ink-hover'],
  ['stage-ink', 'stage'],
  ['stage-ink', 'stage-2'],
  ['stage-ink', 'stage-3'],
  ['stage-ink-2', 'stage'],
  ['stage-ink-2', 'stage-2'],
  ['stage-ink-2', 'stage-3'],
  ['stage-bad', 'stage-2'],
  ['stage-bad', 'stage-3'],
];
const shapes: [string, string][] = [
  ['control', 'paper'],
  ['control', 'surface'],
  ['accent', 'paper'],
  ['accent', 'wash'],
  ['here', 'paper'],
  ['in-call', 'paper'],
  ['warn', 'wash'],
  ['stage-alive', 'stage'],
  ['stage-alive', 'stage-2'],
  ['control', 'wash'],
  ['stage-warn', 'stage'],
  ['stage-bad', 'stage'],
];

describe.each(['light', 'dark'] as const)('in %s', (theme) => {
  test.each(words)('%s can be read on %s', (ink, on) => {
    expect(contrast(colour(ink, theme), colour(on, theme))).toBeGreaterThanOrEqual(4.5);
  });

  test.each(shapes)('%s stands out on %s', (shape, on) => {
    expect(contrast(colour(shape, theme), colour(on, theme))).toBeGreaterThanOrEqual(3);
  });
});

test.each([...tints, echoTint])('white initials can be read on %s', (tint) => {
  expect(contrast('#ffffff', tint)).toBeGreaterThanOrEqual(4.5);
});

test('the red of hanging up carries white', () => {
  expect(contrast('#ffffff', colour('stage-end', 'dark'))).toBeGreaterThanOrEqual(4.5);
});

test('an account keeps its colour, many accounts use them all, and none has the one of Echo', () => {
  expect(tints).not.toContain(echoTint);
  expect(tintOf('bob')).toBe(tintOf('bob'));
  const used = new Set(Array.from({ length: 200 }, (_, index) => tintOf(`user-${index}`)));
  expect(used.size).toBe(tints.length);
});

test('initials are a letter of the first and of the last name, and one Chinese character', () => {
  expect(initials('Alice Lindqvist')).toBe('AL');
  expect(initials('bob.chen')).toBe('BC');
  expect(initials('Front gate')).toBe('FG');
  expect(initials('王小明')).toBe('王');
  expect(initials('Echo')).toBe('E');
  expect(initials('')).toBe('?');
});

const components = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) =>
  path.endsWith('.svelte'),
);

test.each(components)('%s leaves its words to the catalogue and its styles to the style sheet', (path) => {
  const found: string[] = [];
  visit(parse(readFileSync(`${root}/${path}`, 'utf8'), { modern: true }).fragment, (node) => {
    if (node.type === 'Text' && /\p{L}{2}/u.test(node.data)) found.push(node.data);
    if (node.type !== 'Attribute') return false;
    const value = Array.isArray(node.value) ? node.value : [];
    const fixed = value.flatMap((part) => (part.type === 'Text' ? [part.data] : [])).join('');
    if (['aria-label', 'title', 'placeholder', 'alt'].includes(node.name) && fixed) found.push(fixed);
    // A style attribute would be refused by the content security policy.
    if (node.name === 'style') found.push('style');
    return true;
  });
  expect(found).toEqual([]);
});

/** Visits a syntax tree; `enter` answers true where it goes no deeper. */
function visit(node: unknown, enter: (node: AST.SvelteNode) => boolean): void {
  if (Array.isArray(node)) {
    for (const inner of node) visit(inner, enter);
  } else if (typeof node === 'object' && node !== null) {
    if ('type' in node && enter(node as AST.SvelteNode)) return;
    for (const [name, inner] of Object.entries(node)) if (name !== 'metadata') visit(inner, enter);
  }
}

function colour(name: string, theme: 'light' | 'dark'): string {
  const value = tokens.get(name) ?? '';
  const both = /light-dark\((#\w{6}), (#\w{6})\)/.exec(value);
  const found = both ? both[theme === 'light' ? 1 : 2] : /^#\w{6}$/.exec(value)?.[0];
  if (!found) throw new Error(`no colour is called ${name}`);
  return found;
}

function contrast(a: string, b: string): number {
  const [lighter = 0, darker = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const channel = parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
