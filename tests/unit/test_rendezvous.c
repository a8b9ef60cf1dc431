/* Threads that meet: more of them than any machine's cores need to be, so that some sleep. */
#include "kernels/rendezvous.h"

#include "support/check.h"

#include <omp.h>

#define THREADS 9
#define MEETINGS 2000

/* Each thread writes its step into its own place; after the meeting everyone must have arrived at the step,
 * and nobody can be more than one ahead. */
static void nobody_leaves_before_all_have_come(void **state)
{
    (void)state;
    ap_rendezvous r;
    volatile int at[THREADS] = {0};
    int early = 0, threads = 0;
#pragma omp parallel num_threads(THREADS) reduction(+ : early)
    {
#pragma omp single
        {
            threads = omp_get_num_threads();
            ap_rendezvous_init(&r, threads);
        }
        for (int step = 1; step <= MEETINGS; step++) {
            at[omp_get_thread_num()] = step;
            ap_rendezvous_wait(&r);
            for (int other = 0; other < threads; other++) early += at[other] < step || at[other] > step + 1;
        }
    }
    ap_rendezvous_free(&r);
    assert_int_equal(early, 0);
    for (int thread = 0; thread < threads; thread++) assert_int_equal(at[thread], MEETINGS);
}

static void one_thread_meets_itself(void **state)
{
    (void)state;
    ap_rendezvous r;
    ap_rendezvous_init(&r, 1);
    for (int step = 0; step < MEETINGS; step++) ap_rendezvous_wait(&r);
    assert_int_equal(atomic_load(&r.meeting), MEETINGS);
    ap_rendezvous_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_leaves_before_all_have_come),
        cmocka_unit_test(one_thread_meets_itself),
    };
    return cmocka_run_group_tests_name("rendezvous", tests, NULL, NULL);
}
