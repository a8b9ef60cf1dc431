/* A run whose record goes to an MLflow server, which answers anything: mlflow.json, the log, then one answer
 * after another, a byte 0xFF between them. An answer is a line with its code, which may be missing, and a
 * body; `@` in it is the server's address. Nothing goes to anywhere else. */
#include "fuzz.h"

#include "antiphon/track.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ANSWERS_MOST 16
#define REQUEST_MOST ((size_t)1 << 20)

static struct {
    int socket, port;
    char uri[64];
    pthread_mutex_t mutex;
    char *answers[ANSWERS_MOST];
    int count, next;
} server = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* ---------------------------------------------------------------- nowhere else */

/* These take the place of the C library's: credentials and checkpoints are not for whoever the server names.
 */
int connect(int descriptor, const struct sockaddr *address, socklen_t length)
{
    const struct sockaddr_in *to = (const struct sockaddr_in *)address;
    if (address->sa_family == AF_INET || address->sa_family == AF_INET6)
        fuzz_check(address->sa_family == AF_INET && ntohs(to->sin_port) == server.port &&
                       to->sin_addr.s_addr == htonl(INADDR_LOOPBACK),
                   "a connection to another server");
    return (int)syscall(SYS_connect, descriptor, address, length);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    (void)service, (void)hints, (void)result;
    fprintf(stderr, "fuzz: %s\n", node ? node : "");
    fuzz_check(false, "another server is looked for");
    return EAI_FAIL;
}

/* ---------------------------------------------------------------- the server */

/* Reads a request to its end. */
static void receive(int connection)
{
    char *text = calloc(REQUEST_MOST + 1, 1);
    for (size_t length = 0; length < REQUEST_MOST;) {
        ssize_t got = read(connection, text + length, REQUEST_MOST - length);
        if (got <= 0) break;
        length += (size_t)got;
        const char *end = strstr(text, "\r\n\r\n"), *size = strcasestr(text, "content-length:");
        if (end && strcasestr(text, "100-continue") && (size_t)(end + 4 - text) == length)
            dprintf(connection, "HTTP/1.1 100 Continue\r\n\r\n");
        size_t body = size && size < end ? strtoul(size + 15, NULL, 10) : 0;
        if (end && length >= (size_t)(end + 4 - text) + body) break;
    }
    free(text);
}

static void answer(int connection, const char *text)
{
    const char *body = strchr(text, '\n');
    int code = atoi(text);
    if (code < 200 || code > 599) code = 200;
    body = body ? body + 1 : text;
    dprintf(connection, "HTTP/1.1 %d x\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", code,
            strlen(body), body);
}

static void *serve(void *argument)
{
    (void)argument;
    for (int connection; (connection = accept(server.socket, NULL, NULL)) >= 0; close(connection)) {
        receive(connection);
        pthread_mutex_lock(&server.mutex);
        answer(connection, server.next < server.count ? server.answers[server.next++] : "{}");
        pthread_mutex_unlock(&server.mutex);
    }
    return NULL;
}

static void start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    pthread_t thread = 0;
    server.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fuzz_check(bind(server.socket, (struct sockaddr *)&address, size) == 0 &&
                   getsockname(server.socket, (struct sockaddr *)&address, &size) == 0 &&
                   listen(server.socket, 16) == 0 && pthread_create(&thread, NULL, serve, NULL) == 0,
               "no server");
    pthread_detach(thread);
    server.port = ntohs(address.sin_port);
    snprintf(server.uri, sizeof server.uri, "http://127.0.0.1:%d", server.port);
    unsetenv("http_proxy");
}

/* ---------------------------------------------------------------- a run */

static void put_replaced(const char *name, const uint8_t *text, size_t length)
{
    char *whole = fuzz_replaced(text, length, server.uri);
    fuzz_put(name, (const uint8_t *)whole, strlen(whole));
    free(whole);
}

static void run(void)
{
    static const char *const names[] = {"train_loss", "gradient_norm"};
    char path[256];
    ap_config config = ap_config_default();
    ap_track *track;
    snprintf(config.track.uri, sizeof config.track.uri, "%s", server.uri);
    if (!fuzz_good(ap_track_create(fuzz_folder(), &config, 2, &track))) return;
    ap_track_metrics(track, 3, 1, 2, names, (const double[]){0.5, 1});
    snprintf(path, sizeof path, "%s/artifact", fuzz_folder());
    ap_track_artifact(track, path);
    fuzz_good(ap_track_finish(track, AP_OUTCOME_FINISHED));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!server.port) start();
    size_t length;
    const uint8_t *part = fuzz_part(&data, &size, &length);
    put_replaced("mlflow.json", part, length);
    part = fuzz_part(&data, &size, &length);
    fuzz_put("log.jsonl", part, length);
    fuzz_put("artifact", (const uint8_t *)"RIFF", 4);
    pthread_mutex_lock(&server.mutex);
    server.next = 0;
    for (server.count = 0; size && server.count < ANSWERS_MOST; server.count++) {
        part = fuzz_part(&data, &size, &length);
        server.answers[server.count] = fuzz_replaced(part, length, server.uri);
    }
    pthread_mutex_unlock(&server.mutex);
    run();
    pthread_mutex_lock(&server.mutex);
    while (server.count > 0) free(server.answers[--server.count]);
    pthread_mutex_unlock(&server.mutex);
    return 0;
}
