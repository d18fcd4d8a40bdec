// Every screen's snapshot, by its name.

import type { CallView, ContactView, MemberView, PealError, PhoneView } from '../src/callkit';
import {
  contact,
  contacts,
  groupRecord,
  groups,
  history,
  myVideo,
  NOW,
  record,
  sampleCall,
  sampleGroupCall,
  sampleMember,
  noVideo,
  sampleView,
} from '../tests/samples';

export const problem = (code: PealError['code']): PealError => ({ code, message: code, hint: '' });

const talking = (changes: Partial<CallView> = {}, member: Partial<MemberView> = {}): CallView =>
  sampleCall(
    { state: 'connected', connected_at: NOW - 198_000, quality: 'good', ...changes },
    { state: 'joined', ...member },
  );
const ended = (reason: CallView['reason'], changes: Partial<CallView> = {}): CallView =>
  sampleCall({ state: 'ended', reason, ...changes }, { state: 'left', reason });
const onCall = (...calls: CallView[]): Partial<PhoneView> => ({ calls });
const ringing = (changes: Partial<CallView> = {}, member: Partial<MemberView> = {}): CallView =>
  sampleCall({ direction: 'incoming', state: 'ringing', ...changes }, member);
const maria = (changes: Partial<CallView> = {}, member: Partial<MemberView> = {}): CallView => ({
  ...talking({ call_id: 'call-2', host: 'maria', inviter: 'maria', direction: 'incoming', ...changes }),
  members: [sampleMember('maria', 'Maria Papadaki', { state: 'joined', ...member })],
});
const mariaRings = (changes: Partial<CallView> = {}): CallView =>
  maria({ state: 'ringing', alert: 'call_waiting', connected_at: null, quality: null, ...changes });

const change = (userId: string, changes: Partial<ContactView>, all: ContactView[] = contacts) =>
  all.map((one) => (one.user_id === userId ? { ...one, ...changes } : one));

const rich: ContactView[] = [
  ...change('bob.chen', {
    name: 'Bob from the workshop',
    note_name: 'Bob from the workshop',
    note_text: 'Met at the gate controller. Best before ten; Thursdays he is at the depot.',
    signature: 'In the workshop until five',
    region: 'Gothenburg',
    birthday: '1990-04-23',
    gender: 'male',
    address: 'Götaplatsen 3\n412 56 Gothenburg',
    is_favorite: true,
    verified: 'verified',
    devices: [
      { device_id: 'a', name: 'Kitchen', presence: 'online', kind: 'person' },
      { device_id: 'b', name: 'Linux', presence: 'offline', kind: 'person' },
    ],
  }).map((one) =>
    one.user_id === 'maria'
      ? { ...one, is_favorite: true, avatar_id: '24' }
      : one.user_id === 'wang'
        ? { ...one, verified: 'changed' as const }
        : one.user_id === 'david.okafor'
          ? { ...one, is_no_disturb: true }
          : one,
  ),
  contact('spam', 'Cheap Phones Ltd', 'online', { is_in_black_list: true, is_friend: false }),
  contact('zoe', 'Zoë van Dijk', 'online', { is_friend: false, avatar_id: '260' }),
];

const names = [
  'Bob Chen',
  'Maria Papadaki',
  '王小明',
  'David Okafor',
  'Zoë van Dijk',
  'Kwame Mensah',
  'Ana Lúcia Ferreira',
  '李雷',
  'Ingrid Solheim',
  'Tomáš Novák',
  'Priya Raman',
  'Yusuf Demir',
  '佐藤 花子',
  'Elena Popescu',
  'Olu Adeyemi',
];
const crowd = (count: number, changes: Partial<CallView> = {}): CallView =>
  sampleGroupCall({
    group_name: 'Design review',
    host: 'bob.chen',
    members: names.slice(0, count).map((name, at) =>
      sampleMember(`member-${at}`, name, {
        state: at === count - 1 && count > 3 ? 'inviting' : at === 4 ? 'disconnected' : 'joined',
        muted: at % 4 === 1,
        on_hold: at === 6,
      }),
    ),
    ...changes,
  });

const filmed = (count: number): CallView =>
  crowd(count, {
    media: 'video',
    my_video: true,
    host: 'alice',
    members: crowd(count).members.map((member, at) => ({
      ...member,
      state: 'joined',
      on_hold: false,
      video: at !== 2,
      video_muted: at === 2,
      quality: at === 3 ? 'poor' : at === 5 ? 'fair' : 'good',
      picture_lowered: at === 3 ? 'network' : null,
    })),
  });

export const views: Record<string, Partial<PhoneView>> = {
  start: { account: null, connection: { state: 'offline', problem: null } },
  starting: { account: null, connection: { state: 'connecting', problem: problem('server_unreachable') } },
  'kicked-out': { account: null, connection: { state: 'offline', problem: problem('kicked_out') } },
  people: {},
  rich: { contacts: rich, groups, history: [groupRecord, ...history] },
  many: {
    contacts: [
      contacts[0] ?? contact('echo', 'Echo', 'online', { kind: 'echo' }),
      ...names.map((name, at) => contact(`member-${at}`, name, at % 3 ? 'online' : 'offline')),
    ],
    groups,
  },
  alone: { contacts: sampleView().contacts.slice(0, 1), history: [], missed_count: 0 },
  quiet: {
    quiet: { on: true, until: NOW + 40 * 60_000 },
    contacts: rich,
    groups,
    settings: {
      ...sampleView().settings,
      do_not_disturb: {
        on: false,
        schedule: [
          { days: [0, 1, 2, 3, 4], from_min: 13 * 60, until_min: 15 * 60 },
          { days: [0, 1, 2, 3, 6], from_min: 22 * 60, until_min: 7 * 60 },
        ],
      },
      debug: true,
    },
  },
  history: {
    groups,
    missed_count: 0,
    history: [
      groupRecord,
      record('m1', 'maria', 'Maria Papadaki', {
        direction: 'incoming',
        status: 'missed',
        reason: 'no_response',
        at: NOW - 3 * 3_600_000,
        message: '"Call me about the keys when you can"',
      }),
      record('g8', 'maria', 'Maria Papadaki', {
        direction: 'incoming',
        status: 'missed',
        reason: 'no_response',
        at: NOW - 4 * 3_600_000,
        members: [
          { user_id: 'maria', name: 'Maria Papadaki', status: 'completed' },
          { user_id: 'wang', name: '王小明', status: 'completed' },
        ],
      }),
      ...history,
    ],
  },
  offline: {
    connection: { state: 'reconnecting', problem: problem('server_unreachable') },
    audio: { microphones: [], speakers: [], speaker_enabled: true, problem: problem('no_microphone') },
  },
  kicked: { connection: { state: 'offline', problem: problem('kicked_out') } },

  calling: onCall(sampleCall({ state: 'ringing', message: '"About the gate controller"' })),
  call: onCall(talking()),
  muted: onCall(talking({ muted: true, quality: 'fair' }, { muted: true })),
  'on-hold': onCall(talking({ on_hold: true })),
  'held-by-them': onCall(talking({}, { on_hold: true })),
  reconnecting: onCall(talking({ state: 'reconnecting', quality: 'poor' })),
  transferring: onCall(talking({ transfer_to: 'maria' })),
  switching: onCall(talking({ switch: { by_me: false, media: 'video' } })),
  swap: { contacts: rich, ...onCall(talking(), maria({ on_hold: true })) },
  waiting: { contacts: rich, ...onCall(talking(), mariaRings()) },
  group: { contacts: rich, groups, ...onCall(sampleGroupCall()) },
  'group-ringing': {
    contacts: rich,
    ...onCall(
      sampleGroupCall({
        state: 'ringing',
        connected_at: null,
        quality: null,
        members: [
          sampleMember('bob.chen', 'Bob Chen', { state: 'ringing' }),
          sampleMember('maria', 'Maria Papadaki', { state: 'inviting' }),
          sampleMember('wang', '王小明', { state: 'left', reason: 'busy' }),
        ],
      }),
    ),
  },
  video: { video: myVideo, ...onCall(talking({ media: 'video', my_video: true }, { video: true })) },
  'video-alone': { video: noVideo, ...onCall(talking({ media: 'video' }, { video: true, muted: true })) },
  'video-calling': { video: myVideo, ...onCall(sampleCall({ state: 'ringing', media: 'video' })) },
  'video-asking': onCall(talking({ switch: { by_me: true, media: 'video' } })),
  'video-three': { video: myVideo, ...onCall(filmed(2)) },
  'video-four': { video: myVideo, contacts: rich, ...onCall(filmed(3)) },
  'video-nine': { video: myVideo, ...onCall(filmed(8)) },
  sharing: {
    video: { ...myVideo, source: { kind: 'screen', id: 's1' } },
    ...onCall(filmed(3)),
  },
  'camera-taken': {
    video: { ...noVideo, problem: problem('camera_busy') },
    ...onCall(talking({ media: 'video' }, { video: true })),
  },
  three: onCall(crowd(2)),
  nine: onCall(crowd(8)),
  sixteen: onCall(crowd(15)),
  'group-waiting': { contacts: rich, groups, ...onCall(crowd(5), mariaRings(), talking({ on_hold: true })) },

  ended: onCall(ended('hangup', { connected_at: NOW - 198_000, duration_ms: 198_000 })),
  declined: onCall(ended('rejected', { message: 'In a meeting. Can you write to me?' })),
  'no-way': onCall(ended('ice_failed')),
  'group-ended': onCall(
    sampleGroupCall({
      state: 'ended',
      reason: 'no_response',
      connected_at: null,
      members: [
        sampleMember('bob.chen', 'Bob Chen', { state: 'left', reason: 'no_response' }),
        sampleMember('maria', 'Maria Papadaki', { state: 'left', reason: 'rejected' }),
        sampleMember('wang', '王小明', { state: 'left', reason: 'unreachable' }),
      ],
    }),
  ),

  ringing: onCall(ringing()),
  silent: onCall(ringing({ alert: 'silent' })),
  incoming: onCall(ringing({ message: '"Quick question about the gate controller, two minutes"' })),
  'incoming-waiting': onCall(talking(), mariaRings()),
  'incoming-video': onCall(ringing({ media: 'video' })),
  'incoming-door': onCall(
    ringing(
      { preview: true, message: '"Parcel for Lindqvist"' },
      { user_id: 'front-gate', name: 'Front gate', kind: 'device' },
    ),
  ),
  'incoming-door-video': onCall(
    ringing(
      { preview: true, media: 'video', message: '"Parcel for Lindqvist"' },
      { user_id: 'front-gate', name: 'Front gate', kind: 'device', video: true },
    ),
  ),
  'incoming-group': onCall(
    sampleGroupCall({
      direction: 'incoming',
      state: 'ringing',
      alert: 'ring',
      host: 'bob.chen',
      inviter: 'bob.chen',
      connected_at: null,
      message: '"The new door, before the review"',
      members: [
        sampleMember('bob.chen', 'Bob Chen', { state: 'joined' }),
        sampleMember('maria', 'Maria Papadaki', { state: 'joined' }),
        sampleMember('wang', '王小明', { state: 'inviting' }),
        sampleMember('david.okafor', 'David Okafor', { state: 'inviting' }),
      ],
    }),
  ),
};
