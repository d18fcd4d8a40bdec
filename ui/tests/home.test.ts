import { expect, test } from 'vitest';
import type { PealError } from '../src/callkit';
import { all, click, find, key, open, settled, the, type } from './render';
import { sampleCall, sampleView, type SamplePhone } from './samples';

const row = (userId: string) => {
  const found = all('contact').find((element) => element.dataset['userId'] === userId);
  if (!found) throw new Error(`no row for ${userId}`);
  return found;
};
const called = (phone: SamplePhone) =>
  phone.asked.filter(({ command }) => command === 'call').map(({ args }) => (args[0] as { to: string[] }).to);

test('Echo comes first with its own words, then who is here, then who is away', async () => {
  await open();
  expect(all('contact').map((element) => element.dataset['userId'])).toEqual([
    'echo',
    'bob.chen',
    'front-gate',
    'maria',
    'david.okafor',
    'wang',
  ]);
  expect(row('echo').textContent).toMatch(/hear yourself/);
  expect(row('maria').textContent).toMatch(/In a call/);
  expect(row('maria').dataset['presence']).toBe('in_call');
});

test('a contact that is chosen is shown, and called by the button', async () => {
  const phone = await open();
  row('bob.chen').click();
  await settled();
  expect(the('detail').textContent).toMatch(/Bob Chen/);
  expect(the('presence').textContent).toMatch(/Available/);
  await click('call-button');
  expect(called(phone)).toEqual([['bob.chen']]);
});

test('a second press while the call is placed calls nobody twice', async () => {
  const phone = await open();
  phone.answers.call = () => new Promise(() => undefined);
  row('bob.chen').click();
  await settled();
  await click('call-button');
  expect(the('call-button').getAttribute('aria-busy')).toBe('true');
  await click('call-button');
  expect(called(phone)).toHaveLength(1);
});

test('a call that cannot be placed is explained', async () => {
  const phone = await open();
  phone.answers.call = () => {
    const error: PealError = { code: 'unknown_user', message: '', hint: '' };
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- commands reject with a PealError
    throw error;
  };
  row('bob.chen').click();
  await settled();
  await click('call-button');
  expect(the('toast').textContent).toMatch(/Nobody of that name/);
});

test('arrow keys walk the list, and Enter calls', async () => {
  const phone = await open();
  row('echo').focus();
  await key('ArrowDown');
  expect(document.activeElement).toBe(row('bob.chen'));
  await key('End');
  expect(document.activeElement).toBe(row('wang'));
  await key('ArrowDown');
  expect(document.activeElement).toBe(row('wang'));
  await key('Home');
  await key('ArrowDown');
  await key('Enter');
  expect(called(phone)).toEqual([['bob.chen']]);
  await key('ArrowUp');
  await key('ArrowUp');
  expect(document.activeElement).toBe(the('search'));
});

test('one row alone is a stop for the Tab key', async () => {
  await open();
  expect(all('contact').filter((element) => element.tabIndex === 0)).toHaveLength(1);
  row('maria').click();
  await settled();
  expect(all('contact').filter((element) => element.tabIndex === 0)).toEqual([row('maria')]);
});

test('Ctrl+K searches, Enter opens the first match on its call button', async () => {
  const phone = await open();
  expect(await key('k', { ctrlKey: true })).toBe(true);
  expect(document.activeElement).toBe(the('search'));
  await type('search', 'pap');
  expect(all('contact').map((element) => element.dataset['userId'])).toEqual(['maria']);
  await key('Enter');
  expect(document.activeElement).toBe(the('call-button'));
  expect(called(phone)).toEqual([]);
});

test('an account that is not listed can be dialled, anything else cannot', async () => {
  const phone = await open();
  await type('search', 'zoe@work');
  expect(the('dial').textContent).toMatch(/zoe@work/);
  await key('Enter');
  expect(called(phone)).toEqual([['zoe@work']]);
  await type('search', 'not an account');
  expect(find('dial')).toBeNull();
  await type('search', 'alice');
  expect(find('dial')).toBeNull();
  await type('search', 'bob.chen');
  expect(find('dial')).toBeNull();
  await key('Escape');
  expect((the('search') as HTMLInputElement).value).toBe('');
});

test('the missed calls are counted until they are looked at', async () => {
  const phone = await open();
  expect(the('missed-badge').textContent).toMatch(/2 missed calls/);
  await click('tab-recent');
  expect(phone.asked.filter(({ command }) => command === 'markHistorySeen')).toHaveLength(1);
  phone.show({ missed_count: 0 });
  await settled();
  expect(find('missed-badge')).toBeNull();
  const records = all('record');
  expect(records[1]?.dataset).toMatchObject({ callId: 'c8', status: 'missed', direction: 'incoming' });
  records[1]?.click();
  await settled();
  expect(the('detail').dataset['userId']).toBe('maria');
});

test('who is alone is told how others appear', async () => {
  await open({ contacts: sampleView().contacts.slice(0, 1), history: [], missed_count: 0 });
  expect(the('nobody').textContent).toMatch(/Echo is always in/);
  await click('tab-recent');
  expect(the('no-history').textContent).toMatch(/No calls yet/);
});

test('a lost server is shown under my name and explained', async () => {
  const phone = await open();
  expect(the('connection').textContent).toMatch(/Available/);
  phone.show({
    connection: { state: 'reconnecting', problem: { code: 'server_unreachable', message: '', hint: '' } },
  });
  await settled();
  expect(the('connection').textContent).toMatch(/Reconnecting/);
  expect(the('connection-problem').textContent).toMatch(/keeps trying/);
});

test('a microphone that is missing is explained, with a way to the settings', async () => {
  await open({
    audio: {
      microphones: [],
      speakers: [],
      speaker_enabled: true,
      problem: { code: 'no_microphone', message: '', hint: '' },
    },
  });
  the('audio-problem').querySelector('button')?.click();
  await settled();
  expect(the('settings').textContent).toMatch(/No microphone found/);
});

test('an invite can be answered in the main window too', async () => {
  const phone = await open({ calls: [sampleCall({ direction: 'incoming', state: 'ringing' })] });
  expect(the('main-ringing').textContent).toMatch(/Bob Chen is calling/);
  the('main-ringing').querySelectorAll('button')[1]?.click();
  await settled();
  expect(phone.asked.at(-1)).toEqual({ command: 'accept', args: [{ call_id: 'call-1' }] });
});

test('settings change one thing at a time, at once', async () => {
  const phone = await open();
  await click('open-settings');
  await click('noise-suppression');
  expect(phone.asked.at(-1)?.args[0]).toEqual({ noise_suppression: false });
  the('theme').querySelector<HTMLInputElement>('[value="dark"]')?.click();
  await settled();
  expect(phone.asked.at(-1)?.args[0]).toMatchObject({ theme: 'dark' });
  const ringTime = the('ring-time') as HTMLSelectElement;
  ringTime.value = '60000';
  ringTime.dispatchEvent(new Event('change', { bubbles: true }));
  await settled();
  expect(phone.asked.at(-1)).toEqual({ command: 'setCallTimeout', args: [60_000] });
  await type('display-name', 'Alice L.');
  the('display-name').closest('form')?.requestSubmit();
  await settled();
  expect(phone.asked.at(-1)?.args[0]).toMatchObject({ display_name: 'Alice L.' });
});

test('the theme and the language follow the snapshot', async () => {
  const phone = await open();
  expect(document.documentElement.dataset['theme']).toBe('light');
  phone.show({ settings: { ...phone.view.settings, theme: 'dark', language: 'zh-CN' } });
  await settled();
  expect(document.documentElement.dataset['theme']).toBe('dark');
  expect(document.documentElement.lang).toBe('zh-CN');
  expect(the('tab-people').textContent).toMatch(/联系人/);
  phone.show({ settings: { ...phone.view.settings, theme: 'system', language: 'en' } });
  await settled();
  expect(document.documentElement.dataset['theme']).toBeUndefined();
});

test('logging out asks once', async () => {
  const phone = await open();
  await click('open-settings');
  await click('log-out');
  expect(phone.asked.some(({ command }) => command === 'logout')).toBe(false);
  await click('log-out-yes');
  expect(phone.asked.some(({ command }) => command === 'logout')).toBe(true);
});
