#ifndef VOICED_CFLIGHTRECORDER_H
#define VOICED_CFLIGHTRECORDER_H

// What a process does while it dies of a trap. It has to be C: at that moment nothing may be locked, allocated or
// initialised on first use, which Swift never promises (signal-safety(7)).
#include <stddef.h>
#include <stdint.h>

/// The loop whose thread died, as `dying` has it: its index + 1; 0: nobody has; this: another thread.
#define VOICED_FLIGHT_ELSEWHERE UINT64_MAX

/// From now on a deadly signal (SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT) writes to `dying`, a word within
/// `words`, which loop it hit, copies all of `words` to `mapping`, and then takes the course it would have taken before.
/// One at a time in a process. `count`: words of eight bytes; both must stay until `voiced_flight_disarm`. 0, or errno.
int voiced_flight_arm(const volatile uint64_t *words, volatile uint64_t *mapping, size_t count, volatile uint64_t *dying);

/// Deadly signals are again what they were before.
void voiced_flight_disarm(void);

/// This thread is loop `index`, and gets a stack of its own for signals, so that an overflow of its usual one is told as
/// well. Once a thread.
void voiced_flight_bind(uint64_t index);

/// One store that no compiler takes away or moves behind a trap.
static inline void voiced_flight_store(volatile uint64_t *word, uint64_t value) {
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static inline uint64_t voiced_flight_load(const volatile uint64_t *word) {
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/// Names of an open file; 0: it has been removed. Minus errno.
int64_t voiced_flight_links(int descriptor);

#endif
