/* Sending bytes to sockets without waiting; shared by _broadcast.c and _polls.c. */
#ifndef PARLEY_SEND_H
#define PARLEY_SEND_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <sys/socket.h>

/* The number of bytes that the kernel takes now. An error counts as 0 bytes: the connection's
 * transport gets the rest, and finds the error by itself. */
static Py_ssize_t send_now(int fd, const char *data, Py_ssize_t size)
{
    ssize_t sent;
    do
        sent = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? 0 : sent;
}

/* Appends (number, sent) to the list of those that did not take all bytes; -1 without memory. */
static int append_unfinished(PyObject *unfinished, Py_ssize_t number, Py_ssize_t sent)
{
    PyObject *entry = Py_BuildValue("(nn)", number, sent);
    int failed = entry == NULL ? -1 : PyList_Append(unfinished, entry);
    Py_XDECREF(entry);
    return failed;
}

#endif
