import { expect, test } from 'vitest';
import type { PealError } from '../src/callkit';
import { click, find, key, open, settled, the, type } from './render';
import { sampleView } from './samples';

const loggedOut = { account: null, connection: { state: 'offline' as const, problem: null } };
const refuse = (code: PealError['code']) => () => {
  const error: PealError = { code, message: code, hint: '' };
  // eslint-disable-next-line @typescript-eslint/only-throw-error -- commands reject with a PealError
  throw error;
};

async function submit() {
  the('start-button').closest('form')?.requestSubmit();
  await settled();
}

test('a name is all it takes', async () => {
  const phone = await open(loggedOut);
  expect(document.activeElement).toBe(the('name-field'));
  await type('name-field', '  Alice Lindqvist ');
  await submit();
  expect(phone.asked.find(({ command }) => command === 'login')?.args).toEqual([
    { display_name: 'Alice Lindqvist' },
  ]);
  phone.show({ account: sampleView().account, connection: { state: 'online', problem: null } });
  await settled();
  expect(find('home')).not.toBeNull();
});

test('an empty name is asked for in place and nothing is sent', async () => {
  const phone = await open(loggedOut);
  await submit();
  expect(the('field-problem').textContent).toMatch(/Type the name/);
  expect(document.activeElement).toBe(the('name-field'));
  expect(phone.asked.some(({ command }) => command === 'login')).toBe(false);
});

test('a server takes its address, an account and a token', async () => {
  const phone = await open(loggedOut);
  await click('use-server');
  expect(document.activeElement).toBe(the('server-field'));
  await type('server-field', 'mqtts://example.org');
  await type('account-field', 'alice');
  await type('token-field', 'secret');
  await submit();
  expect(phone.asked.find(({ command }) => command === 'login')?.args).toEqual([
    { server: 'mqtts://example.org', account: 'alice', token: 'secret', display_name: 'alice' },
  ]);
});

test.each([
  ['wrong_token', 'token-field'],
  ['server_unreachable', 'server-field'],
  ['bad_server', 'server-field'],
  ['insecure_server', 'server-field'],
  ['bad_name', 'account-field'],
] as const)('%s is said at the field it concerns', async (code, field) => {
  const phone = await open(loggedOut);
  phone.answers.login = refuse(code);
  await click('use-server');
  await type('server-field', 'mqtt://example.org');
  await type('account-field', 'alice');
  await submit();
  expect(the(field).getAttribute('aria-invalid')).toBe('true');
  const describedBy = the(field).getAttribute('aria-describedby') ?? '';
  expect(document.getElementById(describedBy)?.textContent.trim()).not.toBe('');
  expect(document.activeElement).toBe(the(field));
  expect(the('start-button').getAttribute('aria-busy')).toBeNull();
});

test('an error that concerns no field is said above the button', async () => {
  const phone = await open(loggedOut);
  phone.answers.login = refuse('broker_failed');
  await type('name-field', 'Alice');
  await submit();
  expect(the('login-problem').textContent).toMatch(/own server/);
});

test('while the login waits the button is busy, the reason is shown and Escape gives up', async () => {
  const phone = await open(loggedOut);
  let arrive: (value: unknown) => void = () => undefined;
  phone.answers.login = () => new Promise((resolve) => (arrive = resolve));
  await type('name-field', 'Alice');
  await submit();
  expect(the('start-button').getAttribute('aria-busy')).toBe('true');
  phone.show({
    connection: { state: 'connecting', problem: { code: 'server_unreachable', message: '', hint: '' } },
  });
  await settled();
  expect(the('login-waits').textContent).toMatch(/does not answer/);
  await submit();
  expect(phone.asked.filter(({ command }) => command === 'login')).toHaveLength(1);
  await key('Escape');
  expect(phone.asked.some(({ command }) => command === 'logout')).toBe(true);
  arrive(null);
  await settled();
  expect(the('start-button').getAttribute('aria-busy')).toBeNull();
});

test('Escape goes back from the server to the name', async () => {
  await open(loggedOut);
  await click('use-server');
  await key('Escape');
  expect(find('name-field')).not.toBeNull();
  expect(find('server-field')).toBeNull();
});

test('a login that goes on by itself asks for nothing, and says what is in its way', async () => {
  const phone = await open({ account: null, connection: { state: 'connecting', problem: null } });
  expect(find('first-start')).toBeNull();
  phone.show({
    connection: { state: 'connecting', problem: { code: 'server_unreachable', message: '', hint: '' } },
  });
  await settled();
  expect(the('starting').textContent).toMatch(/does not answer/);
  the('starting').querySelector('button')?.click();
  await settled();
  expect(find('first-start')).not.toBeNull();
});

test('who went on elsewhere is told so, and may come back', async () => {
  const phone = await open();
  phone.emit({ event: 'kicked_out' });
  phone.show(loggedOut);
  await settled();
  expect(the('kicked-out').textContent).toMatch(/somewhere else/);
  expect(find('first-start')).toBeNull();
  await click('use-here');
  expect(phone.asked.at(-1)).toEqual({ command: 'login', args: [{}] });
});

test('who went on elsewhere may log in another way here', async () => {
  const phone = await open();
  phone.emit({ event: 'kicked_out' });
  phone.show(loggedOut);
  await settled();
  await click('login-differently');
  expect(find('kicked-out')).toBeNull();
  expect(find('first-start')).not.toBeNull();
});

test('a login that ended for another reason is explained on the first screen', async () => {
  const phone = await open();
  phone.emit({ event: 'session_ended', data: { code: 'wrong_token', message: '', hint: '' } });
  phone.show(loggedOut);
  await settled();
  expect(the('session-ended').textContent).toMatch(/refused this account/);
});
