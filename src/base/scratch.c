#include "base/scratch.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *ap_scratch_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && folder[0] ? folder : "/tmp";
}

/* The fallback for file systems without unnamed files. */
static int open_and_unlink(const char *folder)
{
    char *path = ap_format_text("%s/antiphon-XXXXXX", folder);
    int descriptor = mkostemp(path, O_CLOEXEC), reason = errno;
    if (descriptor >= 0) unlink(path);
    free(path);
    errno = reason;
    return descriptor;
}

ap_status ap_scratch_open(FILE **file)
{
    const char *folder = ap_scratch_folder();
    int descriptor = open(folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) descriptor = open_and_unlink(folder);
    *file = descriptor >= 0 ? fdopen(descriptor, "w+b") : NULL;
    if (*file) return ap_ok();
    ap_status status =
        ap_error(AP_FAILED, "%s: cannot create a temporary file: %s (TMPDIR selects another folder)", folder,
                 strerror(errno));
    if (descriptor >= 0) close(descriptor);
    return status;
}
