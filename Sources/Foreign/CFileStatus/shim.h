#ifndef VOICED_CFILESTATUS_SHIM_H
#define VOICED_CFILESTATUS_SHIM_H

// <sys/statfs.h> is not in Swift's Glibc module (and statvfs(3) has no type before glibc 2.39); the members of
// `struct stat` belong now to Glibc, now to CoreFoundation, as the compiler happens to load them. Plain numbers do not.
#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statfs.h>

/// The number of the file system that `path` lies on (linux/magic.h), or minus errno.
static inline int64_t voiced_file_system_type(const char *path) {
    struct statfs information;
    if (statfs(path, &information) != 0) return -(int64_t)errno;
    return (int64_t)(uint32_t)information.f_type;
}

/// Bytes that an unprivileged user may still write to the file system that `path` lies on, or minus errno.
static inline int64_t voiced_free_bytes(const char *path) {
    struct statfs information;
    if (statfs(path, &information) != 0) return -(int64_t)errno;
    return (int64_t)information.f_bavail * (int64_t)information.f_frsize;
}

/// `st_mode` of what `path` names, links not followed, or minus errno.
static inline int64_t voiced_mode_of_path(const char *path) {
    struct stat information;
    if (lstat(path, &information) != 0) return -(int64_t)errno;
    return (int64_t)information.st_mode;
}

/// `st_mode` of an open file, or minus errno.
static inline int64_t voiced_mode_of_descriptor(int descriptor) {
    struct stat information;
    if (fstat(descriptor, &information) != 0) return -(int64_t)errno;
    return (int64_t)information.st_mode;
}

/// True when `mode` is that of a plain file: no folder, link, device or socket.
static inline _Bool voiced_is_plain_file(int64_t mode) {
    return S_ISREG((mode_t)mode);
}

#endif
