#include "fuzz.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_check(int holds, const char *what)
{
    if (holds) return;
    fprintf(stderr, "fuzz: %s\n", what);
    abort();
}

static void write_all(int descriptor, const uint8_t *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t wrote = write(descriptor, data + done, size - done);
        fuzz_check(wrote > 0 || errno == EINTR, "cannot write a file in memory");
        if (wrote > 0) done += (size_t)wrote;
    }
}

const char *fuzz_file(const uint8_t *data, size_t size)
{
    static char path[64];
    static int descriptor = -1;
    if (descriptor >= 0) close(descriptor);
    descriptor = memfd_create("fuzz", MFD_CLOEXEC);
    fuzz_check(descriptor >= 0, "no file in memory");
    write_all(descriptor, data, size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    return path;
}

static char folder[] = "/dev/shm/antiphon-fuzz-XXXXXX";

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about, (void)kind, (void)place;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void fuzz_remove(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void)
{
    static int made;
    if (!made) {
        if (access("/dev/shm", W_OK) != 0) memcpy(folder, "/var/tmp", strlen("/dev/shm"));
        fuzz_check(mkdtemp(folder) != NULL, "cannot make a folder");
        made = 1;
        atexit(remove_folder);
    }
    return folder;
}

void fuzz_put(const char *name, const uint8_t *data, size_t size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    if (!data) {
        unlink(path);
        return;
    }
    FILE *stream = fopen(path, "wb");
    fuzz_check(stream && fwrite(data, 1, size, stream) == size && fclose(stream) == 0, "cannot write a file");
}

const uint8_t *fuzz_part(const uint8_t **data, size_t *size, size_t *length)
{
    const uint8_t *part = *data, *end = memchr(part, 0xFF, *size);
    *length = end ? (size_t)(end - part) : *size;
    *data += *length + (end != NULL);
    *size -= *length + (end != NULL);
    return part;
}

char *fuzz_replaced(const uint8_t *text, size_t length, const char *with)
{
    char *whole;
    size_t size;
    FILE *stream = open_memstream(&whole, &size);
    for (size_t i = 0; i < length; i++)
        if (text[i] == '@')
            fputs(with, stream);
        else
            fputc(text[i], stream);
    fclose(stream);
    return whole;
}

int fuzz_good(ap_status status)
{
    if (!ap_failed(&status)) return 1;
    fuzz_check(status.message[0] != '\0', "a failure without a reason");
    for (const char *c = status.message; *c; c++)
        fuzz_check((unsigned char)*c >= ' ' && *c != 0x7F, "a reason that is not one line of text");
    return 0;
}
