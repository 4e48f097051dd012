#ifndef VOICED_CLIBWEBSOCKETS_SHIM_H
#define VOICED_CLIBWEBSOCKETS_SHIM_H

#include <libwebsockets.h>

// Macros that Swift cannot import.

/// Bytes that libwebsockets needs in front of every payload for the frame's header and mask.
static const size_t voiced_lws_pre = LWS_PRE;

/// What `port` must be for a virtual host that neither listens nor serves TLS.
static const int voiced_lws_no_listen = CONTEXT_PORT_NO_LISTEN;

/// Sets `lws_protocols.callback`, whose type (a function typedef) Swift reads as a Swift closure.
static inline void voiced_lws_set_callback(
    struct lws_protocols *protocol,
    int (*callback)(struct lws *, enum lws_callback_reasons, void *, void *, size_t))
{
    protocol->callback = callback;
}

static inline void voiced_lws_set_log(int levels, void (*emit)(int, const char *))
{
    lws_set_log_level(levels, emit);
}

#endif
