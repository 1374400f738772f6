/* The same bytes to many sockets, without Python between one `send` and the next.
 *
 * Optional: built where there is a C compiler. web/hub/broadcast.py does the same by each
 * transport's own `write`.
 */
#include "_send.h"

/* The other threads run meanwhile. Connections belong to the loop, and the loop is here: so no
 * descriptor can be closed, and its number reused, before this ends. */
static int send_to_each(const int *fds, Py_ssize_t count, const Py_buffer *data, PyObject *unfinished)
{
    int failed = 0;
    PyThreadState *others = PyEval_SaveThread();
    for (Py_ssize_t i = 0; i < count && !failed; i++) {
        Py_ssize_t sent = send_now(fds[i], data->buf, data->len);
        if (sent < data->len) {
            PyEval_RestoreThread(others);
            failed = append_unfinished(unfinished, i, sent);
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
    Py_ssize_t count = fds.len / (Py_ssize_t)sizeof(int);
    PyObject *unfinished = PyList_New(0);
    if (unfinished != NULL && send_to_each(fds.buf, count, &data, unfinished))
        Py_CLEAR(unfinished);
    PyBuffer_Release(&data);
    PyBuffer_Release(&fds);
    return unfinished;
}

static PyMethodDef functions[] = {
    {"send_all", (PyCFunction)(void (*)(void))send_all, METH_FASTCALL,
     "send_all(fds: array of int, data: bytes) -> list of (index, bytes sent), where not all were"},
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
