import { expect, test, vi } from 'vitest';
import type { HistoryQuery, RecordView } from '../src/callkit';
import { HistorySearch } from '../src/state/history.svelte';
import { all, choose, click, clickOn, find, given, key, open, settled, the, type } from './render';
import { groupRecord, groups, history, NOW, record, type SamplePhone } from './samples';

const shown = () => all('record').map((row) => row.dataset['callId']);
const missed = record('m1', 'maria', 'Maria Papadaki', {
  direction: 'incoming',
  status: 'missed',
  reason: 'no_response',
  at: NOW - 1000,
  message: '"Call me about the keys"',
});

async function openRecent(changes: Partial<SamplePhone['view']> = {}): Promise<SamplePhone> {
  const phone = await open({ groups, ...changes });
  await click('tab-recent');
  return phone;
}

test('a missed call shows the words that came with it', async () => {
  await openRecent({ history: [missed] });
  expect(the('record').textContent).toMatch(/Missed.*Call me about the keys/s);
});

test('a group’s call has the group’s name, and its page says how it went with each', async () => {
  const phone = await openRecent({ history: [groupRecord, ...history] });
  expect(all('record')[0]?.textContent).toMatch(/Design team/);
  await clickOn('record', { callId: 'g9' });
  expect(the('detail').dataset['callId']).toBe('g9');
  expect(the('record-message').textContent).toBe('The new door, before the review');
  const outcomes = all('record-member').map((row) => [row.dataset['userId'], row.dataset['status']]);
  expect(outcomes).toEqual([
    ['bob.chen', 'completed'],
    ['maria', 'completed'],
    ['wang', 'missed'],
    ['david.okafor', 'rejected'],
  ]);
  expect(all('record-member')[2]?.textContent).toMatch(/No answer/);
  await click('call-button');
  expect(given(phone, 'call')).toEqual([
    { to: ['bob.chen', 'maria', 'wang', 'david.okafor'], group_id: 'g1', message: null },
  ]);
  await clickOn('record', { callId: 'g9' });
  await clickOn('record-member', { userId: 'wang' });
  expect(the('detail').dataset['userId']).toBe('wang');
});

test('a person’s page has their part in group calls too, by the group’s name', async () => {
  await openRecent({ history: [groupRecord] });
  await clickOn('record', { callId: 'g9' });
  await clickOn('record-member', { userId: 'maria' });
  expect(the('detail').dataset['userId']).toBe('maria');
  expect(the('detail').textContent).toMatch(/Design team\s*Outgoing, 34 min/);
});

test('several people without a group are named, and called again together', async () => {
  const both = { ...groupRecord, group_id: null, group_name: null, members: groupRecord.members.slice(0, 2) };
  const phone = await openRecent({ history: [both] });
  expect(the('record').textContent).toMatch(/Bob Chen and Maria Papadaki/);
  the('record').focus();
  await key('Enter');
  expect(given(phone, 'call')).toEqual([{ to: ['bob.chen', 'maria'], group_id: null, message: null }]);
});

test('a call is deleted by its button or by the key, and the list goes on from there', async () => {
  const phone = await openRecent();
  await clickOn('record', { callId: 'c9' });
  await click('delete-record');
  phone.show({ history: history.slice(1) });
  await settled();
  all('record')[0]?.focus();
  await key('Delete');
  expect(given(phone, 'deleteRecords')).toEqual([['c9'], ['c8']]);
});

test('a group’s call is deleted on its page', async () => {
  const phone = await openRecent({ history: [groupRecord] });
  await clickOn('record', { callId: 'g9' });
  await click('delete-this');
  expect(given(phone, 'deleteRecords')).toEqual([['g9']]);
  expect(find('detail')).toBeNull();
});

test('the whole history is deleted after a question', async () => {
  const phone = await openRecent();
  await click('history-menu');
  await click('delete-all');
  expect(given(phone, 'deleteRecords')).toEqual([]);
  await click('confirm-yes');
  expect(given(phone, 'deleteRecords')).toEqual([null]);
});

test.each(['csv', 'json'])('the history is exported as %s', async (format) => {
  const phone = await openRecent();
  phone.answers.exportHistory = () => ({ text: 'all of it' });
  phone.answers.saveFile = () => true;
  await click('history-menu');
  await click(`export-${format}`);
  await vi.waitFor(() => expect(find('toast')).not.toBeNull());
  expect(given(phone, 'exportHistory')).toEqual([format]);
  expect(phone.asked.find(({ command }) => command === 'saveFile')?.args).toEqual([
    `calls.${format}`,
    'all of it',
  ]);
});

test('a file that nobody wants to keep is kept nowhere, and nothing is said', async () => {
  const phone = await openRecent();
  phone.answers.exportHistory = () => ({ text: 'all of it' });
  phone.answers.saveFile = () => false;
  await click('history-menu');
  await click('export-csv');
  await vi.waitFor(() => expect(phone.asked.at(-1)?.command).toBe('saveFile'));
  await settled();
  expect(find('toast')).toBeNull();
});

test('what is typed is searched in the whole history, once the typing rests', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const phone = await openRecent();
  const old = record('old', 'zoe', 'Zoë', { at: NOW - 400 * 86_400_000, minutes: 3 });
  phone.answers.searchHistory = () => [old];
  await type('search', 'z');
  await type('search', 'zo');
  expect(given(phone, 'searchHistory')).toEqual([]);
  vi.advanceTimersByTime(200);
  await settled();
  expect(given(phone, 'searchHistory')).toEqual([{ limit: 100, query: 'zo' }]);
  expect(shown()).toEqual(['old']);
  await type('search', '');
  expect(shown()).toEqual(history.map(({ call_id }) => call_id));
});

test('missed calls are those missed, cancelled and called while I was busy', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const phone = await openRecent();
  phone.answers.searchHistory = ({ status }: HistoryQuery) => [
    record(`${status}`, 'bob', 'Bob', { at: status === 'busy' ? NOW : NOW - 1000 }),
  ];
  await choose('history-filter', 'missed');
  vi.advanceTimersByTime(200);
  await settled();
  expect(given(phone, 'searchHistory')).toEqual([
    { status: 'missed', direction: 'incoming', limit: 100 },
    { status: 'cancelled', direction: 'incoming', limit: 100 },
    { status: 'busy', direction: 'incoming', limit: 100 },
  ]);
  expect(shown()[0]).toBe('busy');
});

test('a list that finds nothing says so', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const phone = await openRecent();
  phone.answers.searchHistory = () => [];
  await choose('history-filter', 'rejected');
  vi.advanceTimersByTime(200);
  await settled();
  expect(the('no-history').textContent).toMatch(/No such calls/);
  await type('search', 'nobody');
  vi.advanceTimersByTime(200);
  await settled();
  expect(the('no-history').textContent).toMatch(/No call matches “nobody”/);
});

test('earlier calls come page by page: from the snapshot, then from the whole history', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const phone = await open();
  const many = Array.from({ length: 350 }, (_, at) => record(`r${at}`, 'bob', 'Bob', { at: NOW - at }));
  phone.answers.searchHistory = ({ limit }: HistoryQuery) => many.slice(0, limit ?? 100);
  const search = new HistorySearch();
  const look = async () => {
    search.look('', 'all', many.slice(0, 200));
    vi.advanceTimersByTime(200);
    await settled();
    return [search.found?.length ?? null, search.limit, search.hasMore];
  };
  expect(await look()).toEqual([null, 100, true]);
  search.more();
  expect(await look()).toEqual([null, 200, true]);
  search.more();
  expect(await look()).toEqual([300, 300, true]);
  search.more();
  expect(await look()).toEqual([350, 400, false]);
  expect(given(phone, 'searchHistory')).toEqual([{ limit: 300 }, { limit: 400 }]);
  search.look('b', 'all', []);
  expect(search.limit).toBe(100);
});

test('a short history has nothing earlier', async () => {
  const phone = await openRecent();
  expect(find('show-more')).toBeNull();
  expect(given(phone, 'searchHistory')).toEqual([]);
});

test('an answer that was overtaken by the next question is not shown', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const phone = await openRecent();
  const answers: ((found: RecordView[]) => void)[] = [];
  phone.answers.searchHistory = () => new Promise((resolve) => answers.push(resolve));
  const search = new HistorySearch();
  search.look('a', 'all', []);
  vi.advanceTimersByTime(200);
  search.look('ab', 'all', []);
  vi.advanceTimersByTime(200);
  await settled();
  const [first, second] = [record('first', 'a', 'A', { at: NOW }), record('second', 'b', 'B', { at: NOW })];
  answers[1]?.([second]);
  await settled();
  answers[0]?.([first]);
  await settled();
  expect(search.found).toEqual([second]);
});
