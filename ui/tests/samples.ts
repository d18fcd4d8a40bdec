// Sample people and a phone that is only a snapshot: for the tests and for the preview.

import type {
  CallView,
  Commands,
  ContactView,
  Group,
  MemberView,
  PhoneEvent,
  PhoneView,
  RecordView,
  Transport,
  VideoView,
} from '../src/callkit';

/** Thursday, 14:20, in the computer's own time zone. */
export const NOW = new Date(2025, 10, 20, 14, 20).getTime();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const bob = contact('bob.chen', 'Bob Chen', 'online');
export const contacts: ContactView[] = [
  contact('echo', 'Echo', 'online', { kind: 'echo' }),
  bob,
  contact('front-gate', 'Front gate', 'online', { kind: 'device' }),
  contact('maria', 'Maria Papadaki', 'in_call'),
  contact('david.okafor', 'David Okafor', 'offline'),
  contact('wang', '王小明', 'offline'),
];

export const groups: Group[] = [
  { group_id: 'g1', name: 'Design team', members: ['bob.chen', 'maria', 'wang', 'david.okafor'] },
];

export const history: RecordView[] = [
  record('c9', 'bob.chen', 'Bob Chen', { at: NOW - 4 * HOUR - 39 * MINUTE, minutes: 12 }),
  record('c8', 'maria', 'Maria Papadaki', {
    direction: 'incoming',
    status: 'missed',
    reason: 'no_response',
    at: NOW - 5 * HOUR,
    seen: false,
  }),
  record('c7', 'echo', 'Echo', { at: NOW - 6 * HOUR, minutes: 0.4 }),
  record('c6', 'bob.chen', 'Bob Chen', {
    direction: 'incoming',
    status: 'cancelled',
    reason: 'cancelled',
    at: NOW - DAY + 3 * HOUR,
    seen: false,
  }),
  record('c5', 'front-gate', 'Front gate', { direction: 'incoming', at: NOW - DAY - 2 * HOUR, minutes: 1.2 }),
  record('c4', 'david.okafor', 'David Okafor', {
    status: 'rejected',
    reason: 'rejected',
    at: NOW - DAY - 4 * HOUR,
  }),
  record('c3', 'bob.chen', 'Bob Chen', {
    direction: 'incoming',
    at: NOW - 3 * DAY - 17 * MINUTE,
    minutes: 48,
  }),
  record('c2', 'wang', '王小明', { status: 'missed', reason: 'no_response', at: NOW - 3 * DAY - HOUR }),
  record('c1', 'bob.chen', 'Bob Chen', { status: 'busy', reason: 'busy', at: NOW - 12 * DAY }),
];

/** A call of the saved group that went differently with each. */
export const groupRecord: RecordView = record('g9', 'bob.chen', 'Bob Chen', {
  at: NOW - 2 * HOUR,
  minutes: 34,
  group_id: 'g1',
  group_name: 'Design team',
  message: '"The new door, before the review"',
  members: [
    { user_id: 'bob.chen', name: 'Bob Chen', status: 'completed' },
    { user_id: 'maria', name: 'Maria Papadaki', status: 'completed' },
    { user_id: 'wang', name: '王小明', status: 'missed' },
    { user_id: 'david.okafor', name: 'David Okafor', status: 'rejected' },
  ],
});

/** A camera is there, and off. */
export const noVideo: VideoView = {
  cameras: [{ id: 'cam-1', name: 'Built-in camera' }],
  on: false,
  source: null,
  opening: false,
  problem: null,
};
/** The same, on. */
export const myVideo: VideoView = { ...noVideo, on: true, source: { kind: 'camera', id: 'cam-1' } };

/** A view of somebody logged in, with whatever is to differ. */
export function sampleView(changes: Partial<PhoneView> = {}): PhoneView {
  return {
    revision: 1,
    account: {
      user_id: 'alice',
      display_name: 'Alice Lindqvist',
      device_id: 'd1',
      client_id: 'alice~1',
      server: 'mqtt://127.0.0.1:18830',
      embedded: true,
    },
    connection: { state: 'online', problem: null },
    contacts,
    groups: [],
    published: null,
    profile: {
      nickname: 'Alice Lindqvist',
      gender: 'unknown',
      birthday: '',
      region: '',
      signature: '',
      address: '',
      avatar_id: null,
    },
    quiet: { on: false, until: null },
    history,
    missed_count: 2,
    calls: [],
    audio: {
      microphones: [
        { id: 'mic-1', name: 'Built-in microphone' },
        { id: 'mic-2', name: 'Headset' },
      ],
      speakers: [{ id: 'out-1', name: 'Built-in speakers' }],
      speaker_enabled: true,
      problem: null,
    },
    video: noVideo,
    settings: {
      language: 'en',
      theme: 'light',
      microphone: 'default',
      speaker: 'default',
      call_timeout_ms: 30_000,
      echo_cancellation: true,
      noise_suppression: true,
      gain_control: true,
      ice_servers: [],
      call_waiting: false,
      hold_music: true,
      ring_here: true,
      do_not_disturb: { on: false, schedule: [] },
      unknown_callers: 'ring',
      device_name: '',
      single_device: false,
      open_microphone: true,
      audio_quality: 'balanced',
      check_sum: true,
      debug: false,
      camera: 'default',
      open_camera: true,
      video_width: 640,
      video_height: 360,
      frame_rate: 30,
      min_bitrate: 600,
      max_bitrate: 900,
      whiteness_level: 0,
      beauty_level: 0,
      mirror_preview: true,
      plain_http_streams: false,
    },
    ...changes,
  };
}

/** A call with Bob, with whatever is to differ. */
export function sampleCall(changes: Partial<CallView> = {}, member: Partial<MemberView> = {}): CallView {
  const incoming = changes.direction === 'incoming';
  return {
    call_id: 'call-1',
    direction: 'outgoing',
    media: 'audio',
    state: 'calling',
    reason: null,
    host: incoming ? 'bob.chen' : 'alice',
    inviter: incoming ? 'bob.chen' : null,
    group_id: null,
    group_name: null,
    alert: incoming && changes.state === 'ringing' ? 'ring' : null,
    members: [sampleMember('bob.chen', 'Bob Chen', member)],
    message: null,
    connected_at: null,
    duration_ms: null,
    muted: false,
    on_hold: false,
    switch: null,
    transfer_to: null,
    preview: false,
    my_video: false,
    quality: null,
    ...changes,
  };
}

/** Somebody else in a call. */
export function sampleMember(user_id: string, name: string, changes: Partial<MemberView> = {}): MemberView {
  return {
    user_id,
    name,
    kind: 'person',
    state: 'inviting',
    reason: null,
    muted: false,
    on_hold: false,
    video: false,
    video_muted: false,
    device_id: null,
    invited_by: null,
    volume_db: 0,
    quality: null,
    picture_lowered: null,
    picture_paused: false,
    play_url: null,
    my_picture_lowered: null,
    ...changes,
  };
}

/** A group's call that I began: two talk, one rings, one has declined. */
export function sampleGroupCall(changes: Partial<CallView> = {}): CallView {
  return sampleCall({
    call_id: 'group-1',
    state: 'connected',
    connected_at: NOW - 767_000,
    quality: 'good',
    group_id: 'g1',
    group_name: 'Design team',
    members: [
      sampleMember('bob.chen', 'Bob Chen', { state: 'joined', muted: true }),
      sampleMember('maria', 'Maria Papadaki', { state: 'joined' }),
      sampleMember('wang', '王小明', { state: 'ringing' }),
      sampleMember('david.okafor', 'David Okafor', { state: 'left', reason: 'rejected' }),
    ],
    ...changes,
  });
}

/** A phone that holds what it is given, and remembers what it was asked. */
export class SamplePhone implements Transport {
  asked: { command: keyof Commands; args: unknown[] }[] = [];
  /** What a command answers instead of nothing; a function may throw. */
  answers: Partial<Record<keyof Commands, (...args: never[]) => unknown>> = {};
  private viewHandlers = new Set<(view: PhoneView) => void>();
  private eventHandlers = new Set<(event: PhoneEvent) => void>();

  constructor(
    public view: PhoneView,
    private label = 'main',
  ) {
    this.answers.snapshot = () => this.view;
    this.answers.meters = () => ({ voices: [] });
  }

  readonly commands = new Proxy({} as Commands, {
    get:
      (_, command: keyof Commands) =>
      async (...args: never[]) => {
        this.asked.push({ command, args });
        return (await this.answers[command]?.(...args)) ?? null;
      },
  });

  /** Publishes the next snapshot. */
  show(changes: Partial<PhoneView>): void {
    this.view = { ...this.view, revision: this.view.revision + 1, ...changes };
    for (const handler of this.viewHandlers) handler(this.view);
  }

  emit(event: PhoneEvent): void {
    for (const handler of this.eventHandlers) handler(event);
  }

  onView(handler: (view: PhoneView) => void) {
    this.viewHandlers.add(handler);
    return Promise.resolve(() => void this.viewHandlers.delete(handler));
  }

  onEvent(handler: (event: PhoneEvent) => void) {
    this.eventHandlers.add(handler);
    return Promise.resolve(() => void this.eventHandlers.delete(handler));
  }

  windowLabel() {
    return this.label;
  }
}

export function contact(
  user_id: string,
  name: string,
  presence: ContactView['presence'],
  changes: Partial<ContactView> = {},
): ContactView {
  return {
    user_id,
    name,
    kind: 'person',
    presence,
    nickname: name,
    gender: 'unknown',
    avatar_id: null,
    birthday: '',
    region: '',
    signature: '',
    address: '',
    note_name: '',
    note_text: '',
    is_no_disturb: false,
    is_in_black_list: false,
    is_friend: true,
    is_favorite: false,
    verified: 'new',
    devices: [{ device_id: `${user_id}-1`, name: 'Linux', presence, kind: 'person' }],
    ...changes,
  };
}

export function record(
  call_id: string,
  user_id: string,
  name: string,
  { at, minutes = 0, ...rest }: Partial<RecordView> & { at: number; minutes?: number },
): RecordView {
  return {
    call_id,
    user_id,
    name,
    direction: 'outgoing',
    media: 'audio',
    status: 'completed',
    reason: 'hangup',
    started_at: at,
    duration_ms: minutes * MINUTE,
    seen: true,
    members: [{ user_id, name, status: rest.status ?? 'completed' }],
    group_id: null,
    group_name: null,
    message: null,
    ...rest,
  };
}
