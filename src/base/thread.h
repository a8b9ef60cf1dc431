/* Threads beside those that compute. */
#ifndef ANTIPHON_BASE_THREAD_H
#define ANTIPHON_BASE_THREAD_H

#include <pthread.h>

/* Starts a thread that takes no signals: they are for the one that computes. 0, or what pthread_create gave.
 */
int ap_thread_start(pthread_t *thread, void *(*run)(void *context), void *context);

#endif
