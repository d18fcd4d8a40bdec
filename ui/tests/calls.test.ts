import { describe, expect, test } from 'vitest';
import type { CallView, PealError } from '../src/callkit';
import { all, click, clickOn, find, given, key, open, settled, the, type } from './render';
import { NOW, sampleCall, sampleGroupCall, sampleMember } from './samples';

const talking = (changes: Partial<CallView> = {}, member = {}) =>
  sampleCall({ state: 'connected', connected_at: NOW, ...changes }, { state: 'joined', ...member });
const maria = (changes: Partial<CallView> = {}): CallView => ({
  ...talking({ call_id: 'call-2', direction: 'incoming', host: 'maria', inviter: 'maria', ...changes }),
  members: [sampleMember('maria', 'Maria Papadaki', { state: 'joined' })],
});
const mariaRings = (changes: Partial<CallView> = {}) =>
  maria({ state: 'ringing', alert: 'call_waiting', connected_at: null, ...changes });

test('a second call waits in its pop-up: hold and answer, end and answer, or decline', async () => {
  const phone = await open({ calls: [talking(), mariaRings()] }, 'incoming');
  expect(the('incoming-waiting').textContent).toMatch(/talking with Bob Chen/);
  await click('hold-answer');
  await click('end-answer');
  await click('decline');
  expect(given(phone, 'accept')).toEqual([
    { call_id: 'call-2', meanwhile: 'hold' },
    { call_id: 'call-2', meanwhile: 'end' },
  ]);
  expect(given(phone, 'reject')).toEqual([{ call_id: 'call-2', message: null, busy: false }]);
});

test('a second call can be answered on the stage too', async () => {
  const phone = await open({ calls: [talking(), mariaRings()] });
  expect(the('call').dataset['callId']).toBe('call-1');
  expect(the('main-ringing').textContent).toMatch(/Maria Papadaki is calling/);
  await click('strip-hold-answer');
  await click('strip-end-answer');
  expect(given(phone, 'accept')).toEqual([
    { call_id: 'call-2', meanwhile: 'hold' },
    { call_id: 'call-2', meanwhile: 'end' },
  ]);
});

test('hold and resume are what the phone says', async () => {
  const phone = await open({ calls: [talking()] });
  await click('hold');
  expect(given(phone, 'hold')).toEqual(['call-1']);
  expect(the('hold').dataset['off']).toBe('false');
  phone.show({ calls: [talking({ on_hold: true })] });
  await settled();
  expect(the('hold').getAttribute('aria-label')).toBe('Resume');
  expect(the('call-state').textContent).toMatch(/On hold/);
  expect(the('call').querySelector('[role="status"]')?.textContent).toMatch(/On hold/);
  await click('hold');
  expect(given(phone, 'resume')).toEqual(['call-1']);
});

test('being put on hold is said with their name, and nobody is heard', async () => {
  const phone = await open({ calls: [talking({}, { on_hold: true })] });
  phone.answers.meters = () => ({ voices: [{ user_id: 'bob.chen', dbfs: -8 }] });
  expect(the('call-state').textContent).toMatch(/Bob Chen put you on hold/);
  expect(the('peer-meter').getAttribute('aria-valuenow')).toBe('0');
});

test('before it connects there is nothing to hold', async () => {
  await open({ calls: [sampleCall({ state: 'ringing' })] });
  expect(find('hold')).toBeNull();
});

test('a held call is a strip: swapped, merged, or ended', async () => {
  const phone = await open({ calls: [talking(), maria({ on_hold: true })] });
  expect(the('call').dataset['callId']).toBe('call-1');
  expect(the('other-call').textContent).toMatch(/Maria Papadaki.*On hold/s);
  expect(the('strip-resume').textContent).toMatch(/Swap/);
  await click('strip-resume');
  await click('strip-merge');
  await click('strip-hang-up');
  expect(given(phone, 'resume')).toEqual(['call-2']);
  expect(given(phone, 'merge')).toEqual([{ call_id: 'call-2', into: 'call-1' }]);
  expect(given(phone, 'hangup')).toEqual(['call-2']);
});

test('what does not talk yet can’t be merged', async () => {
  await open({ calls: [sampleCall({ state: 'ringing' }), maria({ on_hold: true })] });
  expect(find('strip-merge')).toBeNull();
  expect(find('strip-resume')).not.toBeNull();
});

test('a call is handed over to somebody who is called', async () => {
  const phone = await open({ calls: [talking()] });
  await click('more');
  await click('open-transfer');
  expect(the('transfer').textContent).toMatch(/Bob Chen goes on talking/);
  expect(all('picker-row').map((row) => row.dataset['userId'])).not.toContain('bob.chen');
  await clickOn('picker-row', { userId: 'maria' });
  expect(given(phone, 'transfer')).toEqual([{ call_id: 'call-1', to: 'maria' }]);
  expect(find('transfer')).toBeNull();
});

test('a call is handed over to whoever is on hold', async () => {
  const phone = await open({ calls: [talking(), maria({ on_hold: true })] });
  await click('more');
  await click('open-transfer');
  await click('transfer-held');
  expect(given(phone, 'transfer')).toEqual([{ call_id: 'call-1', to_call_id: 'call-2' }]);
});

test('handing over is shown while it lasts, and what came of it is told', async () => {
  const phone = await open({ calls: [talking({ transfer_to: 'maria' })] });
  expect(the('call-state').textContent).toMatch(/Handing over to Maria Papadaki/);
  phone.emit({
    event: 'transfer_failed',
    data: { call_id: 'call-1', to: 'maria', reason: 'no_response' },
  });
  phone.show({ calls: [talking()] });
  await settled();
  expect(the('toast').textContent).toMatch(/Maria Papadaki did not take.*No answer.*still in the call/s);
  phone.emit({ event: 'transferred', data: { call_id: 'call-1', to: 'maria' } });
  await settled();
  expect(all('toast').at(-1)?.textContent).toMatch(/handed over to Maria Papadaki/);
});

test('words with a no are shown while the others talk', async () => {
  const group = sampleGroupCall({ state: 'connected', connected_at: NOW });
  const phone = await open({ calls: [group] });
  const data = { call_id: group.call_id, user_id: 'maria', message: null };
  phone.emit({ event: 'user_rejected', data });
  await settled();
  expect(find('toast')).toBeNull();
  phone.emit({ event: 'user_rejected', data: { ...data, message: 'In ten minutes' } });
  await settled();
  expect(the('toast').textContent).toMatch(/Maria Papadaki declined.*In ten minutes/s);
});

test('who is handed over is told to whom', async () => {
  const phone = await open({ calls: [talking()] });
  phone.emit({ event: 'transferring', data: { call_id: 'call-1', by: 'bob.chen', to: 'maria' } });
  await settled();
  expect(the('toast').textContent).toMatch(/Bob Chen is handing you over to Maria Papadaki/);
});

test('a group’s call is not handed over', async () => {
  const members = ['bob.chen', 'maria'].map((user) => sampleMember(user, user, { state: 'joined' }));
  await open({ calls: [talking({ members })] });
  await click('more');
  expect(find('open-transfer')).toBeNull();
});

test('while it only rings, nobody else can be called', async () => {
  await open({ calls: [sampleCall({ state: 'ringing' })] });
  await click('more');
  expect(find('open-new-call')).toBeNull();
  expect(find('microphone')).not.toBeNull();
});

test('somebody else is called while this call waits', async () => {
  const phone = await open({ calls: [talking()] });
  await click('more');
  await click('open-new-call');
  await clickOn('picker-row', { userId: 'maria' });
  const order = phone.asked.map(({ command }) => command).filter((it) => it === 'hold' || it === 'call');
  expect(order).toEqual(['hold', 'call']);
  expect(given(phone, 'call')).toEqual([{ to: ['maria'] }]);
});

test('the list can be looked at while a call goes on, and a call from there holds it', async () => {
  const phone = await open({ calls: [talking()] });
  await click('leave-screen');
  expect(find('call')).toBeNull();
  expect(the('home').hasAttribute('inert')).toBe(false);
  expect(the('other-call').textContent).toMatch(/Bob Chen.*In a call/s);
  await clickOn('contact', { userId: 'maria' });
  await click('call-button');
  expect(given(phone, 'hold')).toEqual(['call-1']);
  expect((given(phone, 'call')[0] as { to: string[] }).to).toEqual(['maria']);
  await click('strip-return');
  expect(the('call').dataset['callId']).toBe('call-1');
});

test('a call that can’t be held is not followed by another', async () => {
  const phone = await open({ calls: [talking()] });
  phone.answers.hold = () => Promise.reject(Object.assign(new Error(), { code: 'wrong_state' }));
  await click('leave-screen');
  await clickOn('contact', { userId: 'maria' });
  await click('call-button');
  expect(given(phone, 'call')).toEqual([]);
  expect(the('toast').textContent).toMatch(/Too late/);
});

test('another call that comes to the fore is shown, even while the list is looked at', async () => {
  const phone = await open({ calls: [talking()] });
  await click('leave-screen');
  phone.show({ calls: [talking({ on_hold: true }), maria()] });
  await settled();
  expect(the('call').dataset['callId']).toBe('call-2');
});

test('a silent ring is a strip in the main window, and nothing else', async () => {
  const silent = sampleCall({ direction: 'incoming', state: 'ringing', alert: 'silent' });
  const phone = await open({ calls: [silent] });
  expect(find('main-ringing')).toBeNull();
  expect(the('silent-ringing').getAttribute('role')).toBeNull();
  expect(the('silent-ringing').textContent).toMatch(/Bob Chen is calling.*Without a sound/s);
  await click('strip-answer');
  expect(given(phone, 'accept')).toEqual([{ call_id: 'call-1' }]);
  await open({ calls: [silent] }, 'incoming');
  expect(find('incoming')).toBeNull();
});

test('the wish to switch to video is asked, and answered either way', async () => {
  const phone = await open({ calls: [talking({ switch: { by_me: false, media: 'video' } })] });
  expect(the('switch-request').textContent).toMatch(/Bob Chen would like to switch to video/);
  await click('switch-no');
  await click('switch-yes');
  expect(given(phone, 'answerSwitch')).toEqual([
    { call_id: 'call-1', accept: false },
    { call_id: 'call-1', accept: true },
  ]);
  phone.show({ calls: [talking({ switch: { by_me: true, media: 'video' } })] });
  await settled();
  expect(find('switch-request')).toBeNull();
});

test('a doorbell can be heard before it is answered, with its message', async () => {
  const door = sampleCall(
    {
      direction: 'incoming',
      state: 'ringing',
      preview: true,
      message: '"Parcel"',
      host: 'front-gate',
      inviter: 'front-gate',
    },
    { user_id: 'front-gate', name: 'Front gate', kind: 'device' },
  );
  const phone = await open({ calls: [door] }, 'incoming');
  phone.answers.meters = () => ({ voices: [{ user_id: 'front-gate', dbfs: -8 }] });
  expect(the('listening').textContent).toMatch(/It does not hear you yet/);
  expect(the('incoming-message').textContent).toBe('Parcel');
  expect(the('incoming').textContent).toMatch(/Device/);
  phone.show({ calls: [{ ...door, preview: false }] });
  await settled();
  expect(find('listening')).toBeNull();
});

test('a video call may be answered by voice alone', async () => {
  const phone = await open(
    { calls: [sampleCall({ direction: 'incoming', state: 'ringing', media: 'video' })] },
    'incoming',
  );
  await click('answer-by-voice');
  expect(given(phone, 'accept')).toEqual([{ call_id: 'call-1', media: 'audio' }]);
});

test('my own words stand under the name until somebody answers', async () => {
  const phone = await open({ calls: [sampleCall({ state: 'ringing', message: '"About the gate"' })] });
  expect(the('my-message').textContent).toBe('About the gate');
  phone.show({ calls: [talking({ message: '"About the gate"' })] });
  await settled();
  expect(find('my-message')).toBeNull();
});

test('M mutes nobody while a dialog is open', async () => {
  const phone = await open({ calls: [talking()] });
  await click('add-people');
  await key('m');
  expect(given(phone, 'setMuted')).toEqual([]);
});

describe('a media server', () => {
  const stream = {
    push_url: 'https://media.example/a/whip',
    play_url: 'https://media.example/a/whep',
  };

  test('takes what I send, once it has its address', async () => {
    const phone = await open({ calls: [talking()] });
    await click('more');
    await click('open-publish');
    expect((the('publish-start') as HTMLButtonElement).disabled).toBe(true);
    await type('publish-url', ` ${stream.push_url} `);
    await type('publish-token', 'secret');
    await type('publish-play-token', 'for all');
    await click('publish-start');
    expect(given(phone, 'publishStream')).toEqual([
      { url: stream.push_url, token: 'secret', play_url: null, play_token: 'for all' },
    ]);
    expect(find('publish')).toBeNull();
    phone.show({ calls: [talking()], published: stream });
    await settled();
    expect(the('call-state').textContent).toMatch(/Sent by a media server/);
  });

  test('that does not take it says why, and the address stays', async () => {
    const phone = await open({ calls: [talking()] });
    phone.answers.publishStream = () => {
      const error: PealError = { code: 'stream_refused', message: '', hint: '' };
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- commands reject with a PealError
      throw error;
    };
    await click('more');
    await click('open-publish');
    await type('publish-url', stream.push_url);
    await click('publish-start');
    expect(the('field-problem').textContent).toMatch(/refused the token/);
    expect((the('publish-url') as HTMLInputElement).value).toBe(stream.push_url);
  });

  test('is told to end it, and from where the others play it', async () => {
    const phone = await open({ calls: [talking()], published: stream });
    await click('more');
    await click('open-publish');
    expect(the('play-url').textContent).toBe(stream.play_url);
    expect(find('publish-url')).toBeNull();
    await click('publish-stop');
    expect(phone.asked.map(({ command }) => command)).toContain('stopPublishing');
    expect(find('publish')).toBeNull();
  });

  test('is not offered before somebody is there', async () => {
    await open({ calls: [sampleCall({ state: 'ringing' })] });
    await click('more');
    expect(find('open-publish')).toBeNull();
  });
});
