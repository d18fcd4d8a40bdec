import type { Words } from './index.svelte';

export const zhCN: Words = {
  app: {
    name: 'Peal',
    starting: '正在启动…',
    noPhone: { title: 'Peal 无法启动', hint: '请关闭此窗口，然后重新打开 Peal。' },
    tryAgain: '重试',
    close: '关闭',
    loginDifferently: '换一种方式登录',
  },

  start: {
    subtitle: '留个名字，就能通话。',
    name: '您的名字',
    start: '开始',
    starting: '正在启动…',
    here: '您可以呼叫在这台电脑上打开 Peal 的任何人。要呼叫其他电脑，请使用服务器。',
    useServer: '改用服务器',
    serverTitle: '使用服务器',
    serverSubtitle: '任何 MQTT 服务器都可以。',
    server: '服务器地址',
    serverExample: 'mqtts://example.org',
    account: '账号',
    accountExample: 'alice',
    token: '令牌',
    tokenNote: '服务器需要时填写',
    nameNote: '别人看到的名字',
    logIn: '登录',
    loggingIn: '正在登录…',
    back: '返回',
    cancel: '取消',
    needName: '请输入别人将看到的名字。',
    needServer: '请输入服务器地址。',
    needAccount: '请输入您在该服务器上的账号。',
  },

  connection: { offline: '离线', connecting: '正在连接…', online: '在线', reconnecting: '正在重新连接…' },
  keepsTrying: 'Peal 会继续尝试。',
  loginAgain: '重新登录',

  presence: { online: '在线', in_call: '通话中', offline: '离线' },

  home: {
    people: '联系人',
    recent: '最近',
    missed: (n) => `${n} 个未接来电`,
    search: '搜索或拨号',
    clearSearch: '清除搜索',
    settings: '设置',
    hereNow: '在线',
    away: '离线',
    call: '呼叫',
    callSomebody: (name) => `呼叫${spaced(name)}`,
    dial: (account) => `呼叫“${account}”`,
    dialHint: '还不在联系人中',
    device: '设备',
    echo: '测试通话：听听自己的声音',
    echoLong: '说点什么，Echo 会在一秒后重复给您听。别人听不到。',
    notListed: '尚未在此服务器上出现过',
    nobody: { title: '还没有其他人', hint: '别人打开 Peal 后，就会出现在这里。' },
    nobodyEmbedded: {
      title: '还没有其他人',
      hint: '这台电脑上的其他人打开 Peal 后就会出现。在那之前，Echo 一直都在。',
    },
    noMatch: (text) => ({
      title: `没有与“${text}”匹配的人`,
      hint: '账号由 1 到 64 个字母、数字、点、短横线、下划线或 @ 组成。',
    }),
    noCallMatch: (text) => ({ title: `没有与“${text}”匹配的通话`, hint: '' }),
    noHistory: { title: '还没有通话', hint: '您拨出和接到的通话会列在这里。' },
    pick: {
      title: '想和谁聊聊？',
      hint: (keys) => `在左侧选择一个人，或按 ${keys} 输入名字。`,
    },
    noCallsWith: (name) => `您和${spaced(name)}还没有通过话。`,
    noEchoCalls: '还没有测试通话。',
    recentCalls: '最近通话',
    back: '返回列表',
    isCalling: (name) => `${spaced(name, 'after')}来电`,
  },

  record: {
    outgoing: '呼出',
    incoming: '呼入',
    talked: (direction, duration) => `${direction}，${duration}`,
    cancelled: { outgoing: '已取消', incoming: '未接' },
    rejected: { outgoing: '对方已拒绝', incoming: '您已拒绝' },
    missed: { outgoing: '无人接听', incoming: '未接' },
    busy: { outgoing: '对方通话中', incoming: '通话时未接' },
    unreachable: '无法接通',
    failed: '失败',
  },

  call: {
    calling: '正在呼叫…',
    ringing: '对方正在响铃…',
    connecting: '正在接通…',
    reconnecting: '正在重新连接…',
    connected: '已接通',
    withSomebody: (name) => `与${spaced(name)}的通话`,
    youAreMuted: '您已静音',
    theyAreMuted: (name) => `${spaced(name, 'after')}已静音`,
    encrypted: '端到端加密',
    you: '您',
    levelOfYou: '您的麦克风音量',
    levelOf: (name) => `${spaced(name, 'after')}的音量`,
    quality: { good: '良好', fair: '一般', poor: '较差' },
    qualityLabel: (quality) => `连接质量：${quality}`,
    mute: '静音',
    unmute: '取消静音',
    speaker: '扬声器',
    speakerOff: '扬声器已关',
    devices: '设备',
    hangUp: '挂断',
    withKeys: (label, keys) => `${label}（${keys}）`,
    callAgain: '再次呼叫',
    back: '返回',
    talked: (duration) => `通话时长 ${duration}。`,
  },

  incoming: {
    voiceCall: '语音通话',
    videoCall: '视频通话',
    fromDevice: '设备 · 语音通话',
    title: (name) => `${spaced(name, 'after')}来电`,
    answer: '接听',
    decline: '拒绝',
    declineWithMessage: '拒绝并回复',
    back: '返回',
    ownWords: '或者用自己的话',
    send: '发送',
    replies: ['我稍后给您回电话。', '正在开会，可以发消息吗？', '我在路上，马上到。'],
    enterHint: '按回车键接听',
  },

  ended: {
    hangup: {
      outgoing: () => ({ title: '通话结束', hint: '' }),
      incoming: () => ({ title: '通话结束', hint: '' }),
    },
    cancelled: {
      outgoing: () => ({ title: '呼叫已取消', hint: '' }),
      incoming: (name) => ({ title: `${spaced(name, 'after')}在您接听前挂断了`, hint: '方便时回个电话吧。' }),
    },
    rejected: {
      outgoing: (name) => ({
        title: `${spaced(name, 'after')}拒绝了通话`,
        hint: '也许现在不方便，稍后再试。',
      }),
      incoming: () => ({ title: '您已拒绝', hint: '' }),
    },
    busy: {
      outgoing: (name) => ({ title: `${spaced(name, 'after')}正在通话中`, hint: '请过几分钟再试。' }),
      incoming: (name) => ({ title: `您通话时${spaced(name)}来过电话`, hint: '方便时回个电话吧。' }),
    },
    no_response: {
      outgoing: (name) => ({
        title: '无人接听',
        hint: `已经响铃，但${spaced(name)}没有接听。对方会看到您来过电话。`,
      }),
      incoming: (name) => ({ title: `未接到${spaced(name)}的来电`, hint: '方便时回个电话吧。' }),
    },
    answered_elsewhere: {
      outgoing: (name) => ({ title: `${spaced(name, 'after')}在另一台设备上接听了`, hint: '' }),
      incoming: () => ({ title: '已在另一台设备上接听', hint: '通话在那台设备上继续。' }),
    },
    rejected_elsewhere: {
      outgoing: (name) => ({
        title: `${spaced(name, 'after')}拒绝了通话`,
        hint: '也许现在不方便，稍后再试。',
      }),
      incoming: () => ({ title: '已在另一台设备上拒绝', hint: '' }),
    },
    kicked_out: {
      outgoing: () => ({ title: '通话中被登出', hint: '此设备在别处登录了。' }),
      incoming: () => ({ title: '通话中被登出', hint: '此设备在别处登录了。' }),
    },
    ice_failed: {
      outgoing: (name) => ({
        title: `无法连通${spaced(name)}`,
        hint: '双方之间的网络阻止了连接。请换个网络；使用 TURN 服务器会有帮助。',
      }),
      incoming: (name) => ({
        title: `无法连通${spaced(name)}`,
        hint: '双方之间的网络阻止了连接。请换个网络；使用 TURN 服务器会有帮助。',
      }),
    },
    ice_lost: {
      outgoing: () => ({ title: '连接中断', hint: '连接未能及时恢复。请检查网络后再次呼叫。' }),
      incoming: () => ({ title: '连接中断', hint: '连接未能及时恢复。请检查网络后再次呼叫。' }),
    },
    device_failed: {
      outgoing: () => ({ title: '没有可用的音频设备', hint: '请连接麦克风和扬声器，或在设置中另选设备。' }),
      incoming: () => ({ title: '没有可用的音频设备', hint: '请连接麦克风和扬声器，或在设置中另选设备。' }),
    },
    unreachable: {
      outgoing: (name) => ({ title: `无法接通${spaced(name)}`, hint: '对方没有设备响铃，可能已离线。' }),
      incoming: (name) => ({ title: `与${spaced(name)}失去联系`, hint: '对方可能已离线。' }),
    },
    incompatible: {
      outgoing: (name) => ({
        title: `${spaced(name, 'after')}无法接听此通话`,
        hint: '对方的设备不支持这种通话，更新版本的 Peal 也许可以。',
      }),
      incoming: () => ({
        title: '此处无法接听该通话',
        hint: '当前的 Peal 不支持这种通话，更新版本也许可以。',
      }),
    },
    error: {
      outgoing: () => ({
        title: '通话失败',
        hint: 'Peal 内部出错。请再次呼叫；如果问题依旧，请报告给我们。',
      }),
      incoming: () => ({
        title: '通话失败',
        hint: 'Peal 内部出错。请再次呼叫；如果问题依旧，请报告给我们。',
      }),
    },
  },

  errors: {
    bad_request: { title: 'Peal 没有理解该请求', hint: '请报告给我们。' },
    bad_name: { title: '这个名字无法使用', hint: '请使用 1 到 64 个字母、数字、点、短横线、下划线或 @。' },
    bad_server: {
      title: '这不是服务器地址',
      hint: '正确的形式如 mqtts://example.org 或 ws://192.168.1.5:8083/mqtt。',
    },
    wrong_token: { title: '服务器拒绝了此账号或令牌', hint: '请与服务器管理者核对。' },
    server_unreachable: { title: '服务器没有响应', hint: '请检查地址和网络。' },
    insecure_server: { title: '服务器的证书不受信任', hint: '请让服务器管理者提供有效的证书。' },
    not_authorized: { title: '服务器不允许此账号通话', hint: '请让服务器管理者载入 Peal 的访问规则。' },
    not_logged_in: { title: '您尚未登录', hint: '请先登录。' },
    already_logged_in: { title: '您已经登录', hint: '请先退出登录。' },
    unknown_user: { title: '这里没有这个人', hint: '请检查名字。对方需要在此服务器上线过一次。' },
    unknown_call: { title: '该通话已结束', hint: '它在此期间结束了。' },
    wrong_state: { title: '已经来不及了', hint: '通话状态在此期间发生了变化。' },
    busy: { title: '您已在通话中', hint: '请先结束当前通话。' },
    unsupported: { title: 'Peal 暂不支持该操作', hint: '更新版本也许支持。' },
    no_microphone: { title: '没有麦克风', hint: '请连接麦克风，或在设置中另选一个。' },
    no_speaker: { title: '没有扬声器', hint: '请连接扬声器或耳机，或在设置中另选一个。' },
    device_busy: { title: '音频设备被占用', hint: '请关闭正在使用它的其他程序。' },
    device_failed: { title: '音频设备出现故障', hint: '请重新连接，或在设置中另选一个。' },
    storage_failed: { title: 'Peal 无法写入数据', hint: '请检查磁盘是否已满，以及文件夹是否可写。' },
    profile_in_use: { title: 'Peal 已经打开', hint: '请使用已打开的窗口，或用另一个配置启动。' },
    broker_failed: {
      title: 'Peal 无法启动自带的服务器',
      hint: '端口可能被其他程序占用。请重启 Peal，或使用服务器。',
    },
    kicked_out: { title: '此设备在别处登录了', hint: '要在这里使用 Peal，请重新登录。' },
    key_changed: { title: '该联系人的密钥已更改', hint: '请先向对方确认是否换了新设备，再信任它。' },
    internal: { title: 'Peal 内部出错', hint: '请报告给我们。' },
  },

  settings: {
    title: '设置',
    you: '您',
    displayName: '显示名称',
    displayNameNote: '别人看到的名字',
    sound: '声音',
    microphone: '麦克风',
    speaker: '扬声器',
    systemDefault: '系统默认',
    notConnected: (name) => `${name}（未连接）`,
    noMicrophones: '没有找到麦克风',
    noSpeakers: '没有找到扬声器',
    openSound: '声音设置',
    echoCancellation: '回声消除',
    echoCancellationNote: '不让扬声器的声音进入麦克风',
    noiseSuppression: '噪声抑制',
    noiseSuppressionNote: '去除风扇、车流和嗡嗡声',
    gainControl: '音量均衡',
    gainControlNote: '让您的声音保持平稳',
    calls: '通话',
    ringTime: '响铃时长',
    ringTimeNote: '呼叫在放弃之前响铃多久',
    look: '外观',
    language: '语言',
    languages: { system: '跟随系统', en: 'English', 'zh-CN': '简体中文' },
    theme: '主题',
    themes: { system: '跟随系统', light: '浅色', dark: '深色' },
    account: '账号',
    accountName: '账号',
    server: '服务器',
    thisComputer: '这台电脑',
    logOut: '退出登录',
    logOutQuestion: '重新登录之前，您在这里收不到来电。',
    stay: '取消',
  },

  toast: {
    answeredElsewhere: { title: '已在另一台设备上接听', hint: '' },
    rejectedElsewhere: { title: '已在另一台设备上拒绝', hint: '' },
    region: '消息',
  },
};

/** A Latin name among Chinese characters is set off by a space; a Chinese one is not. */
function spaced(name: string, sides: 'both' | 'after' = 'both'): string {
  const before = sides === 'both' && /^[\x21-\x7e\u00c0-\u024f]/.test(name) ? ' ' : '';
  const after = /[\x21-\x7e\u00c0-\u024f]$/.test(name) ? ' ' : '';
  return `${before}${name}${after}`;
}
