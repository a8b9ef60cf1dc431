/* How many threads the program computes with. */
#ifndef ANTIPHON_CLI_THREADS_H
#define ANTIPHON_CLI_THREADS_H

/* No more threads than ap_processors_granted(root) says: further ones only wait for each other's turn. Where
 * OMP_NUM_THREADS asks for more, one line on the standard error says so. train.threads, which is set later,
 * has its way. */
void threads_settle(const char *root);

#endif
