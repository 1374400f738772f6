/* Connections that poll again and again, served without Python from one poll to the next.
 *
 * A poll is repeated when the client's next request equals its last one but for the cursor; see
 * web/server/poll_session.py. A connection has a slot here while its transport reads nothing. A
 * repeated poll with the newest cursor waits here for its answer. Python is told of any other
 * request, and serves it.
 *
 * Optional: built where there is a C compiler. Without it, Python serves every poll.
 */
#include "_send.h"
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS 512
#define READ 16384
#define MAX_CURSORS 16
/* The most bytes of a cursor. */
#define MAX_CURSOR 512

typedef struct {
    int fd;            /* -1: the slot is free, and `next` is the next free one */
    int next;
    int limit;         /* events that fit into an answer */
    char waiting;      /* a poll waits for its answer */
    char reported;     /* Python serves a request; nothing is read until it is done */
    char missed;       /* epoll, which reports once, did so meanwhile */
    Py_ssize_t generation;
    double timeout, expires_at, deadline;
    PyObject *before, *after; /* bytes: the request around its cursor */
    PyObject *unread;         /* bytes: the request that Python serves, or NULL */
} Slot;

typedef struct {
    PyObject_HEAD
    int epoll;
    int size, free;
    Slot *all;
} Polls;

typedef struct {
    const char *bytes;
    Py_ssize_t size;
} Text;

static Slot *slot_at(Polls *self, long number)
{
    if (number >= 0 && number < self->size && self->all[number].fd >= 0)
        return &self->all[number];
    PyErr_Format(PyExc_IndexError, "no connection has slot %ld", number);
    return NULL;
}

static Slot *slot_of(Polls *self, PyObject *number)
{
    long at = PyLong_AsLong(number);
    return at == -1 && PyErr_Occurred() ? NULL : slot_at(self, at);
}

static int add_slots(Polls *self)
{
    int size = self->size ? 2 * self->size : 64;
    Slot *all = PyMem_Realloc(self->all, size * sizeof *all);
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

static void free_slot(Polls *self, int number)
{
    Slot *slot = &self->all[number];
    epoll_ctl(self->epoll, EPOLL_CTL_DEL, slot->fd, NULL);
    Py_CLEAR(slot->before);
    Py_CLEAR(slot->after);
    Py_CLEAR(slot->unread);
    slot->fd = -1;
    slot->next = self->free;
    self->free = number;
}

/* The events of a slot that epoll reports. */
static struct epoll_event watched(int number)
{
    return (struct epoll_event){.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.u32 = number};
}

static PyObject *enter(Polls *self, PyObject *args)
{
    Slot new = {.waiting = 1};
    if (!PyArg_ParseTuple(args, "iSSiddnd:enter", &new.fd, &new.before, &new.after, &new.limit,
                          &new.timeout, &new.expires_at, &new.generation, &new.deadline))
        return NULL;
    if (self->free < 0 && add_slots(self))
        return NULL;
    int number = self->free;
    struct epoll_event event = watched(number);
    if (epoll_ctl(self->epoll, EPOLL_CTL_ADD, new.fd, &event))
        return PyErr_SetFromErrno(PyExc_OSError);
    self->free = self->all[number].next;
    Py_INCREF(new.before);
    Py_INCREF(new.after);
    self->all[number] = new;
    return PyLong_FromLong(number);
}

static PyObject *leave(Polls *self, PyObject *number)
{
    Slot *slot = slot_of(self, number);
    if (slot == NULL)
        return NULL;
    PyObject *unread = slot->unread ? Py_NewRef(slot->unread) : PyBytes_FromStringAndSize("", 0);
    PyObject *left = Py_BuildValue("(NdN)", PyBool_FromLong(slot->waiting), slot->deadline, unread);
    if (left != NULL)
        free_slot(self, slot - self->all);
    return left;
}

/* ── requests ────────────────────────────────────────────────────────────────────────────────── */

/* The cursor of a request that repeats the slot's poll; no bytes for any other request. */
static Text cursor_of(const Slot *slot, const char *data, Py_ssize_t size)
{
    Py_ssize_t before = PyBytes_GET_SIZE(slot->before), after = PyBytes_GET_SIZE(slot->after);
    Text cursor = {data + before, size - before - after};
    if (cursor.size <= 0 || cursor.size > MAX_CURSOR ||
        memcmp(data, PyBytes_AS_STRING(slot->before), before) ||
        memcmp(data + size - after, PyBytes_AS_STRING(slot->after), after))
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
    Py_ssize_t generation, count;
    Text fresh[MAX_CURSORS];
    PyObject *behind, *others;
    Py_ssize_t served;
} Look;

/* Reports a repeated poll whose cursor is not the newest. */
static int note_behind(Look *look, int number, Text cursor)
{
    PyObject *text = PyUnicode_DecodeLatin1(cursor.bytes, cursor.size, NULL);
    PyObject *entry = text ? Py_BuildValue("(iN)", number, text) : NULL;
    int failed = entry == NULL ? -1 : PyList_Append(look->behind, entry);
    Py_XDECREF(entry);
    return failed;
}

/* Reports any other request. */
static int note_other(Look *look, int number)
{
    PyObject *entry = PyLong_FromLong(number);
    int failed = entry == NULL ? -1 : PyList_Append(look->others, entry);
    Py_XDECREF(entry);
    return failed;
}

/* Lets the slot's poll wait: for its timeout, but not beyond the end of the token. */
static void let_wait(Slot *slot, double now, double wall)
{
    double left = slot->expires_at - wall;
    slot->waiting = 1;
    slot->deadline = now + (slot->timeout < left ? slot->timeout : left);
}

static int serve(Polls *self, Look *look, int number, const char *data, Py_ssize_t size, int ends)
{
    Slot *slot = &self->all[number];
    int holds = !slot->waiting && slot->generation == look->generation && slot->expires_at > look->wall && !ends;
    Text cursor = cursor_of(slot, data, size);
    if (holds && cursor.size && is_fresh(cursor, look->fresh, look->count)) {
        let_wait(slot, look->now, look->wall);
        look->served++;
        return 0;
    }
    slot->reported = 1;
    slot->unread = PyBytes_FromStringAndSize(data, size);
    if (slot->unread == NULL)
        return -1;
    return holds && cursor.size ? note_behind(look, number, cursor) : note_other(look, number);
}

/* Receives from one connection. Fewer bytes than there was room for are all that have come; epoll
 * reports later ones. */
static int receive_from(Polls *self, Look *look, int number, int ends)
{
    static char data[READ];
    Slot *slot = &self->all[number];
    if (slot->fd < 0)
        return 0;
    if (slot->reported) {
        slot->missed = 1;
        return 0;
    }
    ssize_t got;
    do
        got = recv(slot->fd, data, sizeof data, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    /* An end, or an error: the transport finds it as well. */
    ends |= got <= 0 || got == (ssize_t)sizeof data;
    return serve(self, look, number, data, got < 0 ? 0 : got, ends);
}

static int look_at_all(Polls *self, Look *look)
{
    static struct epoll_event events[EVENTS];
    int count, failed = 0;
    do {
        count = epoll_wait(self->epoll, events, EVENTS, 0);
        for (int i = 0; i < count && !failed; i++) {
            int ends = (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
            failed = receive_from(self, look, events[i].data.u32, ends);
        }
    } while (count == EVENTS && !failed);
    return failed;
}

static int take_fresh(Look *look, PyObject *cursors)
{
    Py_ssize_t all = PyList_GET_SIZE(cursors);
    look->count = all < MAX_CURSORS ? all : MAX_CURSORS;
    for (Py_ssize_t i = 0; i < look->count; i++) {
        Text *text = &look->fresh[i];
        /* Where there are many, the newest of them. */
        PyObject *cursor = PyList_GET_ITEM(cursors, all - look->count + i);
        text->bytes = PyUnicode_AsUTF8AndSize(cursor, &text->size);
        if (text->bytes == NULL)
            return -1;
    }
    return 0;
}

static PyObject *receive(Polls *self, PyObject *args)
{
    Look look = {.served = 0};
    PyObject *cursors;
    if (!PyArg_ParseTuple(args, "ddnO!:receive", &look.now, &look.wall, &look.generation, &PyList_Type,
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

static PyObject *wait_(Polls *self, PyObject *args)
{
    long number;
    double now, wall;
    Slot *slot;
    if (!PyArg_ParseTuple(args, "ldd:wait", &number, &now, &wall) ||
        !(slot = slot_at(self, number)))
        return NULL;
    Py_CLEAR(slot->unread);
    slot->reported = 0;
    let_wait(slot, now, wall);
    if (slot->missed) {
        /* Has epoll report once more. */
        struct epoll_event event = watched(number);
        slot->missed = 0;
        if (epoll_ctl(self->epoll, EPOLL_CTL_MOD, slot->fd, &event))
            return PyErr_SetFromErrno(PyExc_OSError);
    }
    Py_RETURN_NONE;
}

/* ── answers ─────────────────────────────────────────────────────────────────────────────────── */

/* Whether the slot's poll waits for its answer. The next poll finds the events by its cursor. */
static int is_waiting(Polls *self, int number)
{
    return number >= 0 && number < self->size && self->all[number].fd >= 0 &&
           self->all[number].waiting;
}

/* Other threads may run Python meanwhile; none of them touches a slot. */
static int answer_each(Polls *self, const Py_buffer *numbers, const Py_buffer *data, int events,
                       double deadline, PyObject *unfinished)
{
    const int *number = numbers->buf, *end = number + numbers->len / (Py_ssize_t)sizeof(int);
    int failed = 0;
    PyThreadState *others = PyEval_SaveThread();
    for (; number < end && !failed; number++) {
        if (!is_waiting(self, *number))
            continue;
        Slot *slot = &self->all[*number];
        Py_ssize_t sent = -1;
        if (events <= slot->limit) {
            sent = send_now(slot->fd, data->buf, data->len);
            slot->waiting = 0;
            slot->deadline = deadline;
        }
        if (sent < data->len) {
            PyEval_RestoreThread(others);
            failed = append_unfinished(unfinished, *number, sent);
            others = PyEval_SaveThread();
        }
    }
    PyEval_RestoreThread(others);
    return failed;
}

static PyObject *answer(Polls *self, PyObject *args)
{
    Py_buffer numbers, data;
    int events;
    double deadline;
    if (!PyArg_ParseTuple(args, "y*y*id:answer", &numbers, &data, &events, &deadline))
        return NULL;
    PyObject *unfinished = PyList_New(0);
    if (unfinished != NULL && answer_each(self, &numbers, &data, events, deadline, unfinished))
        Py_CLEAR(unfinished);
    PyBuffer_Release(&data);
    PyBuffer_Release(&numbers);
    return unfinished;
}

static PyObject *waiting(Polls *self, PyObject *number)
{
    Slot *slot = slot_of(self, number);
    return slot == NULL ? NULL : PyBool_FromLong(slot->waiting);
}

static PyObject *deadline(Polls *self, PyObject *number)
{
    Slot *slot = slot_of(self, number);
    return slot == NULL ? NULL : PyFloat_FromDouble(slot->deadline);
}

static PyObject *fileno_(Polls *self, PyObject *Py_UNUSED(none))
{
    return PyLong_FromLong(self->epoll);
}

/* ── the type ────────────────────────────────────────────────────────────────────────────────── */

static PyObject *new_polls(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(more))
{
    Polls *self = (Polls *)type->tp_alloc(type, 0);
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

static void dealloc(Polls *self)
{
    for (int i = 0; i < self->size; i++)
        if (self->all[i].fd >= 0)
            free_slot(self, i);
    PyMem_Free(self->all);
    if (self->epoll >= 0)
        close(self->epoll);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef methods[] = {
    {"enter", (PyCFunction)enter, METH_VARARGS,
     "enter(fd, before, after, limit, timeout, expires_at, generation, deadline) -> number of the slot"},
    {"leave", (PyCFunction)leave, METH_O, "leave(number) -> (waiting, deadline, bytes not served)"},
    {"receive", (PyCFunction)receive, METH_VARARGS,
     "receive(now, wall, generation, newest cursors) -> (served, [(number, older cursor)], [others])"},
    {"wait", (PyCFunction)wait_, METH_VARARGS, "wait(number, now, wall): let its poll wait"},
    {"answer", (PyCFunction)answer, METH_VARARGS,
     "answer(numbers, data, events, deadline) -> [(number, bytes sent or -1)], where not all were"},
    {"waiting", (PyCFunction)waiting, METH_O, "waiting(number) -> whether its poll waits"},
    {"deadline", (PyCFunction)deadline, METH_O, "deadline(number) -> when the wait ends"},
    {"fileno", (PyCFunction)fileno_, METH_NOARGS, "fileno() -> readable when `receive` has work"},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject polls_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "web.native._polls.Polls",
    .tp_doc = "Connections that poll again and again.",
    .tp_basicsize = sizeof(Polls),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = new_polls,
    .tp_dealloc = (destructor)dealloc,
    .tp_methods = methods,
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "web.native._polls", "Connections that poll again and again.", 0, NULL,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__polls(void)
{
    if (PyType_Ready(&polls_type) < 0)
        return NULL;
    PyObject *made = PyModule_Create(&module);
    if (made != NULL && PyModule_AddObjectRef(made, "Polls", (PyObject *)&polls_type) < 0)
        Py_CLEAR(made);
    return made;
}
