/* A load of readers on one core: opens connections, counts what comes, and tells its driver.
 *
 *   load MODE HOST PORT REQUESTS STEP AHEAD
 *
 * MODE      stream: keep each connection open and count messages;
 *           poll: ask again after each answer; stall: ask and never read.
 * REQUESTS  file with, for each connection, two requests: the first and all later ones. Each is a
 *           32-bit length and bytes. In later ones \1 is replaced by the cursor of the last
 *           answer (JSON "cursor", or Last-Modified), \2 by its Etag.
 * STEP      write '.' to stdout whenever so many messages more have come.
 * AHEAD     connections that may wait for their first bytes at a time.
 *
 * Writes 'R' when all connections have been answered. A message has "#bench " and 19 digits in it,
 * the monotonic time of its sending in ns. On stdin, 'z' forgets the delays so far; 'p' prints a
 * line of JSON and goes on; the end of stdin ends it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MARK "#bench "
#define MARKED (sizeof(MARK) - 1 + 19)
#define MOST_DELAYS (1 << 22)
#define ANSWER 65536

struct connection {
    int fd, ready, kept, have;
    char *first, *later;
    uint32_t first_size, later_size;
    char tail[MARKED];  /* the end of what came, in which a message may have begun */
    char *answer;       /* of a poll, as far as it is there */
};

static struct connection *all;
static int count, ready, opened;
static uint64_t messages, bytes, next_step;
static int64_t *delays;
static uint32_t delay_count;
static char buffer[1 << 18];
static struct sockaddr_in address;
static int epoll;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void say(char c) {
    if (write(1, &c, 1) != 1) exit(1);
}

static void read_requests(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) die(path);
    size_t room = 1024;
    all = calloc(room, sizeof *all);
    uint32_t size;
    while (fread(&size, 4, 1, file) == 1) {
        if ((size_t)count == room) {
            all = realloc(all, 2 * room * sizeof *all);
            memset(all + room, 0, room * sizeof *all);
            room *= 2;
        }
        struct connection *c = &all[count++];
        c->first_size = size;
        c->first = malloc(size + 1);
        if (fread(c->first, 1, size, file) != size || fread(&size, 4, 1, file) != 1) die("requests");
        c->later_size = size;
        c->later = malloc(size + 1);
        if (size && fread(c->later, 1, size, file) != size) die("requests");
    }
    fclose(file);
}

static void open_one(struct connection *c) {
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (void *)&address, sizeof address)) die("connect");
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (write(c->fd, c->first, c->first_size) != (ssize_t)c->first_size) die("write");
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
}

static void note_ready(struct connection *c) {
    if (c->ready) return;
    c->ready = 1;
    if (++ready == count) say('R');
}

static void note_message(const char *digits, int64_t at) {
    messages++;
    if (delay_count < MOST_DELAYS) delays[delay_count++] = at - strtoll(digits, NULL, 10);
}

/* Every message in data, which starts with what was kept of the last read. */
static void count_messages(const char *data, size_t size, int64_t at) {
    const char *end = data + size, *p = data;
    while ((p = memmem(p, end - p, MARK, sizeof(MARK) - 1)) && p + MARKED <= end) {
        note_message(p + sizeof(MARK) - 1, at);
        p += MARKED;
    }
}

static void steps(uint64_t step) {
    while (step && messages >= next_step) {
        say('.');
        next_step += step;
    }
}

static void take_stream(struct connection *c, uint64_t step) {
    memcpy(buffer, c->tail, c->kept);
    ssize_t got = read(c->fd, buffer + c->kept, sizeof buffer - c->kept);
    if (got <= 0) {
        if (got < 0 && errno == EAGAIN) return;
        fprintf(stderr, "a connection ended\n");
        exit(2);
    }
    bytes += got;
    size_t size = c->kept + got;
    if (!c->ready && memmem(buffer, size, "\n\n", 2)) note_ready(c);
    int64_t at = now_ns();
    count_messages(buffer, size, at);
    /* Keep what may be the beginning of a message, and nothing that was counted. */
    c->kept = 0;
    size_t look = size < MARKED - 1 ? size : MARKED - 1;
    for (size_t i = size - look; i < size; i++) {
        size_t left = size - i, mark = sizeof(MARK) - 1;
        if (!memcmp(buffer + i, MARK, left < mark ? left : mark)) {
            c->kept = left;
            memcpy(c->tail, buffer + i, left);
            break;
        }
    }
    steps(step);
}

static char *header(char *head, const char *name, size_t *size) {
    char *p = strcasestr(head, name);
    if (!p) return NULL;
    p += strlen(name);
    while (*p == ' ') p++;
    *size = strcspn(p, "\r\n");
    return p;
}

static void ask_again(struct connection *c, char *head, char *body) {
    char request[4096];
    size_t n = 0, one_size = 0, two_size = 0;
    char *one = strstr(body, "\"cursor\":\""), *two;
    if (one) {
        one += 10;
        one_size = strcspn(one, "\"");
    } else
        one = header(head, "\r\nLast-Modified:", &one_size);
    two = header(head, "\r\nEtag:", &two_size);
    for (uint32_t i = 0; i < c->later_size; i++) {
        char b = c->later[i];
        if (b == 1 && one) memcpy(request + n, one, one_size), n += one_size;
        else if (b == 2 && two) memcpy(request + n, two, two_size), n += two_size;
        else request[n++] = b;
    }
    if (write(c->fd, request, n) != (ssize_t)n) die("write");
}

static void take_poll(struct connection *c, uint64_t step) {
    if (!c->answer) c->answer = malloc(ANSWER);
    ssize_t got = read(c->fd, c->answer + c->have, ANSWER - 1 - c->have);
    if (got <= 0) {
        if (got < 0 && errno == EAGAIN) return;
        fprintf(stderr, "a connection ended: %.300s\n", c->have ? c->answer : "");
        exit(2);
    }
    bytes += got;
    c->have += got;
    c->answer[c->have] = 0;
    char *body = strstr(c->answer, "\r\n\r\n");
    if (!body) return;
    body += 4;
    size_t size;
    char *length = header(c->answer, "\r\nContent-Length:", &size);
    size_t expected = length && length < body ? strtoul(length, NULL, 10) : 0;
    if ((size_t)(c->answer + c->have - body) < expected) return;
    if (strncmp(c->answer + 9, "200", 3) && strncmp(c->answer + 9, "304", 3)) {
        fprintf(stderr, "answered: %.300s\n", c->answer);
        exit(2);
    }
    count_messages(body, expected, now_ns());
    c->have = 0;
    ask_again(c, c->answer, body);
    note_ready(c);
    steps(step);
}

static int by_value(const void *a, const void *b) {
    int64_t x = *(int64_t *)a, y = *(int64_t *)b;
    return x < y ? -1 : x > y;
}

static void print_delays(int64_t began, int64_t all_ready) {
    qsort(delays, delay_count, sizeof *delays, by_value);
    uint32_t n = delay_count, last = n ? n - 1 : 0;
    dprintf(1,
            "{\"messages\":%llu,\"bytes\":%llu,\"open_seconds\":%.4f,\"p50_ms\":%.3f,"
            "\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
            (unsigned long long)messages, (unsigned long long)bytes, (all_ready - began) / 1e9,
            n ? delays[(uint32_t)(n * 0.5)] / 1e6 : 0.0, n ? delays[(uint32_t)(n * 0.99)] / 1e6 : 0.0,
            n ? delays[last] / 1e6 : 0.0);
}

int main(int argc, char **argv) {
    if (argc != 7) {
        fprintf(stderr, "load MODE HOST PORT REQUESTS STEP AHEAD\n");
        return 1;
    }
    int polls = !strcmp(argv[1], "poll"), stalls = !strcmp(argv[1], "stall");
    address.sin_family = AF_INET;
    address.sin_port = htons(atoi(argv[3]));
    inet_pton(AF_INET, argv[2], &address.sin_addr);
    uint64_t step = strtoull(argv[5], NULL, 10);
    int ahead = atoi(argv[6]);
    next_step = step;
    delays = malloc(MOST_DELAYS * sizeof *delays);
    read_requests(argv[4]);
    epoll = epoll_create1(0);
    struct epoll_event in = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &in);
    int64_t began = now_ns(), all_ready = 0;
    static struct epoll_event events[1024];
    for (;;) {
        while (opened < count && opened - ready < ahead) {
            struct connection *c = &all[opened++];
            open_one(c);
            if (stalls) epoll_ctl(epoll, EPOLL_CTL_DEL, c->fd, NULL), note_ready(c);
        }
        int n = epoll_wait(epoll, events, 1024, -1);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            char command;
            if (c) {
                if (polls) take_poll(c, step);
                else take_stream(c, step);
            } else if (read(0, &command, 1) <= 0) {
                return 0;
            } else if (command == 'z') {
                delay_count = 0;
            } else if (command == 'p') {
                print_delays(began, all_ready);
            } else if (command == 'a') {
                /* The readers of a long-poll server that says nothing at first count as ready. */
                for (int j = 0; j < opened; j++) note_ready(&all[j]);
            }
        }
        if (ready == count && !all_ready) all_ready = now_ns();
    }
}
