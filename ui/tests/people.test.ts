import { expect, test, vi } from 'vitest';
import type { ContactView } from '../src/callkit';
import { matches } from '../src/state/search';
import { all, click, clickOn, find, give, given, key, open, settled, the, type } from './render';
import { contact, contacts, groups } from './samples';

const withBob = (changes: Partial<ContactView>) =>
  contacts.map((one) => (one.user_id === 'bob.chen' ? { ...one, ...changes } : one));
const headings = () => [...document.querySelectorAll('#panel h2')].map((heading) => heading.textContent);

async function openBob(changes: Partial<ContactView> = {}) {
  const phone = await open({ contacts: withBob(changes), groups });
  await clickOn('contact', { userId: 'bob.chen' });
  return phone;
}

test('favourites come first, then groups; who is blocked comes last', async () => {
  await open({
    contacts: [
      ...withBob({ is_favorite: true }),
      contact('spam', 'Spam', 'online', { is_in_black_list: true }),
    ],
    groups,
  });
  expect(headings()).toEqual(['Favourites', 'Groups', 'Here now', 'Away', 'Blocked']);
  expect(all('contact')[0]?.dataset['userId']).toBe('bob.chen');
  const spam = all('contact').at(-1);
  expect(spam?.textContent).toMatch(/Blocked/);
  expect(spam?.parentElement?.querySelector('[data-testid="row-call"]')).toBeNull();
});

test('people are found by every word of name, account and note', () => {
  const bob = contact('bob.chen', 'Bob', 'online', { nickname: 'Robert Chen', note_text: 'Gate controller' });
  for (const text of ['', 'BOB', 'robert', 'bob.ch', 'gate', 'robert gate'])
    expect(matches(bob, text)).toBe(true);
  for (const text of ['alice', 'gate alice']) expect(matches(bob, text)).toBe(false);
});

test('groups are found by their name', async () => {
  await open({ groups });
  await type('search', 'design');
  expect(all('group')).toHaveLength(1);
  expect(all('contact')).toHaveLength(0);
  await key('Enter');
  expect(the('detail').dataset['groupId']).toBe('g1');
  expect(document.activeElement).toBe(the('call-button'));
});

test('a page shows what somebody tells about themselves, and leaves out what they don’t', async () => {
  await openBob({
    name: 'Bob from work',
    note_name: 'Bob from work',
    signature: 'In the workshop',
    region: 'Gothenburg',
    birthday: '--04-23',
    gender: 'male',
    devices: [
      { device_id: 'a', name: '', presence: 'online', kind: 'person' },
      { device_id: 'b', name: '', presence: 'offline', kind: 'person' },
    ],
  });
  const page = the('detail').textContent;
  expect(page).toMatch(/Bob from work.*In the workshop.*bob\.chen · Available/s);
  const about = the('about').textContent.replace(/\s+/g, ' ');
  expect(about).toMatch(/Calls themselves Bob Chen/);
  expect(about).toMatch(/Region Gothenburg/);
  expect(about).toMatch(/Birthday April 23/);
  expect(about).toMatch(/Gender Male/);
  expect(about).toMatch(/Devices 2, 1 of them here now/);
  expect(about).not.toMatch(/Address/);
});

test('a favourite is made with the star', async () => {
  const phone = await openBob();
  expect(the('favourite').getAttribute('aria-pressed')).toBe('false');
  await click('favourite');
  expect(given(phone, 'setContact')).toEqual([{ user_id: 'bob.chen', is_favorite: true }]);
  phone.show({ contacts: withBob({ is_favorite: true }) });
  await settled();
  expect(the('favourite').getAttribute('aria-pressed')).toBe('true');
});

test('a note is written, and Escape leaves it as it was', async () => {
  const phone = await openBob({ note_text: 'Before ten' });
  expect(the('note').textContent).toMatch(/Before ten/);
  await click('edit-note');
  expect(document.activeElement).toBe(the('note-name'));
  await type('note-name', '  Bob from work ');
  await type('note-text', 'Best before ten');
  await key('Escape');
  expect(find('note-name')).toBeNull();
  expect(document.activeElement).toBe(the('edit-note'));
  await click('edit-note');
  await type('note-name', '  Bob from work ');
  await click('save-note');
  expect(given(phone, 'setContact')).toEqual([
    { user_id: 'bob.chen', note_name: 'Bob from work', note_text: 'Before ten' },
  ]);
  expect(find('note-name')).toBeNull();
});

test('somebody is silenced and blocked, each by a switch of its own', async () => {
  const phone = await openBob();
  await click('silence-person');
  await click('block-person');
  expect(given(phone, 'setContact')).toEqual([
    { user_id: 'bob.chen', is_no_disturb: true },
    { user_id: 'bob.chen', is_in_black_list: true },
  ]);
  phone.show({ contacts: withBob({ is_in_black_list: true }) });
  await settled();
  expect(the('is-blocked').textContent).toMatch(/Bob Chen is blocked/);
  expect(the('call-button').hasAttribute('disabled')).toBe(true);
  await click('unblock');
  expect(given(phone, 'setContact').at(-1)).toEqual({ user_id: 'bob.chen', is_in_black_list: false });
});

test('who rings silently and who has a new key is said in the list', async () => {
  await open({
    contacts: [
      contact('a', 'A', 'online', { is_no_disturb: true }),
      contact('b', 'B', 'online', { verified: 'changed' }),
    ],
  });
  expect(all('contact')[0]?.textContent).toMatch(/Available · Rings silently/);
  expect(all('contact')[1]?.textContent).toMatch(/New key/);
});

test('words go along with a call', async () => {
  const phone = await openBob();
  await click('person-menu');
  await click('call-with-message');
  expect(document.activeElement).toBe(the('call-message'));
  await type('call-message', ' About the gate ');
  the('call-message').closest('form')?.requestSubmit();
  await settled();
  expect(given(phone, 'call')).toEqual([{ to: ['bob.chen'], group_id: null, message: '"About the gate"' }]);
});

test('safety numbers are compared device by device', async () => {
  const devices = [
    { device_id: 'd1', name: 'Kitchen', presence: 'online' as const, kind: 'person' as const },
  ];
  const phone = await openBob({ verified: 'new', devices });
  const number = Array.from({ length: 12 }, (_, at) => String(10_000 + at)).join(' ');
  const answer = (verified: boolean) => [{ device_id: 'd1', number, verified, changed: false }];
  phone.answers.safetyNumber = () => answer(false);
  expect(the('security').textContent).toMatch(/Encrypted, not compared/);
  await click('compare');
  expect(the('safety-number').querySelectorAll('span')).toHaveLength(12);
  expect(the('device-key').textContent).toMatch(/Device 1 · Kitchen/);
  phone.answers.safetyNumber = () => answer(true);
  await click('set-verified');
  expect(phone.asked.find(({ command }) => command === 'setVerified')?.args).toEqual([
    'bob.chen',
    'd1',
    true,
  ]);
  expect(the('device-key').dataset['verified']).toBe('true');
  await click('set-verified');
  expect(phone.asked.findLast(({ command }) => command === 'setVerified')?.args).toEqual([
    'bob.chen',
    'd1',
    false,
  ]);
});

test('a changed key warns, and is trusted only after its number was seen', async () => {
  const phone = await openBob({ verified: 'changed' });
  expect(the('key-changed').getAttribute('role')).toBe('alert');
  expect(the('key-changed').textContent).toMatch(/Bob Chen has a new key/);
  phone.answers.safetyNumber = () => [{ device_id: 'd1', number: '12345', verified: false, changed: true }];
  await click('compare-changed');
  expect(the('safety-number').textContent).toMatch(/12345/);
  expect(find('set-verified')).toBeNull();
  await click('trust-key');
  expect(phone.asked.find(({ command }) => command === 'trustKey')?.args).toEqual(['bob.chen', 'd1']);
});

test('a device’s new key is told when it happens', async () => {
  const phone = await open();
  phone.emit({ event: 'key_changed', data: { user_id: 'bob.chen', device_id: 'd1' } });
  await settled();
  expect(the('toast').textContent).toMatch(/Bob Chen has a new key.*Compare/s);
});

test('a contact is removed after a question', async () => {
  const phone = await openBob({ is_friend: true });
  await click('person-menu');
  await click('remove-contact');
  expect(the('confirm').textContent).toMatch(/Remove Bob Chen\?/);
  await click('confirm-no');
  await click('person-menu');
  await click('remove-contact');
  await click('confirm-yes');
  expect(given(phone, 'removeContact')).toEqual(['bob.chen']);
  expect(find('confirm')).toBeNull();
});

test('who is only in the history can be taken into the contacts', async () => {
  const phone = await open({ contacts: contacts.slice(0, 1) });
  await click('tab-recent');
  await clickOn('record', { callId: 'c9' });
  expect(the('presence').textContent).toMatch(/Not seen on this server yet/);
  expect(find('favourite')).toBeNull();
  await click('add-to-contacts');
  expect(given(phone, 'addContact')).toEqual(['bob.chen']);
});

test('a contact is added by account', async () => {
  const phone = await open();
  await click('add-menu');
  await click('add-contact');
  await type('contact-account', 'not an account');
  the('contact-account').closest('form')?.requestSubmit();
  await settled();
  expect(the('field-problem').textContent).toMatch(/can’t be an account/);
  await type('contact-account', 'alice');
  the('contact-account').closest('form')?.requestSubmit();
  await settled();
  expect(the('field-problem').textContent).toMatch(/That is you/);
  await type('contact-account', 'zoe@work');
  await type('contact-name', 'Zoë');
  the('contact-account').closest('form')?.requestSubmit();
  await settled();
  expect(given(phone, 'addContact')).toEqual(['zoe@work']);
  expect(given(phone, 'setContact')).toEqual([{ user_id: 'zoe@work', note_name: 'Zoë' }]);
  expect(find('add-contact-dialog')).toBeNull();
  expect(the('detail').dataset['userId']).toBe('zoe@work');
});

test('a contact that can’t be added is explained where it was typed', async () => {
  const phone = await open();
  phone.answers.addContact = () => Promise.reject(Object.assign(new Error(), { code: 'not_logged_in' }));
  await click('add-menu');
  await click('add-contact');
  await type('contact-account', 'zoe');
  the('contact-account').closest('form')?.requestSubmit();
  await settled();
  expect(the('field-problem').textContent).toMatch(/not logged in/);
  expect(document.activeElement).toBe(the('contact-account'));
});

test('a group is made of chosen people, changed, and deleted after a question', async () => {
  const phone = await open({ groups });
  phone.answers.setGroup = () => groups[0];
  await click('add-menu');
  await click('new-group');
  the('group-name').closest('form')?.requestSubmit();
  await settled();
  expect(the('group-editor').textContent).toMatch(/Type a name.*at least one person/s);
  await type('group-name', ' Gate ');
  await clickOn('picker-row', { userId: 'bob.chen' });
  await clickOn('picker-row', { userId: 'front-gate' });
  the('group-name').closest('form')?.requestSubmit();
  await settled();
  expect(given(phone, 'setGroup')).toEqual([
    { group_id: null, name: 'Gate', members: ['bob.chen', 'front-gate'] },
  ]);
  expect(find('group-editor')).toBeNull();
  expect(the('detail').dataset['groupId']).toBe('g1');
  await click('group-menu');
  await click('edit-group');
  expect((the('group-name') as HTMLInputElement).value).toBe('Design team');
  await clickOn('picker-row', { userId: 'maria' });
  the('group-name').closest('form')?.requestSubmit();
  await settled();
  expect(given(phone, 'setGroup').at(-1)).toEqual({
    group_id: 'g1',
    name: 'Design team',
    members: ['bob.chen', 'wang', 'david.okafor'],
  });
  await click('group-menu');
  await click('remove-group');
  await click('confirm-yes');
  expect(given(phone, 'removeGroup')).toEqual(['g1']);
  expect(find('detail')).toBeNull();
});

test('people chosen for a call can be kept as a group', async () => {
  await open();
  await click('add-menu');
  await click('call-several');
  await clickOn('contact', { userId: 'bob.chen' });
  await clickOn('contact', { userId: 'maria' });
  await click('save-picked');
  const chosen = all('picker-row').filter((row) => row.getAttribute('aria-checked') === 'true');
  expect(chosen.map((row) => row.dataset['userId'])).toEqual(['bob.chen', 'maria']);
});

test('contacts are exported to a file of one’s choice', async () => {
  const phone = await open();
  phone.answers.exportContacts = () => ({ vcard: 'BEGIN:VCARD' });
  phone.answers.saveFile = () => true;
  await click('add-menu');
  await click('export-contacts');
  await vi.waitFor(() => expect(find('toast')).not.toBeNull());
  expect(phone.asked.find(({ command }) => command === 'saveFile')?.args).toEqual([
    'contacts.vcf',
    'BEGIN:VCARD',
  ]);
  expect(the('toast').textContent).toMatch(/Saved as contacts\.vcf/);
});

test('contacts are imported from a file, and what became of them is told', async () => {
  const phone = await open();
  phone.answers.importContacts = () => ({
    imported: 2,
    updated: 1,
    without_picture: 0,
    refused: [{ card: 4, name: 'Nobody', message: '' }],
  });
  await give('contacts-file', new File(['BEGIN:VCARD'], 'people.vcf', { type: 'text/vcard' }));
  await vi.waitFor(() => expect(find('toast')).not.toBeNull());
  expect(given(phone, 'importContacts')).toEqual(['BEGIN:VCARD']);
  expect(the('toast').textContent).toMatch(/2 contacts imported.*1 brought up to date.*Left out: Nobody/s);
});

test('a chooser finds, ticks and takes whoever was typed', async () => {
  await open({ groups });
  await click('add-menu');
  await click('new-group');
  await type('picker-search', 'pap');
  expect(all('picker-row').map((row) => row.dataset['userId'])).toEqual(['maria']);
  await key('Enter');
  expect(all('picker-row')[0]?.getAttribute('aria-checked')).toBe('true');
  await type('picker-search', 'somebody else');
  expect(the('group-editor').textContent).toMatch(/No one matches/);
});
