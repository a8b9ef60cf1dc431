#include "base/commit.h"

#include "built_from.h" /* made at each build: scripts/commit.cmake */

const char *ap_commit(void)
{
    return BUILT_FROM_COMMIT;
}

bool ap_commit_modified(void)
{
    return BUILT_FROM_MODIFIED;
}
