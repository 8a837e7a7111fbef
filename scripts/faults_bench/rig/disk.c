/* A disk that fails on command, and remembers: preloaded into the program, it stands between the program and libc for the
 * files below FAULT_FOLDER whose names contain FAULT_NAMES.
 *
 * FAULT_CONTROL: a file of `struct control`, which the bench changes while the program runs.
 * FAULT_LOG: where every open, write, truncation and sync goes, each as `struct entry` and its bytes, in order.
 *
 * What the program does by raw system calls (renaming, allocating ahead) is not seen and works. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* "times": so often, then no more; below 0 for good. */
struct control {
	int64_t write_errno, write_times;
	int64_t sync_errno, sync_times;
	int64_t room; /* bytes that still fit; below 0 without end */
	int64_t write_delay_ms, sync_delay_ms;
	int64_t writes, syncs, refused; /* counted here */
};

enum kind { OPENED = 1, WRITTEN, TRUNCATED, SYNC_BEGAN, SYNC_DONE, SYNC_FAILED, WRITE_BEGAN };

struct entry {
	uint32_t kind, pid;
	uint64_t inode;
	int64_t at, length; /* offset and bytes; bytes of the path for OPENED; new length for TRUNCATED */
	int64_t time_ns;
};

#define FILES 1024
static struct { dev_t device; ino_t inode; } files[FILES];
static int known;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct control *control;
static const char *folder, *names;
static int log_fd = -1;

static void *libc(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);
	if (!found)
		abort();
	return found;
}

__attribute__((constructor)) static void begin(void)
{
	static struct control none = { .room = -1 };
	int fd;
	control = &none;
	folder = getenv("FAULT_FOLDER");
	names = getenv("FAULT_NAMES");
	if (!folder)
		return;
	if (getenv("FAULT_CONTROL") && (fd = syscall(SYS_openat, AT_FDCWD, getenv("FAULT_CONTROL"), O_RDWR | O_CLOEXEC)) >= 0) {
		void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (mapped != MAP_FAILED)
			control = mapped;
		syscall(SYS_close, fd);
	}
	if (getenv("FAULT_LOG"))
		log_fd = syscall(SYS_openat, AT_FDCWD, getenv("FAULT_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void note(enum kind kind, ino_t inode, int64_t at, int64_t length, const void *bytes)
{
	struct timespec now;
	if (log_fd < 0)
		return;
	clock_gettime(CLOCK_BOOTTIME, &now);
	struct entry entry = { kind, getpid(), inode, at, length, now.tv_sec * 1000000000LL + now.tv_nsec };
	struct iovec parts[2] = { { &entry, sizeof entry }, { (void *)bytes, bytes ? length : 0 } };
	syscall(SYS_writev, log_fd, parts, 2);
}

/* The inode behind a descriptor if it is one of ours, else 0. */
static ino_t ours(int fd)
{
	struct stat at;
	if (!folder || syscall(SYS_fstat, fd, &at) != 0 || !S_ISREG(at.st_mode))
		return 0;
	for (int i = 0; i < known; i++)
		if (files[i].inode == at.st_ino && files[i].device == at.st_dev)
			return at.st_ino;
	return 0;
}

static void opened(int fd, const char *path, int flags)
{
	const char *name = strrchr(path, '/');
	struct stat at;
	if (fd < 0 || !folder || (flags & O_ACCMODE) == O_RDONLY || syscall(SYS_fstat, fd, &at) != 0 || !S_ISREG(at.st_mode))
		return;
	int meant = strncmp(path, folder, strlen(folder)) == 0 && (!names || strstr(name ? name : path, names));
	pthread_mutex_lock(&lock);
	int place = 0;
	while (place < known && (files[place].inode != at.st_ino || files[place].device != at.st_dev))
		place++;
	if (!meant && place < known) {
		/* The number of a file that is gone serves another one. */
		files[place].inode = 0;
	} else if (meant && place < FILES) {
		files[place].device = at.st_dev;
		files[place].inode = at.st_ino;
		if (place == known)
			__atomic_store_n(&known, known + 1, __ATOMIC_RELEASE);
		note(OPENED, at.st_ino, 0, strlen(path), path);
	}
	pthread_mutex_unlock(&lock);
}

static void sleep_ms(int64_t ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };
	if (ms > 0)
		nanosleep(&time, NULL);
}

/* Whether this call is to fail; counts down. */
static int refuses(int64_t *times, int64_t number)
{
	int64_t left = __atomic_load_n(times, __ATOMIC_SEQ_CST);
	if (left == 0 || number == 0)
		return 0;
	if (left > 0)
		__atomic_fetch_sub(times, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&control->refused, 1, __ATOMIC_SEQ_CST);
	errno = number;
	return 1;
}

/* How much of a write goes through: fewer bytes where the room ends, -1 where nothing does. */
static ssize_t allowed(size_t length)
{
	__atomic_fetch_add(&control->writes, 1, __ATOMIC_SEQ_CST);
	sleep_ms(control->write_delay_ms);
	if (refuses(&control->write_times, control->write_errno))
		return -1;
	int64_t room = control->room;
	if (room < 0)
		return length;
	if (room == 0) {
		__atomic_fetch_add(&control->refused, 1, __ATOMIC_SEQ_CST);
		errno = ENOSPC;
		return -1;
	}
	if ((int64_t)length > room)
		length = room;
	__atomic_fetch_sub(&control->room, length, __ATOMIC_SEQ_CST);
	return length;
}

static ssize_t write_at(int fd, const void *bytes, size_t length, int64_t at, int append)
{
	ino_t inode = ours(fd);
	if (inode) {
		ssize_t fits = allowed(length);
		if (fits < 0)
			return -1;
		length = fits;
	}
	pthread_mutex_lock(&lock);
	if (append && inode) {
		struct stat now;
		int64_t place = fcntl(fd, F_GETFL) & O_APPEND ? -1 : syscall(SYS_lseek, fd, 0, SEEK_CUR);
		at = place >= 0 ? place : syscall(SYS_fstat, fd, &now) == 0 ? now.st_size : 0;
	}
	if (inode)
		note(WRITE_BEGAN, inode, at, 0, NULL);
	ssize_t done = append ? syscall(SYS_write, fd, bytes, length) : syscall(SYS_pwrite64, fd, bytes, length, at);
	int saved = errno;
	if (inode && done > 0)
		note(WRITTEN, inode, at, done, bytes);
	pthread_mutex_unlock(&lock);
	errno = saved;
	return done;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
	return ours(fd) ? write_at(fd, bytes, length, 0, 1) : syscall(SYS_write, fd, bytes, length);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) { return write_at(fd, bytes, length, at, 0); }

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return write_at(fd, bytes, length, at, 0); }

static int truncate_to(int fd, int64_t length)
{
	ino_t inode = ours(fd);
	if (inode)
		pthread_mutex_lock(&lock);
	int done = syscall(SYS_ftruncate, fd, length);
	if (inode) {
		int saved = errno;
		if (done == 0)
			note(TRUNCATED, inode, 0, length, NULL);
		pthread_mutex_unlock(&lock);
		errno = saved;
	}
	return done;
}

int ftruncate64(int fd, off64_t length) { return truncate_to(fd, length); }

int ftruncate(int fd, off_t length) { return truncate_to(fd, length); }

static int sync_by(int fd, long call)
{
	ino_t inode = ours(fd);
	if (!inode)
		return syscall(call, fd);
	__atomic_fetch_add(&control->syncs, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_lock(&lock);
	note(SYNC_BEGAN, inode, 0, 0, NULL);
	pthread_mutex_unlock(&lock);
	sleep_ms(control->sync_delay_ms);
	int done = refuses(&control->sync_times, control->sync_errno) ? -1 : syscall(call, fd);
	int saved = errno;
	pthread_mutex_lock(&lock);
	note(done == 0 ? SYNC_DONE : SYNC_FAILED, inode, 0, 0, NULL);
	pthread_mutex_unlock(&lock);
	errno = saved;
	return done;
}

int fdatasync(int fd) { return sync_by(fd, SYS_fdatasync); }

int fsync(int fd) { return sync_by(fd, SYS_fsync); }

#define MODE(flags, mode) \
	do { \
		va_list rest; \
		va_start(rest, flags); \
		mode = (flags) & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
		va_end(rest); \
	} while (0)

#define OPEN(name) \
	int name(const char *path, int flags, ...) \
	{ \
		static int (*real)(const char *, int, ...); \
		mode_t mode; \
		MODE(flags, mode); \
		if (!real) \
			real = libc(#name); \
		int fd = real(path, flags, mode); \
		opened(fd, path, flags); \
		return fd; \
	}

#define OPENAT(name) \
	int name(int where, const char *path, int flags, ...) \
	{ \
		static int (*real)(int, const char *, int, ...); \
		mode_t mode; \
		MODE(flags, mode); \
		if (!real) \
			real = libc(#name); \
		int fd = real(where, path, flags, mode); \
		opened(fd, path, flags); \
		return fd; \
	}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
