#include "cli/threads.h"

#include "base/processors.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

void threads_settle(const char *root)
{
    int granted = ap_processors_granted(root), wanted = omp_get_max_threads();
    if (wanted <= granted) return;
    if (getenv("OMP_NUM_THREADS"))
        fprintf(
            stderr,
            "antiphon: OMP_NUM_THREADS asks for %d threads, but %d processor%s granted (affinity, control "
            "group): using %d; train.threads=%d overrides this\n",
            wanted, granted, granted == 1 ? " is" : "s are", granted, wanted);
    omp_set_num_threads(granted);
}
