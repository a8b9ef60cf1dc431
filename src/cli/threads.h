/* The number of threads the program computes with. */
#ifndef ANTIPHON_CLI_THREADS_H
#define ANTIPHON_CLI_THREADS_H

/* Limits OpenMP to ap_processors_granted(root) threads; more would only wait for each other. If
 * OMP_NUM_THREADS asks for more, one line on the standard error says so. train.threads, which is set later,
 * overrides the limit. */
void threads_settle(const char *root);

#endif
