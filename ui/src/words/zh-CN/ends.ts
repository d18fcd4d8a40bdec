// 通话为何结束、出了什么问题，以及该怎么办。

import type { Words } from '../index.svelte';
import { spaced } from './spaced';

export const ended: Words['ended'] = {
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
  transferred: {
    outgoing: () => ({ title: '通话已转接', hint: '他们会继续通话。' }),
    incoming: () => ({ title: '通话已转接', hint: '他们会继续通话。' }),
  },
  blocked: {
    outgoing: (name) => ({ title: `您已屏蔽${spaced(name, 'before')}`, hint: '取消屏蔽后才能呼叫。' }),
    incoming: (name) => ({ title: `您已屏蔽${spaced(name, 'before')}`, hint: '对方的来电不会送达。' }),
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
};

export const endedForAll: Words['endedForAll'] = {
  rejected: { title: '所有人都拒绝了', hint: '也许现在不方便，稍后再试。' },
  busy: { title: '所有人都在通话中', hint: '请过几分钟再试。' },
  no_response: { title: '无人接听', hint: '他们会看到您来过电话。' },
  unreachable: { title: '没有人能接通', hint: '他们可能已离线。' },
};

export const errors: Words['errors'] = {
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
  busy: { title: '您已在通话中', hint: '请先结束当前通话，或将其保持。' },
  unsupported: { title: 'Peal 暂不支持该操作', hint: '更新版本也许支持。' },
  no_microphone: { title: '没有麦克风', hint: '请连接麦克风，或在设置中另选一个。' },
  no_speaker: { title: '没有扬声器', hint: '请连接扬声器或耳机，或在设置中另选一个。' },
  no_camera: { title: '没有找到摄像头', hint: '请连接摄像头，Peal 会自动发现它。' },
  camera_busy: { title: '摄像头被占用', hint: '请关闭正在使用它的其他程序。' },
  camera_denied: { title: 'Peal 没有权限', hint: '请在系统设置中允许 Peal 使用摄像头和录制屏幕。' },
  camera_failed: { title: '摄像头出现故障', hint: '请重新连接，或在设置中另选一个。' },
  source_failed: { title: '您展示的内容已不可用', hint: '请另选一个屏幕或窗口。' },
  not_picked: { title: '没有展示任何内容', hint: '请在桌面询问时选择一个屏幕或窗口。' },
  bad_stream_url: {
    title: '该地址不可用',
    hint: '媒体服务器的地址以 https:// 开头；http:// 只能用于本机上的服务器。',
  },
  stream_unreachable: { title: '无法连接媒体服务器', hint: '请检查服务器地址和网络。' },
  stream_refused: { title: '媒体服务器拒绝了令牌', hint: '请向服务器管理员核对令牌。' },
  stream_failed: { title: '媒体流中断', hint: '请重试，或联系媒体服务器的管理员。通话不受影响。' },
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
  full: { title: '通话人数已满', hint: '一次通话最多 16 人。' },
  call_limit: { title: '您已经有四个通话', hint: '请先结束其中一个。' },
  internal: { title: 'Peal 内部出错', hint: '请报告给我们。' },
};
