import { expect, test } from 'vitest';
import type { PhoneView, Settings } from '../src/callkit';
import { crossesMidnight } from '../src/state/quiet';
import { all, choose, click, find, given, key, open, settled, the, type } from './render';
import { contact, contacts, sampleView, type SamplePhone } from './samples';

const settings = (changes: Partial<Settings>): Partial<PhoneView> => ({
  settings: { ...sampleView().settings, ...changes },
});

async function openSettings(changes: Partial<PhoneView> = {}): Promise<SamplePhone> {
  const phone = await open(changes);
  await click('open-settings');
  return phone;
}

test.each([
  ['call-waiting', { call_waiting: true }],
  ['hold-music', { hold_music: false }],
  ['ring-here', { ring_here: false }],
  ['open-microphone', { open_microphone: false }],
  ['single-device', { single_device: true }],
  ['check-sum', { check_sum: false }],
  ['debug', { debug: true }],
  ['echo-cancellation', { echo_cancellation: false }],
] as const)('%s is a switch', async (testid, patch) => {
  const phone = await openSettings();
  await click(testid);
  expect(given(phone, 'setSettings')).toEqual([patch]);
});

test.each([
  ['audio-quality', 'high', { audio_quality: 'high' }],
  ['unknown-callers', 'silence', { unknown_callers: 'silence' }],
  ['microphone', 'mic-2', { microphone: 'mic-2' }],
] as const)('%s is a choice', async (testid, value, patch) => {
  const phone = await openSettings();
  await choose(testid, value);
  expect(given(phone, 'setSettings')).toEqual([patch]);
});

test('this device gets a name, and loses it', async () => {
  const phone = await openSettings();
  await type('device-name', ' Kitchen ');
  the('device-name').dispatchEvent(new FocusEvent('blur'));
  phone.show(settings({ device_name: 'Kitchen' }));
  await settled();
  await type('device-name', '');
  the('device-name').dispatchEvent(new FocusEvent('blur'));
  expect(given(phone, 'setSettings')).toEqual([{ device_name: 'Kitchen' }, { device_name: '' }]);
});

test('the token of the own server is asked for only where that server is', async () => {
  const account = sampleView().account;
  await openSettings({ account: account && { ...account, embedded: false } });
  expect(find('check-sum')).toBeNull();
});

test('quiet hours are added, changed and removed', async () => {
  const phone = await openSettings();
  await click('add-hours');
  const nights = { days: [0, 1, 2, 3, 6], from_min: 1320, until_min: 420 };
  expect(given(phone, 'setSettings')).toEqual([{ do_not_disturb: { on: false, schedule: [nights] } }]);
  phone.show(settings({ do_not_disturb: { on: false, schedule: [nights] } }));
  await settled();
  expect(the('hours').textContent).toMatch(/next day/);
  await click('day-4');
  await click('day-0');
  await choose('from', '1380');
  await choose('until', '360');
  await click('remove-hours');
  const schedules = given(phone, 'setSettings')
    .slice(1)
    .map((patch) => (patch as { do_not_disturb: Settings['do_not_disturb'] }).do_not_disturb.schedule);
  expect(schedules).toEqual([
    [{ ...nights, days: [0, 1, 2, 3, 4, 6] }],
    [{ ...nights, days: [1, 2, 3, 6] }],
    [{ ...nights, from_min: 1380 }],
    [{ ...nights, until_min: 360 }],
    [],
  ]);
});

test('hours that another Peal set to the minute are offered as they are', async () => {
  const hours = { days: [0], from_min: 605, until_min: 725 };
  await openSettings(settings({ do_not_disturb: { on: false, schedule: [hours] } }));
  expect((the('from') as HTMLSelectElement).value).toBe('605');
  expect(crossesMidnight(hours)).toBe(false);
  expect(crossesMidnight({ ...hours, until_min: 605 })).toBe(true);
});

test('the day buttons say their names and whether they are chosen', async () => {
  const hours = { days: [6], from_min: 0, until_min: 60 };
  await openSettings(settings({ do_not_disturb: { on: false, schedule: [hours] } }));
  expect(the('day-6').getAttribute('aria-label')).toBe('Sunday');
  expect(the('day-6').getAttribute('aria-pressed')).toBe('true');
  expect(the('day-0').getAttribute('aria-pressed')).toBe('false');
});

test('do not disturb keeps its schedule when it is switched by hand', async () => {
  const schedule = [{ days: [0], from_min: 0, until_min: 60 }];
  const phone = await openSettings(settings({ do_not_disturb: { on: false, schedule } }));
  await click('quiet-now');
  expect(given(phone, 'setSettings')).toEqual([{ do_not_disturb: { on: true, schedule } }]);
});

test('who is blocked is listed, and let in again', async () => {
  const phone = await openSettings({
    contacts: [...contacts, contact('spam', 'Cheap Phones', 'online', { is_in_black_list: true })],
  });
  expect(the('blocked').textContent).toMatch(/Cheap Phones/);
  the('blocked').querySelector('button')?.click();
  await settled();
  expect(given(phone, 'setContact')).toEqual([{ user_id: 'spam', is_in_black_list: false }]);
});

test('a kept password is not shown, and stays unless another is typed', async () => {
  const turn = { url: 'turn:example.org', username: 'ann', credential: '', has_credential: true };
  const phone = await openSettings(settings({ ice_servers: [turn] }));
  expect((the('ice-credential') as HTMLInputElement).value).toBe('');
  the('ice-credential').dispatchEvent(new FocusEvent('blur'));
  await settled();
  expect(given(phone, 'setSettings')).toEqual([]);
  await type('ice-credential', 'new');
  the('ice-credential').dispatchEvent(new FocusEvent('blur'));
  await settled();
  await type('ice-username', 'bob');
  the('ice-username').dispatchEvent(new FocusEvent('blur'));
  await settled();
  expect(given(phone, 'setSettings')).toEqual([
    { ice_servers: [{ ...turn, credential: 'new', has_credential: false }] },
    { ice_servers: [{ ...turn, username: 'bob' }] },
  ]);
});

test('a server without an address is none', async () => {
  const stun = { url: 'stun:example.org', username: '', credential: '', has_credential: false };
  const phone = await openSettings(settings({ ice_servers: [stun] }));
  await type('ice-server', ' ');
  the('ice-server').dispatchEvent(new FocusEvent('blur'));
  await settled();
  expect(given(phone, 'setSettings')).toEqual([{ ice_servers: [] }]);
});

test('the settings lead to the profile, and keep the name that was typed', async () => {
  const phone = await openSettings();
  await type('display-name', 'Alice L.');
  await click('edit-profile');
  expect(given(phone, 'setSettings')).toEqual([{ display_name: 'Alice L.' }]);
  expect(find('settings')).toBeNull();
  expect(find('profile')).not.toBeNull();
});

test('every section is named in the list beside them', async () => {
  await openSettings();
  const sections = [...the('settings').querySelectorAll<HTMLElement>('[data-section]')];
  const named = [...the('settings').querySelectorAll('nav button')].map((button) =>
    button.textContent.trim(),
  );
  expect(sections.map((section) => section.querySelector('h2')?.textContent)).toEqual(named);
  await click('section-look');
  expect(the('section-look').getAttribute('aria-current')).toBe('true');
  expect(all('section-sound')[0]?.hasAttribute('aria-current')).toBe(false);
});

test('while the log is detailed, what happens is shown as it happens', async () => {
  const phone = await openSettings(settings({ debug: true }));
  expect(the('activity').textContent).toMatch(/Nothing yet/);
  phone.emit({ event: 'presence_changed', data: { user_id: 'bob.chen', presence: 'offline' } });
  phone.emit({ event: 'voice_volume', data: [] });
  phone.emit({ event: 'user_left', data: { call_id: 'c', user_id: 'maria', reason: 'ice_lost' } });
  await settled();
  const lines = [...the('activity').querySelectorAll('li')].map((line) => line.textContent);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/Maria Papadaki is not in the call any more: Connection lost/);
  expect(lines[1]).toMatch(/Bob Chen: Offline/);
});

test('Escape closes the settings and gives the keyboard back', async () => {
  await open();
  the('open-settings').focus();
  await click('open-settings');
  (the('settings') as HTMLDialogElement).close();
  await settled();
  expect(find('settings')).toBeNull();
  expect(document.activeElement).toBe(the('open-settings'));
  expect(await key('k', { ctrlKey: true })).toBe(true);
});
