// A V4L2 camera that is played: preloaded into a test, it answers for /dev/videoN what the file videoN in the directory PEAL_V4L2 says.
//
// That file has lines of a key and its values:
//   card NAME            what the camera is called
//   bus NAME             where it is plugged in
//   format CODE W H FPS  one that it can do, such as: format YUYV 640 480 30
//   now CODE W H NUM DEN what it is set to when it is opened (the first format unless told)
//   interval MS          how often a frame comes, whatever was agreed (a dark room); 0: never
//   open ERRNO           opening it fails
//   start ERRNO          starting it fails
//   metadata             it is a node without pictures
// Its frames are the files CODE-WxH-I, I from 0 on, in the same directory, one after the other, round and round. While it is streaming (its
// light is on) there is a file lightN. When the file videoN is gone, the camera is unplugged.

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MOST_FORMATS 16
#define MOST_BUFFERS 8
#define MOST_CAMERAS 16

struct format {
  uint32_t code, width, height, rate;
};

struct description {
  char card[32], bus[32];
  struct format formats[MOST_FORMATS];
  int count, interval, open_error, start_error, metadata, has_now;
  struct format now;
  struct v4l2_fract now_interval;
};

struct camera {
  int fd, number, streaming;
  struct format format;
  struct v4l2_fract interval;
  uint32_t size, buffers, frame;
  uint8_t *memory[MOST_BUFFERS];
  uint32_t queue[MOST_BUFFERS], queued;
};

static struct camera cameras[MOST_CAMERAS];

// What a camera is set to stays when it is closed, until it is unplugged.
static struct setting {
  int is_set;
  struct format format;
  struct v4l2_fract interval;
} settings[64];

static void keep(struct camera *camera) {
  if (camera->number < 64) settings[camera->number] = (struct setting){1, camera->format, camera->interval};
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static uint32_t code_of(const char *text) {
  return v4l2_fourcc(text[0], text[1], text[2], text[3]);
}

static void place(char *path, size_t size, const char *name, int number) {
  snprintf(path, size, "%s/%s%d", getenv("PEAL_V4L2"), name, number);
}

// Reads the file of a camera; 0 if there is none.
static int describe(int number, struct description *is) {
  char path[512], line[256], code[8];
  memset(is, 0, sizeof *is);
  is->interval = -1;
  place(path, sizeof path, "video", number);
  int (*real_open)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
  int fd = real_open(path, O_RDONLY);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
  if (!file) return 0;
  while (fgets(line, sizeof line, file)) {
    struct format *next = &is->formats[is->count];
    line[strcspn(line, "\n")] = 0;
    if (sscanf(line, "format %4s %u %u %u", code, &next->width, &next->height, &next->rate) == 4 &&
        is->count < MOST_FORMATS - 1) {
      next->code = code_of(code);
      is->count++;
    } else if (sscanf(line, "now %4s %u %u %u %u", code, &is->now.width, &is->now.height, &is->now_interval.numerator,
                      &is->now_interval.denominator) == 5) {
      is->now.code = code_of(code);
      is->has_now = 1;
    } else if (sscanf(line, "interval %d", &is->interval) == 1 || sscanf(line, "open %d", &is->open_error) == 1 ||
               sscanf(line, "start %d", &is->start_error) == 1) {
    } else if (!strncmp(line, "card ", 5)) {
      snprintf(is->card, sizeof is->card, "%.31s", line + 5);
    } else if (!strncmp(line, "bus ", 4)) {
      snprintf(is->bus, sizeof is->bus, "%.31s", line + 4);
    } else if (!strcmp(line, "metadata")) {
      is->metadata = 1;
    }
  }
  fclose(file);
  return 1;
}

static struct camera *camera_of(int fd) {
  for (int i = 0; fd > 0 && i < MOST_CAMERAS; i++)
    if (cameras[i].fd == fd) return &cameras[i];
  return NULL;
}

static void light(struct camera *camera, int on) {
  char path[512];
  place(path, sizeof path, "light", camera->number);
  if (on) {
    int (*real_open)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    int fd = real_open(path, O_CREAT | O_WRONLY, 0600);
    if (fd >= 0) REAL(close)(fd);
  } else {
    unlink(path);
  }
}

static void run(struct camera *camera, int milliseconds) {
  struct itimerspec beat = {
      .it_interval = {milliseconds / 1000, milliseconds % 1000 * 1000000L},
      .it_value = {milliseconds / 1000, milliseconds % 1000 * 1000000L},
  };
  timerfd_settime(camera->fd, 0, &beat, NULL);
}

static int open_camera(const char *path) {
  struct description is;
  int number = atoi(path + strlen("/dev/video"));
  if (!describe(number, &is)) {
    if (number < 64) settings[number].is_set = 0;
    return errno = ENOENT, -1;
  }
  if (is.open_error) return errno = is.open_error, -1;
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0) return -1;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < MOST_CAMERAS; i++) {
    struct camera *camera = &cameras[i];
    if (camera->fd) continue;
    memset(camera, 0, sizeof *camera);
    camera->fd = fd;
    camera->number = number;
    camera->format = is.has_now ? is.now : is.formats[0];
    camera->interval = is.has_now ? is.now_interval : (struct v4l2_fract){1, is.formats[0].rate};
    if (number < 64 && settings[number].is_set) {
      camera->format = settings[number].format;
      camera->interval = settings[number].interval;
    }
    break;
  }
  pthread_mutex_unlock(&lock);
  return fd;
}

static void fill_format(struct camera *camera, struct v4l2_pix_format *pix) {
  struct format *is = &camera->format;
  uint32_t line = is->code == V4L2_PIX_FMT_YUYV ? is->width * 2 : is->code == V4L2_PIX_FMT_MJPEG ? 0 : is->width;
  *pix = (struct v4l2_pix_format){.width = is->width, .height = is->height, .pixelformat = is->code,
                                  .field = V4L2_FIELD_NONE, .bytesperline = line,
                                  .sizeimage = is->width * is->height * 3, .colorspace = V4L2_COLORSPACE_SRGB};
}

// Puts the next frame into a buffer.
static uint32_t fill(struct camera *camera, uint8_t *memory) {
  char path[600];
  uint32_t code = camera->format.code;
  for (int again = 0; again < 2; again++) {
    snprintf(path, sizeof path, "%s/%.4s-%ux%u-%u", getenv("PEAL_V4L2"), (char *)&code, camera->format.width,
             camera->format.height, camera->frame);
    int (*real_open)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    int fd = real_open(path, O_RDONLY);
    if (fd >= 0) {
      ssize_t got = read(fd, memory, camera->size);
      REAL(close)(fd);
      camera->frame++;
      return got < 0 ? 0 : got;
    }
    camera->frame = 0;
  }
  return 0;
}

static int answer(struct camera *camera, unsigned long request, void *arg) {
  struct description is;
  if (!describe(camera->number, &is)) return ENODEV;
  switch (request) {
  case VIDIOC_QUERYCAP: {
    struct v4l2_capability *caps = arg;
    memset(caps, 0, sizeof *caps);
    strcpy((char *)caps->driver, "uvcvideo");
    memcpy(caps->card, is.card, sizeof is.card);
    memcpy(caps->bus_info, is.bus, sizeof is.bus);
    caps->capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_META_CAPTURE | V4L2_CAP_STREAMING | V4L2_CAP_DEVICE_CAPS;
    caps->device_caps = (is.metadata ? V4L2_CAP_META_CAPTURE : V4L2_CAP_VIDEO_CAPTURE) | V4L2_CAP_STREAMING;
    return 0;
  }
  case VIDIOC_ENUM_FMT: {
    struct v4l2_fmtdesc *next = arg;
    if (is.metadata || next->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return EINVAL;
    for (uint32_t i = 0, seen = 0; i < (uint32_t)is.count; i++) {
      int before = 0;
      for (uint32_t j = 0; j < i; j++) before |= is.formats[j].code == is.formats[i].code;
      if (before || seen++ != next->index) continue;
      next->pixelformat = is.formats[i].code;
      strcpy((char *)next->description, "played");
      return 0;
    }
    return EINVAL;
  }
  case VIDIOC_ENUM_FRAMESIZES: {
    struct v4l2_frmsizeenum *next = arg;
    for (uint32_t i = 0, seen = 0; i < (uint32_t)is.count; i++) {
      if (is.formats[i].code != next->pixel_format || seen++ != next->index) continue;
      next->type = V4L2_FRMSIZE_TYPE_DISCRETE;
      next->discrete.width = is.formats[i].width;
      next->discrete.height = is.formats[i].height;
      return 0;
    }
    return EINVAL;
  }
  case VIDIOC_ENUM_FRAMEINTERVALS: {
    struct v4l2_frmivalenum *next = arg;
    for (uint32_t i = 0, seen = 0; i < (uint32_t)is.count; i++) {
      struct format *of = &is.formats[i];
      if (of->code != next->pixel_format || of->width != next->width || of->height != next->height) continue;
      if (seen++ != next->index) continue;
      next->type = V4L2_FRMIVAL_TYPE_DISCRETE;
      next->discrete = (struct v4l2_fract){1, of->rate};
      return 0;
    }
    return EINVAL;
  }
  case VIDIOC_G_FMT:
    fill_format(camera, &((struct v4l2_format *)arg)->fmt.pix);
    return 0;
  case VIDIOC_S_FMT: {
    struct v4l2_pix_format *pix = &((struct v4l2_format *)arg)->fmt.pix;
    if (camera->buffers) return EBUSY;
    // As a driver does: what is not possible becomes what is.
    struct format *best = &is.formats[0];
    for (int i = 0; i < is.count; i++) {
      struct format *of = &is.formats[i];
      if (of->code == pix->pixelformat && of->width == pix->width && of->height == pix->height) best = of;
    }
    camera->format = *best;
    keep(camera);
    fill_format(camera, pix);
    return 0;
  }
  case VIDIOC_G_PARM:
  case VIDIOC_S_PARM: {
    struct v4l2_captureparm *parm = &((struct v4l2_streamparm *)arg)->parm.capture;
    if (request == VIDIOC_S_PARM) {
      camera->interval = parm->timeperframe;
      keep(camera);
    }
    memset(parm, 0, sizeof *parm);
    parm->capability = V4L2_CAP_TIMEPERFRAME;
    parm->timeperframe = camera->interval;
    return 0;
  }
  case VIDIOC_REQBUFS: {
    struct v4l2_requestbuffers *wanted = arg;
    if (is.start_error && wanted->count) return is.start_error;
    camera->size = camera->format.width * camera->format.height * 3;
    camera->buffers = wanted->count > MOST_BUFFERS ? MOST_BUFFERS : wanted->count;
    wanted->count = camera->buffers;
    camera->queued = 0;
    return 0;
  }
  case VIDIOC_QUERYBUF: {
    struct v4l2_buffer *buffer = arg;
    if (buffer->index >= camera->buffers) return EINVAL;
    buffer->length = camera->size;
    buffer->m.offset = buffer->index * 4096;
    return 0;
  }
  case VIDIOC_QBUF: {
    struct v4l2_buffer *buffer = arg;
    for (uint32_t i = 0; i < camera->queued; i++)
      if (camera->queue[i] == buffer->index) return EINVAL;
    if (buffer->index >= camera->buffers || camera->queued == MOST_BUFFERS) return EINVAL;
    camera->queue[camera->queued++] = buffer->index;
    return 0;
  }
  case VIDIOC_DQBUF: {
    struct v4l2_buffer *buffer = arg;
    uint64_t ticks;
    if (!camera->streaming) return EINVAL;
    if (read(camera->fd, &ticks, sizeof ticks) < 0 || !camera->queued) return EAGAIN;
    buffer->index = camera->queue[0];
    memmove(camera->queue, camera->queue + 1, --camera->queued * sizeof *camera->queue);
    buffer->bytesused = fill(camera, camera->memory[buffer->index]);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    buffer->timestamp = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    // The pace may change while it runs.
    if (is.interval >= 0) run(camera, is.interval);
    return 0;
  }
  case VIDIOC_STREAMON:
    camera->streaming = 1;
    light(camera, 1);
    run(camera, is.interval >= 0 ? is.interval
                : camera->interval.denominator
                    ? (int)(1000 * camera->interval.numerator / camera->interval.denominator)
                    : 33);
    return 0;
  case VIDIOC_STREAMOFF:
    camera->streaming = 0;
    camera->queued = 0;
    run(camera, 0);
    light(camera, 0);
    return 0;
  default:
    return EINVAL;
  }
}

// 1 if it was for a played camera.
static int try_ioctl(int fd, unsigned long request, void *arg, int *result) {
  pthread_mutex_lock(&lock);
  struct camera *camera = camera_of(fd);
  if (camera) {
    int error = answer(camera, request, arg);
    *result = error ? -1 : 0;
    pthread_mutex_unlock(&lock);
    if (error) errno = error;
    return 1;
  }
  pthread_mutex_unlock(&lock);
  return 0;
}

int ioctl(int fd, unsigned long request, ...) {
  va_list list;
  va_start(list, request);
  void *arg = va_arg(list, void *);
  va_end(list);
  int result;
  if (try_ioctl(fd, request, arg, &result)) return result;
  return REAL(ioctl)(fd, request, arg);
}

// The bindings of V4L2 make this system call by its number.
long syscall(long number, ...) {
  long a[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  int result;
  if (number == SYS_ioctl && try_ioctl(a[0], a[1], (void *)a[2], &result)) return result;
  static long (*real)(long, ...);
  if (!real) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static int is_camera(const char *path) {
  return getenv("PEAL_V4L2") && !strncmp(path, "/dev/video", 10);
}

int open(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0;
  va_end(list);
  if (is_camera(path)) return open_camera(path);
  int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
  return real(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0;
  va_end(list);
  if (is_camera(path)) return open_camera(path);
  int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
  return real(path, flags, mode);
}

DIR *opendir(const char *path) {
  const char *played = getenv("PEAL_V4L2");
  return REAL(opendir)(played && !strcmp(path, "/dev") ? played : path);
}

int close(int fd) {
  pthread_mutex_lock(&lock);
  struct camera *camera = camera_of(fd);
  if (camera) {
    if (camera->streaming) light(camera, 0);
    memset(camera, 0, sizeof *camera);
  }
  pthread_mutex_unlock(&lock);
  return REAL(close)(fd);
}

static void *map(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
  pthread_mutex_lock(&lock);
  struct camera *camera = camera_of(fd);
  uint32_t index = offset / 4096;
  void *memory = (void *)syscall(SYS_mmap, at, length, protection, camera ? MAP_PRIVATE | MAP_ANONYMOUS : flags,
                                 camera ? -1 : fd, camera ? 0 : offset);
  if (camera && index < MOST_BUFFERS) camera->memory[index] = memory;
  pthread_mutex_unlock(&lock);
  return memory;
}

void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
  return map(at, length, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t length, int protection, int flags, int fd, off64_t offset) {
  return map(at, length, protection, flags, fd, offset);
}
