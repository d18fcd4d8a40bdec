import { expect, test, vi } from 'vitest';
import type { MemberView } from '../src/callkit';
import { bestGrid, faceSize } from '../src/screens/call/grid';
import { all, click, clickOn, find, given, key, open, settled, the, type } from './render';
import { contact, contacts, groups, sampleGroupCall, sampleMember } from './samples';

const voices = () => all('voice').map((voice) => voice.dataset['userId']);
const groupRing = (changes = {}) =>
  sampleGroupCall({
    direction: 'incoming',
    state: 'ringing',
    alert: 'ring',
    host: 'bob.chen',
    inviter: 'bob.chen',
    connected_at: null,
    members: [
      sampleMember('bob.chen', 'Bob Chen', { state: 'joined' }),
      sampleMember('maria', 'Maria Papadaki', { state: 'joined' }),
      sampleMember('wang', '王小明', { state: 'inviting' }),
    ],
    ...changes,
  });

test('several people are chosen in the list and called together', async () => {
  const phone = await open();
  await click('add-menu');
  await click('call-several');
  expect(document.activeElement).toBe(the('search'));
  expect(the('call-picked').hasAttribute('disabled')).toBe(true);
  await clickOn('contact', { userId: 'bob.chen' });
  await clickOn('contact', { userId: 'maria' });
  await clickOn('contact', { userId: 'wang' });
  await clickOn('contact', { userId: 'wang' });
  expect(the('picking').textContent).toMatch(/2 people/);
  const bob = all('contact').find((row) => row.dataset['userId'] === 'bob.chen');
  expect([bob?.getAttribute('role'), bob?.getAttribute('aria-checked')]).toEqual(['checkbox', 'true']);
  await click('call-picked');
  expect(given(phone, 'call')).toEqual([{ to: ['bob.chen', 'maria'], group_id: null, message: null }]);
  expect(find('picking')).toBeNull();
});

test('a click with Ctrl begins to choose, Echo is never chosen, and Escape ends it', async () => {
  const phone = await open();
  const row = (userId: string) => all('contact').find((one) => one.dataset['userId'] === userId);
  row('maria')?.dispatchEvent(new MouseEvent('click', { bubbles: true, ctrlKey: true }));
  await settled();
  expect(the('picking').textContent).toMatch(/1 person/);
  row('echo')?.click();
  await settled();
  expect(the('picking').textContent).toMatch(/1 person/);
  row('maria')?.focus();
  await key('Escape');
  expect(find('picking')).toBeNull();
  expect(given(phone, 'call')).toEqual([]);
});

test('a call has room for fifteen others, and says so', async () => {
  const crowd = Array.from({ length: 17 }, (_, at) => contact(`user-${at}`, `User ${at}`, 'online'));
  const phone = await open({ contacts: crowd });
  await click('add-menu');
  await click('call-several');
  for (const { user_id } of crowd) await clickOn('contact', { userId: user_id });
  expect(the('picking').textContent).toMatch(/15 people.*holds 16/s);
  await click('call-picked');
  expect((given(phone, 'call')[0] as { to: string[] }).to).toHaveLength(15);
});

test('a saved group is called from its row and from its page, by its id', async () => {
  const phone = await open({ groups });
  await click('group-row-call');
  await clickOn('group', { groupId: 'g1' });
  expect(all('group-member').map((row) => row.dataset['userId'])).toEqual(groups[0]?.members);
  await click('call-button');
  const asked = { to: groups[0]?.members, group_id: 'g1', message: null };
  expect(given(phone, 'call')).toEqual([asked, asked]);
});

test('every voice has a tile with its state in words, and who is gone is said below', async () => {
  await open({ contacts, groups, calls: [sampleGroupCall()] });
  expect(voices()).toEqual(['bob.chen', 'maria', 'wang', 'alice']);
  const said = Object.fromEntries(
    all('voice').map((voice) => [voice.dataset['userId'], voice.getAttribute('aria-label')]),
  );
  expect(said).toEqual({
    'bob.chen': 'Bob Chen, Muted',
    maria: 'Maria Papadaki',
    wang: '王小明, Ringing…',
    alice: 'You',
  });
  expect(the('gone').textContent).toMatch(/David Okafor.*Declined/);
  expect(the('call').textContent).toMatch(/4 people/);
});

test.each([
  [{ state: 'inviting' }, 'Calling…'],
  [{ state: 'ringing' }, 'Ringing…'],
  [{ state: 'connecting' }, 'Connecting…'],
  [{ state: 'disconnected' }, 'Connection lost…'],
  [{ state: 'joined', on_hold: true }, 'On hold'],
] as [Partial<MemberView>, string][])('a voice that is %o says “%s”', async (changes, words) => {
  const members = [
    sampleMember('maria', 'Maria', { state: 'joined' }),
    sampleMember('wang', 'Wang', changes),
  ];
  await open({ calls: [sampleGroupCall({ members })] });
  expect(all('voice')[1]?.textContent).toContain(words);
});

test.each([
  ['busy', 'In another call'],
  ['no_response', 'No answer'],
  ['hangup', 'Left'],
  ['ice_lost', 'Connection lost'],
] as [MemberView['reason'], string][])('who is gone for %s is said to be “%s”', async (reason, words) => {
  const members = [
    sampleMember('bob.chen', 'Bob', { state: 'joined' }),
    sampleMember('wang', 'Wang', { state: 'left', reason }),
  ];
  await open({ calls: [sampleGroupCall({ members })] });
  expect(the('gone').textContent).toContain(words);
});

test('who is gone can be asked again', async () => {
  const phone = await open({ calls: [sampleGroupCall()] });
  await click('ask-again');
  expect(given(phone, 'invite')).toEqual([{ call_id: 'group-1', to: ['david.okafor'], message: null }]);
});

test('who speaks is framed, who is muted is not', async () => {
  const phone = await open({ calls: [sampleGroupCall()] });
  phone.answers.meters = () => ({
    voices: [
      { user_id: '', dbfs: -70 },
      { user_id: 'bob.chen', dbfs: -8 },
      { user_id: 'maria', dbfs: -20 },
    ],
  });
  const speaking = () => all('voice').filter((voice) => voice.dataset['speaking'] === 'true');
  await vi.waitFor(() => expect(speaking().map((voice) => voice.dataset['userId'])).toEqual(['maria']));
});

test('who began a group’s call chooses between leaving and ending it', async () => {
  const phone = await open({ calls: [sampleGroupCall()] });
  await click('hang-up');
  expect(the('leave-or-end').textContent).toMatch(/others go on talking.*Nobody stays/s);
  expect(document.activeElement).toBe(the('leave'));
  expect(phone.asked.some(({ command }) => command === 'hangup' || command === 'leave')).toBe(false);
  await key('Escape');
  expect(find('leave-or-end')).toBeNull();
  expect(document.activeElement).toBe(the('hang-up'));
  await click('hang-up');
  await click('leave');
  await click('hang-up');
  await click('end-for-all');
  expect(given(phone, 'leave')).toEqual(['group-1']);
  expect(given(phone, 'hangup')).toEqual(['group-1']);
});

test('everyone else just leaves, and the keys never end it for others', async () => {
  const phone = await open({ calls: [sampleGroupCall({ host: 'bob.chen' })] });
  expect(the('hang-up').getAttribute('aria-label')).toBe('Leave');
  await click('hang-up');
  expect(given(phone, 'leave')).toEqual(['group-1']);
  phone.show({ calls: [sampleGroupCall()] });
  await settled();
  await key('H', { ctrlKey: true, shiftKey: true });
  expect(given(phone, 'leave')).toEqual(['group-1', 'group-1']);
  expect(given(phone, 'hangup')).toEqual([]);
});

test('before anybody has joined, hanging up withdraws it from all', async () => {
  const members = ['bob', 'maria'].map((user) => sampleMember(user, user, { state: 'ringing' }));
  const phone = await open({ calls: [sampleGroupCall({ state: 'ringing', connected_at: null, members })] });
  await click('hang-up');
  expect(given(phone, 'hangup')).toEqual(['group-1']);
});

test('more people are invited into the running call, those in it are not offered', async () => {
  const phone = await open({ groups, calls: [sampleGroupCall()] });
  await click('add-people');
  expect(all('picker-row').map((row) => row.dataset['userId'])).toEqual(['front-gate', 'david.okafor']);
  await clickOn('picker-row', { userId: 'david.okafor' });
  await type('picker-search', 'zoe@work');
  await click('picker-typed');
  await click('add-dialog-yes');
  expect(given(phone, 'invite')).toEqual([
    { call_id: 'group-1', to: ['david.okafor', 'zoe@work'], message: null },
  ]);
  expect(find('add-dialog')).toBeNull();
});

test('whoever invites others is named', async () => {
  const phone = await open({ calls: [sampleGroupCall()] });
  phone.emit({
    event: 'users_invited',
    data: { call_id: 'group-1', from_user: 'maria', invited_users: ['wang', 'zoe'] },
  });
  await settled();
  expect(the('toast').textContent).toMatch(/Maria Papadaki invited 王小明 and zoe/);
});

test('who comes and who goes is told to those who don’t see it', async () => {
  const phone = await open({ calls: [sampleGroupCall()] });
  const log = () => the('call').querySelector('[role="log"]')?.textContent;
  phone.emit({ event: 'user_entered', data: { call_id: 'group-1', user_id: 'wang' } });
  await settled();
  expect(log()).toBe('王小明 joined');
  phone.emit({ event: 'user_left', data: { call_id: 'group-1', user_id: 'maria', reason: 'hangup' } });
  phone.emit({ event: 'user_entered', data: { call_id: 'another', user_id: 'zoe' } });
  await settled();
  expect(log()).toMatch(/Maria Papadaki is not in the call any more: Left/);
});

test('how loud somebody is heard is set on their tile', async () => {
  const phone = await open({ calls: [sampleGroupCall()] });
  await click('open-volume');
  const slider = the('volume') as HTMLInputElement;
  expect(document.activeElement).toBe(slider);
  expect([slider.value, slider.min, slider.max]).toEqual(['0', '-40', '12']);
  slider.value = '-12';
  slider.dispatchEvent(new InputEvent('input', { bubbles: true }));
  await settled();
  expect(given(phone, 'setVolume')).toEqual([{ user_id: 'bob.chen', db: -12 }]);
  await key('Escape');
  expect(find('volume')).toBeNull();
});

test('the pop-up of a group says who invites and who is in it', async () => {
  await open({ contacts, groups, calls: [groupRing()] }, 'incoming');
  expect(the('incoming').querySelector('h1')?.textContent).toBe('Design team');
  expect(the('incoming').textContent).toMatch(/Group call · Bob Chen invites you/);
  expect(the('incoming-company').textContent).toMatch(/In the call: Maria Papadaki.*Also invited: 王小明/);
  expect(the('incoming').dataset['userId']).toBe('bob.chen');
});

test('the pop-up of several people without a name has the inviter’s', async () => {
  await open({ calls: [groupRing({ group_id: null, group_name: null })] }, 'incoming');
  expect(the('incoming').querySelector('h1')?.textContent).toBe('Bob Chen');
});

test('a call that nobody joined says how it went with each, and calls them all again', async () => {
  const members = [
    sampleMember('bob.chen', 'Bob Chen', { state: 'left', reason: 'no_response' }),
    sampleMember('maria', 'Maria Papadaki', { state: 'left', reason: 'rejected' }),
  ];
  const phone = await open({
    calls: [sampleGroupCall({ state: 'ended', reason: 'no_response', connected_at: null, members })],
  });
  expect(the('end-reason').textContent).toBe('Nobody answered');
  expect(all('outcome').map((row) => row.textContent.trim())).toEqual([
    'Bob ChenNo answer',
    'Maria PapadakiDeclined',
  ]);
  await click('call-again');
  expect(given(phone, 'call')).toEqual([{ to: ['bob.chen', 'maria'], group_id: 'g1' }]);
});

test('a grid has a place for everyone, inside the room', () => {
  for (const [width, height] of [
    [984, 520],
    [396, 420],
    [200, 90],
  ] as const) {
    for (let count = 2; count <= 16; count++) {
      const grid = bestGrid(count, width, height);
      expect(grid.columns * grid.rows).toBeGreaterThanOrEqual(count);
      expect(grid.columns * grid.width + (grid.columns - 1) * grid.gap).toBeLessThanOrEqual(width);
      expect(grid.rows * grid.height + (grid.rows - 1) * grid.gap).toBeLessThanOrEqual(height);
    }
  }
  expect(bestGrid(4, 984, 520)).toMatchObject({ columns: 2, rows: 2 });
  expect(bestGrid(3, 984, 520)).toMatchObject({ columns: 3, rows: 1 });
});

test('a face leaves room for its name', () => {
  expect(faceSize({ width: 320, height: 232 })).toBe(104);
  expect(faceSize({ width: 93, height: 108 })).toBe(36);
});
