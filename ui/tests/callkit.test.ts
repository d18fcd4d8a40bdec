import { expect, test, vi } from 'vitest';
// eslint-disable-next-line no-restricted-imports -- what there is to be covered
import { commands } from '../src/bindings';
import * as callkit from '../src/callkit';
import type { PhoneEvent } from '../src/callkit';
import { settled } from './render';
import { SamplePhone, sampleView } from './samples';

function phone(): SamplePhone {
  const sample = new SamplePhone(sampleView());
  sample.answers.exportContacts = () => ({ vcard: 'BEGIN:VCARD' });
  sample.answers.exportHistory = () => ({ text: 'call_id' });
  callkit.connectTo(sample);
  return sample;
}

// Every command: what a program writes, and what the phone is asked.
const asked: [name: keyof typeof commands, call: () => unknown, args: unknown[]][] = [
  ['login', () => callkit.login({ display_name: 'Alice' }), [{ display_name: 'Alice' }]],
  ['logout', () => callkit.logout(), []],
  ['currentUser', () => callkit.currentUser(), []],
  ['snapshot', () => callkit.snapshot(), []],
  [
    'call',
    () => callkit.call(['bob', 'maria'], { group_id: 'g' }),
    [{ to: ['bob', 'maria'], group_id: 'g' }],
  ],
  ['invite', () => callkit.invite('c', ['wang']), [{ call_id: 'c', to: ['wang'], message: null }]],
  ['accept', () => callkit.accept('c', { meanwhile: 'end' }), [{ call_id: 'c', meanwhile: 'end' }]],
  ['reject', () => callkit.reject('c', 'Later', true), [{ call_id: 'c', message: 'Later', busy: true }]],
  ['cancel', () => callkit.cancel('c', false), [{ call_id: 'c', record: false }]],
  ['leave', () => callkit.leave('c'), ['c']],
  ['hangup', () => callkit.hangup('c'), ['c']],
  ['dismiss', () => callkit.dismiss('c'), ['c']],
  ['hold', () => callkit.hold('c'), ['c']],
  ['resume', () => callkit.resume('c'), ['c']],
  ['switchMedia', () => callkit.switchMedia('c', 'video'), [{ call_id: 'c', media: 'video' }]],
  ['answerSwitch', () => callkit.answerSwitch('c', true), [{ call_id: 'c', accept: true }]],
  ['transfer', () => callkit.transfer('c', { to: 'maria' }), [{ call_id: 'c', to: 'maria' }]],
  ['transfer', () => callkit.transfer('c', { to_call_id: 'd' }), [{ call_id: 'c', to_call_id: 'd' }]],
  ['merge', () => callkit.merge('c', 'd'), [{ call_id: 'c', into: 'd' }]],
  ['callStats', () => callkit.callStats('c', 'bob'), [{ call_id: 'c', user_id: 'bob' }]],
  ['setMuted', () => callkit.setMuted(true), [true]],
  ['isMuted', () => callkit.isMuted(), []],
  ['setSpeakerEnabled', () => callkit.setSpeakerEnabled(false), [false]],
  ['isSpeakerEnabled', () => callkit.isSpeakerEnabled(), []],
  ['setVolume', () => callkit.setVolume('bob', -6), [{ user_id: 'bob', db: -6 }]],
  ['initEngine', () => callkit.initEngine(), []],
  ['releaseEngine', () => callkit.releaseEngine(), []],
  ['meters', () => callkit.meters(), []],
  ['setCallTimeout', () => callkit.setCallTimeout(15_000), [15_000]],
  ['setSettings', () => callkit.setSettings({ theme: 'dark' }), [{ theme: 'dark' }]],
  ['setProfile', () => callkit.setProfile({ region: 'Oslo' }), [{ region: 'Oslo' }]],
  ['addContact', () => callkit.addContact('zoe'), ['zoe']],
  ['setContact', () => callkit.setContact('zoe', { note_name: 'Z' }), [{ user_id: 'zoe', note_name: 'Z' }]],
  ['removeContact', () => callkit.removeContact('zoe'), ['zoe']],
  [
    'setGroup',
    () => callkit.setGroup({ name: 'Team', members: ['bob'] }),
    [{ name: 'Team', members: ['bob'] }],
  ],
  ['removeGroup', () => callkit.removeGroup('g'), ['g']],
  ['searchContacts', () => callkit.searchContacts('bob'), ['bob']],
  ['avatar', () => callkit.avatar('a1'), ['a1']],
  ['exportContacts', () => callkit.exportContacts(), []],
  ['importContacts', () => callkit.importContacts('BEGIN:VCARD'), ['BEGIN:VCARD']],
  ['safetyNumber', () => callkit.safetyNumber('bob'), ['bob']],
  ['setVerified', () => callkit.setVerified('bob', 'd1', true), ['bob', 'd1', true]],
  ['trustKey', () => callkit.trustKey('bob', 'd1'), ['bob', 'd1']],
  ['searchHistory', () => callkit.searchHistory({ query: 'door' }), [{ query: 'door' }]],
  ['deleteRecords', () => callkit.deleteRecords(['c']), [['c']]],
  ['deleteRecords', () => callkit.deleteRecords(), [null]],
  ['exportHistory', () => callkit.exportHistory('csv'), ['csv']],
  ['markHistorySeen', () => callkit.markHistorySeen(), []],
  [
    'openCamera',
    () => callkit.openCamera({ kind: 'screen', id: 's1' }),
    [{ source: { kind: 'screen', id: 's1' } }],
  ],
  ['openCamera', () => callkit.openCamera(), [{ source: null }]],
  ['closeCamera', () => callkit.closeCamera(), []],
  ['videoSources', () => callkit.videoSources(), []],
  [
    'publishStream',
    () => callkit.publishStream({ url: 'https://media.example/a/whip' }),
    [{ url: 'https://media.example/a/whip' }],
  ],
  ['stopPublishing', () => callkit.stopPublishing(), []],
  ['pictureDoor', () => callkit.pictureDoor(), []],
  ['openPictureInPicture', () => callkit.openPictureInPicture(), []],
  ['closePictureInPicture', () => callkit.closePictureInPicture(), []],
  ['setFullScreen', () => callkit.setFullScreen(true), [true]],
  ['openMain', () => callkit.openMain(), []],
  ['incomingDrawn', () => callkit.incomingDrawn('c', 196), ['c', 196]],
  ['saveFile', () => callkit.saveFile('calls.csv', 'text'), ['calls.csv', 'text']],
];

test.each(asked)('%s asks the phone for just that', async (command, call, args) => {
  const sample = phone();
  await call();
  expect(sample.asked).toEqual([{ command, args }]);
});

test('every command of the phone has its function', () => {
  expect([...new Set(asked.map(([name]) => name))].sort()).toEqual(Object.keys(commands).sort());
  for (const [name] of asked) expect(callkit[name]).toBeTypeOf('function');
});

test('a file comes as its text', async () => {
  phone();
  expect(await callkit.exportContacts()).toBe('BEGIN:VCARD');
  expect(await callkit.exportHistory('csv')).toBe('call_id');
});

const rings = (call_id = 'c'): PhoneEvent => ({ event: 'ringing', data: { call_id, user_id: 'bob' } });

test('an event reaches its own handlers until they are taken back', async () => {
  const sample = phone();
  const [ringing, other] = [vi.fn(), vi.fn()];
  const stop = callkit.on('ringing', ringing);
  callkit.on('user_busy', other);
  await settled();
  sample.emit(rings());
  expect(ringing).toHaveBeenCalledExactlyOnceWith({ call_id: 'c', user_id: 'bob' });
  expect(other).not.toHaveBeenCalled();
  stop();
  callkit.off('user_busy', other);
  sample.emit(rings());
  sample.emit({ event: 'user_busy', data: { call_id: 'c', user_id: 'bob' } });
  expect(ringing).toHaveBeenCalledTimes(1);
  expect(other).not.toHaveBeenCalled();
});

test('a handler has the context it was given', async () => {
  const sample = phone();
  const bell = { rung: '' };
  function ring(this: typeof bell, { call_id }: { call_id: string }) {
    this.rung = call_id;
  }
  callkit.on('ringing', ring, bell);
  await settled();
  sample.emit(rings('d'));
  expect(bell.rung).toBe('d');
});

test('an unsubscribe takes back its own subscription, off takes back all of that handler', async () => {
  const sample = phone();
  const handler = vi.fn();
  const stop = callkit.on('ringing', handler);
  callkit.on('ringing', handler, 'again');
  await settled();
  stop();
  stop();
  sample.emit(rings());
  expect(handler).toHaveBeenCalledTimes(1);
  callkit.on('ringing', handler);
  callkit.off('ringing', handler);
  sample.emit(rings());
  expect(handler).toHaveBeenCalledTimes(1);
});

test('a handler may take itself back, and one that fails does not silence the others', async () => {
  const sample = phone();
  const fault = new Error('mine');
  const reported = vi.fn();
  vi.stubGlobal('reportError', reported);
  const after = vi.fn();
  const stop = callkit.on('ringing', () => {
    stop();
    throw fault;
  });
  callkit.on('ringing', after);
  await settled();
  sample.emit(rings());
  sample.emit(rings());
  expect(reported).toHaveBeenCalledExactlyOnceWith(fault);
  expect(after).toHaveBeenCalledTimes(2);
  vi.unstubAllGlobals();
});

test('another phone starts without listeners', async () => {
  const first = phone();
  const handler = vi.fn();
  callkit.on('ringing', handler);
  await settled();
  const second = phone();
  await settled();
  first.emit(rings());
  second.emit(rings());
  expect(handler).not.toHaveBeenCalled();
});

test('a command that fails rejects with the phone’s own error', async () => {
  const sample = phone();
  const error = { code: 'full', message: 'm', hint: 'h' };
  sample.answers.invite = () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- commands reject with a PealError
    throw error;
  };
  await expect(callkit.invite('c', ['bob'])).rejects.toEqual(error);
});
