import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { CallView, Direction, EndReason } from '../src/callkit';
import { catalogues, localeFor, spokenLanguage, type Language } from '../src/words/index.svelte';
import { day, duration, runningTime } from '../src/words/format';
import { connectionSaid, endedSaid, errorSaid, messageText, recordSaid } from '../src/words/said';
import { history, NOW, record, sampleCall } from './samples';

const languages = Object.keys(catalogues) as Language[];

describe.each(languages)('the words in %s', (language) => {
  const words = catalogues[language];

  test('say something everywhere', () => {
    const silent: string[] = [];
    walk(words, '', (path, text) => {
      // A hint may be left out where the title says it all.
      if (text.trim() === '' && !path.endsWith('.hint')) silent.push(path);
    });
    expect(silent).toEqual([]);
  });

  test('cover every error of the engine', () => {
    expect(Object.keys(words.errors).sort()).toEqual(variants('ErrorCode').sort());
  });

  test('cover every end of a call, on both sides', () => {
    expect(Object.keys(words.ended).sort()).toEqual(variants('EndReason').sort());
    for (const sides of Object.values(words.ended)) {
      expect(sides.outgoing('Bob').title).not.toBe('');
      expect(sides.incoming('Bob').title).not.toBe('');
    }
  });

  test('cover every event, every reason and every outcome', () => {
    expect(Object.keys(words.happened).sort()).toEqual(variants('Event').sort());
    expect(Object.keys(words.reasons).sort()).toEqual(variants('EndReason').sort());
    expect(Object.keys(words.history.outcomes).sort()).toEqual(variants('RecordStatus').sort());
  });

  test('give every error something to do', () => {
    for (const said of Object.values(words.errors)) expect(said.hint).not.toBe('');
  });
});

test('the two catalogues have the same shape and differ in their words', () => {
  const paths = (language: Language) => {
    const found = new Map<string, string>();
    walk(catalogues[language], '', (path, text) => found.set(path, text));
    return found;
  };
  const [en, zh] = [paths('en'), paths('zh-CN')];
  expect([...zh.keys()].sort()).toEqual([...en.keys()].sort());
  const alike = [...en].filter(([path, text]) => text !== '' && zh.get(path) === text).map(([path]) => path);
  expect(alike.sort()).toEqual(
    // The product's name, what is typed as it stands, and what a language calls itself.
    [
      '.addContact.accountExample',
      '.app.name',
      '.happened.error',
      '.publish.addressExample',
      '.settings.farServerExample',
      '.settings.languages.en',
      '.settings.languages.zh-CN',
      '.start.accountExample',
      '.start.serverExample',
    ].sort(),
  );
});

test('the language follows the setting, and the system where the setting says so', () => {
  expect(spokenLanguage('zh-CN', ['en-GB'])).toBe('zh-CN');
  expect(spokenLanguage('system', ['de-DE', 'zh-TW', 'en'])).toBe('zh-CN');
  expect(spokenLanguage('system', ['fr-FR'])).toBe('en');
  expect(localeFor('en', ['zh-CN', 'en-GB'])).toBe('en-GB');
  expect(localeFor('zh-CN', ['en-GB'])).toBe('zh-CN');
});

test('a running time is mm:ss and grows an hour when it needs one', () => {
  expect(runningTime(0)).toBe('00:00');
  expect(runningTime(198_900)).toBe('03:18');
  expect(runningTime(3_723_000)).toBe('1:02:03');
  expect(runningTime(-5000)).toBe('00:00');
});

test('a length of time is said in the largest fitting unit', () => {
  expect(duration(42_000)).toMatch(/^42 sec/);
  expect(duration(12 * 60_000)).toMatch(/^12 min/);
  expect(duration(65 * 60_000)).toMatch(/^1 hr 5 min/);
});

test('days are named while they are near', () => {
  const at = (days: number) => NOW - days * 86_400_000;
  expect(day(at(0), NOW)).toBe('Today');
  expect(day(at(1), NOW)).toBe('Yesterday');
  expect(day(at(3), NOW)).toBe('Monday');
  expect(day(at(12), NOW)).toMatch(/8/);
  expect(day(at(400), NOW)).toMatch(/2024/);
});

test('the history tells apart who gave up', () => {
  const said = Object.fromEntries(history.map((record) => [record.call_id, recordSaid(record)]));
  expect(said).toMatchObject({
    c8: 'Missed',
    c6: 'Missed',
    c4: 'They declined',
    c2: 'No answer',
    c1: 'They were in a call',
  });
  expect(said['c9']).toMatch(/^Outgoing, 12 min/);
});

test('what another device of mine did is said as such', () => {
  const elsewhere = (reason: EndReason) =>
    recordSaid(record('x', 'bob', 'Bob', { direction: 'incoming', status: 'completed', reason, at: NOW }));
  expect(elsewhere('answered_elsewhere')).toBe('Answered on another device');
  expect(elsewhere('rejected_elsewhere')).toBe('Declined on another device');
});

test('an end is said with the name, and a talk with its length', () => {
  const end = (reason: EndReason, direction: Direction, changes: Partial<CallView> = {}) =>
    endedSaid(sampleCall({ state: 'ended', reason, direction, ...changes }));
  expect(end('rejected', 'outgoing').title).toBe('Bob Chen declined');
  expect(end('busy', 'outgoing').title).toBe('Bob Chen is in another call');
  expect(end('ice_failed', 'outgoing').hint).toMatch(/TURN/);
  expect(end('hangup', 'incoming', { duration_ms: 198_000 }).hint).toMatch(/3 min/);
});

test('an error that only a newer phone knows keeps that phone’s words', () => {
  const error = { code: 'from_the_future' as never, message: 'The moon is in the way', hint: 'Wait.' };
  expect(errorSaid(error)).toEqual({ title: 'The moon is in the way', hint: 'Wait.' });
});

test('only a connection that heals by itself is said to keep trying', () => {
  const problem = { code: 'server_unreachable' as const, message: '', hint: '' };
  expect(connectionSaid({ state: 'reconnecting', problem })?.hint).toMatch(/keeps trying/);
  expect(connectionSaid({ state: 'offline', problem })?.hint).not.toMatch(/keeps trying/);
  expect(connectionSaid({ state: 'online', problem: null })).toBeUndefined();
});

test('an invite’s message is shown only where a person wrote it', () => {
  expect(messageText('Two minutes?')).toBe('Two minutes?');
  expect(messageText('"Two minutes?"')).toBe('Two minutes?');
  expect(messageText('{"text":"Two minutes?"}')).toBe('Two minutes?');
  expect(messageText('{"door":3}')).toBe('');
  expect(messageText(null)).toBe('');
});

/** Calls `visit` with every text; functions are asked with samples. */
function walk(value: unknown, path: string, visit: (path: string, text: string) => void): void {
  if (typeof value === 'string') visit(path, value);
  else if (typeof value === 'function')
    walk((value as (...args: unknown[]) => unknown)('Bob', 'x', ['y']), path, visit);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) walk(inner, `${path}.${name}`, visit);
  }
}

/** The variants of an enum of the phone's border, as the generated bindings write them. */
function variants(name: string): string[] {
  const source = readFileSync(`${import.meta.dirname}/../src/bindings.ts`, 'utf8');
  const body = new RegExp(`export type ${name} = \n(.*?);\n`, 's').exec(source)?.[1] ?? '';
  const found = [...body.matchAll(/^(?:\{ event: )?"(\w+)"/gm)].map(([, variant = '']) => variant);
  expect(found.length).toBeGreaterThan(4);
  return found;
}
