/* A stand-in for vLLM that costs nothing: what is left in a measurement is the client.
 *
 *   stub PORT [--slots K] [--service-ms S] [--chunks N] [--then SECONDS:K] [--queue Q]
 *
 * K requests are answered at once, S ms each, the others wait in line; beyond Q waiting ones it
 * says 429. After SECONDS the number of slots becomes the other K. A chat is answered with its last
 * message's content, so that a test can tell whose answer it is; with "stream":true in N chunks.
 * /metrics tells running, waiting and finished requests in vLLM's names. One thread, epoll.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_CONNECTIONS = 4096, IN_BYTES = 1 << 18, ECHO_BYTES = 200, OUT_BYTES = 1 << 16 };

struct connection {
    int fd, open, busy;
    unsigned life;
    size_t have;
    char *in;
    char echo[ECHO_BYTES + 1];
    int stream;
};
struct turn {
    int who;
    unsigned life;
    double until_s;
};
struct line {
    struct turn turns[MOST_CONNECTIONS * 4];
    size_t first, count;
};

static struct connection all[MOST_CONNECTIONS];
static struct line waiting, running;
static int slots = 1 << 30, later_slots, chunks = 64, queue_limit = 1 << 30;
static double service_s, later_at_s = -1, began_s;
static long finished, refused;
static int poller;

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void push(struct line *line, struct turn turn) {
    size_t room = sizeof line->turns / sizeof *line->turns;
    if (line->count < room) line->turns[(line->first + line->count++) % room] = turn;
}

static struct turn pop(struct line *line) {
    size_t room = sizeof line->turns / sizeof *line->turns;
    struct turn turn = line->turns[line->first];
    line->first = (line->first + 1) % room;
    line->count--;
    return turn;
}

static void close_connection(struct connection *c) {
    close(c->fd);
    c->open = c->busy = 0;
    c->life++;
    c->have = 0;
}

static void put(struct connection *c, const char *bytes, size_t size) {
    while (size) {
        ssize_t sent = send(c->fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            usleep(200);
            continue;
        }
        if (sent < 0) return;
        bytes += sent;
        size -= (size_t)sent;
    }
}

static void answer(struct connection *c, int status, const char *body) {
    static char out[OUT_BYTES];
    int size = snprintf(out, sizeof out,
                        "HTTP/1.1 %d %s\r\ndate: Tue, 24 Nov 2026 00:00:00 GMT\r\nserver: uvicorn\r\n"
                        "content-length: %zu\r\ncontent-type: application/json\r\n\r\n%s",
                        status, status == 200 ? "OK" : "Refused", strlen(body), body);
    put(c, out, (size_t)size);
}

/* Every stream is the same, so it is written down once: an instant stub must not be what is measured. */
static void answer_stream(struct connection *c) {
    static char *whole;
    static size_t used;
    if (!whole) {
        whole = malloc(512 * ((size_t)chunks + 2));
        used = (size_t)sprintf(whole, "HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-type: text/event-stream; "
                                      "charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n");
        for (int i = 0; i < chunks; i++) {
            char piece[480];
            int size = snprintf(piece, sizeof piece,
                                "data: {\"id\":\"chatcmpl-0123456789abcdef\",\"object\":\"chat.completion.chunk\","
                                "\"created\":1700000000,\"model\":\"stub\",\"choices\":[{\"index\":0,\"delta\":"
                                "{\"content\":\" w%d\"},\"logprobs\":null,\"finish_reason\":%s}]}\n\n",
                                i, i == chunks - 1 ? "\"length\"" : "null");
            used += (size_t)sprintf(whole + used, "%x\r\n%s\r\n", size, piece);
        }
        used += (size_t)sprintf(whole + used, "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
    }
    put(c, whole, used);
}

static void finish(struct connection *c) {
    static char body[OUT_BYTES];
    finished++;
    c->busy = 0;
    if (c->stream) {
        answer_stream(c);
        return;
    }
    snprintf(body, sizeof body,
             "{\"id\":\"chatcmpl-0123456789abcdef\",\"object\":\"chat.completion\",\"created\":1700000000,"
             "\"model\":\"stub\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"
             "\"%s\",\"tool_calls\":[]},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{"
             "\"prompt_tokens\":12,\"total_tokens\":28,\"completion_tokens\":16}}",
             c->echo);
    answer(c, 200, body);
}

static void tell_metrics(struct connection *c) {
    static char body[2048];
    snprintf(body, sizeof body,
             "vllm:num_requests_running{engine=\"0\",model_name=\"stub\"} %zu\n"
             "vllm:num_requests_waiting{engine=\"0\",model_name=\"stub\"} %zu\n"
             "vllm:kv_cache_usage_perc{engine=\"0\",model_name=\"stub\"} 0.5\n"
             "vllm:num_preemptions_total{engine=\"0\",model_name=\"stub\"} 0\n"
             "vllm:generation_tokens_total{engine=\"0\",model_name=\"stub\"} %ld\n"
             "vllm:request_success_total{engine=\"0\",finished_reason=\"stop\",model_name=\"stub\"} %ld\n",
             running.count, waiting.count, finished * 16, finished);
    answer(c, 200, body);
}

static void pump(void) {
    double at_s = now_s();
    if (later_at_s >= 0 && at_s - began_s > later_at_s) slots = later_slots, later_at_s = -1;
    while (running.count && running.turns[running.first].until_s <= at_s) {
        struct turn turn = pop(&running);
        if (all[turn.who].open && all[turn.who].life == turn.life) finish(&all[turn.who]);
    }
    while (waiting.count && running.count < (size_t)slots) {
        struct turn turn = pop(&waiting);
        if (!all[turn.who].open || all[turn.who].life != turn.life) continue;
        turn.until_s = at_s + service_s;
        if (service_s > 0) push(&running, turn);
        else finish(&all[turn.who]);
    }
}

static void take(int who, const char *body, size_t size) {
    struct connection *c = &all[who];
    static const char mark[] = "\"content\":";
    c->echo[0] = 0;
    const char *from = body, *found = NULL;
    while ((from = memmem(from, size - (size_t)(from - body), mark, sizeof mark - 1)))
        found = from += sizeof mark - 1;
    while (found && found < body + size && (*found == ' ' || *found == '"')) found++;
    for (size_t i = 0; found && found + i < body + size && found[i] != '"' && i < ECHO_BYTES; i++)
        c->echo[i] = found[i], c->echo[i + 1] = 0;
    c->stream = memmem(body, size, "\"stream\":true", 13) || memmem(body, size, "\"stream\": true", 14);
    if (waiting.count >= (size_t)queue_limit) {
        refused++;
        answer(c, 429, "{\"error\":{\"message\":\"too many requests\",\"code\":429}}");
        return;
    }
    c->busy = 1;
    push(&waiting, (struct turn){.who = who, .life = c->life});
    if (service_s == 0) pump();
}

static int serve_one(int who) {
    struct connection *c = &all[who];
    char *head_end = memmem(c->in, c->have, "\r\n\r\n", 4);
    if (!head_end) return 0;
    size_t head = (size_t)(head_end - c->in) + 4, body = 0;
    for (char *at = c->in; at < head_end; at++)
        if (!strncasecmp(at, "\r\ncontent-length:", 17)) body = strtoul(at + 17, NULL, 10);
    if (c->have < head + body) return 0;
    if (!strncmp(c->in, "POST /tokenize", 14)) answer(c, 200, "{\"count\":3,\"max_model_len\":2048,\"tokens\":[1,2,3]}");
    else if (!strncmp(c->in, "POST", 4)) take(who, c->in + head, body);
    else if (!strncmp(c->in, "GET /metrics", 12)) tell_metrics(c);
    else if (!strncmp(c->in, "GET /v1/models", 14))
        answer(c, 200, "{\"object\":\"list\",\"data\":[{\"id\":\"stub\",\"root\":\"stub\",\"max_model_len\":2048}]}");
    else answer(c, 200, "{\"version\":\"0.32.0\"}");
    memmove(c->in, c->in + head + body, c->have - head - body);
    c->have -= head + body;
    return 1;
}

static void greet(int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), who = 0, one = 1;
    if (fd < 0) return;
    while (who < MOST_CONNECTIONS && all[who].open) who++;
    if (who == MOST_CONNECTIONS) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct connection *c = &all[who];
    if (!c->in) c->in = malloc(IN_BYTES);
    c->fd = fd, c->open = 1, c->busy = 0, c->have = 0;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (unsigned)who};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

static void read_from(int who) {
    struct connection *c = &all[who];
    ssize_t got = recv(c->fd, c->in + c->have, IN_BYTES - c->have, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) close_connection(c);
        return;
    }
    c->have += (size_t)got;
    while (c->open && !c->busy && serve_one(who)) {}
}

int main(int count, char **words) {
    int port = count > 1 ? atoi(words[1]) : 0, one = 1;
    for (int i = 2; i + 1 < count; i += 2) {
        if (!strcmp(words[i], "--slots")) slots = atoi(words[i + 1]);
        else if (!strcmp(words[i], "--service-ms")) service_s = atof(words[i + 1]) / 1e3;
        else if (!strcmp(words[i], "--chunks")) chunks = atoi(words[i + 1]);
        else if (!strcmp(words[i], "--queue")) queue_limit = atoi(words[i + 1]);
        else if (!strcmp(words[i], "--then")) sscanf(words[i + 1], "%lf:%d", &later_at_s, &later_slots);
    }
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    if (bind(listener, (struct sockaddr *)&where, sizeof where) || listen(listener, 4096)) return perror("stub"), 1;
    getsockname(listener, (struct sockaddr *)&where, &size);
    printf("%d\n", ntohs(where.sin_port));
    fflush(stdout);
    poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = MOST_CONNECTIONS}, ready[256];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    began_s = now_s();
    for (;;) {
        int patience_ms = running.count || waiting.count ? 1 : 100;
        int found = epoll_wait(poller, ready, 256, patience_ms);
        for (int i = 0; i < found; i++) {
            if (ready[i].data.u32 == MOST_CONNECTIONS) greet(listener);
            else if (all[ready[i].data.u32].open) read_from((int)ready[i].data.u32);
        }
        pump();
    }
}
