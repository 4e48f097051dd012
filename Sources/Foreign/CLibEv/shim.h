#ifndef VOICED_CLIBEV_SHIM_H
#define VOICED_CLIBEV_SHIM_H

#define EV_COMPAT3 0
#include <ev.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>

// libev sets up its watchers by macros, and `pthread_setname_np` is absent from Swift's Glibc module: both need a
// typed door. Nothing else belongs here.

static inline void voiced_ev_io_init(ev_io *w, void (*cb)(struct ev_loop *, ev_io *, int), int fd, int events)
{
    ev_io_init(w, cb, fd, events);
}

/// `after` and `repeat` in seconds; `repeat` 0: once.
static inline void
voiced_ev_timer_init(ev_timer *w, void (*cb)(struct ev_loop *, ev_timer *, int), double after, double repeat)
{
    ev_timer_init(w, cb, after, repeat);
}

/// The timer must be stopped.
static inline void voiced_ev_timer_set(ev_timer *w, double after, double repeat)
{
    ev_timer_set(w, after, repeat);
}

static inline void voiced_ev_async_init(ev_async *w, void (*cb)(struct ev_loop *, ev_async *, int))
{
    ev_async_init(w, cb);
}

/// Called after each wait, before everything else that became due in it.
static inline void voiced_ev_check_init(ev_check *w, void (*cb)(struct ev_loop *, ev_check *, int))
{
    ev_check_init(w, cb);
    ev_set_priority(w, EV_MAXPRI);
}

static inline void voiced_thread_set_name(pthread_t thread, const char *name)
{
    char cut[16];
    snprintf(cut, sizeof cut, "%s", name);
    pthread_setname_np(thread, cut);
}

/// Bytes of a TCP socket that its peer has not acknowledged yet (`SIOCOUTQ`, tcp(7)); -1 for no TCP socket.
static inline int voiced_unacknowledged_bytes(int fd)
{
    int bytes = 0;
    return ioctl(fd, SIOCOUTQ, &bytes) == 0 ? bytes : -1;
}

#endif
