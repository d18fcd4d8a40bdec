import { expect, test, vi } from 'vitest';
import type { CallState } from '../src/callkit';
import { click, find, key, open, settled, the } from './render';
import { NOW, sampleCall } from './samples';

const talking = (changes = {}, member = {}) =>
  sampleCall(
    { state: 'connected', connected_at: NOW, quality: 'good', ...changes },
    { state: 'joined', ...member },
  );

test.each([
  ['calling', 'Calling…'],
  ['ringing', 'Ringing…'],
  ['connecting', 'Connecting…'],
  ['reconnecting', 'Reconnecting…'],
] as [CallState, string][])('a call that is %s says “%s”', async (state, words) => {
  await open({ calls: [sampleCall({ state })] });
  expect(the('call').dataset['state']).toBe(state);
  expect(the('call-state').textContent.trim()).toBe(words);
  expect(the('call').querySelector('[role="status"]')?.textContent).toMatch(words);
});

test('the running time counts every second', async () => {
  vi.useFakeTimers({ now: NOW + 198_400, toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  await open({ calls: [talking()] });
  expect(the('call-time').textContent).toBe('03:18');
  vi.advanceTimersByTime(600);
  await settled();
  expect(the('call-time').textContent).toBe('03:19');
  // The live region never reads the time aloud.
  expect(the('call').querySelector('[role="status"]')?.textContent).not.toMatch(/\d/);
});

test('muting is asked for, and shown only when the phone says so', async () => {
  const phone = await open({ calls: [talking()] });
  await click('mute');
  expect(phone.asked.at(-1)).toEqual({ command: 'setMuted', args: [true] });
  expect(the('mute').dataset['off']).toBe('false');
  phone.show({ calls: [talking({ muted: true })] });
  await settled();
  expect(the('mute').dataset['off']).toBe('true');
  expect(the('mute').getAttribute('aria-label')).toBe('Unmute');
  expect(the('call-state').textContent).toMatch(/You are muted/);
});

test('the other side’s mute is said with their name', async () => {
  await open({ calls: [talking({}, { muted: true })] });
  expect(the('call-state').textContent).toMatch(/Bob Chen is muted/);
});

test('M mutes, Ctrl+Shift+H hangs up, Escape does neither', async () => {
  const phone = await open({ calls: [talking()] });
  const before = phone.asked.length;
  await key('Escape');
  expect(phone.asked.slice(before).filter(({ command }) => command !== 'meters')).toEqual([]);
  await key('m');
  expect(phone.asked.at(-1)?.command).toBe('setMuted');
  await key('H', { ctrlKey: true, shiftKey: true });
  expect(phone.asked.some(({ command, args }) => command === 'hangup' && args[0] === 'call-1')).toBe(true);
});

test('the speaker is what the phone says', async () => {
  const phone = await open({ calls: [talking()] });
  await click('speaker');
  expect(phone.asked.at(-1)).toEqual({ command: 'setSpeakerEnabled', args: [false] });
  expect(the('speaker').dataset['off']).toBe('false');
  phone.show({ audio: { ...phone.view.audio, speaker_enabled: false } });
  await settled();
  expect(the('speaker').dataset['off']).toBe('true');
});

test('levels are polled only while a call connects people, and show who speaks', async () => {
  const phone = await open({ calls: [sampleCall()] });
  phone.answers.meters = () => ({
    voices: [
      { user_id: '', dbfs: -100 },
      { user_id: 'bob.chen', dbfs: -8 },
    ],
  });
  expect(find('peer-meter')).toBeNull();
  expect(phone.asked.some(({ command }) => command === 'meters')).toBe(false);
  phone.show({ calls: [talking()] });
  await vi.waitFor(() => expect(the('peer-meter').getAttribute('aria-valuenow')).toBe('100'));
  expect(the('my-meter').getAttribute('aria-valuenow')).toBe('0');
  phone.show({ calls: [] });
  await settled();
  const polled = phone.asked.length;
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(phone.asked.length).toBe(polled);
});

test('a device is chosen while talking', async () => {
  const phone = await open({ calls: [talking()] });
  await click('more');
  const microphone = the('microphone') as HTMLSelectElement;
  expect([...microphone.options].map((option) => option.text)).toEqual([
    'System default',
    'Built-in microphone',
    'Headset',
  ]);
  microphone.value = 'mic-2';
  microphone.dispatchEvent(new Event('change', { bubbles: true }));
  await settled();
  expect(phone.asked.findLast(({ command }) => command === 'setSettings')?.args[0]).toMatchObject({
    microphone: 'mic-2',
  });
  await key('Escape');
  expect(find('more-panel')).toBeNull();
  expect(document.activeElement).toBe(the('more'));
});

test('the end is explained; Back leaves, and the keyboard returns to the list', async () => {
  const phone = await open();
  const bob = document.querySelector<HTMLElement>('[data-testid="contact"][data-user-id="bob.chen"]');
  bob?.click();
  bob?.focus();
  await settled();
  phone.show({ calls: [sampleCall()] });
  await settled();
  expect(the('home').hasAttribute('inert')).toBe(true);
  phone.show({ calls: [sampleCall({ state: 'ended', reason: 'no_response' })] });
  await settled();
  expect(the('end-reason').textContent).toBe('No answer');
  expect(the('end-reason').dataset['reason']).toBe('no_response');
  expect(the('end-hint').textContent).toMatch(/did not pick up/);
  await key('Escape');
  expect(phone.asked.at(-1)).toEqual({ command: 'dismiss', args: ['call-1'] });
  phone.show({ calls: [] });
  await settled();
  expect(document.activeElement).toBe(bob);
});

test('the words of a decline are shown, and the call can be made again', async () => {
  const phone = await open({
    calls: [sampleCall({ state: 'ended', reason: 'rejected', message: 'In a meeting.' })],
  });
  expect(the('end-message').textContent).toBe('In a meeting.');
  await click('call-again');
  expect(phone.asked.at(-1)).toMatchObject({ command: 'call', args: [{ to: ['bob.chen'] }] });
});

const ring = (changes = {}) => sampleCall({ direction: 'incoming', state: 'ringing', ...changes });

test('the incoming window shows who calls, and nothing once it rings no more', async () => {
  const phone = await open({ calls: [ring({ message: '"Two minutes?"' })] }, 'incoming');
  expect(the('incoming').textContent).toMatch(/Bob Chen/);
  expect(the('incoming-message').textContent).toBe('Two minutes?');
  expect(document.activeElement?.tagName).toBe('H1');
  phone.show({ calls: [ring({ state: 'connecting' })] });
  await settled();
  expect(find('incoming')).toBeNull();
});

test('the incoming window is told when a card is drawn, and when four frames have passed without one', async () => {
  const frames: FrameRequestCallback[] = [];
  const request = vi.spyOn(window, 'requestAnimationFrame').mockImplementation((next) => frames.push(next));
  const phone = await open({ calls: [ring()] }, 'incoming');
  const drawn = () =>
    phone.asked.filter(({ command }) => command === 'incomingDrawn').map(({ args }) => args[0]);
  expect(drawn()).toEqual(['call-1']);
  phone.show({ calls: [] });
  await settled();
  for (let frame = 1; frame <= 3; frame++) frames.at(-1)?.(frame * 16);
  expect(drawn()).toEqual(['call-1']);
  frames.at(-1)?.(64);
  expect(drawn()).toEqual(['call-1', null]);
  request.mockRestore();
});

test('Answer answers and brings the main window', async () => {
  const phone = await open({ calls: [ring()] }, 'incoming');
  await click('answer');
  expect(phone.asked.slice(-2)).toEqual([
    { command: 'accept', args: [{ call_id: 'call-1' }] },
    { command: 'openMain', args: [] },
  ]);
});

test('Decline declines without words', async () => {
  const phone = await open({ calls: [ring()] }, 'incoming');
  await click('decline');
  expect(phone.asked.at(-1)).toEqual({
    command: 'reject',
    args: [{ call_id: 'call-1', message: null, busy: false }],
  });
});

test('Enter answers, but not a keystroke that was on its way when the window popped up', async () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(1000);
  const phone = await open({ calls: [ring()] }, 'incoming');
  now.mockReturnValue(1300);
  await key('Enter');
  expect(phone.asked.some(({ command }) => command === 'accept')).toBe(false);
  now.mockReturnValue(2000);
  await key('Enter', { repeat: true });
  expect(phone.asked.some(({ command }) => command === 'accept')).toBe(false);
  await key('Enter');
  expect(phone.asked.some(({ command }) => command === 'accept')).toBe(true);
  now.mockRestore();
});

test('a decline may carry a ready reply or own words; Escape returns to the choice', async () => {
  const phone = await open({ calls: [ring()] }, 'incoming');
  await click('decline-with-message');
  await key('Escape');
  expect(find('answer')).not.toBeNull();
  await click('decline-with-message');
  (document.activeElement as HTMLElement).click();
  await settled();
  expect(phone.asked.at(-1)).toEqual({
    command: 'reject',
    args: [{ call_id: 'call-1', message: 'I’ll call you in five minutes.', busy: false }],
  });
  const own = the('own-words') as HTMLInputElement;
  own.value = ' At four? ';
  own.dispatchEvent(new InputEvent('input', { bubbles: true }));
  own.form?.requestSubmit();
  await settled();
  expect(phone.asked.at(-1)?.args[0]).toEqual({ call_id: 'call-1', message: 'At four?', busy: false });
});

test('an answer that fails is explained in its window', async () => {
  const phone = await open({ calls: [ring()] }, 'incoming');
  phone.answers.accept = () => Promise.reject(Object.assign(new Error(), { code: 'no_microphone' }));
  await click('answer');
  expect(the('incoming-failure').textContent).toMatch(/No microphone/);
  expect(phone.asked.some(({ command }) => command === 'openMain')).toBe(false);
});
