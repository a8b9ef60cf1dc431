#include "support/fake_server.h"

#include "support/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Reads a request: its header, and as much body as the header says. */
static char *receive(int connection)
{
    size_t length = 0, capacity = 1 << 20;
    char *text = calloc(capacity + 1, 1);
    for (;;) {
        ssize_t got = read(connection, text + length, capacity - length);
        if (got <= 0) break;
        length += (size_t)got;
        const char *end = strstr(text, "\r\n\r\n"), *size = strcasestr(text, "content-length:");
        if (end &&
            length >= (size_t)(end + 4 - text) + (size && size < end ? strtoul(size + 15, NULL, 10) : 0))
            break;
    }
    return text;
}

static void send_answer(int connection, const char *code, const char *more, const char *body)
{
    dprintf(connection, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n%s", code, more,
            strlen(body), body);
}

/* Whether the request is about a run that is deleted and asks for what MLflow then refuses. */
static bool is_about_deleted(const fake_server *server, const char *request)
{
    return server->deleted && strstr(request, server->deleted) && !strstr(request, "runs/get") &&
           strncmp(request, "POST", 4) == 0;
}

static void answer(const fake_server *server, int connection, const char *request)
{
    char body[2000] = "{}", info[1000];
    snprintf(info, sizeof info, "{\"run_id\": \"%s\", \"artifact_uri\": \"%s\"}", server->run_id,
             server->artifact_uri ? server->artifact_uri : "mlflow-artifacts:/7/abc/artifacts");
    const char *code = "200 OK";
    if (server->manner == REFUSES) {
        code = "503 Service Unavailable";
        strcpy(body, "<html>busy</html>");
    } else if (strstr(request, "experiments/get-by-name?experiment_name=antiphon ")) {
        code = "404 Not Found";
        strcpy(body, "{\"error_code\": \"RESOURCE_DOES_NOT_EXIST\", \"message\": \"no\"}");
    } else if (is_about_deleted(server, request)) {
        code = "400 Bad Request";
        snprintf(
            body, sizeof body,
            "{\"error_code\": \"INVALID_PARAMETER_VALUE\", \"message\": \"The run %s must be in the 'active' "
            "state. Current state is deleted.\"}",
            server->deleted);
    } else if (server->is_old && strstr(request, "\"value\":\"\"")) {
        code = "400 Bad Request";
        strcpy(body,
               "{\"error_code\": \"INVALID_PARAMETER_VALUE\", \"message\": \"Missing value for required "
               "parameter 'params[1].value'.\"}");
    } else if (strstr(request, "experiments/create "))
        strcpy(body, "{\"experiment_id\": \"7\"}");
    else if (strstr(request, "runs/create "))
        snprintf(body, sizeof body, "{\"run\": {\"info\": %s}}", info);
    else if (strstr(request, "runs/update "))
        snprintf(body, sizeof body, "{\"run_info\": %s}", info);
    else if (strstr(request, "runs/get?") && server->data)
        snprintf(body, sizeof body, "{\"run\": {\"info\": %s, \"data\": %s}}", info, server->data);
    char location[300] = "";
    if (server->sends_to) {
        code = "307 Temporary Redirect";
        snprintf(location, sizeof location, "Location: %s\r\n", server->sends_to);
    }
    send_answer(connection, code, location, body);
}

static void *serve(void *argument)
{
    fake_server *server = argument;
    for (int connection; (connection = accept(server->socket, NULL, NULL)) >= 0;) {
        char *request = receive(connection);
        pthread_mutex_lock(&server->mutex);
        manner how = server->manner;
        if (how == ANSWERS && server->count < REQUESTS_MOST)
            server->requests[server->count++] = request;
        else
            free(request), request = NULL;
        if (how == IS_SILENT && server->held_count < REQUESTS_MOST)
            server->held[server->held_count++] = connection;
        if (how != IS_SILENT) answer(server, connection, request ? request : "");
        pthread_mutex_unlock(&server->mutex);
        if (how != IS_SILENT) close(connection);
    }
    return NULL;
}

void fake_server_start(fake_server *server, manner how)
{
    *server = (fake_server){.manner = how, .socket = socket(AF_INET, SOCK_STREAM, 0), .run_id = "abc"};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert_int_equal(bind(server->socket, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(server->socket, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(listen(server->socket, 16), 0);
    server->port = ntohs(address.sin_port);
    pthread_mutex_init(&server->mutex, NULL);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

void fake_server_behaves(fake_server *server, manner how)
{
    pthread_mutex_lock(&server->mutex);
    server->manner = how;
    while (server->held_count > 0) close(server->held[--server->held_count]);
    pthread_mutex_unlock(&server->mutex);
}

void fake_server_deletes(fake_server *server, const char *deleted, const char *next)
{
    pthread_mutex_lock(&server->mutex);
    server->deleted = deleted;
    server->run_id = next;
    pthread_mutex_unlock(&server->mutex);
}

int fake_server_requests(fake_server *server)
{
    pthread_mutex_lock(&server->mutex);
    int count = server->count;
    pthread_mutex_unlock(&server->mutex);
    return count;
}

void fake_server_is_asked(fake_server *server)
{
    while (fake_server_requests(server) == 0) usleep(10000);
}

void fake_server_stop(fake_server *server)
{
    fake_server_behaves(server, ANSWERS);
    shutdown(server->socket, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->socket);
}

void fake_server_free(fake_server *server)
{
    for (int i = 0; i < server->count; i++) free(server->requests[i]);
}

const char *fake_server_uri(const fake_server *server, const char *credentials)
{
    static char uri[100];
    snprintf(uri, sizeof uri, "http://%s127.0.0.1:%d/", credentials, server->port);
    return uri;
}

const char *fake_server_request(const fake_server *server, const char *line)
{
    for (int i = 0; i < server->count; i++)
        if (strncmp(server->requests[i], line, strlen(line)) == 0) return server->requests[i];
    fail_msg("no request %s", line);
    return "";
}
