#include "support/text.h"

#include "base/file.h"
#include "support/check.h"
#include "support/folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BYTES_MOST ((size_t)1 << 24)

char *text_read(const char *path)
{
    char *text = NULL;
    size_t length;
    ap_status status = ap_file_read(path, BYTES_MOST, &text, &length);
    assert_string_equal(status.message, "");
    return text;
}

void text_write(const char *path, const char *text)
{
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    assert_true(fputs(text, stream) >= 0);
    assert_int_equal(fclose(stream), 0);
}

int text_occurrences(const char *text, const char *part)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)); at++) count++;
    return count;
}

static int kept_error = -1;

void text_listen(void *const *state)
{
    fflush(stderr);
    kept_error = dup(STDERR_FILENO);
    int file = open(folder_path(state, "stderr"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(file >= 0 && dup2(file, STDERR_FILENO) >= 0);
    close(file);
}

char *text_heard(void *const *state)
{
    fflush(stderr);
    dup2(kept_error, STDERR_FILENO);
    close(kept_error);
    return text_read(folder_path(state, "stderr"));
}
