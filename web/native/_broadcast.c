/* The same bytes to many sockets: what web/hub/herd.py does by `transport.write`, without Python
 * between one `send` and the next.
 *
 * Optional. Built where there is a C compiler; web/hub/herd.py has the same in Python.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <sys/socket.h>

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

/* Notes that of the connection at `index` only `sent` bytes were taken; -1 where memory is out. */
static int note(PyObject *rests, Py_ssize_t index, Py_ssize_t sent)
{
    PyObject *rest = Py_BuildValue("(nn)", index, sent);
    int failed = rest == NULL ? -1 : PyList_Append(rests, rest);
    Py_XDECREF(rest);
    return failed;
}

/* The other threads run meanwhile. None of them touches a connection: they are the loop's, and the
 * loop is here. So no descriptor can be closed, and its number be another's, before this ends. */
static int send_to_each(const int *fds, Py_ssize_t count, const Py_buffer *data, PyObject *rests)
{
    int failed = 0;
    PyThreadState *others = PyEval_SaveThread();
    for (Py_ssize_t i = 0; i < count && !failed; i++) {
        Py_ssize_t sent = taken(fds[i], data->buf, data->len);
        if (sent < data->len) {
            PyEval_RestoreThread(others);
            failed = note(rests, i, sent);
            others = PyEval_SaveThread();
        }
    }
    PyEval_RestoreThread(others);
    return failed;
}

static PyObject *send_all(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t given)
{
    Py_buffer fds, data;
    if (given != 2) {
        PyErr_SetString(PyExc_TypeError, "send_all(fds, data)");
        return NULL;
    }
    if (PyObject_GetBuffer(args[0], &fds, PyBUF_SIMPLE))
        return NULL;
    if (PyObject_GetBuffer(args[1], &data, PyBUF_SIMPLE)) {
        PyBuffer_Release(&fds);
        return NULL;
    }
    PyObject *rests = PyList_New(0);
    if (rests != NULL && send_to_each(fds.buf, fds.len / (Py_ssize_t)sizeof(int), &data, rests))
        Py_CLEAR(rests);
    PyBuffer_Release(&data);
    PyBuffer_Release(&fds);
    return rests;
}

static PyMethodDef functions[] = {
    {"send_all", (PyCFunction)(void (*)(void))send_all, METH_FASTCALL,
     "send_all(fds: array of int, data: bytes) -> list of (index, bytes taken), where not all was"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "web.native._broadcast", "The same bytes to many sockets.", 0, functions,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__broadcast(void)
{
    return PyModule_Create(&module);
}
