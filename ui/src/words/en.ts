import type { Said, Sides } from './types';
import type { ConnectionState, EndReason, ErrorCode, PresenceView, Quality, Theme } from '../callkit';

export const en = {
  app: {
    name: 'Peal',
    starting: 'Starting…',
    noPhone: { title: 'Peal can’t start', hint: 'Close this window and open Peal again.' } satisfies Said,
    tryAgain: 'Try again',
    close: 'Close',
    loginDifferently: 'Log in another way',
  },

  start: {
    subtitle: 'A name is all it takes.',
    name: 'Your name',
    start: 'Start',
    starting: 'Starting…',
    here: 'You can call everyone who opens Peal on this computer. To call other computers, use a server.',
    useServer: 'Use a server instead',
    serverTitle: 'Use a server',
    serverSubtitle: 'Any MQTT broker will do.',
    server: 'Server address',
    serverExample: 'mqtts://example.org',
    account: 'Account',
    accountExample: 'alice',
    token: 'Token',
    tokenNote: 'if the server asks for one',
    nameNote: 'what others see',
    logIn: 'Log in',
    loggingIn: 'Logging in…',
    back: 'Back',
    cancel: 'Cancel',
    needName: 'Type the name that others will see.',
    needServer: 'Type the server’s address.',
    needAccount: 'Type your account on that server.',
  },

  connection: {
    offline: 'Offline',
    connecting: 'Connecting…',
    online: 'Available',
    reconnecting: 'Reconnecting…',
  } satisfies Record<ConnectionState, string>,
  keepsTrying: 'Peal keeps trying.',
  loginAgain: 'Log in again',

  presence: {
    online: 'Available',
    in_call: 'In a call',
    offline: 'Offline',
  } satisfies Record<PresenceView, string>,

  home: {
    people: 'People',
    recent: 'Recent',
    missed: (n: number) => (n === 1 ? '1 missed call' : `${n} missed calls`),
    search: 'Search or dial',
    clearSearch: 'Clear search',
    settings: 'Settings',
    hereNow: 'Here now',
    away: 'Away',
    call: 'Call',
    callSomebody: (name: string) => `Call ${name}`,
    dial: (account: string) => `Call “${account}”`,
    dialHint: 'Not in your contacts yet',
    device: 'Device',
    echo: 'Test call: hear yourself',
    echoLong: 'Say something, and Echo says it back a second later. Nobody else hears it.',
    notListed: 'Not seen on this server yet',
    nobody: {
      title: 'Nobody else is here yet',
      hint: 'People appear here as soon as they open Peal.',
    } satisfies Said,
    nobodyEmbedded: {
      title: 'Nobody else is here yet',
      hint: 'Others on this computer appear as soon as they open Peal. Until then, Echo is always in.',
    } satisfies Said,
    noMatch: (text: string): Said => ({
      title: `No one matches “${text}”`,
      hint: 'An account has 1 to 64 letters, digits, dots, dashes, underscores or @.',
    }),
    noCallMatch: (text: string): Said => ({ title: `No call matches “${text}”`, hint: '' }),
    noHistory: { title: 'No calls yet', hint: 'Calls you make and get are listed here.' } satisfies Said,
    pick: {
      title: 'Who would you like to talk to?',
      hint: (keys: string) => `Choose somebody on the left, or press ${keys} and type a name.`,
    },
    noCallsWith: (name: string) => `You and ${name} have not talked yet.`,
    noEchoCalls: 'No test calls yet.',
    recentCalls: 'Recent calls',
    back: 'Back to the list',
    isCalling: (name: string) => `${name} is calling`,
  },

  record: {
    outgoing: 'Outgoing',
    incoming: 'Incoming',
    talked: (direction: string, duration: string) => `${direction}, ${duration}`,
    cancelled: { outgoing: 'Cancelled', incoming: 'Missed' } satisfies Sides<string>,
    rejected: { outgoing: 'They declined', incoming: 'You declined' } satisfies Sides<string>,
    missed: { outgoing: 'No answer', incoming: 'Missed' } satisfies Sides<string>,
    busy: { outgoing: 'They were in a call', incoming: 'Missed while in a call' } satisfies Sides<string>,
    unreachable: 'Not reached',
    failed: 'Failed',
  },

  call: {
    calling: 'Calling…',
    ringing: 'Ringing…',
    connecting: 'Connecting…',
    reconnecting: 'Reconnecting…',
    connected: 'Connected',
    withSomebody: (name: string) => `Call with ${name}`,
    youAreMuted: 'You are muted',
    theyAreMuted: (name: string) => `${name} is muted`,
    encrypted: 'Encrypted end to end',
    you: 'You',
    levelOfYou: 'Level of your microphone',
    levelOf: (name: string) => `Level of ${name}’s voice`,
    quality: { good: 'Good', fair: 'Fair', poor: 'Poor' } satisfies Record<Quality, string>,
    qualityLabel: (quality: string) => `Connection quality: ${quality}`,
    mute: 'Mute',
    unmute: 'Unmute',
    speaker: 'Speaker',
    speakerOff: 'Speaker off',
    devices: 'Devices',
    hangUp: 'Hang up',
    withKeys: (label: string, keys: string) => `${label} (${keys})`,
    callAgain: 'Call again',
    back: 'Back',
    talked: (duration: string) => `You talked for ${duration}.`,
  },

  incoming: {
    voiceCall: 'Voice call',
    videoCall: 'Video call',
    fromDevice: 'Device · Voice call',
    title: (name: string) => `${name} is calling`,
    answer: 'Answer',
    decline: 'Decline',
    declineWithMessage: 'Decline with a message',
    back: 'Back',
    ownWords: 'Or in your own words',
    send: 'Send',
    replies: ['I’ll call you back soon.', 'In a meeting. Can you write to me?', 'On my way.'],
    enterHint: 'Enter answers',
  },

  ended: {
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
  >,

  errors: {
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
    busy: { title: 'You are in a call already', hint: 'End it first.' },
    unsupported: { title: 'Peal can’t do that yet', hint: 'A newer version may.' },
    no_microphone: { title: 'No microphone', hint: 'Connect one, or choose another in the settings.' },
    no_speaker: {
      title: 'No speaker',
      hint: 'Connect a speaker or headphones, or choose others in the settings.',
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
    internal: { title: 'Something went wrong inside Peal', hint: 'Please report it.' },
  } satisfies Record<ErrorCode, Said> as Record<ErrorCode, Said>,

  settings: {
    title: 'Settings',
    you: 'You',
    displayName: 'Display name',
    displayNameNote: 'What others see',
    sound: 'Sound',
    microphone: 'Microphone',
    speaker: 'Speaker',
    systemDefault: 'System default',
    notConnected: (name: string) => `${name} (not connected)`,
    noMicrophones: 'No microphone found',
    noSpeakers: 'No speaker found',
    openSound: 'Sound settings',
    echoCancellation: 'Echo cancellation',
    echoCancellationNote: 'Keeps your speaker out of your microphone',
    noiseSuppression: 'Noise suppression',
    noiseSuppressionNote: 'Takes out fans, traffic and hum',
    gainControl: 'Even volume',
    gainControlNote: 'Brings your voice to a steady level',
    calls: 'Calls',
    ringTime: 'Ring for',
    ringTimeNote: 'How long your calls ring before they give up',
    farServer: 'Server for calls between networks',
    farServerNote: 'Optional. STUN or TURN, for people behind another router',
    farServerExample: 'stun:example.org',
    farUser: 'User name',
    farPassword: 'Password',
    look: 'Appearance',
    language: 'Language',
    languages: { system: 'System', en: 'English', 'zh-CN': '简体中文' },
    theme: 'Theme',
    themes: { system: 'System', light: 'Light', dark: 'Dark' } satisfies Record<Theme, string>,
    account: 'Account',
    accountName: 'Account',
    server: 'Server',
    thisComputer: 'This computer',
    logOut: 'Log out',
    logOutQuestion: 'Calls will not reach you here until you log in again.',
    stay: 'Stay',
  },

  toast: {
    answeredElsewhere: { title: 'Answered on another device', hint: '' } satisfies Said,
    rejectedElsewhere: { title: 'Declined on another device', hint: '' } satisfies Said,
    region: 'Messages',
  },
};
