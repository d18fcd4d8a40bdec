import { expect, test } from 'vitest';
import { asPealError, connectTo, type MemberView } from '../src/callkit';
import { newest, phone } from '../src/state/phone.svelte';
import { isAccount, othersWouldStay, ringingCall, ringingCalls, stageCall } from '../src/state/screens';
import { levelOf } from '../src/state/meters.svelte';
import { NOW, sampleCall, sampleMember, SamplePhone, sampleView } from './samples';

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

test('a silent invite has no window of its own', () => {
  const silent = sampleCall({ direction: 'incoming', state: 'ringing', alert: 'silent' });
  const loud = sampleCall({ call_id: 'loud', direction: 'incoming', state: 'ringing' });
  expect(ringingCall(sampleView({ calls: [silent] }))).toBeUndefined();
  expect(ringingCall(sampleView({ calls: [silent, loud] }))).toBe(loud);
  expect(ringingCalls(sampleView({ calls: [silent, loud] }))).toEqual([silent, loud]);
});

test('of several calls the one that is not on hold takes the stage, then the one held last', () => {
  const talk = (call_id: string, on_hold: boolean) => sampleCall({ call_id, state: 'connected', on_hold });
  const [a, b, c] = [talk('a', true), talk('b', false), talk('c', true)];
  expect(stageCall(sampleView({ calls: [a, b, c] }))).toBe(b);
  expect(stageCall(sampleView({ calls: [a, c] }))).toBe(c);
});

test('a call that was handed over leaves the screen', () => {
  const over = sampleCall({ state: 'ended', reason: 'transferred', connected_at: NOW });
  expect(stageCall(sampleView({ calls: [over] }))).toBeUndefined();
});

test('leaving and ending differ only where two others talk', () => {
  const of = (...states: MemberView['state'][]) =>
    sampleCall({ members: states.map((state, at) => sampleMember(`m${at}`, 'M', { state })) });
  expect(othersWouldStay(of('joined'))).toBe(false);
  expect(othersWouldStay(of('joined', 'ringing', 'left'))).toBe(false);
  expect(othersWouldStay(of('joined', 'disconnected'))).toBe(true);
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
