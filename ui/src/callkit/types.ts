// The border's types under one roof. The generator writes every float as `number | null`, because JSON has no NaN, and
// every field that a program may leave out as absent, on both ways; the engine sends no NaN and leaves nothing out, so
// that here what is always there is always there.

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
  CancelParams,
  Connection,
  ConnectionState,
  ContactDevice,
  ContactKind,
  ContactPatch,
  ContactView,
  DeviceView,
  Direction,
  EndReason,
  ErrorCode,
  ExportedContacts,
  ExportedHistory,
  ExportFormat,
  Gender,
  Group,
  GroupParams,
  HistoryQuery,
  IceServer,
  ImportReport,
  InviteParams,
  LoginParams,
  Meanwhile,
  Media,
  MemberState,
  MergeParams,
  PealError,
  PictureLowered,
  PresenceView,
  Profile,
  ProfilePatch,
  PublishedStream,
  PublishStreamParams,
  Quality,
  QuietHours,
  QuietView,
  RecordMember,
  RecordStatus,
  RefusedCard,
  RejectParams,
  SafetyNumber,
  SettingsPatch,
  StatsParams,
  SwitchMediaParams,
  SwitchView,
  Theme,
  Ticket,
  TransferParams,
  UnknownCallers,
  Verification,
  VideoSources,
  VideoView,
  VolumeParams,
} from '../bindings';

type Always<T, K extends keyof T> = Omit<T, K> & { [P in K]: NonNullable<T[P]> };

/** Where a picture of mine comes from. */
export type VideoSource = border.VideoSource;
/** When nothing rings. */
export type DoNotDisturb = Required<border.DoNotDisturb>;
/** What the person chose. */
export type Settings = Omit<border.Settings, 'do_not_disturb'> & { do_not_disturb: DoNotDisturb };
/** Somebody else in a call. */
export type MemberView = Always<border.MemberView, 'volume_db'>;
/** One call. */
export type CallView = Omit<border.CallView, 'members'> & { members: MemberView[] };
/** One line of the history. */
export type RecordView = Always<border.RecordView, 'started_at' | 'duration_ms'>;
/** How loud somebody is, dB below full scale. */
export type VoiceLevel = Always<border.VoiceLevel, 'dbfs'>;
/** Levels now: my microphone (an empty `user_id`) and everyone heard. */
export type Meters = { voices: VoiceLevel[] };
/** Counters of a call's media path. */
export type CallStats = Always<
  border.CallStats,
  | 'packets_sent'
  | 'packets_received'
  | 'bytes_sent'
  | 'bytes_received'
  | 'lost'
  | 'jitter_ms'
  | 'buffer_ms'
  | 'concealed_ms'
  | 'played_ms'
>;
/** The whole phone at one moment. */
export type PhoneView = Omit<border.PhoneView, 'history' | 'calls' | 'settings'> & {
  settings: Settings;
  history: RecordView[];
  calls: CallView[];
};
/** What happens once. */
export type PhoneEvent = border.Event;

/** The names of all events, and what each carries. */
export type EventName = PhoneEvent['event'];
export type EventData<N extends EventName> =
  Extract<PhoneEvent, { event: N }> extends { data: infer D } ? D : undefined;
