#include "ranks/progress.h"

#include "base/clock.h"
#include "base/leftovers.h"
#include "base/memory.h"
#include "base/thread.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* While something is under way, the thread asks for news without a pause for this long, because most
 * operations are short; after that it pauses between its questions, and leaves the processor to who computes.
 */
#define EAGER_SECONDS 200e-6
#define PAUSE_NANOSECONDS 20000
/* How often a sign of life is given, at most and as a share of the time after which its absence means the
 * end. */
#define SIGN_SECONDS 1.0
#define SIGN_SHARE (1 / 8.0)
/* If even ending the job takes longer, something is cut off, and the process ends alone. */
#define ABORT_SECONDS 10

static struct {
    const ap_ranks_module *module;
    double timeout;
    int rank, count;
    const char *failure; /* why the ranks were not joined */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news; /* a job is posted or complete, or the end has come */
    ap_job *posted, **posted_end;
    bool joined, ending;
    const char *(*name)(int rank); /* NULL: nobody is watched */
} progress = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};

/* ---------------------------------------------------------------- signs of life */

/* Each rank sends them to the next and awaits those of the one before. */
typedef struct signs {
    ap_ranks_request *sent, *awaited;
    uint64_t out, in;
    double looked, sent_at; /* clock */
    double silence; /* seconds without a sign, without those in which this process was stopped itself */
    bool begun;
} signs;

static double sign_seconds(void)
{
    return fmin(SIGN_SECONDS, progress.timeout * SIGN_SHARE);
}

static void tell_gone(int rank)
{
    char *line =
        ap_format_text("%s has given no sign of life for %g s: it has ended, hangs or is cut off; the last "
                       "checkpoint is whole",
                       progress.name(rank), progress.timeout);
    ap_progress_abort(line);
}

static void look_for_signs(signs *s)
{
    const ap_ranks_module *m = progress.module;
    double now = ap_clock_seconds();
    int before = (progress.rank + progress.count - 1) % progress.count;
    if (!s->begun) *s = (signs){.begun = true, .looked = now};
    s->silence += fmin(now - s->looked, 2 * sign_seconds());
    s->looked = now;
    if (!s->awaited) s->awaited = m->receive(before, &s->in);
    int heard = s->awaited ? m->test(s->awaited) : -1;
    if (heard > 0) {
        s->awaited = NULL;
        s->silence = 0;
    }
    if (heard < 0 || s->silence > progress.timeout) tell_gone(before);
    if (s->sent && m->test(s->sent) != 0) s->sent = NULL;
    if (s->sent || now - s->sent_at < sign_seconds()) return;
    s->out++;
    s->sent_at = now;
    s->sent = m->send((progress.rank + 1) % progress.count, &s->out);
}

/* ---------------------------------------------------------------- jobs */

static void start_job(ap_job *job)
{
    const ap_ranks_module *m = progress.module;
    job->begun = ap_clock_seconds();
    job->request = job->kind == AP_JOB_SUM         ? m->sum(job->data, job->count, job->number)
                   : job->kind == AP_JOB_BROADCAST ? m->broadcast(job->data, job->count)
                                                   : m->gather(job->data, job->count, job->all);
}

/* Takes what was posted, and waits a while for it if there is nothing else to do. */
static ap_job *take_posted(bool idle)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    long nanoseconds = until.tv_nsec + (long)(1e9 * fmin(sign_seconds(), 0.9));
    until.tv_sec += nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    pthread_mutex_lock(&progress.lock);
    if (idle && !progress.posted && !progress.ending)
        pthread_cond_timedwait(&progress.news, &progress.lock, &until);
    ap_job *first = progress.posted;
    progress.posted = NULL;
    progress.posted_end = &progress.posted;
    pthread_mutex_unlock(&progress.lock);
    return first;
}

static void complete(ap_job *job)
{
    pthread_mutex_lock(&progress.lock);
    job->ended = ap_clock_seconds();
    job->done = true;
    pthread_cond_broadcast(&progress.news);
    pthread_mutex_unlock(&progress.lock);
}

/* Removes complete jobs from the list. */
static void test_jobs(ap_job **jobs)
{
    for (ap_job **at = jobs; *at;) {
        ap_job *job = *at;
        int done = job->request ? progress.module->test(job->request) : -1;
        if (done < 0)
            ap_progress_abort(ap_format_text("rank %d: an exchange with the other ranks fails: one has ended "
                                             "or is cut off; the last checkpoint is whole",
                                             progress.rank));
        if (done) {
            *at = job->next;
            complete(job);
        } else
            at = &job->next;
    }
}

static void pause_between(double since)
{
    if (ap_clock_seconds() - since < EAGER_SECONDS)
        sched_yield();
    else
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NANOSECONDS}, NULL);
}

static void serve(void)
{
    ap_job *jobs = NULL;
    signs s = {.begun = false};
    double busy_since = 0;
    for (;;) {
        ap_job *more = take_posted(jobs == NULL), **end = &jobs;
        while (*end) end = &(*end)->next;
        if (more) busy_since = ap_clock_seconds();
        for (*end = more; more; more = more->next) start_job(more);
        test_jobs(&jobs);
        pthread_mutex_lock(&progress.lock);
        bool ending = progress.ending, watched = progress.name != NULL;
        pthread_mutex_unlock(&progress.lock);
        if (watched && !ending) look_for_signs(&s);
        if (ending && !jobs) break;
        if (jobs) pause_between(busy_since);
    }
    if (s.awaited) progress.module->cancel(s.awaited);
    if (s.sent) progress.module->cancel(s.sent);
}

static void *run(void *context)
{
    (void)context;
    prctl(PR_SET_TIMERSLACK, 1000UL); /* so that short pauses are short */
    const char *failure = progress.module->begin(&progress.rank, &progress.count);
    pthread_mutex_lock(&progress.lock);
    progress.failure = failure;
    progress.joined = true;
    pthread_cond_broadcast(&progress.news);
    pthread_mutex_unlock(&progress.lock);
    if (failure) return NULL;
    serve();
    progress.module->end();
    return NULL;
}

/* ---------------------------------------------------------------- for the others */

ap_status ap_progress_begin(const ap_ranks_module *module, double timeout, int *rank, int *count)
{
    struct timespec until;
    progress.module = module;
    progress.timeout = timeout;
    progress.posted_end = &progress.posted;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec +=
        (time_t)ceil(fmax(timeout, AP_RANKS_TIMEOUT)); /* programs do not start at the same moment */
    if (ap_thread_start(&progress.thread, run, NULL) != 0)
        return ap_error(AP_FAILED, "no thread for the exchange with the other ranks");
    pthread_mutex_lock(&progress.lock);
    int late = 0;
    while (!progress.joined && late == 0)
        late = pthread_cond_timedwait(&progress.news, &progress.lock, &until);
    bool joined = progress.joined;
    pthread_mutex_unlock(&progress.lock);
    if (!joined) {
        fprintf(stderr, "antiphon: the other ranks have not joined within %g s\n", timeout);
        _exit(EXIT_FAILURE);
    }
    *rank = progress.rank;
    *count = progress.count;
    return progress.failure ? ap_error(AP_FAILED, "%s", progress.failure) : ap_ok();
}

void ap_progress_watch(const char *(*name)(int rank))
{
    pthread_mutex_lock(&progress.lock);
    progress.name = name;
    pthread_cond_broadcast(&progress.news);
    pthread_mutex_unlock(&progress.lock);
}

void ap_progress_post(ap_job *job)
{
    job->next = NULL;
    job->done = false;
    pthread_mutex_lock(&progress.lock);
    *progress.posted_end = job;
    progress.posted_end = &job->next;
    pthread_cond_broadcast(&progress.news);
    pthread_mutex_unlock(&progress.lock);
}

void ap_progress_wait(ap_job *job)
{
    pthread_mutex_lock(&progress.lock);
    while (!job->done) pthread_cond_wait(&progress.news, &progress.lock);
    pthread_mutex_unlock(&progress.lock);
}

void ap_progress_end(void)
{
    pthread_mutex_lock(&progress.lock);
    progress.ending = true;
    pthread_cond_broadcast(&progress.news);
    pthread_mutex_unlock(&progress.lock);
    pthread_join(progress.thread, NULL);
}

void ap_progress_abort(const char *line)
{
    fprintf(stderr, "antiphon: %s\n", line);
    fflush(stderr);
    ap_leftovers_remove();
    signal(SIGALRM, SIG_DFL);
    sigset_t alone;
    sigemptyset(&alone);
    sigaddset(&alone, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &alone, NULL);
    alarm(ABORT_SECONDS);
    progress.module->abort(EXIT_FAILURE);
    _exit(EXIT_FAILURE);
}
