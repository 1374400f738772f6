/* Connections that poll over and over: what web/server/poll_session.py does with a request that is the last one
 * but for its cursor, and with its answer, without Python between one connection and the next.
 *
 * Optional. Built where there is a C compiler; without it each poll takes the way through Python.
 *
 * A connection sits here while its transport reads nothing. Its next request either asks for what
 * comes from now on, and waits, or is told to Python, which knows the rest.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 512
#define READ 16384
#define MOST_CURSORS 16
/* Bytes of a cursor; a longer one is not ours. */
#define CURSOR 512

typedef struct {
    int fd;            /* -1: nobody sits here, and `next` is the next such seat */
    int next;
    int limit;         /* events that fit into an answer */
    char asked;        /* waits for an answer */
    char aside;        /* Python has been told of it; nothing more is read until that is done */
    char passed;       /* and something has come meanwhile, of which epoll tells but once */
    Py_ssize_t era;
    double timeout, expires_at, deadline;
    PyObject *before, *after; /* bytes: the request but for its cursor */
    PyObject *unread;         /* bytes that have come and were not served, or NULL */
} Seat;

typedef struct {
    PyObject_HEAD
    int epoll;
    int size, free;
    Seat *all;
} Seats;

typedef struct {
    const char *bytes;
    Py_ssize_t size;
} Text;

static Seat *seat_at(Seats *self, long number)
{
    if (number >= 0 && number < self->size && self->all[number].fd >= 0)
        return &self->all[number];
    PyErr_Format(PyExc_IndexError, "nobody sits at %ld", number);
    return NULL;
}

static Seat *seat_of(Seats *self, PyObject *number)
{
    long at = PyLong_AsLong(number);
    return at == -1 && PyErr_Occurred() ? NULL : seat_at(self, at);
}

static int add_seats(Seats *self)
{
    int size = self->size ? 2 * self->size : 64;
    Seat *all = PyMem_Realloc(self->all, size * sizeof *all);
    if (all == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int i = self->size; i < size; i++) {
        memset(&all[i], 0, sizeof *all);
        all[i].fd = -1;
        all[i].next = i + 1 < size ? i + 1 : self->free;
    }
    self->all = all;
    self->free = self->size;
    self->size = size;
    return 0;
}

static void leave(Seats *self, int number)
{
    Seat *seat = &self->all[number];
    epoll_ctl(self->epoll, EPOLL_CTL_DEL, seat->fd, NULL);
    Py_CLEAR(seat->before);
    Py_CLEAR(seat->after);
    Py_CLEAR(seat->unread);
    seat->fd = -1;
    seat->next = self->free;
    self->free = number;
}

/* What epoll is to tell of a seat. */
static struct epoll_event told(int number)
{
    return (struct epoll_event){.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.u32 = number};
}

static PyObject *sit(Seats *self, PyObject *args)
{
    Seat new = {.asked = 1};
    if (!PyArg_ParseTuple(args, "iSSiddnd:sit", &new.fd, &new.before, &new.after, &new.limit,
                          &new.timeout, &new.expires_at, &new.era, &new.deadline))
        return NULL;
    if (self->free < 0 && add_seats(self))
        return NULL;
    int number = self->free;
    struct epoll_event event = told(number);
    if (epoll_ctl(self->epoll, EPOLL_CTL_ADD, new.fd, &event))
        return PyErr_SetFromErrno(PyExc_OSError);
    self->free = self->all[number].next;
    Py_INCREF(new.before);
    Py_INCREF(new.after);
    self->all[number] = new;
    return PyLong_FromLong(number);
}

static PyObject *rise(Seats *self, PyObject *number)
{
    Seat *seat = seat_of(self, number);
    if (seat == NULL)
        return NULL;
    PyObject *unread = seat->unread ? Py_NewRef(seat->unread) : PyBytes_FromStringAndSize("", 0);
    PyObject *left = Py_BuildValue("(NdN)", PyBool_FromLong(seat->asked), seat->deadline, unread);
    if (left != NULL)
        leave(self, seat - self->all);
    return left;
}

/* ── requests ────────────────────────────────────────────────────────────────────────────────── */

/* The cursor of a request that is this seat's but for it; no bytes for any other. */
static Text cursor_of(const Seat *seat, const char *data, Py_ssize_t size)
{
    Py_ssize_t before = PyBytes_GET_SIZE(seat->before), after = PyBytes_GET_SIZE(seat->after);
    Text cursor = {data + before, size - before - after};
    if (cursor.size <= 0 || cursor.size > CURSOR ||
        memcmp(data, PyBytes_AS_STRING(seat->before), before) ||
        memcmp(data + size - after, PyBytes_AS_STRING(seat->after), after))
        cursor.size = 0;
    return cursor;
}

static int is_fresh(Text cursor, const Text *fresh, Py_ssize_t count)
{
    for (Py_ssize_t i = count; i--;)
        if (fresh[i].size == cursor.size && !memcmp(fresh[i].bytes, cursor.bytes, cursor.size))
            return 1;
    return 0;
}

typedef struct {
    double now, wall;
    Py_ssize_t era, count;
    Text fresh[MOST_CURSORS];
    PyObject *behind, *others;
    Py_ssize_t served;
} Look;

/* Notes for Python that a seat's request has a cursor that is not of now. */
static int note_behind(Look *look, int number, Text cursor)
{
    PyObject *text = PyUnicode_DecodeLatin1(cursor.bytes, cursor.size, NULL);
    PyObject *entry = text ? Py_BuildValue("(iN)", number, text) : NULL;
    int failed = entry == NULL ? -1 : PyList_Append(look->behind, entry);
    Py_XDECREF(entry);
    return failed;
}

/* Notes for Python that something else has come. */
static int note_other(Look *look, int number)
{
    PyObject *entry = PyLong_FromLong(number);
    int failed = entry == NULL ? -1 : PyList_Append(look->others, entry);
    Py_XDECREF(entry);
    return failed;
}

/* Lets a seat wait for an answer, for as long as it asks for and is known. */
static void let_wait(Seat *seat, double now, double wall)
{
    double known = seat->expires_at - wall;
    seat->asked = 1;
    seat->deadline = now + (seat->timeout < known ? seat->timeout : known);
}

static int serve(Seats *self, Look *look, int number, const char *data, Py_ssize_t size, int ends)
{
    Seat *seat = &self->all[number];
    int holds = !seat->asked && seat->era == look->era && seat->expires_at > look->wall && !ends;
    Text cursor = cursor_of(seat, data, size);
    if (holds && cursor.size && is_fresh(cursor, look->fresh, look->count)) {
        let_wait(seat, look->now, look->wall);
        look->served++;
        return 0;
    }
    seat->aside = 1;
    seat->unread = PyBytes_FromStringAndSize(data, size);
    if (seat->unread == NULL)
        return -1;
    return holds && cursor.size ? note_behind(look, number, cursor) : note_other(look, number);
}

/* Serves what one connection has sent. With less than there was room for it is all that there is;
 * what comes later is another event. */
static int receive(Seats *self, Look *look, int number, int ends)
{
    static char data[READ];
    Seat *seat = &self->all[number];
    if (seat->fd < 0)
        return 0;
    if (seat->aside) {
        seat->passed = 1;
        return 0;
    }
    ssize_t got;
    do
        got = recv(seat->fd, data, sizeof data, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    /* An end, or an error: whoever reads next finds it as well. */
    ends |= got <= 0 || got == (ssize_t)sizeof data;
    return serve(self, look, number, data, got < 0 ? 0 : got, ends);
}

static int look_at_all(Seats *self, Look *look)
{
    static struct epoll_event events[EVENTS];
    int count, failed = 0;
    do {
        count = epoll_wait(self->epoll, events, EVENTS, 0);
        for (int i = 0; i < count && !failed; i++) {
            int ends = (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
            failed = receive(self, look, events[i].data.u32, ends);
        }
    } while (count == EVENTS && !failed);
    return failed;
}

static int take_fresh(Look *look, PyObject *cursors)
{
    Py_ssize_t all = PyList_GET_SIZE(cursors);
    look->count = all < MOST_CURSORS ? all : MOST_CURSORS;
    for (Py_ssize_t i = 0; i < look->count; i++) {
        Text *text = &look->fresh[i];
        /* The newest ones, where there are many. */
        PyObject *cursor = PyList_GET_ITEM(cursors, all - look->count + i);
        text->bytes = PyUnicode_AsUTF8AndSize(cursor, &text->size);
        if (text->bytes == NULL)
            return -1;
    }
    return 0;
}

static PyObject *take(Seats *self, PyObject *args)
{
    Look look = {.served = 0};
    PyObject *cursors;
    if (!PyArg_ParseTuple(args, "ddnO!:take", &look.now, &look.wall, &look.era, &PyList_Type,
                          &cursors) || take_fresh(&look, cursors))
        return NULL;
    look.behind = PyList_New(0);
    look.others = PyList_New(0);
    if (look.behind == NULL || look.others == NULL || look_at_all(self, &look)) {
        Py_XDECREF(look.behind);
        Py_XDECREF(look.others);
        return NULL;
    }
    return Py_BuildValue("(nNN)", look.served, look.behind, look.others);
}

static PyObject *wait_on(Seats *self, PyObject *args)
{
    long number;
    double now, wall;
    Seat *seat;
    if (!PyArg_ParseTuple(args, "ldd:wait_on", &number, &now, &wall) ||
        !(seat = seat_at(self, number)))
        return NULL;
    Py_CLEAR(seat->unread);
    seat->aside = 0;
    let_wait(seat, now, wall);
    if (seat->passed) {
        /* So that it is told once more of what is there. */
        struct epoll_event event = told(number);
        seat->passed = 0;
        if (epoll_ctl(self->epoll, EPOLL_CTL_MOD, seat->fd, &event))
            return PyErr_SetFromErrno(PyExc_OSError);
    }
    Py_RETURN_NONE;
}

/* ── answers ─────────────────────────────────────────────────────────────────────────────────── */

/* How much of `data` the kernel takes now. Whatever is wrong with a connection is its transport's
 * business, which finds out as soon as it is given the rest: so an error is 0 bytes. */
static Py_ssize_t taken(int fd, const char *data, Py_ssize_t size)
{
    ssize_t sent;
    do
        sent = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? 0 : sent;
}

static int note(PyObject *rests, int number, Py_ssize_t sent)
{
    PyObject *rest = Py_BuildValue("(in)", number, sent);
    int failed = rest == NULL ? -1 : PyList_Append(rests, rest);
    Py_XDECREF(rest);
    return failed;
}

/* Whether the seat waits for an answer; whatever wait for no answer finds it by its cursor. */
static int waits(Seats *self, int number)
{
    return number >= 0 && number < self->size && self->all[number].fd >= 0 &&
           self->all[number].asked;
}

/* No Python runs from here to the end, but for other threads: and none of them touches a seat. */
static int answer_each(Seats *self, const Py_buffer *numbers, const Py_buffer *data, int events,
                       double deadline, PyObject *rests)
{
    const int *number = numbers->buf, *end = number + numbers->len / (Py_ssize_t)sizeof(int);
    int failed = 0;
    PyThreadState *others = PyEval_SaveThread();
    for (; number < end && !failed; number++) {
        if (!waits(self, *number))
            continue;
        Seat *seat = &self->all[*number];
        Py_ssize_t sent = -1;
        if (events <= seat->limit) {
            sent = taken(seat->fd, data->buf, data->len);
            seat->asked = 0;
            seat->deadline = deadline;
        }
        if (sent < data->len) {
            PyEval_RestoreThread(others);
            failed = note(rests, *number, sent);
            others = PyEval_SaveThread();
        }
    }
    PyEval_RestoreThread(others);
    return failed;
}

static PyObject *answer(Seats *self, PyObject *args)
{
    Py_buffer numbers, data;
    int events;
    double deadline;
    if (!PyArg_ParseTuple(args, "y*y*id:answer", &numbers, &data, &events, &deadline))
        return NULL;
    PyObject *rests = PyList_New(0);
    if (rests != NULL && answer_each(self, &numbers, &data, events, deadline, rests))
        Py_CLEAR(rests);
    PyBuffer_Release(&data);
    PyBuffer_Release(&numbers);
    return rests;
}

static PyObject *asked(Seats *self, PyObject *number)
{
    Seat *seat = seat_of(self, number);
    return seat == NULL ? NULL : PyBool_FromLong(seat->asked);
}

static PyObject *deadline(Seats *self, PyObject *number)
{
    Seat *seat = seat_of(self, number);
    return seat == NULL ? NULL : PyFloat_FromDouble(seat->deadline);
}

static PyObject *fileno_(Seats *self, PyObject *Py_UNUSED(none))
{
    return PyLong_FromLong(self->epoll);
}

/* ── the type ────────────────────────────────────────────────────────────────────────────────── */

static PyObject *new_seats(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(more))
{
    Seats *self = (Seats *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->free = -1;
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (self->epoll < 0) {
        Py_DECREF(self);
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return (PyObject *)self;
}

static void dealloc(Seats *self)
{
    for (int i = 0; i < self->size; i++)
        if (self->all[i].fd >= 0)
            leave(self, i);
    PyMem_Free(self->all);
    if (self->epoll >= 0)
        close(self->epoll);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef methods[] = {
    {"sit", (PyCFunction)sit, METH_VARARGS,
     "sit(fd, before, after, limit, timeout, expires_at, era, deadline) -> number of the seat"},
    {"rise", (PyCFunction)rise, METH_O, "rise(number) -> (asked, deadline, bytes not served)"},
    {"take", (PyCFunction)take, METH_VARARGS,
     "take(now, wall, era, cursors of now) -> (served, [(number, older cursor)], [other numbers])"},
    {"wait_on", (PyCFunction)wait_on, METH_VARARGS, "wait_on(number, now, wall): its request waits"},
    {"answer", (PyCFunction)answer, METH_VARARGS,
     "answer(numbers, data, events, deadline) -> [(number, bytes taken or -1)], where not all was"},
    {"asked", (PyCFunction)asked, METH_O, "asked(number) -> whether it waits for an answer"},
    {"deadline", (PyCFunction)deadline, METH_O, "deadline(number) -> when its time is over"},
    {"fileno", (PyCFunction)fileno_, METH_NOARGS, "fileno() -> readable when `take` has work"},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject seats_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "web.native._polls.Seats",
    .tp_doc = "Connections that poll over and over.",
    .tp_basicsize = sizeof(Seats),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = new_seats,
    .tp_dealloc = (destructor)dealloc,
    .tp_methods = methods,
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "web.native._polls", "Connections that poll over and over.", 0, NULL,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__polls(void)
{
    if (PyType_Ready(&seats_type) < 0)
        return NULL;
    PyObject *made = PyModule_Create(&module);
    if (made != NULL && PyModule_AddObjectRef(made, "Seats", (PyObject *)&seats_type) < 0)
        Py_CLEAR(made);
    return made;
}
