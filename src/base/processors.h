/* How many processors the program may use. */
#ifndef ANTIPHON_BASE_PROCESSORS_H
#define ANTIPHON_BASE_PROCESSORS_H

/* The processors that the scheduler may put the program on, or fewer where a control group's quota (a
 * container's --cpus, say) grants the time of fewer; a part of one counts as one. At least 1. `root`: where
 * /proc and /sys are looked for, "" but in tests. */
int ap_processors_granted(const char *root);

#endif
