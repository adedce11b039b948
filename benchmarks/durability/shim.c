/* Loaded with LD_PRELOAD: record what a process writes below one folder, and make chosen calls fail.

   Environment: PANELSEEK_ROOT is the folder; PANELSEEK_RECORD the file of records, none if unset.
   A record: char op; int64 inode, offset, length, bytes of path, bytes of other path, bytes of data; then these.
   Ops: C create, T truncate, W write, Z punch, F sync, R rename, U unlink, M mkdir, X rmdir, K mark. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OPEN = 1, CREATE = 2, WRITE = 4, SYNC = 8, NAME = 16 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long count, fail_at;
static int fail_mask, fail_errno, fail_on;
static int record_fd = -2;
static char failed[PATH_MAX + 32];

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

/* Below the folder? The path becomes absolute. */
static int below(const char *path, char *full) {
    const char *root = getenv("PANELSEEK_ROOT");
    if (!root || !path) return 0;
    if (path[0] == '/') snprintf(full, PATH_MAX, "%s", path);
    else {
        char cwd[PATH_MAX];
        if (!getcwd(cwd, sizeof cwd)) return 0;
        if (snprintf(full, PATH_MAX, "%s/%s", cwd, path) >= PATH_MAX) return 0;
    }
    size_t n = strlen(root);
    return strncmp(full, root, n) == 0 && (full[n] == '/' || full[n] == 0);
}

static int below_at(int dir, const char *path, char *full) {
    if (!path) return 0;
    if (path[0] == '/' || dir == AT_FDCWD) return below(path, full);
    char link[64], base[PATH_MAX], joined[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    ssize_t n = readlink(link, base, sizeof base - 1);
    if (n < 0) return 0;
    base[n] = 0;
    if (snprintf(joined, sizeof joined, "%s/%s", base, path) >= (int)sizeof joined) return 0;
    return below(joined, full);
}

static int below_fd(int fd, char *full) {
    return below_at(fd, ".", full);
}

static void record(char op, int64_t inode, int64_t offset, int64_t length, const char *path, const char *other,
                   const void *data, int64_t bytes) {
    if (record_fd == -2) {
        const char *name = getenv("PANELSEEK_RECORD");
        record_fd = name ? (int)syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    }
    if (record_fd < 0) return;
    int64_t head[6] = {inode, offset, length, path ? (int64_t)strlen(path) : 0, other ? (int64_t)strlen(other) : 0, bytes};
    syscall(SYS_write, record_fd, &op, 1);
    syscall(SYS_write, record_fd, head, sizeof head);
    if (head[3]) syscall(SYS_write, record_fd, path, head[3]);
    if (head[4]) syscall(SYS_write, record_fd, other, head[4]);
    if (bytes) syscall(SYS_write, record_fd, data, bytes);
}

/* Whether this call is to fail; errno is set then. */
static int fails(int kind, const char *what, const char *path) {
    if (!(fail_mask & kind)) return 0;
    count++;
    if (fail_on ? count < fail_at : count != fail_at) return 0;
    if (!failed[0]) snprintf(failed, sizeof failed, "%s %s", what, path);
    errno = fail_errno;
    return 1;
}

void panelseek_arm(int mask, long at, int error, int on) {
    pthread_mutex_lock(&lock);
    fail_mask = mask, fail_at = at, fail_errno = error, fail_on = on, count = 0, failed[0] = 0;
    pthread_mutex_unlock(&lock);
}
long panelseek_count(void) { return count; }
const char *panelseek_failed(void) { return failed; }
void panelseek_mark(const char *label) {
    pthread_mutex_lock(&lock);
    record('K', 0, 0, 0, label, NULL, NULL, 0);
    pthread_mutex_unlock(&lock);
}

static int64_t inode_of(int fd) {
    struct stat s;
    return fstat(fd, &s) == 0 ? (int64_t)s.st_ino : 0;
}

static int open_in(int dir, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    if (!below_at(dir, path, full)) return (int)syscall(SYS_openat, dir, path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat s;
    int temporary = (flags & O_TMPFILE) == O_TMPFILE;
    int new = temporary || ((flags & O_CREAT) && stat(full, &s) != 0);
    int fd = -1;
    if (!fails(OPEN, "open", full) && !(new && fails(CREATE, "create", full))) {
        fd = (int)syscall(SYS_openat, dir, path, flags, mode);
        int error = errno;
        if (fd >= 0 && new && !temporary) record('C', inode_of(fd), 0, 0, full, NULL, NULL, 0);
        else if (fd >= 0 && (flags & O_TRUNC)) record('T', inode_of(fd), 0, 0, NULL, NULL, NULL, 0);
        errno = error;
    }
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | __O_TMPFILE)) { va_list a; va_start(a, flags); mode = (mode_t)va_arg(a, int); va_end(a); }

int open(const char *path, int flags, ...) { MODE(flags) return open_in(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_in(AT_FDCWD, path, flags | O_LARGEFILE, mode); }
int openat(int dir, const char *path, int flags, ...) { MODE(flags) return open_in(dir, path, flags, mode); }
int openat64(int dir, const char *path, int flags, ...) { MODE(flags) return open_in(dir, path, flags | O_LARGEFILE, mode); }

/* One call on what is called `full`: fail it, or run it and record it. */
#define RUN(kind, type, call, recording) \
    pthread_mutex_lock(&lock); \
    type done = -1; \
    if (!fails(kind, __func__, full)) { \
        done = (type)call; \
        int error_ = errno; \
        if (done >= 0) { recording; } \
        errno = error_; \
    } \
    int error = errno; \
    pthread_mutex_unlock(&lock); \
    errno = error; \
    return done;

/* One call on a descriptor below the folder. */
#define ON_FD(fd, kind, type, call, recording) \
    char full[PATH_MAX]; \
    if (!below_fd(fd, full)) return call; \
    RUN(kind, type, call, recording)

static int64_t position(int fd) {
    struct stat s;
    if (fcntl(fd, F_GETFL) & O_APPEND) return fstat(fd, &s) == 0 ? (int64_t)s.st_size : 0;
    return (int64_t)lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void *data, size_t bytes) {
    REAL(write);
    if (fd == record_fd || fd < 3) return real(fd, data, bytes);
    int64_t at = position(fd);
    ON_FD(fd, WRITE, ssize_t, real(fd, data, bytes), record('W', inode_of(fd), at, done, NULL, NULL, data, done))
}
ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at) {
    REAL(pwrite);
    ON_FD(fd, WRITE, ssize_t, real(fd, data, bytes, at), record('W', inode_of(fd), at, done, NULL, NULL, data, done))
}
ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t at) {
    REAL(pwrite64);
    ON_FD(fd, WRITE, ssize_t, real(fd, data, bytes, at), record('W', inode_of(fd), at, done, NULL, NULL, data, done))
}
int fsync(int fd) { REAL(fsync); ON_FD(fd, SYNC, int, real(fd), record('F', inode_of(fd), 0, 0, NULL, NULL, NULL, 0)) }
int fdatasync(int fd) { REAL(fdatasync); ON_FD(fd, SYNC, int, real(fd), record('F', inode_of(fd), 0, 0, NULL, NULL, NULL, 0)) }
int ftruncate(int fd, off_t n) { REAL(ftruncate); ON_FD(fd, NAME, int, real(fd, n), record('T', inode_of(fd), 0, n, NULL, NULL, NULL, 0)) }
int ftruncate64(int fd, off64_t n) { REAL(ftruncate64); ON_FD(fd, NAME, int, real(fd, n), record('T', inode_of(fd), 0, n, NULL, NULL, NULL, 0)) }
int fallocate64(int fd, int how, off64_t at, off64_t n) { REAL(fallocate64); ON_FD(fd, WRITE, int, real(fd, how, at, n), record('Z', inode_of(fd), at, n, NULL, NULL, NULL, 0)) }

/* One call on a name below the folder. */
#define ON_NAME(kind, call, recording) RUN(kind, int, call, recording)

static int64_t inode_at(const char *path) {
    struct stat s;
    return lstat(path, &s) == 0 ? (int64_t)s.st_ino : 0;
}

static int truncate_in(const char *path, off64_t n) {
    char full[PATH_MAX];
    if (!below(path, full)) return (int)syscall(SYS_truncate, path, n);
    ON_NAME(NAME, syscall(SYS_truncate, path, n), record('T', inode_at(full), 0, n, NULL, NULL, NULL, 0))
}
int truncate(const char *path, off_t n) { return truncate_in(path, n); }
int truncate64(const char *path, off64_t n) { return truncate_in(path, n); }

static int unlink_in(int dir, const char *path, int flags) {
    char full[PATH_MAX];
    if (!below_at(dir, path, full)) return (int)syscall(SYS_unlinkat, dir, path, flags);
    ON_NAME(NAME, syscall(SYS_unlinkat, dir, path, flags), record(flags & AT_REMOVEDIR ? 'X' : 'U', 0, 0, 0, full, NULL, NULL, 0))
}
int unlink(const char *path) { return unlink_in(AT_FDCWD, path, 0); }
int remove(const char *path) { return unlink_in(AT_FDCWD, path, 0); }
int unlinkat(int dir, const char *path, int flags) { return unlink_in(dir, path, flags); }
int rmdir(const char *path) { return unlink_in(AT_FDCWD, path, AT_REMOVEDIR); }

static int rename_in(int from, const char *path, int to, const char *other) {
    char full[PATH_MAX], full2[PATH_MAX];
    if (!below_at(from, path, full) || !below_at(to, other, full2))
        return (int)syscall(SYS_renameat, from, path, to, other);
    ON_NAME(NAME, syscall(SYS_renameat, from, path, to, other), record('R', 0, 0, 0, full, full2, NULL, 0))
}
int rename(const char *path, const char *other) { return rename_in(AT_FDCWD, path, AT_FDCWD, other); }
int renameat(int from, const char *path, int to, const char *other) { return rename_in(from, path, to, other); }

static int mkdir_in(int dir, const char *path, mode_t mode) {
    char full[PATH_MAX];
    if (!below_at(dir, path, full)) return (int)syscall(SYS_mkdirat, dir, path, mode);
    ON_NAME(CREATE, syscall(SYS_mkdirat, dir, path, mode), record('M', inode_at(full), 0, 0, full, NULL, NULL, 0))
}
int mkdir(const char *path, mode_t mode) { return mkdir_in(AT_FDCWD, path, mode); }
int mkdirat(int dir, const char *path, mode_t mode) { return mkdir_in(dir, path, mode); }
