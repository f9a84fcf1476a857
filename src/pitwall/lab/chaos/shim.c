/* A wrong clock and a slow disk for one process, whoever wrote its program.

   The linker puts these functions before the C library's (LD_PRELOAD). Each process maps the file
   PITWALL_CHAOS_KNOBS/<process id>, which holds three 64-bit numbers in nanoseconds: how far its
   wall clock is ahead, how long a write to a file takes longer, and how long a sync does. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { AHEAD, WRITE, SYNC };
#define BILLION 1000000000LL
/* Beyond it a time counts from the epoch, below it from the machine's start. */
#define EPOCH_S 1000000000LL

static int64_t none[3];
static volatile int64_t *knobs = none;

static void open_knobs(void) {
    const char *folder = getenv("PITWALL_CHAOS_KNOBS");
    char path[4096];
    knobs = none;
    if (!folder) return;
    snprintf(path, sizeof path, "%s/%d", folder, getpid());
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return;
    if (!ftruncate(file, sizeof none)) {
        void *mapped = mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, file, 0);
        if (mapped != MAP_FAILED) knobs = mapped;
    }
    close(file);
}

__attribute__((constructor)) static void begin(void) {
    open_knobs();
    pthread_atfork(NULL, NULL, open_knobs);
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static void shift(struct timespec *t, int64_t by) {
    int64_t ns = t->tv_nsec + by % BILLION;
    t->tv_sec += by / BILLION + (ns >= BILLION) - (ns < 0);
    t->tv_nsec = (ns + BILLION) % BILLION;
}

int clock_gettime(clockid_t clock, struct timespec *t) {
    REAL(clock_gettime);
    int status = real(clock, t);
    if (!status && knobs[AHEAD] && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        shift(t, knobs[AHEAD]);
    return status;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone) {
    struct timespec now;
    (void)zone;
    int status = clock_gettime(CLOCK_REALTIME, &now);
    t->tv_sec = now.tv_sec;
    t->tv_usec = now.tv_nsec / 1000;
    return status;
}

time_t time(time_t *t) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (t) *t = now.tv_sec;
    return now.tv_sec;
}

/* A program waits until an instant of its own clock; the kernel waits by the right one. */
int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until) {
    static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    if (!real) real = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    if (!real) real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    struct timespec right = *until;
    if (knobs[AHEAD] && right.tv_sec > EPOCH_S) shift(&right, -knobs[AHEAD]);
    return real(condition, mutex, &right);
}

static void linger(int64_t ns) {
    struct timespec t = {ns / BILLION, ns % BILLION};
    if (ns > 0) nanosleep(&t, NULL);
}

static void before_write(int file) {
    struct stat about;
    if (knobs[WRITE] && !fstat(file, &about) && S_ISREG(about.st_mode)) linger(knobs[WRITE]);
}

ssize_t write(int file, const void *bytes, size_t n) {
    REAL(write);
    before_write(file);
    return real(file, bytes, n);
}

ssize_t writev(int file, const struct iovec *pieces, int n) {
    REAL(writev);
    before_write(file);
    return real(file, pieces, n);
}

ssize_t pwrite(int file, const void *bytes, size_t n, off_t at) {
    REAL(pwrite);
    before_write(file);
    return real(file, bytes, n, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t n, off64_t at) {
    REAL(pwrite64);
    before_write(file);
    return real(file, bytes, n, at);
}

int fsync(int file) {
    REAL(fsync);
    linger(knobs[SYNC]);
    return real(file);
}

int fdatasync(int file) {
    REAL(fdatasync);
    linger(knobs[SYNC]);
    return real(file);
}

int msync(void *begin_at, size_t n, int flags) {
    REAL(msync);
    linger(knobs[SYNC]);
    return real(begin_at, n, flags);
}
