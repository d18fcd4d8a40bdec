// The border's types under one roof. The generator writes every float as `number | null`, because JSON has no NaN;
// the engine sends none, so where a float is never absent it is a plain number here.

import type * as border from '../bindings';

export type {
  AcceptParams,
  AccountView,
  Alert,
  AnswerSwitchParams,
  AudioQuality,
  AudioView,
  CallParams,
  CallSession,
  CallState,
  CallView,
  CancelParams,
  Connection,
  ConnectionState,
  ContactDevice,
  ContactKind,
  ContactPatch,
  ContactView,
  DeviceView,
  Direction,
  DoNotDisturb,
  EndReason,
  ErrorCode,
  Exported,
  Gender,
  Group,
  GroupParams,
  HistoryFormat,
  HistoryQuery,
  IceServer,
  Imported,
  InviteParams,
  KeyParams,
  LoginParams,
  Meanwhile,
  Media,
  MemberRecord,
  MemberState,
  MemberView,
  MergeParams,
  PealError,
  PresenceView,
  Profile,
  ProfilePatch,
  Quality,
  QuietHours,
  RecordStatus,
  RejectParams,
  SafetyNumber,
  Settings,
  SettingsPatch,
  StatsParams,
  SwitchMediaParams,
  SwitchView,
  Theme,
  TransferParams,
  UnknownCallers,
  Vcard,
  Verification,
  VerifiedParams,
  VolumeParams,
} from '../bindings';

type Always<T, K extends keyof T> = Omit<T, K> & { [P in K]: NonNullable<T[P]> };

/** One line of the history. */
export type RecordView = Always<border.RecordView, 'started_at' | 'duration_ms'>;
/** How loud somebody is, dB below full scale. */
export type VoiceLevel = Always<border.VoiceLevel, 'dbfs'>;
/** Levels now: my microphone (an empty `user_id`) and everyone heard. */
export type Meters = { voices: VoiceLevel[] };
/** Counters of a call's media path. */
export type CallStats = Always<
  border.CallStats,
  'packets_sent' | 'packets_received' | 'lost' | 'jitter_ms' | 'buffer_ms' | 'concealed_ms' | 'played_ms'
>;
/** The whole phone at one moment. */
export type PhoneView = Omit<border.PhoneView, 'history'> & { history: RecordView[] };
/** What happens once. */
export type PhoneEvent = border.Event;

/** The names of all events, and what each carries. */
export type EventName = PhoneEvent['event'];
export type EventData<N extends EventName> =
  Extract<PhoneEvent, { event: N }> extends { data: infer D } ? D : undefined;
