/* An MLflow server on a port of this machine that answers, refuses or is silent, as it is told, and keeps
 * what it was asked. */
#ifndef ANTIPHON_TESTS_FAKE_SERVER_H
#define ANTIPHON_TESTS_FAKE_SERVER_H

#include <pthread.h>
#include <stdbool.h>

enum { REQUESTS_MOST = 200 };

/* What it does with a request. */
typedef enum manner { ANSWERS, REFUSES, IS_SILENT } manner;

typedef struct fake_server {
    int socket, port;
    pthread_t thread;
    pthread_mutex_t mutex;
    manner manner;
    int held[REQUESTS_MOST], held_count; /* connections that wait for an answer in vain */
    char *requests[REQUESTS_MOST];       /* header and body */
    int count;
    const char *run_id;       /* of the runs that it makes; "abc" at first */
    const char *deleted;      /* id of a run that it calls deleted; NULL: of none */
    const char *artifact_uri; /* NULL: under mlflow-artifacts:/ */
    const char *data;     /* JSON: what it answers to runs/get as the run's data; NULL: "{}" to all of it */
    const char *sends_to; /* it redirects every request there; NULL: none */
    bool is_old;          /* as MLflow 1.27, it refuses values without characters */
} fake_server;

void fake_server_start(fake_server *server, manner how);

/* From now on; connections held in silence are closed. */
void fake_server_behaves(fake_server *server, manner how);

/* From now on the run of that id is deleted, and the next one that is made has the other. */
void fake_server_deletes(fake_server *server, const char *deleted, const char *next);

/* How many requests it has answered. */
int fake_server_requests(fake_server *server);

/* Returns when it has answered a request. */
void fake_server_is_asked(fake_server *server);

/* It may still be looked at; then free what it kept. */
void fake_server_stop(fake_server *server);
void fake_server_free(fake_server *server);

/* Its address, with credentials ("name:password@" or ""), until the next call. */
const char *fake_server_uri(const fake_server *server, const char *credentials);

/* The first request that begins so; the test fails where there is none. */
const char *fake_server_request(const fake_server *server, const char *line);

#endif
