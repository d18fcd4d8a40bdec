/*
 * Lets the wlroots portal (0.7.0) show a screen of a compositor that has no graphics card: it refuses until it was told of a
 * DMA-BUF format, which such a compositor has none of. So it is told of one, beside the shared memory that it then uses.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

typedef void (*event)(void);
typedef void (*buffer_event)(void *data, void *frame, uint32_t format, uint32_t width, uint32_t height, uint32_t stride);
typedef void (*dmabuf_event)(void *data, void *frame, uint32_t format, uint32_t width, uint32_t height);

/* The events of zwlr_screencopy_frame_v1, in their order. */
enum { BUFFER, FLAGS, READY, FAILED, DAMAGE, LINUX_DMABUF, BUFFER_DONE, EVENTS };

/* "XR24" of drm_fourcc.h. */
#define XRGB8888 0x34325258

extern const char *wl_proxy_get_class(void *proxy);

static event theirs[EVENTS];
static event ours[EVENTS];

static void on_buffer(void *data, void *frame, uint32_t format, uint32_t width, uint32_t height, uint32_t stride) {
    ((dmabuf_event)theirs[LINUX_DMABUF])(data, frame, XRGB8888, width, height);
    ((buffer_event)theirs[BUFFER])(data, frame, format, width, height, stride);
}

int wl_proxy_add_listener(void *proxy, event *events, void *data) {
    int (*next)(void *, event *, void *) = (int (*)(void *, event *, void *))dlsym(RTLD_NEXT, "wl_proxy_add_listener");
    if (strcmp(wl_proxy_get_class(proxy), "zwlr_screencopy_frame_v1") == 0) {
        memcpy(theirs, events, sizeof theirs);
        memcpy(ours, events, sizeof ours);
        ours[BUFFER] = (event)on_buffer;
        events = ours;
    }
    return next(proxy, events, data);
}
