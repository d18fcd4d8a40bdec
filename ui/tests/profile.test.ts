import { expect, test, vi } from 'vitest';
import { birthdayOf } from '../src/state/birthday';
import { middle, moved, zoomed } from '../src/state/picture';
import { all, click, clickOn, find, give, given, key, open, settled, the, type } from './render';
import { contacts, sampleView } from './samples';

const withPicture = (avatar_id: string) =>
  contacts.map((one) => (one.user_id === 'bob.chen' ? { ...one, avatar_id } : one));

test('only what was changed of the profile is sent', async () => {
  const { profile } = sampleView();
  const phone = await open({ profile: { ...profile, region: 'Oslo' } });
  await click('my-menu');
  await click('open-profile');
  await type('profile-signature', 'In the workshop');
  await type('profile-region', '');
  await type('profile-birthday', '4-23');
  the('profile-gender').querySelector<HTMLInputElement>('[value="female"]')?.click();
  the('profile-name').closest('form')?.requestSubmit();
  await settled();
  expect(given(phone, 'setProfile')).toEqual([
    { signature: 'In the workshop', region: '', birthday: '--04-23', gender: 'female' },
  ]);
  expect(find('profile')).toBeNull();
});

test('a profile without a name or with an impossible birthday is asked for again', async () => {
  const phone = await open();
  await click('my-menu');
  await click('open-profile');
  await type('profile-name', ' ');
  await type('profile-birthday', '1990-02-30');
  the('profile-name').closest('form')?.requestSubmit();
  await settled();
  expect(all('field-problem').map((problem) => problem.textContent.trim().slice(0, 15))).toEqual([
    'Type the name t',
    'This is no day ',
  ]);
  expect(document.activeElement).toBe(the('profile-name'));
  expect(given(phone, 'setProfile')).toEqual([]);
});

test('a picture is fetched once by its name and shown wherever its owner is', async () => {
  const phone = await open({
    contacts: withPicture('a1'),
    profile: { ...sampleView().profile, avatar_id: 'a2' },
  });
  phone.answers.avatar = (id: string) => `data:image/png;base64,${id}`;
  phone.show({ contacts: withPicture('a3') });
  await vi.waitFor(() => {
    expect(document.querySelector('[data-user-id="bob.chen"] img')?.getAttribute('src')).toContain('a3');
  });
  await clickOn('contact', { userId: 'bob.chen' });
  expect(document.querySelectorAll('img[src*="a3"]')).toHaveLength(2);
  expect(given(phone, 'avatar').filter((id) => id === 'a3')).toHaveLength(1);
  expect(given(phone, 'avatar')).toContain('a2');
});

test('a file that is no picture is refused in words', async () => {
  await open();
  await click('my-menu');
  await click('open-profile');
  vi.stubGlobal('createImageBitmap', () => Promise.reject(new Error('no picture')));
  await give('picture-file', new File(['x'], 'x.png', { type: 'image/png' }));
  await vi.waitFor(() => expect(find('toast')).not.toBeNull());
  expect(the('toast').textContent).toMatch(/no picture that Peal can read/);
  vi.unstubAllGlobals();
});

test('a picture is removed', async () => {
  const phone = await open({ profile: { ...sampleView().profile, avatar_id: 'a2' } });
  await click('my-menu');
  await click('open-profile');
  await click('remove-picture');
  the('profile-name').closest('form')?.requestSubmit();
  await settled();
  expect(given(phone, 'setProfile')).toEqual([{ avatar: '' }]);
});

test('a crop begins in the middle, and never leaves the picture', () => {
  const whole = middle(400, 200);
  expect(whole).toEqual({ x: 100, y: 0, side: 200 });
  expect(zoomed(whole, 2, 400, 200)).toEqual({ x: 150, y: 50, side: 100 });
  expect(moved(whole, 1000, -1000, 400, 200)).toEqual({ x: 200, y: 0, side: 200 });
  expect(zoomed(moved(zoomed(whole, 2, 400, 200), 999, 999, 400, 200), 1, 400, 200)).toEqual({
    x: 200,
    y: 0,
    side: 200,
  });
});

test('a birthday is a day of the calendar, with or without its year', () => {
  expect(birthdayOf(' 1990-12-31 ')).toBe('1990-12-31');
  expect(birthdayOf('1990-4-3')).toBe('1990-04-03');
  expect(birthdayOf('--12-10')).toBe('--12-10');
  expect(birthdayOf('2-29')).toBe('--02-29');
  expect(birthdayOf('')).toBe('');
  for (const bad of ['1990-02-29', '1990-13-01', '31.12.1990', 'soon', '1990']) {
    expect(birthdayOf(bad)).toBeUndefined();
  }
});

test('do not disturb is switched in my menu, and its end is shown under my name', async () => {
  const phone = await open();
  await click('my-menu');
  expect(the('do-not-disturb').getAttribute('aria-checked')).toBe('false');
  await click('do-not-disturb');
  expect(given(phone, 'setSettings')).toEqual([{ do_not_disturb: { on: true, schedule: [] } }]);
  phone.show({ quiet: { on: true, until: null } });
  await settled();
  expect(the('connection').textContent).toMatch(/Do not disturb/);
  phone.show({ quiet: { on: true, until: new Date(2025, 10, 20, 15, 0).getTime() } });
  await settled();
  expect(the('connection').textContent).toMatch(/Quiet until 3:00/);
  phone.show({ connection: { state: 'reconnecting', problem: null } });
  await settled();
  expect(the('connection').textContent).toMatch(/Reconnecting/);
});

test('a menu is walked with the arrows and left with Escape', async () => {
  await open();
  the('add-menu').focus();
  await key('ArrowDown');
  expect(document.activeElement).toBe(the('call-several'));
  await key('ArrowUp');
  expect(document.activeElement).toBe(the('export-contacts'));
  await key('Home');
  await key('ArrowDown');
  expect(document.activeElement).toBe(the('new-group'));
  await key('Escape');
  expect(find('new-group')).toBeNull();
  expect(document.activeElement).toBe(the('add-menu'));
});
