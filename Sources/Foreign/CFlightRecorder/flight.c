#define _GNU_SOURCE
#include "CFlightRecorder.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

static const int deadly[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
enum { deadly_count = sizeof deadly / sizeof deadly[0] };
/// Enough for the handler and for a backtrace printer behind it.
enum { signal_stack_bytes = 64 * 1024 };

static struct sigaction former[deadly_count];
/// Whoever has set SWIFT_BACKTRACE gets what Swift's runtime prints of the trap.
static int prints_backtrace;
static const volatile uint64_t *source;
static volatile uint64_t *target;
static size_t words;
/// Set last and cleared first: nil while the others are not to be used.
static volatile uint64_t *volatile dying_word;
static _Thread_local uint64_t this_loop;

/// Async-signal-safe: loads, stores, sigaction and raise.
static void died(int signal, siginfo_t *info, void *context) {
    (void)context;
    // First, so that whatever happens here (a mapping that the disk has no room for) kills as it would have. Swift's
    // backtrace takes half a minute, in which the process keeps every line open and says nothing on it: nobody waits for
    // one that was not asked for.
    struct sigaction initial = {.sa_handler = SIG_DFL};
    for (int i = 0; i < deadly_count; i++) sigaction(deadly[i], prints_backtrace ? &former[i] : &initial, NULL);
    volatile uint64_t *dying = dying_word;
    if (dying) {
        uint64_t nobody = 0;
        // Two threads may die at once: the first is it.
        if (__atomic_compare_exchange_n(
                dying, &nobody, this_loop ? this_loop : VOICED_FLIGHT_ELSEWHERE, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            for (size_t i = 0; i < words; i++) target[i] = source[i];
        }
    }
    // A fault of the processor comes again when the instruction does; SIGTRAP may stand behind it, and what somebody
    // sent does not come again.
    if (info->si_code <= 0 || signal == SIGTRAP) raise(signal);
}

int voiced_flight_arm(const volatile uint64_t *from, volatile uint64_t *to, size_t count, volatile uint64_t *dying) {
    if (dying_word) return EBUSY;
    source = from;
    target = to;
    words = count;
    dying_word = dying;
    prints_backtrace = getenv("SWIFT_BACKTRACE") != NULL;
    struct sigaction action = {.sa_sigaction = died, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < deadly_count; i++) {
        if (sigaction(deadly[i], &action, &former[i]) == 0) continue;
        int code = errno;
        while (i-- > 0) sigaction(deadly[i], &former[i], NULL);
        dying_word = NULL;
        return code;
    }
    return 0;
}

void voiced_flight_disarm(void) {
    if (!dying_word) return;
    for (int i = 0; i < deadly_count; i++) sigaction(deadly[i], &former[i], NULL);
    dying_word = NULL;
}

void voiced_flight_bind(uint64_t index) {
    this_loop = index + 1;
    stack_t present;
    if (sigaltstack(NULL, &present) == 0 && !(present.ss_flags & SS_DISABLE)) return;
    // Kept as long as the thread, which lives as long as the process.
    stack_t stack = {.ss_sp = malloc(signal_stack_bytes), .ss_size = signal_stack_bytes};
    if (stack.ss_sp) sigaltstack(&stack, NULL);
}

int64_t voiced_flight_links(int descriptor) {
    struct stat information;
    if (fstat(descriptor, &information) != 0) return -(int64_t)errno;
    return (int64_t)information.st_nlink;
}
