/* The processors and the memory that the program may use. */
#ifndef ANTIPHON_BASE_PROCESSORS_H
#define ANTIPHON_BASE_PROCESSORS_H

/* The number of processors that the scheduler may use for the program, limited by the quota of a control
 * group (such as a container's --cpus), rounded up. At least 1. `root` is the prefix of /proc and /sys: ""
 * except in tests. */
int ap_processors_granted(const char *root);

/* The bytes of memory of the machine, limited by the control group. `root`: as above. */
double ap_memory_granted(const char *root);

#endif
