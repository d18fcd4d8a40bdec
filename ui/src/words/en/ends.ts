// Why a call ended and what went wrong, with what to do about it.

import type { EndReason, ErrorCode } from '../../callkit';
import type { Said, Sides } from '../types';

export const ended = {
  hangup: {
    outgoing: () => ({ title: 'Call ended', hint: '' }),
    incoming: () => ({ title: 'Call ended', hint: '' }),
  },
  cancelled: {
    outgoing: () => ({ title: 'Call cancelled', hint: '' }),
    incoming: (name) => ({
      title: `${name} hung up before you answered`,
      hint: 'Call back when it suits you.',
    }),
  },
  rejected: {
    outgoing: (name) => ({
      title: `${name} declined`,
      hint: 'Perhaps it is a bad moment. Try again later.',
    }),
    incoming: () => ({ title: 'You declined', hint: '' }),
  },
  busy: {
    outgoing: (name) => ({ title: `${name} is in another call`, hint: 'Try again in a few minutes.' }),
    incoming: (name) => ({
      title: `${name} called while you were in a call`,
      hint: 'Call back when it suits you.',
    }),
  },
  no_response: {
    outgoing: (name) => ({
      title: 'No answer',
      hint: `It rang, but ${name} did not pick up. They will see that you called.`,
    }),
    incoming: (name) => ({ title: `You missed ${name}’s call`, hint: 'Call back when it suits you.' }),
  },
  answered_elsewhere: {
    outgoing: (name) => ({ title: `${name} answered on another device`, hint: '' }),
    incoming: () => ({ title: 'Answered on another device', hint: 'The call goes on there.' }),
  },
  rejected_elsewhere: {
    outgoing: (name) => ({
      title: `${name} declined`,
      hint: 'Perhaps it is a bad moment. Try again later.',
    }),
    incoming: () => ({ title: 'Declined on another device', hint: '' }),
  },
  kicked_out: {
    outgoing: () => ({
      title: 'Logged out during the call',
      hint: 'This device logged in somewhere else.',
    }),
    incoming: () => ({
      title: 'Logged out during the call',
      hint: 'This device logged in somewhere else.',
    }),
  },
  ice_failed: {
    outgoing: (name) => ({
      title: `No way through to ${name}`,
      hint: 'A network between you blocked the connection. Try another network; a TURN server would help.',
    }),
    incoming: (name) => ({
      title: `No way through to ${name}`,
      hint: 'A network between you blocked the connection. Try another network; a TURN server would help.',
    }),
  },
  ice_lost: {
    outgoing: () => ({
      title: 'Connection lost',
      hint: 'It did not come back in time. Check your network and call again.',
    }),
    incoming: () => ({
      title: 'Connection lost',
      hint: 'It did not come back in time. Check your network and call again.',
    }),
  },
  device_failed: {
    outgoing: () => ({
      title: 'No sound device',
      hint: 'Connect a microphone and a speaker, or choose others in the settings.',
    }),
    incoming: () => ({
      title: 'No sound device',
      hint: 'Connect a microphone and a speaker, or choose others in the settings.',
    }),
  },
  unreachable: {
    outgoing: (name) => ({
      title: `${name} can’t be reached`,
      hint: 'None of their devices rang. They are probably offline.',
    }),
    incoming: (name) => ({
      title: `${name} can’t be reached any more`,
      hint: 'They probably went offline.',
    }),
  },
  incompatible: {
    outgoing: (name) => ({
      title: `${name} can’t take this call`,
      hint: 'Their device does not support this kind of call. A newer Peal may.',
    }),
    incoming: () => ({
      title: 'This call can’t be taken here',
      hint: 'This Peal does not support this kind of call. A newer one may.',
    }),
  },
  transferred: {
    outgoing: () => ({ title: 'Handed over', hint: 'They go on without you.' }),
    incoming: () => ({ title: 'Handed over', hint: 'They go on without you.' }),
  },
  blocked: {
    outgoing: (name) => ({ title: `You blocked ${name}`, hint: 'Unblock them to call.' }),
    incoming: (name) => ({ title: `You blocked ${name}`, hint: 'Their calls don’t arrive.' }),
  },
  error: {
    outgoing: () => ({
      title: 'The call failed',
      hint: 'Something went wrong inside Peal. Call again; if it stays, please report it.',
    }),
    incoming: () => ({
      title: 'The call failed',
      hint: 'Something went wrong inside Peal. Call again; if it stays, please report it.',
    }),
  },
} satisfies Record<EndReason, Sides<(name: string) => Said>> as Record<
  EndReason,
  Sides<(name: string) => Said>
>;

/** A group's call that nobody joined: the same reason for everybody. */
export const endedForAll = {
  rejected: { title: 'Everybody declined', hint: 'Perhaps it is a bad moment. Try again later.' },
  busy: { title: 'Everybody is in another call', hint: 'Try again in a few minutes.' },
  no_response: { title: 'Nobody answered', hint: 'They will see that you called.' },
  unreachable: { title: 'Nobody can be reached', hint: 'They are probably offline.' },
} satisfies Partial<Record<EndReason, Said>>;

export const errors = {
  bad_request: { title: 'Peal did not understand that', hint: 'Please report it.' },
  bad_name: {
    title: 'This name can’t be used',
    hint: 'Use 1 to 64 letters, digits, dots, dashes, underscores or @.',
  },
  bad_server: {
    title: 'This is no server address',
    hint: 'It looks like mqtts://example.org or ws://192.168.1.5:8083/mqtt.',
  },
  wrong_token: {
    title: 'The server refused this account or token',
    hint: 'Check both with whoever runs the server.',
  },
  server_unreachable: {
    title: 'The server does not answer',
    hint: 'Check the address and your network.',
  },
  insecure_server: {
    title: 'The server’s certificate is not trusted',
    hint: 'Ask whoever runs the server for a valid certificate.',
  },
  not_authorized: {
    title: 'The server does not let this account call',
    hint: 'Ask whoever runs it to load Peal’s access rules.',
  },
  not_logged_in: { title: 'You are not logged in', hint: 'Log in first.' },
  already_logged_in: { title: 'You are logged in already', hint: 'Log out first.' },
  unknown_user: {
    title: 'Nobody of that name is known here',
    hint: 'Check the name. They must have been online once on this server.',
  },
  unknown_call: { title: 'This call is over', hint: 'It ended in the meantime.' },
  wrong_state: { title: 'Too late for that', hint: 'The call has moved on in the meantime.' },
  busy: { title: 'You are in a call already', hint: 'End it first, or put it on hold.' },
  unsupported: { title: 'Peal can’t do that yet', hint: 'A newer version may.' },
  no_microphone: { title: 'No microphone', hint: 'Connect one, or choose another in the settings.' },
  no_speaker: {
    title: 'No speaker',
    hint: 'Connect a speaker or headphones, or choose others in the settings.',
  },
  no_camera: { title: 'No camera found', hint: 'Connect a camera. Peal finds it by itself.' },
  camera_busy: { title: 'The camera is taken', hint: 'Close the other program that uses it.' },
  camera_denied: {
    title: 'Peal may not see that',
    hint: 'Allow Peal to use the camera and to record the screen in the system’s settings.',
  },
  camera_failed: {
    title: 'The camera failed',
    hint: 'Reconnect it, or choose another in the settings.',
  },
  source_failed: {
    title: 'What you showed is gone',
    hint: 'Choose another screen or window.',
  },
  not_picked: {
    title: 'Nothing is shown',
    hint: 'Pick a screen or a window when your desktop asks.',
  },
  bad_stream_url: {
    title: 'That address can’t be used',
    hint: 'A media server’s address begins with https://; http:// is for one on this computer.',
  },
  stream_unreachable: {
    title: 'The media server can’t be reached',
    hint: 'Check its address and the network.',
  },
  stream_refused: {
    title: 'The media server refused the token',
    hint: 'Check the token with whoever runs the server.',
  },
  stream_failed: {
    title: 'The stream broke off',
    hint: 'Try again, or ask whoever runs the media server. The call goes on without it.',
  },
  device_busy: { title: 'The sound device is taken', hint: 'Close the other program that uses it.' },
  device_failed: {
    title: 'The sound device failed',
    hint: 'Reconnect it, or choose another in the settings.',
  },
  storage_failed: {
    title: 'Peal can’t write its data',
    hint: 'Check that the disk is not full and that the folder may be written.',
  },
  profile_in_use: {
    title: 'Peal is open already',
    hint: 'Use the window that is open, or start with another profile.',
  },
  broker_failed: {
    title: 'Peal could not start its own server',
    hint: 'Another program may hold its port. Restart Peal, or use a server.',
  },
  kicked_out: { title: 'This device logged in somewhere else', hint: 'Log in again to use Peal here.' },
  key_changed: {
    title: 'This contact has a new key',
    hint: 'Ask them whether they have a new device before you trust it.',
  },
  full: { title: 'This call is full', hint: 'A call holds 16 people.' },
  call_limit: { title: 'You have four calls already', hint: 'End one of them first.' },
  internal: { title: 'Something went wrong inside Peal', hint: 'Please report it.' },
} satisfies Record<ErrorCode, Said> as Record<ErrorCode, Said>;
