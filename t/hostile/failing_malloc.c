/*
 * Makes one allocation of one process fail. Loaded with LD_PRELOAD by t/hostile/allocations, which
 * tells which one in a file that both map (LYNC_FAILING_MALLOC names it):
 *
 *     pid     of the process whose allocations are counted; 0: the one that is loaded next
 *     nth     of its allocations fails; 0: none
 *     count   how many there have been
 *
 * Counted is what nginx itself allocates, and operator new: the module. OpenSSL's own forty thousand
 * aren't. Also under AddressSanitizer, whose allocator is the next one in the order of libraries.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct control {
    int64_t pid;
    int64_t nth;
    int64_t count;
};

static struct control *control;
static __thread int inside; /* of operator new, which may call malloc */

static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static int (*next_posix_memalign)(void **, size_t, size_t);
static void *(*next_new)(size_t);
static void (*throw_bad_alloc)(void);

/* What dlsym itself takes before the others are known. */
static char early[4096];
static size_t early_used;

/* of nginx's own code */
static uintptr_t program_start, program_end;

static int
find_program(struct dl_phdr_info *info, size_t size, void *data)
{
    (void) size;
    (void) data;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X)) {
            program_start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            program_end = program_start + info->dlpi_phdr[i].p_memsz;
        }
    }
    return 1; /* the program comes first */
}

static int
fails(const void *caller)
{
    struct control *c = control;

    if (c == NULL || inside || c->pid != getpid()) {
        return 0;
    }
    if (caller != NULL &&
        ((uintptr_t) caller < program_start || (uintptr_t) caller >= program_end)) {
        return 0;
    }
    return __atomic_add_fetch(&c->count, 1, __ATOMIC_RELAXED) == c->nth;
}

__attribute__((constructor)) static void
find_next(void)
{
    const char *path = getenv("LYNC_FAILING_MALLOC");
    int fd;

    if (next_malloc == NULL) {
        next_calloc = (void *(*)(size_t, size_t)) dlsym(RTLD_NEXT, "calloc");
        next_realloc = (void *(*)(void *, size_t)) dlsym(RTLD_NEXT, "realloc");
        next_posix_memalign =
            (int (*)(void **, size_t, size_t)) dlsym(RTLD_NEXT, "posix_memalign");
        next_malloc = (void *(*)(size_t)) dlsym(RTLD_NEXT, "malloc");
    }
    if (path != NULL && control == NULL && (fd = open(path, O_RDWR)) != -1) {
        struct control *c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        if (c != MAP_FAILED) {
            dl_iterate_phdr(find_program, NULL);
            if (c->pid == 0) {
                c->pid = getpid();
            }
            control = c;
        }
    }
}

void *
malloc(size_t size)
{
    if (next_malloc == NULL) {
        find_next();
    }
    if (fails(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }
    return next_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
    if (next_calloc == NULL) {
        void *p = early + early_used;
        early_used += (count * size + 15) & ~(size_t) 15;
        return early_used <= sizeof(early) ? p : NULL;
    }
    if (fails(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }
    return next_calloc(count, size);
}

void *
realloc(void *p, size_t size)
{
    if (next_realloc == NULL) {
        find_next();
    }
    if (fails(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }
    return next_realloc(p, size);
}

int
posix_memalign(void **p, size_t alignment, size_t size)
{
    if (next_posix_memalign == NULL) {
        find_next();
    }
    return fails(__builtin_return_address(0)) ? ENOMEM : next_posix_memalign(p, alignment, size);
}

/* operator new(size_t) */
void *
_Znwm(size_t size)
{
    void *p;

    if (next_new == NULL) {
        /* the module's libstdc++ isn't in the global scope of a C program */
        void *library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
        next_new = (void *(*)(size_t)) dlsym(RTLD_NEXT, "_Znwm");
        if (next_new == NULL && library != NULL) {
            next_new = (void *(*)(size_t)) dlsym(library, "_Znwm");
        }
        if (library != NULL) {
            throw_bad_alloc = (void (*)(void)) dlsym(library, "_ZSt17__throw_bad_allocv");
        }
    }
    if (next_new == NULL) {
        abort();
    }
    if (throw_bad_alloc != NULL && fails(NULL)) {
        throw_bad_alloc();
    }
    inside++;
    p = next_new(size);
    inside--;
    return p;
}
