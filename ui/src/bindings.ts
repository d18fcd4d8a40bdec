// The types and commands that cross the border to Rust, as src-tauri/engine/src/api declares them.

import { invoke } from '@tauri-apps/api/core';
import { listen, type EventCallback, type UnlistenFn } from '@tauri-apps/api/event';

export const commands = {
  login: (params: LoginParams): Promise<AccountView> => invoke('login', { params }),
  logout: (): Promise<null> => invoke('logout'),
  currentUser: (): Promise<AccountView | null> => invoke('current_user'),
  snapshot: (): Promise<PhoneView> => invoke('snapshot'),
  meters: (): Promise<Meters> => invoke('meters'),
  call: (params: CallParams): Promise<CallSession> => invoke('call', { params }),
  accept: (callId: string): Promise<null> => invoke('accept', { callId }),
  reject: (params: ReasonedCall): Promise<null> => invoke('reject', { params }),
  cancel: (callId: string): Promise<null> => invoke('cancel', { callId }),
  hangup: (callId: string): Promise<null> => invoke('hangup', { callId }),
  dismiss: (callId: string): Promise<null> => invoke('dismiss', { callId }),
  setMuted: (muted: boolean): Promise<null> => invoke('set_muted', { muted }),
  isMuted: (): Promise<boolean> => invoke('is_muted'),
  setSpeakerEnabled: (enabled: boolean): Promise<null> => invoke('set_speaker_enabled', { enabled }),
  isSpeakerEnabled: (): Promise<boolean> => invoke('is_speaker_enabled'),
  setCallTimeout: (ms: number): Promise<null> => invoke('set_call_timeout', { ms }),
  setSettings: (patch: SettingsPatch): Promise<null> => invoke('set_settings', { patch }),
  markHistorySeen: (): Promise<null> => invoke('mark_history_seen'),
  openMain: (): Promise<null> => invoke('open_main'),
};

export const events = {
  phoneView: { listen: (handler: EventCallback<PhoneView>): Promise<UnlistenFn> => listen('phone_view', handler) },
  phoneEvent: { listen: (handler: EventCallback<Event>): Promise<UnlistenFn> => listen('phone_event', handler) },
};

export type Media = 'audio' | 'video';
export type ConnectionState = 'offline' | 'connecting' | 'online' | 'reconnecting';
export type ContactKind = 'person' | 'device' | 'echo';
export type PresenceView = 'online' | 'in_call' | 'offline';
export type Direction = 'outgoing' | 'incoming';
export type RecordStatus = 'completed' | 'cancelled' | 'rejected' | 'missed' | 'busy';
export type CallState = 'calling' | 'ringing' | 'connecting' | 'connected' | 'reconnecting' | 'ended';
export type EndReason =
  | 'hangup'
  | 'cancelled'
  | 'rejected'
  | 'busy'
  | 'no_response'
  | 'answered_elsewhere'
  | 'rejected_elsewhere'
  | 'kicked_out'
  | 'ice_failed'
  | 'ice_lost'
  | 'device_failed'
  | 'unreachable'
  | 'incompatible'
  | 'error';
export type MemberState = 'inviting' | 'ringing' | 'connecting' | 'joined' | 'disconnected' | 'left';
export type Quality = 'good' | 'fair' | 'poor';
export type Theme = 'system' | 'light' | 'dark';

export type ErrorCode =
  | 'bad_request'
  | 'bad_name'
  | 'bad_server'
  | 'wrong_token'
  | 'server_unreachable'
  | 'insecure_server'
  | 'not_authorized'
  | 'not_logged_in'
  | 'already_logged_in'
  | 'unknown_user'
  | 'unknown_call'
  | 'wrong_state'
  | 'busy'
  | 'unsupported'
  | 'no_microphone'
  | 'no_speaker'
  | 'device_busy'
  | 'device_failed'
  | 'storage_failed'
  | 'profile_in_use'
  | 'broker_failed'
  | 'kicked_out'
  | 'key_changed'
  | 'internal';

export type PealError = { code: ErrorCode; message: string; hint: string };

export type LoginParams = {
  account?: string | null;
  token?: string | null;
  server?: string | null;
  display_name?: string | null;
};
export type CallParams = { to: string[]; media?: Media; message?: string | null; timeout_ms?: number | null };
export type ReasonedCall = { call_id: string; message?: string | null };
export type SettingsPatch = {
  display_name?: string | null;
  language?: string | null;
  theme?: Theme | null;
  microphone?: string | null;
  speaker?: string | null;
  call_timeout_ms?: number | null;
  echo_cancellation?: boolean | null;
  noise_suppression?: boolean | null;
  gain_control?: boolean | null;
};

export type AccountView = {
  user_id: string;
  display_name: string;
  device_id: string;
  client_id: string;
  server: string;
  embedded: boolean;
};
export type Connection = { state: ConnectionState; problem: PealError | null };
export type ContactView = { user_id: string; name: string; kind: ContactKind; presence: PresenceView };
export type RecordView = {
  call_id: string;
  user_id: string;
  name: string;
  direction: Direction;
  media: Media;
  status: RecordStatus;
  reason: EndReason;
  started_at: number | null;
  duration_ms: number | null;
  seen: boolean;
};
export type MemberView = { user_id: string; name: string; kind: ContactKind; state: MemberState; muted: boolean };
export type CallView = {
  call_id: string;
  direction: Direction;
  media: Media;
  state: CallState;
  reason: EndReason | null;
  members: MemberView[];
  message: string | null;
  connected_at: number | null;
  duration_ms: number | null;
  muted: boolean;
  quality: Quality | null;
};
export type DeviceView = { id: string; name: string };
export type AudioView = { microphones: DeviceView[]; speakers: DeviceView[]; problem: PealError | null };
export type Settings = {
  language: string;
  theme: Theme;
  microphone: string;
  speaker: string;
  call_timeout_ms: number;
  echo_cancellation: boolean;
  noise_suppression: boolean;
  gain_control: boolean;
};
export type PhoneView = {
  revision: number;
  account: AccountView | null;
  connection: Connection;
  contacts: ContactView[];
  history: RecordView[];
  missed_count: number;
  calls: CallView[];
  audio: AudioView;
  settings: Settings;
};
export type VoiceLevel = { user_id: string; dbfs: number | null };
export type Meters = { voices: VoiceLevel[] };

export type CallSession = {
  call_id: string;
  media: Media;
  inviter: string;
  inviting_members: string[];
  joined_members: string[];
  start_time: number | null;
};
export type Invitation = {
  call_id: string;
  inviter: string;
  user_ids: string[];
  is_from_group: boolean;
  group_id: string | null;
  message: string | null;
  media: Media;
};
export type UserInCall = { call_id: string; user_id: string };
export type Event =
  | { event: 'connection_changed'; data: Connection }
  | { event: 'session_ended'; data: PealError }
  | { event: 'kicked_out' }
  | { event: 'outgoing'; data: CallSession }
  | { event: 'ringing'; data: UserInCall }
  | { event: 'invited'; data: Invitation }
  | { event: 'connecting'; data: CallSession }
  | { event: 'connected'; data: CallSession }
  | { event: 'user_accepted'; data: UserInCall }
  | { event: 'user_rejected'; data: { call_id: string; user_id: string; message: string | null } }
  | { event: 'user_busy'; data: UserInCall }
  | { event: 'user_no_response'; data: UserInCall }
  | { event: 'user_cancelled'; data: UserInCall }
  | { event: 'call_timed_out'; data: UserInCall }
  | { event: 'user_entered'; data: UserInCall }
  | { event: 'user_left'; data: { call_id: string; user_id: string; reason: EndReason } }
  | { event: 'user_disconnected'; data: UserInCall }
  | { event: 'media_disconnected'; data: { call_id: string } }
  | { event: 'audio_available'; data: { call_id: string; user_id: string; available: boolean } }
  | { event: 'audio_muted'; data: { call_id: string; user_id: string; muted: boolean } }
  | { event: 'accepted_elsewhere'; data: { call_id: string; device: string } }
  | { event: 'rejected_elsewhere'; data: { call_id: string; device: string } }
  | { event: 'call_ended'; data: { call_id: string; reason: EndReason; duration_ms: number | null } }
  | { event: 'call_recorded'; data: RecordView }
  | { event: 'voice_volume'; data: VoiceLevel[] }
  | { event: 'error'; data: PealError };
