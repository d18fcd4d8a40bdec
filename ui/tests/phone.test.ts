import { expect, test, vi } from 'vitest';
import { asPealError, connectTo, login, off, on, setSettings } from '../src/callkit';
import { newest, phone } from '../src/state/phone.svelte';
import { isAccount, ringingCall, stageCall } from '../src/state/screens';
import { levelOf } from '../src/state/meters.svelte';
import { settled } from './render';
import { SamplePhone, sampleCall, sampleView } from './samples';

test('the snapshot with the higher revision wins, in whichever order they arrive', () => {
  const [older, newer] = [sampleView({ revision: 4 }), sampleView({ revision: 5 })];
  expect(newest(null, older)).toBe(older);
  expect(newest(older, newer)).toBe(newer);
  expect(newest(newer, older)).toBe(newer);
});

test('a snapshot that was published while the first was asked for is not lost', async () => {
  const sample = new SamplePhone(sampleView({ revision: 1 }));
  sample.answers.snapshot = () => {
    const asked = sample.view;
    sample.show({ missed_count: 7 });
    return asked;
  };
  connectTo(sample);
  await phone.start();
  expect(phone.view?.revision).toBe(2);
  expect(phone.view?.missed_count).toBe(7);
});

test('nothing is asked before somebody listens', async () => {
  const sample = new SamplePhone(sampleView());
  const order: string[] = [];
  sample.onView = () => {
    order.push('listen');
    return Promise.resolve(() => undefined);
  };
  sample.answers.snapshot = () => {
    order.push('ask');
    return sample.view;
  };
  connectTo(sample);
  await phone.start();
  expect(order).toEqual(['listen', 'ask']);
});

test('a phone that does not answer is said to be missing', async () => {
  const sample = new SamplePhone(sampleView());
  sample.answers.snapshot = () => {
    throw new Error('no such command');
  };
  connectTo(sample);
  await phone.start();
  expect(phone.failure).toEqual({ code: 'internal', message: 'no such command', hint: '' });
});

test('an event reaches its own handlers until they are taken back', async () => {
  const sample = new SamplePhone(sampleView());
  connectTo(sample);
  const [ringing, other] = [vi.fn(), vi.fn()];
  const stop = on('ringing', ringing);
  on('user_busy', other);
  await settled();
  const data = { call_id: 'c', user_id: 'bob' };
  sample.emit({ event: 'ringing', data });
  expect(ringing).toHaveBeenCalledExactlyOnceWith(data);
  expect(other).not.toHaveBeenCalled();
  stop();
  off('user_busy', other);
  sample.emit({ event: 'ringing', data });
  sample.emit({ event: 'user_busy', data });
  expect(ringing).toHaveBeenCalledTimes(1);
  expect(other).not.toHaveBeenCalled();
});

test('what is not given to a command is sent as absent', async () => {
  const sample = new SamplePhone(sampleView());
  connectTo(sample);
  await login({ display_name: 'Alice' });
  await setSettings({ theme: 'dark' });
  expect(sample.asked[0]).toEqual({
    command: 'login',
    args: [{ account: null, token: null, server: null, display_name: 'Alice' }],
  });
  expect(sample.asked[1]?.args[0]).toMatchObject({ theme: 'dark', language: null, microphone: null });
});

test('whatever is thrown becomes an error with a code', () => {
  const error = { code: 'busy' as const, message: 'm', hint: 'h' };
  expect(asPealError(error)).toBe(error);
  expect(asPealError(new Error('broken')).code).toBe('internal');
  expect(asPealError('broken').message).toBe('broken');
});

test('an invite rings in its own window, and every other call takes the stage', () => {
  const rings = sampleCall({ direction: 'incoming', state: 'ringing' });
  expect(ringingCall(sampleView({ calls: [rings] }))).toBe(rings);
  expect(stageCall(sampleView({ calls: [rings] }))).toBeUndefined();
  const calling = sampleCall({ state: 'ringing' });
  expect(ringingCall(sampleView({ calls: [calling] }))).toBeUndefined();
  expect(stageCall(sampleView({ calls: [calling] }))).toBe(calling);
});

test('a call that goes on comes before one that has ended', () => {
  const ended = sampleCall({ call_id: 'old', state: 'ended', reason: 'busy' });
  const next = sampleCall({ call_id: 'new' });
  expect(stageCall(sampleView({ calls: [ended, next] }))).toBe(next);
});

test('a ring that ended without me leaves the screen alone, a failed answer does not', () => {
  const end = (reason: 'cancelled' | 'answered_elsewhere' | 'ice_failed') =>
    stageCall(sampleView({ calls: [sampleCall({ direction: 'incoming', state: 'ended', reason })] }));
  expect(end('cancelled')).toBeUndefined();
  expect(end('answered_elsewhere')).toBeUndefined();
  expect(end('ice_failed')).toBeDefined();
});

test('an account is 1 to 64 of the allowed characters', () => {
  expect(isAccount('bob.chen@home_1-2')).toBe(true);
  expect(isAccount('a'.repeat(64))).toBe(true);
  for (const bad of ['', 'a'.repeat(65), 'bob chen', 'bob/chen', 'a+b', 'a#', 'a~b', '王'])
    expect(isAccount(bad)).toBe(false);
});

test('a meter shows from -60 to -8 dB below full scale', () => {
  expect(levelOf(-100)).toBe(0);
  expect(levelOf(-60)).toBe(0);
  expect(levelOf(-34)).toBeCloseTo(0.5);
  expect(levelOf(0)).toBe(1);
  expect(levelOf(undefined)).toBe(0);
});
