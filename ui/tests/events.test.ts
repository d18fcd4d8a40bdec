import { expect, test } from 'vitest';
import type { PhoneEvent } from '../src/callkit';
import { eventSaid } from '../src/words/events';
import { speech } from '../src/words/index.svelte';
import { groupRecord } from './samples';

const who = { me: 'alice', name: (userId: string) => ({ bob: 'Bob', maria: 'Maria' })[userId] ?? userId };
const inCall = { call_id: 'c', user_id: 'bob' };
const session = {
  call_id: 'c',
  media: 'audio' as const,
  inviter: 'alice',
  joined_members: ['alice', 'bob'],
  inviting_members: ['maria'],
  start_time: null,
};
const error = { code: 'busy' as const, message: '', hint: '' };

// Every event, and what a person reads.
const device = { call_id: 'c', device: 'd' };

const lines: [PhoneEvent, string][] = [
  [{ event: 'connection_changed', data: { state: 'online', problem: null } }, 'Server: Available'],
  [{ event: 'session_ended', data: error }, 'The login is over: You are in a call already'],
  [{ event: 'kicked_out' }, 'Logged in somewhere else'],
  [{ event: 'outgoing', data: session }, 'Calling Bob and Maria'],
  [{ event: 'ringing', data: inCall }, 'It rings at Bob’s'],
  [
    {
      event: 'invited',
      data: {
        call_id: 'c',
        inviter: 'bob',
        user_ids: ['alice'],
        is_from_group: false,
        group_id: null,
        message: null,
        media: 'audio',
      },
    },
    'Bob is calling',
  ],
  [{ event: 'connecting', data: session }, 'Connecting with Bob and Maria'],
  [{ event: 'connected', data: session }, 'Connected with Bob and Maria'],
  [{ event: 'user_accepted', data: inCall }, 'Bob answered'],
  [{ event: 'user_rejected', data: { ...inCall, message: null } }, 'Bob declined'],
  [{ event: 'user_busy', data: inCall }, 'Bob is in another call'],
  [{ event: 'user_no_response', data: inCall }, 'Bob did not answer'],
  [{ event: 'user_cancelled', data: inCall }, 'Bob hung up before you answered'],
  [{ event: 'call_timed_out', data: inCall }, 'Bob rang in vain'],
  [{ event: 'user_entered', data: inCall }, 'Bob joined'],
  [{ event: 'user_left', data: { ...inCall, reason: 'hangup' } }, 'Bob is not in the call any more: Left'],
  [{ event: 'user_disconnected', data: inCall }, 'The connection to Bob is lost'],
  [{ event: 'media_disconnected', data: { call_id: 'c' } }, 'Your connection is lost'],
  [{ event: 'audio_available', data: { ...inCall, available: true } }, 'Sound comes from Bob'],
  [{ event: 'audio_available', data: { ...inCall, available: false } }, 'No sound comes from Bob'],
  [{ event: 'video_available', data: { ...inCall, available: true } }, 'Bob switched the camera on'],
  [{ event: 'audio_muted', data: { ...inCall, muted: true } }, 'Bob muted the microphone'],
  [{ event: 'audio_muted', data: { ...inCall, muted: false } }, 'Bob unmuted the microphone'],
  [{ event: 'video_muted', data: { ...inCall, muted: true } }, 'Bob covered the camera'],
  [
    { event: 'users_invited', data: { call_id: 'c', from_user: 'bob', invited_users: ['maria', 'zoe'] } },
    'Bob invited Maria and zoe',
  ],
  [{ event: 'held', data: { ...inCall, on_hold: true } }, 'Bob put the call on hold'],
  [{ event: 'held', data: { ...inCall, on_hold: false } }, 'Bob took the call back'],
  [
    { event: 'media_change_requested', data: { ...inCall, media: 'video' } },
    'Bob would like to switch to video',
  ],
  [{ event: 'media_changed', data: { call_id: 'c', media: 'audio' } }, 'The call is by voice now'],
  [{ event: 'media_change_refused', data: inCall }, 'Bob would rather not switch'],
  [
    { event: 'transferring', data: { call_id: 'c', by: 'bob', to: 'maria' } },
    'Bob is handing the call over to Maria',
  ],
  [{ event: 'transferred', data: { call_id: 'c', to: 'maria' } }, 'The call was handed over to Maria'],
  [
    { event: 'transfer_failed', data: { call_id: 'c', to: 'maria', reason: 'busy' } },
    'Maria did not take the call over: In another call',
  ],
  [{ event: 'stream_added', data: { ...inCall, play_url: null } }, 'Bob can be heard'],
  [{ event: 'stream_removed', data: inCall }, 'Bob uses no media server any more'],
  [{ event: 'key_changed', data: { user_id: 'bob', device_id: 'd' } }, 'Bob has a new key'],
  [{ event: 'presence_changed', data: { user_id: 'bob', presence: 'in_call' } }, 'Bob: In a call'],
  [{ event: 'accepted_elsewhere', data: { ...device, device_name: 'Kitchen' } }, 'Answered on “Kitchen”'],
  [{ event: 'accepted_elsewhere', data: { ...device, device_name: '' } }, 'Answered on another device'],
  [{ event: 'rejected_elsewhere', data: { ...device, device_name: 'Kitchen' } }, 'Declined on “Kitchen”'],
  [{ event: 'rejected_elsewhere', data: { ...device, device_name: '' } }, 'Declined on another device'],
  [
    { event: 'call_ended', data: { call_id: 'c', reason: 'no_response', duration_ms: 0 } },
    'The call is over: No answer',
  ],
  [{ event: 'call_recorded', data: groupRecord }, 'In the history: Design team'],
  [{ event: 'voice_volume', data: [] }, 'Levels'],
  [{ event: 'error', data: error }, 'You are in a call already'],
];

test.each(lines)('%o is one line', (event, words) => {
  speech.choice = 'en';
  expect(eventSaid(event, who)).toBe(words);
});

test('every event is said in Chinese too', () => {
  speech.choice = 'zh-CN';
  for (const [event] of lines) expect(eventSaid(event, who)).toMatch(/\p{Script=Han}|Design team/u);
  expect(eventSaid({ event: 'user_entered', data: inCall }, who)).toBe('Bob 加入了通话');
  expect(eventSaid({ event: 'transferring', data: { call_id: 'c', by: 'bob', to: '王小明' } }, who)).toBe(
    'Bob 正在把通话转接给王小明',
  );
  speech.choice = 'en';
});
